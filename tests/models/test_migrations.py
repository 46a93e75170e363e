"""The migrations lead to the tables that the models describe, on both databases, and back."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from marks import on_both_databases
from sqlalchemy import CheckConstraint, UniqueConstraint, inspect

from aivideo.extensions import bind_migrations, db


@on_both_databases
def test_the_migrations_make_the_tables_of_the_models(app):
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": False})
        assert compare_metadata(context, db.metadata) == []


@on_both_databases
def test_the_migrations_can_be_undone_and_done_again(app):
    bind_migrations(app)
    downgrade(revision="base")
    assert set(inspect(db.engine).get_table_names()) == {"alembic_version"}
    upgrade()
    assert set(inspect(db.engine).get_table_names()) == {"alembic_version", *db.metadata.tables}


@on_both_databases
def test_every_constraint_of_the_models_is_in_the_database(app):
    """The comparison above does not look at checks and unique constraints of SQLite."""
    inspector = inspect(db.engine)
    for table in db.metadata.tables.values():
        found = {check["name"] for check in inspector.get_check_constraints(table.name)}
        found |= {unique["name"] for unique in inspector.get_unique_constraints(table.name)}
        wanted = {str(one.name) for one in table.constraints if isinstance(one, CheckConstraint | UniqueConstraint)}
        assert wanted <= found, table.name
