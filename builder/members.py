"""A zip that anybody may have made, read member by member. Nothing is extracted, and no name in it becomes a path.

What it says of itself is checked before anything is unpacked; what is unpacked is counted all the same.
"""

import copy
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Self

from builder import limits
from builder.problem import Problem, Refused, say

PIECE = 2**20
END = struct.Struct("<4s4H2LH")
"""The record at the end of a zip without a comment."""


def refusal(code: str, because: str, /, **values: object) -> Refused:
    """To be raised for an archive that cannot be read; `because` is a sentence with named values."""
    title = say("The archive cannot be read")
    return Refused(Problem(code=f"archive/{code}", title=title, because=say(because, **values)))


class Members:
    """The members of a zip whose names all match `known`. Raises Refused where anything about it is not as it should be.

    `folders` are those whose entries, which zip programs write, say nothing; `not_so` ends the sentence about a name
    that does not match.
    """

    def __init__(self, file: IO[bytes], known: re.Pattern[str], folders: re.Pattern[str], not_so: str) -> None:
        _check_directory(file)
        with _sound():
            self._zip = zipfile.ZipFile(file)
        entries = [entry for entry in self._zip.infolist() if not _is_folder(entry, folders)]
        for entry in entries:
            _check(entry, known, not_so)
        if len(entries) > limits.ARCHIVE_MEMBERS:  # the record at the end may lie
            raise _too_many(len(entries))
        self._entries = {entry.filename: entry for entry in entries}
        if len(self._entries) < len(entries):
            raise refusal("duplicate", "Two of its members have the same name.")
        size = sum(entry.file_size for entry in entries)
        if size > limits.ARCHIVE_BYTES:
            raise _too_large(size)

    @property
    def names(self) -> list[str]:
        """Names of all members."""
        return list(self._entries)

    def size(self, name: str) -> int:
        """Unpacked, in bytes."""
        return self._entries[name].file_size

    def only(self, names: Iterable[str]) -> Self:
        """The same zip with fewer members."""
        fewer = copy.copy(self)
        fewer._entries = {name: self._entries[name] for name in names}
        return fewer

    def head(self, name: str, length: int = 4_096) -> bytes:
        """How a member begins. Raises Refused where it is damaged."""
        with _sound(), self._zip.open(self._entries[name]) as member:
            return member.read(length)

    def read(self, name: str, limit: int) -> bytes:
        """All of a member of at most `limit` bytes. Raises Refused where it is missing, larger or damaged."""
        if name not in self._entries:
            raise refusal("missing", "There is no {name} in it.", name=name)
        if self.size(name) > limit:
            because = "{name} has {size:,} bytes; {limit:,} are the limit."
            raise refusal("too-large", because, name=name, size=self.size(name), limit=limit)
        return b"".join(self.pieces(name))

    def pieces(self, name: str) -> Iterator[bytes]:
        """A member, piece by piece. Raises Refused where it is damaged, or not as long as it says."""
        entry, done = self._entries[name], 0
        with _sound():
            member = self._zip.open(entry)
        with member:
            while True:
                with _sound():
                    piece = member.read(PIECE)
                if not piece:
                    break
                done += len(piece)
                yield piece
        if done != entry.file_size:
            raise refusal("damaged", "{name} is not as long as it says.", name=name)


def _check_directory(file: IO[bytes]) -> None:
    """Look at the end of the file, because opening a zip reads all of its directory into memory."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 2 * END.size))
    end = file.read()
    if len(end) < END.size or not end[-END.size :].startswith(b"PK\5\6"):
        raise refusal("not-a-zip", "It is not a zip file, or something stands behind its end.")
    _, _, _, _, count, directory, _, _ = END.unpack(end[-END.size :])
    if b"PK\6\7" in end[: -END.size]:
        raise refusal("zip64", "It is a zip file for more than 4 GB, which is more than is read here.")
    if count > limits.ARCHIVE_MEMBERS or directory > limits.ARCHIVE_DIRECTORY_BYTES:
        raise _too_many(count)


def _too_many(count: int) -> Refused:
    because = "It has {count:,} members or long names for them; {limit:,} are the limit."
    return refusal("members", because, count=count, limit=limits.ARCHIVE_MEMBERS)


def _is_folder(entry: zipfile.ZipInfo, folders: re.Pattern[str]) -> bool:
    """Whether it is what a zip program writes for a folder that may be there."""
    return folders.fullmatch(entry.orig_filename) is not None and not entry.file_size


def _check(entry: zipfile.ZipInfo, known: re.Pattern[str], not_so: str) -> None:
    name = entry.orig_filename
    if entry.filename != name or not known.fullmatch(name):
        raise refusal("name", "It holds {name}, " + not_so, name=repr(name[:100]))
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise refusal("link", "{name} is a link, and not a file.", name=name)
    if entry.flag_bits & 0x41:
        raise refusal("encrypted", "{name} is encrypted.", name=name)
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise refusal("method", "{name} is packed in a way that is not read here.", name=name)
    if entry.file_size > limits.ARCHIVE_RATIO * max(1, entry.compress_size):
        raise refusal("ratio", "{name} would become more than {ratio} times as large as it is.",
                      name=name, ratio=limits.ARCHIVE_RATIO)  # fmt: skip


def _too_large(size: int) -> Refused:
    because = "Unpacked it has {size:,} bytes; {limit:,} are the limit."
    return refusal("too-large", because, size=size, limit=limits.ARCHIVE_BYTES)


@contextmanager
def _sound() -> Iterator[None]:
    """What goes wrong in reading the zip is Refused."""
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        RuntimeError,
        ValueError,
        OSError,
        struct.error,
    ) as error:
        raise refusal("damaged", "It is damaged: {reason}.", reason=str(error)[:200] or type(error).__name__) from None
