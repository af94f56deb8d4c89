"""Edits of a person's design: carried out on what is there now, refused where that would lose another's."""

import json

from builder.design import edits as design_edits
from builder.design import read
from builder.design.network import to_json
from builder.problem import Edit, Json, Problem, Refused, say
from builder.store import documents
from builder.store.documents import Draft

ATTEMPTS = 5
"""Times that an edit is tried again because another one came in between."""


def edit(owner: str, design: str, base_revision: int, edits: tuple[Edit, ...] | list[Edit]) -> Draft:
    """The draft after `edits`, which were made looking at `base_revision`.

    An edit of an older revision is carried out all the same if it is about other things than what has changed since.
    Raises `Refused` where it is not, where an edit cannot be carried out, or where no design would come of it.
    """
    touched = design_edits.touched(edits)
    for _ in range(ATTEMPTS):
        draft = documents.get(owner, design)
        if draft is None:
            raise Refused(documents.unknown())
        if draft.revision != base_revision:
            overlap = _overlap(touched, documents.changed_since(owner, design, base_revision))
            if overlap:
                raise Refused(_stale(overlap))
        edited = read.experiment(_applied(draft.document, edits))
        document = read.text(json.dumps(to_json(edited)))  # what would be refused as a file is not saved either
        saved = documents.save(owner, design, draft.revision, document, touched)
        if saved is not None:
            return saved
    raise Refused(_stale(touched))


def _applied(document: Json, edits: tuple[Edit, ...] | list[Edit]) -> Json:
    """The document after the edits. Whatever one of them leaves behind for the next one, nothing else is raised than Refused."""
    try:
        return design_edits.apply(document, edits)
    except (TypeError, KeyError, AttributeError, ValueError, IndexError) as error:
        because = say("One of them leaves something behind that the next one cannot work on.")
        problem = Problem(code="edit/impossible", title=say("These edits cannot be made together"), because=because)
        raise Refused(problem) from error


def _overlap(mine: list[str], theirs: list[str]) -> list[str]:
    """Paths of mine that lie in, or around, a path of theirs."""
    return [path for path in mine if any(_within(path, other) or _within(other, path) for other in theirs)]


def _within(inner: str, outer: str) -> bool:
    return inner == outer or inner.startswith(outer + ".")


def _stale(paths: list[str]) -> Problem:
    return Problem(
        code="design/stale",
        title=say("The design has changed meanwhile"),
        because=say(
            "Another window changed {paths} since this one looked. Look at it, then change it again.",
            paths=", ".join(paths),
        ),
    )
