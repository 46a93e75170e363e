"""The live streams: a video's log as HTML and as JSON, and the state of all of a user's videos."""

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

from flask import Blueprint, Flask, Response, current_app, request

from aivideo import stream
from aivideo.adapters import settings
from aivideo.models import Video
from aivideo.services import videos
from aivideo.stream import replay
from aivideo.stream.detached import DetachedViewer, HandedOver, can_detach
from aivideo.stream.replay import Blocks
from aivideo.stream.sockets import shut
from aivideo.stream.viewer import KERNEL_BUFFER_BYTES, Audience, QueueViewer, Viewer
from aivideo.transaction import release
from aivideo.web import access, audiences, sse

log = logging.getLogger(__name__)
bp = Blueprint("stream", __name__)
PEER_GONE_MILLISECONDS = 30_000
AUDIENCES = "stream_audiences"


@bp.get("/api/v1/videos/<int:video_id>/stream")
def json_log(video_id: int) -> Response:
    user = access.api_user()
    video, after = video_and_position(user.id, video_id)
    if video.ended and after == video.seq:
        return Response(status=204)  # an EventSource stops for good
    return _log(_audience("json"), user.id, video, after)


@bp.get("/videos/<int:video_id>/stream")
def html_log(video_id: int) -> Response:
    user = access.api_user()  # a stream cannot be sent to the sign-in page: 401
    video, after = video_and_position(user.id, video_id)
    return _log(_audience("html"), user.id, video, after)


@bp.get("/stream")
def states() -> Response:
    user_id = access.api_user().id
    cursor, since = cursor_and_moment(request.headers.get("Last-Event-ID") or request.args.get("since"))
    return _hold(
        _audience("state"), user_id, lambda hub, viewer: replay.states(hub, viewer, sse.opening(cursor), since)
    )


def video_and_position(user_id: int, video_id: int) -> tuple[Video, int]:
    """A video of this user, and the number of the last line that the viewer has; 0 where it cannot have it.

    Raises:
        NotFound.
    """
    video = videos.get(user_id, video_id)
    after = sse.position(request.headers.get("Last-Event-ID"), request.args.get("after"))
    return video, after if after <= video.seq else 0


def _log(audience: Audience, user_id: int, video: Video, after: int) -> Response:
    video_id, last = video.id, video.seq
    opening = sse.opening(after)
    if audience.name == "json" and "after" not in request.args:
        # Its client has a cursor already, or needs none; and to some clients a block of an id alone is an event.
        opening = sse.comment("ok")
    if video.ended:
        release()
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        return _response(_Stream(audience, replay.ended_log(app, audience, opening, video_id, after)))
    return _hold(audience, user_id, lambda hub, viewer: replay.log(hub, viewer, opening, video_id, last, after))


def _hold(audience: Audience, user_id: int, blocks: Callable[[stream.Hub, Viewer], Blocks]) -> Response:
    """Answer with a stream that stays open; the database connection goes back before the first wait."""
    credential = access.credential()
    release()
    if request.method == "HEAD":
        return _response([])
    hub, connection = stream.hub(), own_socket()
    viewer = _viewer(hub, audience, user_id, connection)
    viewer.credential = credential
    if not hub.admit(viewer):
        return _response([sse.busy()])

    def leave() -> None:
        if viewer.detached:
            return
        hub.leave(viewer)
        if hub.draining:  # else the server would wait for another request on this connection
            shut(connection, socket.SHUT_RD)

    return _response(_Stream(audience, blocks(hub, viewer), leave))


class _Stream:
    """The body of an answer. `close` is called by the server in any case, also where it never began to write."""

    def __init__(self, audience: Audience, blocks: Blocks, leave: Callable[[], None] = lambda: None) -> None:
        self._audience = audience
        self._blocks = blocks
        self._leave = leave

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from filter(None, self._blocks)  # an empty chunk would end the answer
        except HandedOver:
            raise
        except Exception:  # the headers are sent: all we can say is that it should come back
            log.exception("a stream broke")
            yield self._audience.drain()
        finally:
            self._leave()  # Werkzeug's server does not close an answer whose client has reset the connection

    def close(self) -> None:
        self._blocks.close()
        self._leave()


def _viewer(hub: stream.Hub, audience: Audience, user_id: int, connection: socket.socket | None) -> Viewer:
    """Held as STREAM_HOLD says; where a connection cannot be taken over, by its own greenlet or thread."""
    hold = settings().stream_hold
    if hold != "generator" and can_detach(request.environ, any_version=hold == "detached"):
        return DetachedViewer(audience, user_id, request.environ, hub.sockets)
    return QueueViewer(audience, user_id, cut=partial(shut, connection, socket.SHUT_RDWR))


def _response(body: Any) -> Response:
    return Response(body, content_type=sse.CONTENT_TYPE, headers=sse.HEADERS)


def _audience(name: str) -> Audience:
    """The one of its name in this app: viewers who share it share the encoded bytes."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    if AUDIENCES not in app.extensions:
        found = (audiences.Json(), audiences.Html(app), audiences.State(app))
        app.extensions[AUDIENCES] = {audience.name: audience for audience in found}
    audience: Audience = app.extensions[AUDIENCES][name]
    return audience


def cursor_and_moment(cursor: str | None) -> tuple[int, datetime | None]:
    """A state stream's cursor, milliseconds or ISO 8601, as both; where there is none, now and None."""
    now = datetime.now(UTC)
    moment = None
    with suppress(ValueError, OverflowError, OSError):
        if cursor and cursor.isascii() and cursor.isdigit():
            moment = datetime.fromtimestamp(int(cursor) / 1000, UTC)
        elif cursor:
            moment = datetime.fromisoformat(cursor.replace(" ", "+"))  # a plus sign that was not quoted
    if moment is None or moment.tzinfo is None:
        return replay.milliseconds(now), None
    moment = min(moment, now)  # the clock of whoever wrote it may be ahead of ours
    return replay.milliseconds(moment), moment


def own_socket() -> socket.socket | None:
    """The connection of this request, where the server tells; what it may cost is limited, in memory and in time."""
    environ = request.environ
    connection: socket.socket | None = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            with suppress(OSError):  # a Unix socket has no such option, and no vanished peers
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, PEER_GONE_MILLISECONDS)
    return connection
