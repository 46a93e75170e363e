"""Alembic, on the application's own engine."""

from alembic import context
from flask import current_app

database = current_app.extensions["migrate"].db
configure = {**current_app.extensions["migrate"].configure_args, "target_metadata": database.metadata}


def user_types(kind, item, _autogen):
    """Write our own column type as the plain one it stands for, so that migrations do not depend on today's code."""
    if kind == "type" and type(item).__name__ == "UtcDateTime":
        return "sa.DateTime(timezone=True)"
    return False


def skip_empty(_context, _revision, directives):
    if getattr(context.config.cmd_opts, "autogenerate", False) and directives[0].upgrade_ops.is_empty():
        directives[:] = []


if context.is_offline_mode():
    context.configure(url=str(database.engine.url), literal_binds=True, **configure)
    with context.begin_transaction():
        context.run_migrations()
else:
    with database.engine.connect() as connection:
        context.configure(
            connection=connection,
            render_item=user_types,
            **{**configure, "process_revision_directives": skip_empty},
        )
        with context.begin_transaction():
            context.run_migrations()
