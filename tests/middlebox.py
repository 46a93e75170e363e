"""Something between a browser and the server that holds streams back, as some company networks do."""

import re
import socket
import struct
import threading
from contextlib import suppress
from urllib.parse import urlsplit

STREAM = re.compile(rb"GET (/videos/\d+)?/stream[ ?]")


class Middlebox:
    """Passes everything on but what it swallows: it takes a request for a stream and never answers.

    `swallowed` are the addresses; `upgrades` is whether WebSockets pass.
    """

    def __init__(self, server: str) -> None:
        parts = urlsplit(server)
        self._server = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.swallows = self.upgrades = True
        self.swallowed: list[str] = []
        self._open: list[socket.socket] = []
        self._upgraded: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def cut(self) -> None:
        """Break off every WebSocket."""
        while self._upgraded:
            connection = self._upgraded.pop()
            with suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> "Middlebox":
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for connection in [self._listener, *self._open]:
            connection.close()

    def _start(self, target: object, *arguments: object) -> None:
        self._threads.append(threading.Thread(target=target, args=arguments))
        self._threads[-1].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        """One request to a connection, so that each is seen."""
        request = b""
        with suppress(OSError):
            while b"\r\n\r\n" not in request:
                piece = client.recv(65536)
                if not piece:
                    return
                request += piece
            upgrade = b"\r\nupgrade: websocket" in request.lower()
            if STREAM.match(request) and self.swallows:
                self.swallowed.append(request.split()[1].decode())
                return
            if upgrade and not self.upgrades:
                client.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                client.shutdown(socket.SHUT_RDWR)
                return
            server = socket.create_connection(self._server)
            self._open.append(server)
            if upgrade:
                self._upgraded += [client, server]
            else:
                request = re.sub(rb"(?i)\r\nconnection: [^\r]+", b"\r\nConnection: close", request, count=1)
            server.sendall(request)
            self._start(_pass_on, server, client)
            _pass_on(client, server)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
