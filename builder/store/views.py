"""Pictures of a run, such as its decision boundary: the newest of each name, written by `history.Recorder`."""

from dataclasses import dataclass

from sqlalchemy import select

from builder.problem import Json
from builder.store.database import reading
from builder.store.tables import run_view


@dataclass(frozen=True, slots=True)
class View:
    """One picture: the step that it shows, what it is (`meta`), and its numbers."""

    step: int
    meta: dict[str, Json]
    data: bytes


def read(run: str, name: str, after: int) -> View | None:
    """The newest picture of that name, if its step is later than `after`."""
    newest = select(run_view.c.step, run_view.c.meta, run_view.c.data).where(
        run_view.c.run == run, run_view.c.name == name, run_view.c.step > after
    )
    with reading() as connection:
        row = connection.execute(newest).one_or_none()
        return None if row is None else View(*row)


def step(run: str, name: str) -> int | None:
    """The step that the newest picture of that name shows."""
    newest = select(run_view.c.step).where(run_view.c.run == run, run_view.c.name == name)
    with reading() as connection:
        found: int | None = connection.execute(newest).scalar_one_or_none()
        return found
