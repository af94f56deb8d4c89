"""What the store itself runs into, in words: a full disk, a folder that cannot be written, damage, a lock held for too long."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy.exc import DatabaseError, DataError, IntegrityError, NotSupportedError, ProgrammingError

from builder.problem import Problem, Refused, say

UNTOLD = 75
"""The exit status of a worker that could not write down how its run ended."""


class Unanswered(Refused):
    """The store could not do what was asked, and did nothing of it. Asked again later, it may."""


class _Words(NamedTuple):
    code: str
    title: str
    because: str


_FULL = _Words(
    "store/full",
    "The disk is full",
    "Nothing could be written to the database: {reason}. Make room; what was saved before is there.",
)
_DISK = _Words(
    "store/disk",
    "The disk is full, or it failed",
    "The database could not be read or written: {reason}. A full disk, a quota and a broken disk look alike here.",
)
_UNWRITABLE = _Words(
    "store/unwritable",
    "Nothing can be saved",
    "The database cannot be opened for writing: {reason}. Its folder and the files in it must be writable.",
)
_BUSY = _Words(
    "store/busy",
    "The store is busy",
    "Another process has held it for too long: {reason}. Try again.",
)
_DAMAGED = _Words(
    "store/damaged",
    "The database is damaged",
    "It cannot be read: {reason}. Put a copy in its place, or move it away to begin with an empty one.",
)
_OTHER = _Words("store/unanswered", "The store does not answer", "It says: {reason}.")

_BY_CODE = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: _DISK,
    sqlite3.SQLITE_READONLY: _UNWRITABLE,
    sqlite3.SQLITE_CANTOPEN: _UNWRITABLE,
    sqlite3.SQLITE_PERM: _UNWRITABLE,
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}
_OURS = (IntegrityError, ProgrammingError, DataError, NotSupportedError)
"""Mistakes of the program, and not of the machine that it runs on."""


@contextmanager
def answered() -> Iterator[None]:
    """What goes wrong with the database inside the block is Unanswered; a mistake of the program stays what it is."""
    try:
        yield
    except _OURS:
        raise
    except DatabaseError as error:
        raise Unanswered(problem_of(error.orig or error)) from error
    except sqlite3.DatabaseError as error:
        raise Unanswered(problem_of(error)) from error


def problem_of(error: BaseException) -> Problem:
    """An error of the database's driver, in words."""
    code = getattr(error, "sqlite_errorcode", None)
    words = _BY_CODE.get(code & 0xFF, _OTHER) if code is not None else _OTHER  # the rest of the number is detail
    reason = str(error).strip()[:500] or type(error).__name__
    return Problem(code=words.code, title=say(words.title), because=say(words.because, reason=reason))


def busy(reason: str) -> Unanswered:
    """A lock that was not to be had in time."""
    return Unanswered(Problem(code=_BUSY.code, title=say(_BUSY.title), because=say(_BUSY.because, reason=reason)))


def untold() -> Problem:
    """Of a run whose worker could not write down how it ended."""
    because = say(
        "The process that trained it could not write to the database any more. The run goes on from its last checkpoint, once there is room."
    )
    return Problem(code=_DISK.code, title=say(_DISK.title), because=because)
