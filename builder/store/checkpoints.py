"""Moments from which a run can go on: a file for each in the run's folder, and a row that says that it is whole.

The row is written after the file, so that a file without one was never finished. What the files hold is the trainer's
affair; here they are bytes.
"""

import hashlib
import logging
import os
import shutil
import time
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from builder import files, limits
from builder.problem import Problem, Refused, say
from builder.store.database import home, reading, writing
from builder.store.tables import checkpoint, run, run_view

EVERY_SECONDS = float(os.environ.get("LAYERLAB_CHECKPOINT") or 20)
SHARE = 0.01
"""Of the time that keeping may take: after one that took long, the next one waits longer."""

PICTURE = "boundary_"
"""How pictures that belong to a moment are called; its step follows."""

log = logging.getLogger("layerlab.checkpoints")


class Keeper:
    """Keeps moments of one run, within `limits.CHECKPOINTS` and `limits.CHECKPOINT_BYTES`: the newest, and others evenly spread.

    Raises LookupError where there is no such run.
    """

    def __init__(self, run_id: str) -> None:
        self._run = run_id
        with reading() as connection:
            owner = connection.execute(sa.select(run.c.owner).where(run.c.id == run_id)).scalar()
        if owner is None:
            raise LookupError(f"there is no run {run_id}")
        self._owner = owner
        self._due = time.monotonic() + EVERY_SECONDS

    def due(self) -> bool:
        """Whether it is time for another one."""
        return time.monotonic() >= self._due

    def keep(self, step: int, data: bytes, epoch: int = 0, score: float | None = None) -> None:
        """Keep a moment, in place of one of the same step. Raises Refused where it cannot be written.

        So many epochs are whole by then; `score` is the loss that was judged just there, the smaller the better.

        Until its row says that it is there, the one before it stands: no two moments have the same file.
        """
        start = time.monotonic()
        sha256 = hashlib.sha256(data).hexdigest()
        put(self._run, step, data)
        told = {"bytes": len(data), "sha256": sha256, "epoch": epoch, "score": score}
        this = (checkpoint.c.run == self._run) & (checkpoint.c.step == step)
        with writing() as connection:
            before = connection.execute(sa.delete(checkpoint).where(this).returning(checkpoint.c.sha256)).scalar()
            connection.execute(sa.insert(checkpoint).values(run=self._run, step=step, owner=self._owner, **told))
        if before not in (None, sha256):
            _remove(_path(self._run, step, before))
        self._thin()
        self._due = time.monotonic() + max(EVERY_SECONDS, (time.monotonic() - start) / SHARE)

    def cut(self, step: int) -> None:
        """Forget what was kept later than `step`, and files that were never finished."""
        later = (checkpoint.c.run == self._run) & (checkpoint.c.step > step)
        with writing() as connection:
            connection.execute(sa.delete(checkpoint).where(later))
        known = {_path(self._run, row.step, row.sha256) for row in _rows(self._run)}
        folder = _folder(self._run)
        for path in folder.glob("*") if folder.exists() else ():
            if path not in known:
                _remove(path)
        self._forget_pictures()

    def _forget_pictures(self) -> None:
        """Pictures of moments that are not kept any more."""
        kept = [f"{PICTURE}{row.step}" for row in _rows(self._run)]
        of_moments = (run_view.c.run == self._run) & run_view.c.name.startswith(PICTURE, autoescape=True)
        with writing() as connection:
            connection.execute(sa.delete(run_view).where(of_moments, run_view.c.name.not_in(kept)))

    def _thin(self) -> None:
        rows = _rows(self._run)
        scored = [row for row in rows if row.score is not None]
        best = min(scored, key=lambda row: row.score).step if scored else None
        dropped = superfluous([(row.step, row.bytes) for row in rows], best)
        if dropped:
            gone = (checkpoint.c.run == self._run) & checkpoint.c.step.in_(dropped)
            with writing() as connection:
                forgotten = connection.execute(
                    sa.delete(checkpoint).where(gone).returning(checkpoint.c.step, checkpoint.c.sha256)
                ).all()
            for row in forgotten:
                _remove(_path(self._run, row.step, row.sha256))
            self._forget_pictures()


