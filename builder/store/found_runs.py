"""Looking for runs: by words in their names, tags and notes, and by how they are."""

from collections.abc import Iterator

from builder.store import runs
from builder.store.runs import Run, Status

AT_ONCE = 200
"""Runs that are read together."""


def found(owner: str, words: str, statuses: frozenset[Status], limit: int, *, binned: bool = False) -> list[Run]:
    """The owner's newest runs that have all the words and one of the statuses (any, where none is named), at most `limit`."""
    wanted = words.casefold().split()
    matching: list[Run] = []
    for run in _all(owner, limit if not wanted and not statuses else AT_ONCE, binned):
        if len(matching) == limit:
            break
        if (not statuses or run.status in statuses) and _has(run, wanted):
            matching.append(run)
    return matching


def _has(run: Run, words: list[str]) -> bool:
    text = "\n".join((run.name, *run.tags, run.notes)).casefold()
    return all(word in text or word == run.id for word in words)


def _all(owner: str, at_once: int, binned: bool) -> Iterator[Run]:
    before = None
    while True:
        page = runs.listing(owner, at_once, binned=binned, before=before)
        yield from page
        if len(page) < at_once:
            return
        before = page[-1].id
