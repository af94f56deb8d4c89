"""Alembic runs this file; `builder.store.upgrade` gives it the connection, inside a transaction."""

from alembic import context

from builder.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
