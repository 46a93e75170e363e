"""The one Redis connection for Pub/Sub of a process: what to listen to, and what came in."""

import fcntl
import logging
import socket
import sys
import termios
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import hiredis
import orjson

from aivideo.doorbell import AWAY, CONNECT_SECONDS
from aivideo.stream.ears import listen_to

if TYPE_CHECKING:
    from aivideo.stream.hub import Hub

log = logging.getLogger(__name__)
QUIET_SECONDS = 5.0
"""After so long without a word Redis is asked whether it is there; after as long again it is taken to be away."""
PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0)
"""Before the tries to connect again; the last one over and over."""
NAMES_AT_A_TIME = 1000
BYTES_AT_A_TIME = 256 * 1024
READS_AT_A_TIME = 16
"""While much comes it is read on, so that what is for one viewer is joined; but the first should not wait long."""
MUCH = 16 * 1024
MESSAGES_AT_A_TIME = 32
"""Of one channel. A viewer that does not read has as much waiting at least."""


class Subscription(threading.Thread):
    """Keeps the connection, in a thread that is the only one to touch it.

    The hub wishes (`Hub.take_wishes`) and calls `wake`; it is told what was `confirmed`, `arrived`, `lost` and `found`.
    """

    def __init__(self, hub: "Hub", url: str) -> None:
        super().__init__(name="stream-subscription", daemon=True)
        self._hub = hub
        self._url = url
        self._ear, self._mouth = socket.socketpair()
        for end in (self._ear, self._mouth):
            end.setblocking(False)
        self._stopping = threading.Event()
        self._buffer = bytearray(BYTES_AT_A_TIME)
        self._asked: set[str] = set()
        self._unconfirmed: set[str] = set()

    def wake(self) -> None:
        """Make the thread look at the wishes; cheap, from any thread."""
        try:
            self._mouth.send(b"!")
        except BlockingIOError:
            return  # it has enough reasons to wake up
        except OSError:
            if not self._stopping.is_set():
                raise

    def stop(self) -> None:
        self._stopping.set()
        self.wake()

    def run(self) -> None:
        tries = 0
        while not self._stopping.is_set():
            connected_at = time.monotonic()
            try:
                self._listen()
            except AWAY as error:
                self._hub.lost(str(error))
            except Exception as error:  # whatever Redis answers, the database goes on telling the viewers
                log.exception("the subscription to Redis broke")
                self._hub.lost(str(error))
            tries = 0 if time.monotonic() - connected_at > QUIET_SECONDS else tries + 1
            self._stopping.wait(PAUSES[min(tries, len(PAUSES) - 1)])
        self._ear.close()
        self._mouth.close()

    def _listen(self) -> None:
        connection = _connect(self._url)
        wire, reader = connection._get_socket(), hiredis.Reader()
        decrypted = getattr(wire, "pending", lambda: 0)
        self._asked, self._unconfirmed = set(), set()
        self._hub.forget_subscriptions()
        try:
            with closing(listen_to(QUIET_SECONDS, wire, self._ear)) as ears:
                self._follow_wishes(connection)
                self._report_found()
                asked = False
                while not self._stopping.is_set():
                    ready = ears.wait()
                    if self._ear in ready:
                        _empty(self._ear)
                        self._follow_wishes(connection)
                    if wire in ready:
                        asked = False
                        self._take(self._read_on(wire, reader))
                        while decrypted():  # no selector tells of it
                            self._take(self._read_on(wire, reader))
                    elif not ready:
                        if asked:
                            raise TimeoutError("Redis does not answer")
                        asked = True
                        connection.send_command("PING")
        finally:
            connection.disconnect()

    def _read_on(self, wire: Any, reader: hiredis.Reader) -> Iterator[Any]:
        """The answers that have arrived, at least a byte of one; where that is much, also those that follow."""
        for _ in range(READS_AT_A_TIME):
            length = wire.recv_into(self._buffer)  # a new buffer of this size would cost more than all else here
            if not length:
                raise ConnectionError("Redis closed the connection")
            reader.feed(self._buffer, 0, length)  # type: ignore[arg-type]  # any buffer will do
            yield from _answers(reader)
            if length < MUCH or not _unread(wire):
                return

    def _follow_wishes(self, connection: Any) -> None:
        """Subscribe to what is new, unsubscribe from what nobody wants; all of it in one write."""
        new, gone = self._hub.take_wishes()
        self._hub.confirmed((new & self._asked) - self._unconfirmed)
        new -= self._asked
        gone &= self._asked
        commands = [
            (verb, *some) for verb, names in (("UNSUBSCRIBE", gone), ("SUBSCRIBE", new)) for some in _slices(names)
        ]
        if commands:
            connection.send_packed_command(connection.pack_commands(commands))
        self._asked = (self._asked - gone) | new
        self._unconfirmed = (self._unconfirmed - gone) | new

    def _take(self, answers: Iterable[Any]) -> None:
        """Sort what one read brought: messages go to the hub by channel, so that each viewer is written to once."""
        confirmed: set[str] = set()
        arrived: dict[str, list[Any]] = {}
        for answer in answers:
            if not isinstance(answer, list) or len(answer) != 3:
                continue
            kind, name, content = answer
            if kind == b"message":
                some = arrived.setdefault(name.decode(), [])
                some.append(_parse(content))
                if len(some) == MESSAGES_AT_A_TIME:
                    self._hub.arrived(arrived)
                    arrived = {}
            elif kind == b"subscribe":
                confirmed.add(name.decode())
        self._hub.arrived(arrived)
        if confirmed:
            self._unconfirmed -= confirmed
            self._hub.confirmed(confirmed)
            self._report_found()

    def _report_found(self) -> None:
        if not self._unconfirmed:
            self._hub.found()


def _connect(url: str) -> Any:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    pool = redis.ConnectionPool.from_url(
        url,
        protocol=2,  # every answer is a plain list
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=QUIET_SECONDS,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )
    connection: Any = pool.make_connection()
    connection.connect()
    return connection


def _answers(reader: hiredis.Reader) -> Iterator[Any]:
    """Every answer that is complete now.

    Raises:
        ConnectionError: Redis refused a command.
    """
    while (answer := reader.gets()) is not False:
        if isinstance(answer, hiredis.ReplyError):
            raise ConnectionError(str(answer))
        yield answer


def _unread(wire: Any) -> int:
    """How many bytes have arrived that were not read."""
    return int.from_bytes(fcntl.ioctl(wire, termios.FIONREAD, bytes(4)), sys.byteorder)


def _parse(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except ValueError:
        return None  # not one of ours: the channel does not take it


def _empty(ear: socket.socket) -> None:
    try:
        while ear.recv(4096):
            pass
    except BlockingIOError:
        return


def _slices(names: set[str]) -> Iterable[list[str]]:
    ordered = sorted(names)
    return (ordered[start : start + NAMES_AT_A_TIME] for start in range(0, len(ordered), NAMES_AT_A_TIME))
