"""Run by Alembic for every command. The caller owns the connection and its transaction; logging is left alone."""

from alembic import context

from medassist.store import account_tables, study_tables  # noqa: F401 - for the metadata
from medassist.store.tables import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True
)
with context.begin_transaction():
    context.run_migrations()
