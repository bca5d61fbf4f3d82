"""Alembic's entry: runs migrations on the connection that database.migrate hands over."""

from alembic import context

from registry.storage.tables import metadata

with context.config.attributes["connection"].begin_nested() as _:
    context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()
