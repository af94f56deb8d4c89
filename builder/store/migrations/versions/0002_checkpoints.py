"""Checkpoints: moments from which a run can go on."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "checkpoint",
        sa.Column("run", sa.String(length=12), nullable=False),
        sa.Column("step", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.String(length=120), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("fk_checkpoint_run_run"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "step", name=op.f("pk_checkpoint")),
    )
