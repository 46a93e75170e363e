"""The second transport: both live streams over a WebSocket, and commands. docs/websocket.md is its description."""

import logging
import socket
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from flask import Blueprint, Flask, Response, current_app, request
from flask.typing import ResponseReturnValue
from simple_websocket import ConnectionClosed
from werkzeug.exceptions import BadRequest, Forbidden
from werkzeug.exceptions import NotImplemented as NoWebSockets

from aivideo import stream
from aivideo.core.errors import NotFound
from aivideo.models import User
from aivideo.stream import replay
from aivideo.stream.replay import Blocks
from aivideo.stream.sockets import shut
from aivideo.stream.viewer import Credential, QueueViewer
from aivideo.transaction import release
from aivideo.web import access, errors
from aivideo.web import stream as sse_streams
from aivideo.web import websocket_connection as connection
from aivideo.web.audiences import Html, State
from aivideo.web.routing import LARGEST_ID
from aivideo.web.websocket_commands import Commands
from aivideo.web.websocket_connection import Connection
from aivideo.web.websocket_messages import Events, Fragments, States, said

log = logging.getLogger(__name__)
bp = Blueprint("websocket", __name__)
AUDIENCES = "websocket_audiences"
FORMATS = ("html", "json")


class _Wanted(NamedTuple):
    """What to tell a viewer, and how; `hub` is None where nothing is live any more."""

    audience: Events
    hub: stream.Hub | None
    blocks: Callable[[QueueViewer], Blocks]


@bp.get("/ws")
def explain() -> ResponseReturnValue:
    """What a browser's address bar, or a proxy that passes no upgrade on, gets."""
    detail = "This address speaks WebSocket: ask with `Upgrade: websocket`, and let proxies pass it on."
    return errors.answer(426, detail, headers={"Upgrade": "websocket"})


@bp.route("/ws", websocket=True)
def ws() -> Response:
    """Whatever is wrong is answered before the upgrade, with a status."""
    user_id = _user().id
    wanted = _log(user_id) if "video" in request.args else _states(user_id)
    credential = access.credential()
    release()
    _serve(wanted, user_id, credential)
    return Response(connection.no_answer())


def _user() -> User:
    """By API token, or by session where the page that connects is one of ours: to a WebSocket a browser sends cookies
    from any page.
    """
    user = access.api_user()
    ours = f"{'https' if request.is_secure else 'http'}://{request.host}"
    if not access.has_token() and request.headers.get("Origin") != ours:
        raise Forbidden("Only pages of this site may connect with a session. Programs use an API token.")
    return user


def _log(user_id: int) -> _Wanted:
    number = request.args["video"]
    if not (number.isascii() and number.isdigit() and int(number[:20]) <= LARGEST_ID):
        raise NotFound("video")
    video, after = sse_streams.video_and_position(user_id, int(number))
    video_id, last = video.id, video.seq
    audience = _audience("events", "log")
    opening = audience.position(after)
    if video.ended:
        return _Wanted(audience, None, lambda _: replay.ended_log(_app(), audience, opening, video_id, after))
    hub = stream.hub()
    return _Wanted(audience, hub, lambda viewer: replay.log(hub, viewer, opening, video_id, last, after))


def _states(user_id: int) -> _Wanted:
    cursor, since = sse_streams.cursor_and_moment(request.args.get("since"))
    audience, hub = _audience("states", "cards"), stream.hub()
    return _Wanted(audience, hub, lambda viewer: replay.states(hub, viewer, audience.position(cursor), since))


def _audience(for_programs: str, for_pages: str) -> Events:
    """The one of this app: viewers who share it share the frames."""
    form = request.args.get("format") or ("json" if access.has_token() else "html")
    if form not in FORMATS:
        raise BadRequest(f"`format` is one of: {', '.join(FORMATS)}.")
    app = _app()
    if AUDIENCES not in app.extensions:
        app.extensions[AUDIENCES] = {
            "events": Events(),
            "states": States(),
            "log": Fragments(Html(app)),
            "cards": Fragments(State(app)),
        }
    found: Events = app.extensions[AUDIENCES][for_programs if form == "json" else for_pages]
    return found


def _serve(wanted: _Wanted, user_id: int, credential: Credential) -> None:
    """Upgrade, and stay until either side closes."""
    audience, hub = wanted.audience, wanted.hub
    wire = sse_streams.own_socket()
    if wire is None:
        raise NoWebSockets("This server cannot upgrade connections. Use the stream of Server-Sent Events.")
    viewer = QueueViewer(audience, user_id, cut=partial(shut, wire, socket.SHUT_RDWR))
    viewer.credential = credential
    commands = Commands(_app(), request.environ)
    try:
        client = Connection(request.environ, lambda text: said(commands.answer(text)), viewer.end)
    except connection.NOT_UPGRADED as error:
        raise BadRequest(f"This is no handshake of a WebSocket: {error}.") from None
    except OSError as gone:
        log.debug("nobody waited for a WebSocket: %s", gone)
        return
    reason = connection.INTERNAL_ERROR
    try:
        if hub is None or hub.admit(viewer):
            reason = _tell(client, wanted.blocks(viewer), audience)
        else:
            client.write(audience.busy())
            reason = connection.TRY_LATER
    except (ConnectionClosed, OSError) as gone:
        log.debug("a WebSocket ended: %s", gone)
    except Exception:
        log.exception("a WebSocket broke")
    finally:
        if hub is not None:
            hub.leave(viewer)
        client.finish(reason)


def _tell(client: Connection, blocks: Blocks, audience: Events) -> int:
    """Write until there is no more; returns why that is, as the code of a close."""
    last = b""
    try:
        for block in filter(None, blocks):
            client.write(block)
            last = block
    finally:
        blocks.close()
    return connection.NORMAL if last.endswith(audience.over()) else connection.RESTART


def _app() -> Flask:
    return current_app._get_current_object()  # type: ignore[attr-defined,no-any-return]
