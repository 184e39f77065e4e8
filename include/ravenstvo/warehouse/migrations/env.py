"""Run the migrations on the connection that ``ravenstvo.warehouse.migrate`` hands over."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=None,
    version_table="schema_version",
    version_table_schema="ops",
)
context.run_migrations()
