"""create_app: settings → logs → extensions → adapters → web → command line."""

from collections.abc import Mapping
from typing import Any

from flask import Flask

from aivideo import config, logs, sign_in
from aivideo.config import ROOT, Settings
from aivideo.core import catalogue
from aivideo.doorbell import Doorbell
from aivideo.extensions import db, engine_options, tune_sqlite


def create_app(overrides: Mapping[str, Any] | None = None, *, threads: int = 8) -> Flask:
    """Build the application.

    `overrides` are settings by name (`{"DATA_DIR": …}`); given, neither the environment nor `.env` is read. `threads`
    is how many callers of this process want a database connection at once.

    Raises:
        config.ConfigError, catalogue.CatalogueError: one line for the operator.
    """
    settings = config.load(overrides)
    logs.configure(settings.log_level)
    secret_key = _prepared(settings)

    app = Flask(
        "aivideo",
        root_path=str(ROOT),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
    )
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=secret_key,
        SQLALCHEMY_DATABASE_URI=settings.sqlalchemy_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.sqlalchemy_url, threads),
    )
    app.extensions["catalogue"] = _catalogue(settings)
    app.extensions["doorbell"] = Doorbell(settings.redis_address)

    db.init_app(app)
    tune_sqlite(app)

    sign_in.init_app(app)
    from aivideo import cli, models, web  # noqa: F401  (models: every table is known before the first query)

    web.init_app(app)
    cli.init_app(app)
    return app


def _prepared(settings: Settings) -> str:
    """Make DATA_DIR; returns the secret key, which is kept there where none is set."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        return config.secret_key(settings)
    except OSError as error:
        line = f"DATA_DIR is {str(settings.data_dir)!r}: allowed is a folder to write to ({error.strerror})"
        raise config.ConfigError(line) from None


def _catalogue(settings: Settings) -> catalogue.Catalogue:
    loaded = catalogue.load(settings.catalogue_file)
    config.require_plan(settings.signup_plan, loaded.plans)
    return loaded if settings.simulated else loaded.at(settings.videos_api_url)
