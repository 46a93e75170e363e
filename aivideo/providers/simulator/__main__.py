"""`python -m aivideo.providers.simulator`: the simulator alone, on a port."""

import argparse
import logging
import signal
import sys
import tempfile
import threading
from pathlib import Path

from aivideo.core.catalogue import CatalogueError, load
from aivideo.providers.simulator.app import Simulator, create_simulator
from aivideo.providers.simulator.server import SimulatorServer


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT, or make one clip; returns the exit code."""
    options = _parser().parse_args(arguments)
    if options.make_clip:
        from aivideo.providers.simulator import drawing

        drawing.draw(options.make_clip, options.prompt, size=options.size, seconds=options.clip_seconds)
        return 0
    if options.verbose:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        catalogue = load(options.catalogue) if options.catalogue else None
        if options.clip and not options.clip.is_file():
            raise FileNotFoundError(f"{options.clip}: no such file")
        with tempfile.TemporaryDirectory(prefix="simulator-") as passing:
            simulator = create_simulator(
                options.folder or Path(passing),
                render_seconds=options.seconds,
                clip=options.clip,
                key=options.key,
                catalogue=catalogue,
            )
            _serve(_listen(simulator, options.host, options.port))
            simulator.close()
    except (OSError, CatalogueError) as error:
        print(f"simulator: {error}", file=sys.stderr)  # noqa: T201 - a command line
        return 1
    return 0


def _listen(simulator: Simulator, host: str, port: int) -> SimulatorServer:
    try:
        return SimulatorServer(simulator, host, port)
    except OSError as error:
        raise OSError(f"cannot listen on {host}:{port} ({error.strerror})") from None


def _serve(server: SimulatorServer) -> None:
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    # Waiting in the main thread, where signals arrive, while another takes the connections.
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    serving.start()
    print(f"Simulator ready at {server.address}/v1", flush=True)  # noqa: T201 - a command line
    stopped.wait()
    server.shutdown()
    server.server_close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m aivideo.providers.simulator",
        description="A server that speaks the OpenAI Videos API, draws its own clips and costs nothing.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000, help="0: any free one (default 9000)")
    parser.add_argument("--folder", type=Path, help="where jobs and clips are kept (default: until it stops)")
    parser.add_argument("--seconds", type=float, default=8, help="how long a job takes (default 8)")
    parser.add_argument("--clip", type=Path, help="serve this MP4 for every job instead of drawing")
    parser.add_argument("--key", help="the API key that callers must send")
    parser.add_argument("--catalogue", type=Path, help="TOML file of the models, sizes and seconds on sale")
    parser.add_argument("--verbose", action="store_true", help="log each request and each clip drawn")
    making = parser.add_argument_group("to make one clip and stop")
    making.add_argument("--make-clip", type=Path, metavar="FILE")
    making.add_argument("--size", default="1280x720")
    making.add_argument("--clip-seconds", type=float, default=8)
    making.add_argument("--prompt", default="A ready-made clip")
    return parser


if __name__ == "__main__":
    sys.exit(main())
