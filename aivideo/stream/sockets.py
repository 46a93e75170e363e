"""End a connection that another thread or greenlet reads from or writes to."""

import os
import socket
from contextlib import suppress


def shut(connection: socket.socket | None, how: int) -> None:
    """Shut a connection down (`socket.SHUT_RD`, `SHUT_RDWR`): whoever waits for it finds it at its end.

    Through a descriptor of our own: gevent's `shutdown` makes a waiting greenlet fail as if the file were closed.
    """
    with suppress(OSError):
        if connection is not None and connection.fileno() >= 0:
            with socket.socket(fileno=os.dup(connection.fileno())) as same:
                same.shutdown(how)
