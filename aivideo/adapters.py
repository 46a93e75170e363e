"""What `create_app` plugged in, for the current app: settings, catalogue, provider, storage. Built on first use."""

import threading
from typing import TYPE_CHECKING, Any, cast

from flask import current_app

from aivideo.config import Settings
from aivideo.core.catalogue import Catalogue
from aivideo.providers.base import Provider

if TYPE_CHECKING:
    from aivideo.storage import Storage

WITH_QUEUE = 1.4
"""A simulated job waits for its turn, too: all in all it takes so many times as long as it renders."""
_building = threading.RLock()


def settings() -> Settings:
    return cast(Settings, current_app.config["SETTINGS"])


def catalogue() -> Catalogue:
    return cast(Catalogue, current_app.extensions["catalogue"])


def provider() -> Provider:
    """The Videos API account that renders: the server of SORA_BASE_URL, or the simulator over the same client."""
    return cast(Provider, _once("provider", _build_provider))


def storage() -> "Storage":
    """Where finished videos, posters and pictures are kept."""
    return cast("Storage", _once("storage", _build_storage))


def _once(name: str, build: Any) -> Any:
    extensions = current_app.extensions
    if name not in extensions:
        with _building:
            if name not in extensions:
                extensions[name] = build(settings())
    return extensions[name]


def _build_provider(settings: Settings) -> Provider:
    from aivideo.providers.sora import SoraClient

    if not settings.simulated:
        return SoraClient(settings.videos_api_url, settings.openai_api_key)
    from aivideo.providers.simulator import SimulatorAdapter, create_simulator

    folder, seconds = settings.data_dir / "simulator", settings.mock_sora_seconds * WITH_QUEUE
    simulator = create_simulator(folder, render_seconds=seconds, catalogue=catalogue())
    return SoraClient("http://simulator.invalid/v1", "", name="simulator", adapter=SimulatorAdapter(simulator))


def _build_storage(settings: Settings) -> "Storage":
    from aivideo import storage

    return storage.from_settings(settings)
