"""The only writer of files, and the opener of files that a person names.

A file is the old one or the new one, never half: a temporary file in the same folder, fsync, replace, fsync of the
folder. Whatever fails travels to the caller; saving never seems to succeed.
"""

import logging
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from builder.problem import Problem, Refused, say

TEMPORARY = ".layerlab-temporary-"
"""How the name of every unfinished file begins: it is ours, and never made of a person's words."""

STALE_SECONDS = 3600
"""A temporary file this old belongs to a writer that was killed."""

log = logging.getLogger("layerlab.files")


def write(path: Path, data: bytes) -> None:
    """Make `path` hold `data`, readable by its owner alone (mode 0600).

    Raises OSError as it came. The old content then still stands, unless only the last step failed, the fsync of the
    folder: then the whole new content stands, but might not outlive a loss of power.
    """
    temporary = path.parent / (TEMPORARY + secrets.token_hex(8))
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, path)  # noqa: PTH105 - the tests fail the n-th system call of this module
    finally:
        temporary.unlink(missing_ok=True)  # gone already where all went well
    _fsync_folder(path.parent)


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """A file to be written piece by piece, which takes the place of `path` where the block ends well. Otherwise as `write`."""
    temporary = path.parent / (TEMPORARY + secrets.token_hex(8))
    descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, path)  # noqa: PTH105 - as in `write`
    finally:
        temporary.unlink(missing_ok=True)  # gone already where all went well
    _fsync_folder(path.parent)


def _fsync_folder(folder: Path) -> None:
    if os.name == "nt":  # a folder cannot be opened there; NTFS journals the rename
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> int:
    """Remove the temporary files that killed writers left in `folder`, and anywhere below, more than an hour ago; how many there were.

    One that cannot be removed stays, and is told of in the log.
    """
    oldest = time.time() - STALE_SECONDS
    removed = 0
    for path in folder.rglob(TEMPORARY + "*"):
        try:
            if path.stat().st_mtime < oldest:
                path.unlink()
                removed += 1
        except FileNotFoundError:
            continue  # its writer, or another sweep, was faster
        except OSError as error:
            log.warning("a leftover cannot be removed: %s", error)
    return removed


def read_limited(path: Path, limit: int) -> bytes:
    """The content of a regular file of at most `limit` bytes; Refused where it is anything else."""
    with opened(path, limit) as file:
        data = file.read(limit + 1)
    if len(data) > limit:  # it has grown meanwhile
        raise _too_large(path, limit)
    return data


@contextmanager
def opened(path: Path, limit: int) -> Iterator[BinaryIO]:
    """A regular file of at most `limit` bytes, to be read piece by piece; Refused where it is anything else."""
    # Without O_NONBLOCK the open of a named pipe would wait for a writer for ever.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except (FileNotFoundError, ValueError):  # ValueError: a NUL in the name
        raise _refusal("file/missing", "There is no such file", "{file} does not exist.", path) from None
    except OSError as error:
        because = "{file} could not be opened: {reason}."
        raise _refusal("file/unreadable", "The file cannot be read", because, path, reason=error.strerror) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _refusal("file/not-a-file", "That is not a file", "{file} is a folder, a pipe or a device.", path)
        if status.st_size > limit:
            raise _too_large(path, limit)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


def _too_large(path: Path, limit: int) -> Refused:
    because = "{file} has more than {limit:,} bytes, which is the limit here."
    return _refusal("file/too-large", "The file is too large", because, path, limit=limit)


def _refusal(code: str, title: str, because: str, path: Path, **values: object) -> Refused:
    return Refused(Problem(code=code, title=say(title), because=say(because, file=repr(path.name), **values)))


def open_log(path: Path) -> int:
    """A descriptor that appends to a log, for a process's stderr; the caller closes it."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def cap_log(path: Path, limit: int) -> None:
    """Once a log has more than `limit` bytes, move its last half aside to `<name>.old` and begin it anew.

    It is emptied in place: every process that appends to it goes on doing so.
    """
    if not path.exists() or path.stat().st_size <= limit:
        return
    with path.open("rb") as file:
        file.seek(-(limit // 2), os.SEEK_END)
        write(path.with_name(path.name + ".old"), file.read(limit // 2))
    os.truncate(path, 0)
