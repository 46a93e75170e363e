"""HTTP clients in a process of their own: `python -m bench.clients < plan.json`, answers in JSON.

The plan: `{"targets": [{"port": …, "path": …, "key": true}, …], "clients": [{header: value}, …], "body": …,
"rounds": …, "seconds": …}`. In each round all clients turn to one target after the other for so many seconds, each
sending one request after the other over its own connection, opened for that turn; so whatever else the machine does
falls on all alike. The answer: `[[[seconds, …] of each round] of each target]`.

One loop over plain sockets: clients that cost as much as the server would only measure themselves.
"""

import json
import selectors
import socket
import sys
import time
import uuid
from typing import Any

STATUS = b"HTTP/1.1 202"
SETTLE_SECONDS = 10.0


class Refused(Exception):
    """A target answered something else than 202."""


class Client:
    """One connection to one target, with at most one request under way."""

    def __init__(self, target: dict[str, Any], headers: dict[str, str], body: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", target["port"]), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        named = {"Host": "127.0.0.1", "Content-Type": "application/json", "Content-Length": len(body), **headers}
        lines = [f"POST {target['path']} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
        self.head = "\r\n".join(lines).encode()
        self.body = b"\r\n\r\n" + body
        self.key = bool(target.get("key"))
        self.answer = b""
        self.began = 0.0

    def send(self) -> None:
        key = b"\r\nIdempotency-Key: " + uuid.uuid4().hex.encode() if self.key else b""
        self.began = time.perf_counter()
        self.socket.sendall(self.head + key + self.body)

    def receive(self) -> bool:
        """Read what is there; true once the answer is whole."""
        self.answer += self.socket.recv(65536)
        head, end, body = self.answer.partition(b"\r\n\r\n")
        if not end:
            if self.answer:
                return False
            raise Refused("the connection was closed")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return False
        if not self.answer.startswith(STATUS):
            raise Refused(self.answer[:600].decode(errors="replace"))
        self.answer = b""
        return True


def run(plan: dict[str, Any]) -> list[list[list[float]]]:
    body = json.dumps(plan["body"]).encode()
    took: list[list[list[float]]] = [[] for _ in plan["targets"]]
    for _ in range(plan["rounds"]):
        for rounds, target in zip(took, plan["targets"], strict=True):
            crew = [Client(target, headers, body) for headers in plan["clients"]]
            rounds.append(_turn(crew, plan["seconds"]))
            for client in crew:
                client.socket.close()
    return took


def _turn(crew: list[Client], seconds: float) -> list[float]:
    took: list[float] = []
    busy = len(crew)
    until = time.perf_counter() + seconds
    with selectors.DefaultSelector() as selector:
        for client in crew:
            selector.register(client.socket, selectors.EVENT_READ, client)
            client.send()
        while busy:
            ready = selector.select(SETTLE_SECONDS)
            if not ready:
                raise Refused("no answer")
            for key, _ in ready:
                client = key.data
                if not client.receive():
                    continue
                now = time.perf_counter()
                took.append(now - client.began)
                if now < until:
                    client.send()
                else:
                    busy -= 1
    return took


def main() -> int:
    try:
        json.dump(run(json.load(sys.stdin)), sys.stdout)
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
