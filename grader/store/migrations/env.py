"""Run by Alembic, which finds this file by its name, on the connection that it was given."""

from alembic import context

from grader.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
