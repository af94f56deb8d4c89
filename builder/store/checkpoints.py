"""Moments from which a run can go on: a file for each in the run's folder, and a row that says that it is whole.

The row is written after the file, so that a file without one was never finished. What the files hold is the trainer's
affair; here they are bytes.
"""

import hashlib
import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from builder import files, limits
from builder.problem import Problem, Refused, say
from builder.store.database import home, reading, writing
from builder.store.tables import checkpoint, run

EVERY_SECONDS = float(os.environ.get("LAYERLAB_CHECKPOINT") or 20)
SHARE = 0.01
"""Of the time that keeping may take: after one that took long, the next one waits longer."""

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

    def keep(self, step: int, data: bytes) -> None:
        """Keep a moment, in place of one of the same step. Raises Refused where it cannot be written."""
        start = time.monotonic()
        path = _path(self._run, step)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            files.write(path, data)
        except OSError as error:
            raise Refused(_cannot_write(error, len(data))) from error
        told = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        this = (checkpoint.c.run == self._run) & (checkpoint.c.step == step)
        with writing() as connection:
            connection.execute(sa.delete(checkpoint).where(this))
            connection.execute(sa.insert(checkpoint).values(run=self._run, step=step, owner=self._owner, **told))
        self._thin()
        self._due = time.monotonic() + max(EVERY_SECONDS, (time.monotonic() - start) / SHARE)

    def cut(self, step: int) -> None:
        """Forget what was kept later than `step`, and files that were never finished."""
        later = (checkpoint.c.run == self._run) & (checkpoint.c.step > step)
        with writing() as connection:
            connection.execute(sa.delete(checkpoint).where(later))
        known = {_path(self._run, kept).name for kept, _ in _rows(self._run)}
        folder = _path(self._run, 0).parent
        for path in folder.glob("*") if folder.exists() else ():
            if path.name not in known:
                path.unlink(missing_ok=True)

    def _thin(self) -> None:
        dropped = superfluous(_rows(self._run))
        if dropped:
            gone = (checkpoint.c.run == self._run) & checkpoint.c.step.in_(dropped)
            with writing() as connection:
                connection.execute(sa.delete(checkpoint).where(gone))
            for step in dropped:
                _path(self._run, step).unlink(missing_ok=True)


def superfluous(kept: Sequence[tuple[int, int]]) -> list[int]:
    """Steps to be dropped of `(step, bytes)` in their order, so that the rest keeps within the limits.

    Whatever lies closest between its neighbours goes first; the newest stays.
    """
    left, dropped = list(kept), []
    while len(left) > 1 and (len(left) > limits.CHECKPOINTS or sum(size for _, size in left) > limits.CHECKPOINT_BYTES):
        ends = [0, *(step for step, _ in left)]
        gaps = [ends[at + 2] - ends[at] for at in range(len(left) - 1)]
        dropped.append(left.pop(gaps.index(min(gaps)))[0])
    return dropped


def newest(run_id: str) -> tuple[int, bytes] | None:
    """The newest moment of a run that is whole, with its step; None where there is none. One whose file was damaged is passed over."""
    with reading() as connection:
        chosen = sa.select(checkpoint).where(checkpoint.c.run == run_id).order_by(checkpoint.c.step.desc())
        rows = connection.execute(chosen).all()
    for row in rows:
        try:
            data = files.read_limited(_path(run_id, row.step), row.bytes)
        except Refused as refused:
            log.warning("checkpoint %s of run %s: %s", row.step, run_id, refused)
            continue
        if hashlib.sha256(data).hexdigest() == row.sha256:
            return row.step, data
        log.warning("checkpoint %s of run %s is damaged", row.step, run_id)
    return None


def steps(run_id: str) -> list[int]:
    """Steps of which a moment is kept, the oldest first."""
    return [step for step, _ in _rows(run_id)]


def _rows(run_id: str) -> list[tuple[int, int]]:
    chosen = sa.select(checkpoint.c.step, checkpoint.c.bytes).where(checkpoint.c.run == run_id)
    with reading() as connection:
        return [(row.step, row.bytes) for row in connection.execute(chosen.order_by(checkpoint.c.step))]


def _path(run_id: str, step: int) -> Path:
    return home() / "runs" / run_id / f"{step:012d}.safetensors"


def _cannot_write(error: OSError, size: int) -> Problem:
    return Problem(
        code="checkpoint/not-written",
        title=say("The run could not be saved"),
        because=say(
            "A checkpoint of {size:,} bytes could not be written: {reason}. The run goes on from the last one that was, once there is room.",
            size=size, reason=error.strerror or str(error),
        ),
    )  # fmt: skip
