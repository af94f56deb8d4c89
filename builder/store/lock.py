"""A lock between processes that the operating system frees when its holder dies, `kill -9` included."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from builder.store import trouble


def take(path: Path, wait: float = 0) -> sqlite3.Connection | None:
    """Hold the lock of that name until the returned connection is closed; None if another holds it after `wait` s.

    It is an exclusive transaction on an empty database, because SQLite knows how to lock on every platform.
    Raises Unanswered where the file cannot be a lock.
    """
    with trouble.answered():
        connection = sqlite3.connect(path, timeout=wait, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.DatabaseError as error:
            connection.close()
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            return None
    return connection


@contextmanager
def held(path: Path, wait: float = 60) -> Iterator[None]:
    """Hold the lock inside the block; Unanswered after `wait` seconds."""
    connection = take(path, wait)
    if connection is None:
        raise trouble.busy(f"{path} is locked by another process")
    with closing(connection):
        yield


def is_free(path: Path) -> bool:
    """Whether nobody holds the lock at this moment."""
    connection = take(path)
    if connection is None:
        return False
    connection.close()
    return True
