"""What people say about their runs, where a run comes from, and which checkpoint is the best."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # Columns are added in place: a table made anew would take the rows of others with it.
    op.add_column("run", sa.Column("tags", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("run", sa.Column("notes", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column("run", sa.Column("binned", sa.Float(), nullable=True))
    op.add_column("run", sa.Column("parent", sa.String(length=12), nullable=True))
    op.add_column("run", sa.Column("parent_step", sa.BigInteger(), nullable=True))
    op.add_column("run", sa.Column("queued", sa.Float(), nullable=True))
    op.execute("UPDATE run SET queued = created")
    op.add_column("run", sa.Column("rate", sa.Float(), nullable=True))
    op.add_column("run", sa.Column("memory", sa.BigInteger(), nullable=True))
    op.add_column("checkpoint", sa.Column("epoch", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("checkpoint", sa.Column("score", sa.Float(), nullable=True))
    op.add_column("site", sa.Column("engine_slots", sa.Integer(), nullable=True))