def superfluous(kept: Sequence[tuple[int, int]], best: int | None = None) -> list[int]:
    """Steps to be dropped of `(step, bytes)` in their order, so that the rest keeps within the limits.

    Whatever lies closest between its neighbours goes first; the newest stays, and the best as long as there is a third.
    """
    left, dropped = list(kept), []
    while len(left) > 1 and (len(left) > limits.CHECKPOINTS or sum(size for _, size in left) > limits.CHECKPOINT_BYTES):
        ends = [0, *(step for step, _ in left)]
        gaps = {at: ends[at + 2] - ends[at] for at in range(len(left) - 1) if left[at][0] != best or len(left) == 2}
        dropped.append(left.pop(min(gaps, key=lambda at: gaps[at]))[0])
    return dropped


@dataclass(frozen=True, slots=True)
class Kept:
    """A moment that is kept. `best`: of all that are kept, it has the smallest validation loss."""

    step: int
    epoch: int
    score: float | None
    best: bool


def kept(run_id: str) -> list[Kept]:
    """The moments of a run that can be gone back to, the oldest first."""
    rows = _rows(run_id)
    best = min((row.score for row in rows if row.score is not None), default=None)
    return [Kept(row.step, row.epoch, row.score, row.score is not None and row.score == best) for row in rows]


def newest(run_id: str) -> tuple[int, bytes] | None:
    """The newest moment of a run that is whole, with its step; None where there is none. One whose file was damaged is passed over."""
    with reading() as connection:
        chosen = sa.select(checkpoint).where(checkpoint.c.run == run_id).order_by(checkpoint.c.step.desc())
        rows = connection.execute(chosen).all()
    for row in rows:
        data = whole(run_id, row.step, row.bytes, row.sha256)
        if data is not None:
            return row.step, data
    return None


def whole(run_id: str, step: int, size: int, sha256: str) -> bytes | None:
    """What was kept of a step, if it is still what was written."""
    try:
        data = files.read_limited(_path(run_id, step, sha256), size)
    except Refused as refused:
        log.warning("checkpoint %s of run %s: %s", step, run_id, refused)
        return None
    if hashlib.sha256(data).hexdigest() == sha256:
        return data
    log.warning("checkpoint %s of run %s is damaged", step, run_id)
    return None


def put(run_id: str, step: int, data: bytes) -> None:
    """Write the file of a moment alone: its row is the caller's to add. Raises Refused where it cannot be written."""
    path = _path(run_id, step, hashlib.sha256(data).hexdigest())
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        files.write(path, data)
    except OSError as error:
        raise Refused(_cannot_write(error, len(data))) from error


def put_pieces(run_id: str, step: int, sha256: str, size: int, pieces: Iterable[bytes]) -> None:
    """As `put`, for what is too large to be held at once and has this sum. Nothing is left where `pieces` fails."""
    path = _path(run_id, step, sha256)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with files.writing(path) as file:
            for piece in pieces:
                file.write(piece)
    except OSError as error:
        raise Refused(_cannot_write(error, size)) from error


def steps(run_id: str) -> list[int]:
    """Steps of which a moment is kept, the oldest first."""
    return [row.step for row in _rows(run_id)]


def forget(run_id: str) -> None:
    """Remove the files of a run that is deleted. What cannot be removed now is swept up later."""
    folder = _folder(run_id)
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        log.warning("the checkpoints of run %s could not be removed", run_id)


def sweep(known: Container[str]) -> None:
    """Remove the folders of runs that are not `known`, unless they are so new that their run is just being made."""
    oldest = time.time() - files.STALE_SECONDS
    runs = home() / "runs"
    for folder in runs.iterdir() if runs.exists() else ():
        if folder.name not in known and folder.stat().st_mtime < oldest:
            forget(folder.name)


def _rows(run_id: str) -> Sequence[sa.Row[Any]]:
    chosen = sa.select(checkpoint).where(checkpoint.c.run == run_id).order_by(checkpoint.c.step)
    with reading() as connection:
        return connection.execute(chosen).all()


def _folder(run_id: str) -> Path:
    return home() / "runs" / run_id


def _path(run_id: str, step: int, sha256: str) -> Path:
    return _folder(run_id) / f"{step:012d}-{sha256[:12]}.safetensors"


def _remove(path: Path) -> None:
    """Remove a file that no row names any more. What cannot be removed now is left to the next `cut`."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("a checkpoint that is not needed cannot be removed: %s", error)


def _cannot_write(error: OSError, size: int) -> Problem:
    return Problem(
        code="checkpoint/not-written",
        title=say("The run could not be saved"),
        because=say(
            "A checkpoint of {size:,} bytes could not be written: {reason}. The run goes on from the last one that was, once there is room.",
            size=size, reason=error.strerror or str(error),
        ),
    )  # fmt: skip
