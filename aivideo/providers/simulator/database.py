"""The simulator's file database: jobs and told faults, shared by any number of threads and processes."""

import fcntl
import os
import sqlite3
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TABLES = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    prompt TEXT NOT NULL,
    model TEXT NOT NULL,
    size TEXT NOT NULL,
    seconds INTEGER NOT NULL,
    created_at REAL NOT NULL,
    render_seconds REAL NOT NULL,
    seed TEXT NOT NULL,
    picture TEXT,
    remixed_from TEXT,
    extended_from TEXT,
    drawn_at REAL,
    failed_after REAL,
    error_code TEXT,
    error_message TEXT,
    gone TEXT
);
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    operation TEXT NOT NULL,
    count INTEGER,
    probability REAL,
    match TEXT,
    arguments TEXT NOT NULL
);
"""


class Database:
    """`simulator.db` in `folder`, made if missing. Connections are pooled, so a poll costs no opening of files."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "simulator.db"
        self._idle: list[sqlite3.Connection] = []
        self._process = os.getpid()
        self._finalizer = weakref.finalize(self, _close_all, self._idle)
        # Several processes starting at once must not meet while the journal mode changes.
        with open(folder / "simulator.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with self._connection() as connection:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.executescript(TABLES)
                known = {row["name"] for row in connection.execute("PRAGMA table_info(jobs)")}
                if "extended_from" not in known:  # a folder of an earlier version
                    connection.execute("ALTER TABLE jobs ADD COLUMN extended_from TEXT")

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """What a SELECT finds."""
        with self._connection() as connection:
            return connection.execute(query, values).fetchall()

    def change(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Run one statement; returns how many rows it changed."""
        return self._write(statement, values).rowcount

    def insert(self, table: str, values: dict[str, Any]) -> int:
        """Add a row; returns its number."""
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - names are ours
        return self._write(statement, tuple(values.values())).lastrowid or 0

    def close(self) -> None:
        """Close the idle connections; the database can be used again afterwards."""
        _close_all(self._idle)

    def _write(self, statement: str, values: Sequence[Any]) -> sqlite3.Cursor:
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            cursor = connection.execute(statement, values)
            connection.execute("COMMIT")
            return cursor

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        if self._process != os.getpid():  # SQLite's connections must not cross a fork
            self._idle, self._process = [], os.getpid()
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._open()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=15, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous=OFF")  # only a power cut can harm it, and nothing here is paid for
        return connection


def _close_all(connections: list[sqlite3.Connection]) -> None:
    while connections:
        connections.pop().close()
