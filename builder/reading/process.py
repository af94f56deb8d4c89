"""The process that reads a file of a person's own, as its parent sees it: started, bounded, and not believed."""

import contextlib
import io
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import IO, NoReturn

import numpy as np
from pydantic import ValidationError

from builder import files, limits
from builder.members import Members
from builder.problem import Refused
from builder.reading.profile import Answer, Array, Form, Profile, Reading, Table
from builder.reading.refusal import refusal
from builder.reading.wish import Wish

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-P", "-m", "builder.reading")
"""-P: the folder that it works in is no place to import from."""
TEMPORARY = "layerlab-reading-"
OUT_OF_MEMORY = 3
"""The exit status of a reader that ran out of memory."""
ARRAYS, LOG, WISH = "arrays.npz", "log", "wish.json"

QUIET = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ARROW_NUM_THREADS"), "1") | {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "2",
    "PYTHONDONTWRITEBYTECODE": "1",
}
"""Threads, and memory kept for later, would count as addresses."""

log = logging.getLogger("layerlab.reading")


def read_file(file: Path | bytes, wish: Wish | None = None, work: Path | None = None) -> Reading:
    """What a file holds, or some bytes: pasted text, an upload. Raises Refused with a Problem where it is not read.

    A process of its own reads it, in a temporary folder in `work` (the system's, if that is null) that is gone
    afterwards. A person's file is given as it came, and what it is, is told by its content.
    """
    work = Path(tempfile.gettempdir()) if work is None else work
    sweep(work)
    with _folder(work) as folder, _opened(file, folder) as opened:
        (folder / WISH).write_text((wish or Wish()).model_dump_json())
        _run(opened, folder)
        answer = _answer(folder)
        if answer.problems or answer.profile is None:
            raise Refused(*answer.problems) if answer.problems else _not_believed("it says nothing")
        return _checked(answer.profile, folder)


def sweep(work: Path) -> int:
    """Remove the folders that killed parents left in `work` more than an hour ago; how many there were."""
    oldest = time.time() - files.STALE_SECONDS
    removed = 0
    for path in work.glob(TEMPORARY + "*"):
        with contextlib.suppress(OSError):  # another sweep was faster, or it is somebody else's
            if path.lstat().st_mtime < oldest:
                shutil.rmtree(path)
                removed += 1
    return removed


@contextlib.contextmanager
def _folder(work: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=work))  # mode 0700
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # what a reader that was broken into made hard, the sweep tries again


@contextlib.contextmanager
def _opened(file: Path | bytes, folder: Path) -> Iterator[IO[bytes]]:
    if isinstance(file, bytes):
        if len(file) > limits.UPLOAD_BYTES:
            raise refusal("too-large", "That is too much", "It has {size:,} bytes; {limit:,} are the limit. Try a part of it.",
                          size=len(file), limit=limits.UPLOAD_BYTES)  # fmt: skip
        path = folder / "file"
        path.write_bytes(file)
    else:
        path = file
    with files.opened(path, limits.UPLOAD_BYTES) as opened:
        yield opened


def _run(file: IO[bytes], folder: Path) -> None:
    """Let the reader read `file`, which is its input. Raises Refused where it did not end well."""
    errors = files.open_log(folder / LOG)
    try:
        process = subprocess.Popen(  # noqa: S603 - the command is ours
            COMMAND,
            cwd=folder,
            env=_environment(folder),
            stdin=file,
            stdout=errors,
            stderr=errors,
            process_group=None if os.name == "nt" else 0,
        )
    finally:
        os.close(errors)
    try:
        status = process.wait(limits.READING_SECONDS)
    except subprocess.TimeoutExpired:
        raise _too_slow() from None
    finally:
        _end(process)
    if status:
        _ended(status, folder)


def _environment(folder: Path) -> dict[str, str]:
    """Of ours, the reader sees nothing but what Windows cannot start without."""
    kept = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
    return kept | QUIET | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "HOME": str(folder), "TMPDIR": str(folder)}


def _end(process: subprocess.Popen[bytes]) -> None:
    """Whatever happened, it is gone afterwards, with what it may have started."""
    if os.name == "nt":
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError):  # as a rule nobody is left
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _ended(status: int, folder: Path) -> NoReturn:
    """Say in words why a reader ended so."""
    with contextlib.suppress(OSError, Refused):
        log.warning("a reader ended with %s: %r", status, _tail(folder / LOG))
    if status == -getattr(signal, "SIGXCPU", 0):
        raise _too_slow()
    if status in (OUT_OF_MEMORY, -getattr(signal, "SIGKILL", 0), -signal.SIGABRT):
        raise refusal(
            "memory",
            "The file takes too much memory",
            "The process that reads it may take {limit:.1f} GiB, and that was not enough. Fewer rows or columns, "
            "smaller pictures or fewer of them take less.",
            limit=limits.READING_ADDRESSES / limits.GIB,
        )
    raise refusal(
        "crashed",
        "The file broke its reader",
        "The process that read it ended in the middle, and nothing was taken in. The file is damaged, or of a form that nobody "
        "thought of: save it anew, or in another format.",
    )


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - 4_000))
        return file.read(4_000).decode(errors="replace")


