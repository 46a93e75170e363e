"""The RQ worker process: `python worker.py`."""

import logging
import sys

from aivideo import config
from aivideo.app import create_app
from aivideo.core.catalogue import CatalogueError


def main() -> None:
    try:
        settings = config.load()
        warnings = config.require_deployable(settings)
        app = create_app(threads=settings.worker_concurrency + 4)
    except (config.ConfigError, CatalogueError) as error:
        sys.exit(f"aivideo: {error}")
    for warning in warnings:
        logging.getLogger("aivideo").warning(warning)
    from aivideo.jobs import worker

    worker.run(app, settings.worker_concurrency)


if __name__ == "__main__":
    main()
