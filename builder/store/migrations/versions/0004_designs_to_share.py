"""Designs in the bin, and the links by which others open a copy of one."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("draft", sa.Column("binned", sa.Float(), nullable=True))
    op.create_table(
        "share",
        sa.Column("draft", sa.String(length=12), nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("owner", sa.String(length=120), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["draft"], ["draft.id"], name=op.f("fk_share_draft_draft"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("draft", name=op.f("pk_share")),
    )
    op.create_index(op.f("ix_share_token"), "share", ["token"], unique=True)