def _too_slow() -> Refused:
    return refusal(
        "time",
        "The file takes too long to read",
        "Reading it was ended after {seconds} seconds. Fewer rows or columns, or smaller pictures, take less.",
        seconds=limits.READING_SECONDS,
    )


def _not_believed(reason: str) -> Refused:
    return refusal(
        "answer",
        "The file broke its reader",
        "What the process that read it said cannot be right: {reason}. Nothing was taken in. Save the file anew, or in another "
        "format.",
        reason=reason,
    )


def _plain(path: Path) -> Path:
    if path.is_symlink():  # it would be followed
        raise _not_believed(f"{path.name} is a link")
    return path


def _answer(folder: Path) -> Answer:
    try:
        return Answer.model_validate_json(files.read_limited(_plain(folder / Answer.name), limits.PROFILE_BYTES))
    except (ValidationError, Refused):
        raise _not_believed("its answer is not one, or larger than it may be") from None


def _checked(profile: Profile, folder: Path) -> Reading:
    """What was read, once every array is what the profile says. Raises Refused."""
    forms = profile.forms()
    known = re.compile(r"[a-z]+[0-9]*(_offsets)?\.npy")
    try:
        with files.opened(_plain(folder / ARRAYS), limits.READING_BYTES) as file:
            members = Members(file, known, re.compile("(?!)"), "which does not belong to it.")
            if set(members.names) != {f"{name}.npy" for name in forms}:
                raise refusal("answer", "", "it has other arrays than it says")
            arrays = {name: _array(members, name, form) for name, form in forms.items()}
    except Refused as refused:
        raise _not_believed(refused.problems[0].because.rstrip(".")) from None
    _check_values(profile, arrays)
    for array in arrays.values():
        array.setflags(write=False)
    return Reading(profile, MappingProxyType(arrays))


def _array(members: Members, name: str, form: Form) -> Array:
    """An array of exactly this form. The header is compared as bytes: there is nothing to parse."""
    dtype, shape = form
    expected = io.BytesIO()
    np.lib.format.write_array_header_1_0(expected, {"descr": dtype, "fortran_order": False, "shape": shape})
    header = expected.getvalue()
    length = np.dtype(dtype).itemsize
    for side in shape:
        length *= side
    member = f"{name}.npy"
    if members.size(member) != len(header) + length:
        raise refusal("answer", "", "{name} is not as long as it says", name=name)
    data = np.empty(len(header) + length, np.uint8)
    done = 0
    for piece in members.pieces(member):
        data[done : done + len(piece)] = np.frombuffer(piece, np.uint8)
        done += len(piece)
    if data[: len(header)].tobytes() != header:
        raise refusal("answer", "", "{name} has another form than it says", name=name)
    return data[len(header) :].view(dtype).reshape(shape)


def _check_values(profile: Profile, arrays: dict[str, Array]) -> None:
    """Codes must have labels, and the cells of a text must lie one behind the other."""
    if isinstance(profile, Table):
        for place, column in enumerate(profile.columns):
            array = arrays[f"column{place}"]
            if column.stored == "category":
                _check_codes(array, -1, len(column.labels))
            elif column.stored == "text":
                _check_text(array, arrays[f"column{place}_offsets"])
    elif profile.kind == "pictures" and profile.labels:
        _check_codes(arrays["classes"], 0, len(profile.labels))


def _check_codes(codes: Array, lowest: int, labels: int) -> None:
    if codes.min() < lowest or codes.max() >= labels:
        raise _not_believed("a category has no label")


def _check_text(data: Array, offsets: Array) -> None:
    if offsets[0] != 0 or offsets[-1] != len(data) or (np.diff(offsets) < 0).any():
        raise _not_believed("the cells of a text overlap")
    inside = offsets[(offsets > 0) & (offsets < len(data))]
    try:
        data.tobytes().decode()
    except UnicodeDecodeError:
        raise _not_believed("a text is not UTF-8") from None
    if ((data[inside] & 0xC0) == 0x80).any():
        raise _not_believed("a character is cut in two")
