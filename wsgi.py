"""The WSGI application: `gunicorn wsgi:app`, `flask --app wsgi …`."""

import sys

from aivideo.app import create_app
from aivideo.config import ConfigError
from aivideo.core.catalogue import CatalogueError

try:
    app = create_app()
except (ConfigError, CatalogueError) as error:
    sys.exit(f"aivideo: {error}")
