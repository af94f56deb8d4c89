"""A person's designs: the newest document of each, its revision, and its one undo history.

Every function that gets an owner sees that owner's drafts alone: another's draft is as one that never was.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from builder import limits
from builder.problem import Json, Problem, Refused, say
from builder.store.database import reading, with_new_ids, writing
from builder.store.tables import DAMAGED, draft, draft_change, draft_step, new_id, share

TOKEN_BYTES = 18
"""Nobody guesses one of 2^144 links."""
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Draft:
    """One design as it stands. `revision` grows by one with every change, undo and redo included."""

    id: str
    owner: str
    name: str
    revision: int
    document: dict[str, Json]
    can_undo: bool
    can_redo: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a person's list of designs."""

    id: str
    name: str
    revision: int
    touched: float
    """Epoch seconds of the last change."""
    binned: float | None = None
    """Epoch seconds at which it was thrown away."""


@with_new_ids
def create(owner: str, name: str, document: dict[str, Json]) -> Draft:
    """Keep a new design, at revision 1 and with nothing to undo."""
    made = Draft(new_id(), owner, name, 1, document, can_undo=False, can_redo=False)
    row = {"id": made.id, "owner": owner, "name": name, "revision": 1, "document": document, "touched": time.time()}
    with writing() as connection:
        connection.execute(insert(draft).values(row))
    return made


def get(owner: str, id: str) -> Draft | None:
    """The owner's draft of that id."""
    with reading() as connection:
        row = _row(connection, owner, id)
        return None if row is None or row.document is DAMAGED else _draft(connection, row)


def revision(owner: str, id: str) -> int | None:
    """The newest revision of the owner's draft; None where there is none."""
    query = select(draft.c.revision).where(draft.c.owner == owner, draft.c.id == id)
    with reading() as connection:
        return connection.execute(query).scalar_one_or_none()


def unknown() -> Problem:
    """There is no such draft of theirs."""
    because = say("It was removed, or it belongs to someone else.")
    return Problem(code="design/unknown", title=say("There is no such design"), because=because)


def unreadable() -> Problem:
    """What the store has of a draft is no document any more."""
    because = say("What is kept of it is damaged. The other designs are not touched by that.")
    return Problem(code="design/damaged", title=say("This design cannot be read"), because=because)


def latest(owner: str, can_read: Callable[[Json], bool] = lambda document: True) -> Draft | None:
    """The draft that the owner changed last, of those that are whole, can be read, and are not in the bin."""
    mine = (draft.c.owner == owner) & draft.c.binned.is_(None)
    newest = select(draft).where(mine).order_by(draft.c.touched.desc(), draft.c.id).limit(1)
    with reading() as connection:
        for at in count():
            row = connection.execute(newest.offset(at)).one_or_none()
            if row is None or (row.document is not DAMAGED and can_read(row.document)):
                break
        return None if row is None else _draft(connection, row)


def listing(owner: str, *, binned: bool = False) -> list[Listed]:
    """The owner's drafts, or those in the bin, the one changed last first, without their documents."""
    columns = select(draft.c.id, draft.c.name, draft.c.revision, draft.c.touched, draft.c.binned)
    where = (draft.c.owner == owner) & (draft.c.binned.is_not(None) if binned else draft.c.binned.is_(None))
    with reading() as connection:
        return [
            Listed(*row)
            for row in connection.execute(columns.where(where).order_by(draft.c.touched.desc(), draft.c.id))
        ]


def duplicate(owner: str, id: str) -> Draft:
    """Another design with the same document, and nothing to undo. Refused if the owner has no such draft."""
    original = get(owner, id)
    if original is None:
        raise Refused(unknown())
    name = say("{name} copy", name=original.name)[: limits.TITLE]
    return create(owner, name, original.document | {"name": name})


def throw_away(owner: str, id: str) -> None:
    """Put a design into the bin: it is no more listed, and its link opens nothing. Refused if the owner has no such draft."""
    _put(owner, id, time.time())


def take_back(owner: str, id: str) -> None:
    """Take a design out of the bin. Refused if the owner has no such draft."""
    _put(owner, id, None)


def delete_for_good(owner: str, id: str) -> None:
    """Delete a design that is in the bin, with its history. Refused where it is not in there."""
    where = (draft.c.owner == owner) & (draft.c.id == id) & draft.c.binned.is_not(None)
    with writing() as connection:
        if not connection.execute(delete(draft).where(where)).rowcount:
            raise Refused(unknown())


def clear_out() -> int:
    """Delete what has been in a bin for `limits.BIN_DAYS`; how many designs."""
    with writing() as connection:
        return connection.execute(delete(draft).where(draft.c.binned < time.time() - limits.BIN_DAYS * DAY)).rowcount


def _put(owner: str, id: str, binned: float | None) -> None:
    with writing() as connection:
        mine = (draft.c.owner == owner) & (draft.c.id == id)
        if not connection.execute(update(draft).where(mine).values(binned=binned)).rowcount:
            raise Refused(unknown())


# Links -----------------------------------------------------------------------------------------------------------


def link(owner: str, id: str) -> str:
    """The token of the link by which others open a copy of a design; made once. Refused if the owner has no such draft."""
    with writing() as connection:
        if _row(connection, owner, id, lock=True) is None:
            raise Refused(unknown())
        token = connection.execute(select(share.c.token).where(share.c.draft == id)).scalar_one_or_none()
        if token is None:
            token = secrets.token_urlsafe(TOKEN_BYTES)
            connection.execute(insert(share).values(draft=id, token=token, owner=owner, created=time.time()))
        return str(token)


def linked(owner: str, id: str) -> str | None:
    """The token of a design's link, where there is one."""
    query = select(share.c.token).where(share.c.draft == id, share.c.owner == owner)
    with reading() as connection:
        return connection.execute(query).scalar_one_or_none()


def unlink(owner: str, id: str) -> None:
    """Take the link away: from now on it opens nothing."""
    with writing() as connection:
        connection.execute(delete(share).where(share.c.draft == id, share.c.owner == owner))


def copy_of_shared(owner: str, token: str) -> Draft:
    """A copy, the visitor's own, of the design as it is now to which a link leads. Refused for a link that leads nowhere."""
    query = (
        select(draft).join(share, share.c.draft == draft.c.id).where(share.c.token == token, draft.c.binned.is_(None))
    )
    with reading() as connection:
        row = connection.execute(query).one_or_none()
    if row is None or row.document is DAMAGED:
        because = say("Whoever made it has taken it back, or thrown the design away.")
        raise Refused(Problem(code="share/gone", title=say("The link leads nowhere"), because=because))
    return create(owner, row.name, row.document)


# Changes ---------------------------------------------------------------------------------------------------------


def save(owner: str, id: str, base_revision: int, document: dict[str, Json], touched: list[str]) -> Draft | None:
    """Put `document` in the place of revision `base_revision`, which undo then brings back.

    `touched` says which parts the change is about. None, and nothing saved, where `base_revision` is not the current
    one (or the owner has no such draft).
    """
    with writing() as connection:
        row = _row(connection, owner, id, lock=True)
        if row is None or row.revision != base_revision:
            return None
        connection.execute(delete(draft_step).where(draft_step.c.draft == id, draft_step.c.stack == "redo"))
        _push(connection, row, "undo", touched)
        _forget_oldest(connection, id)
        return _advance(connection, row, document, touched)


def undo(owner: str, id: str) -> Draft:
    """Go one change back; the draft as it is where there is none. Refused if the owner has no such draft."""
    return _travel(owner, id, "undo", "redo")


def redo(owner: str, id: str) -> Draft:
    """Take the last undo back; the draft as it is where there is none. Refused if the owner has no such draft."""
    return _travel(owner, id, "redo", "undo")


def changed_since(owner: str, id: str, revision: int) -> list[str]:
    """What the revisions later than `revision` touched, sorted, each once."""
    changes = select(draft_change.c.touched).where(
        draft_change.c.owner == owner, draft_change.c.draft == id, draft_change.c.revision > revision
    )
    with reading() as connection:
        return sorted({part for touched in connection.execute(changes).scalars() for part in touched})


def before(owner: str, id: str) -> dict[str, Json] | None:
    """The document that the last change was made of; None where undo was the last, there was no change, or it cannot be read."""
    query = (
        select(draft_step.c.document)
        .join(draft, (draft.c.id == draft_step.c.draft) & (draft.c.revision == draft_step.c.revision))
        .where(draft.c.owner == owner, draft.c.id == id, draft_step.c.stack == "undo")
    )
    with reading() as connection:
        document = connection.execute(query).scalar_one_or_none()
    return None if document is DAMAGED else document


def _travel(owner: str, id: str, source: str, target: str) -> Draft:
    """Pop a document from one stack, and push the current one on the other."""
    with writing() as connection:
        row = _row(connection, owner, id, lock=True)
        if row is None:
            raise Refused(unknown())
        stack = (draft_step.c.draft == id) & (draft_step.c.stack == source)
        step = connection.execute(
            select(draft_step).where(stack).order_by(draft_step.c.revision.desc()).limit(1)
        ).first()
        if step is None:
            return _draft(connection, row)
        connection.execute(delete(draft_step).where(stack, draft_step.c.revision == step.revision))
        _push(connection, row, target, step.touched)
        return _advance(connection, row, step.document, step.touched)


def _row(connection: Connection, owner: str, id: str, lock: bool = False) -> Row[Any] | None:
    query = select(draft).where(draft.c.owner == owner, draft.c.id == id)
    return connection.execute(query.with_for_update() if lock else query).one_or_none()


def _push(connection: Connection, row: Row[Any], stack: str, touched: list[str]) -> None:
    step = {"draft": row.id, "stack": stack, "revision": row.revision + 1, "owner": row.owner}
    connection.execute(insert(draft_step).values(**step, document=row.document, touched=touched))


def _forget_oldest(connection: Connection, id: str) -> None:
    stack = (draft_step.c.draft == id) & (draft_step.c.stack == "undo")
    newest_first = select(draft_step.c.revision).where(stack).order_by(draft_step.c.revision.desc())
    too_old = connection.execute(newest_first.offset(limits.UNDO_STEPS).limit(1)).scalar()
    if too_old is not None:
        connection.execute(delete(draft_step).where(stack, draft_step.c.revision <= too_old))


def _advance(connection: Connection, row: Row[Any], document: dict[str, Json], touched: list[str]) -> Draft:
    name = document.get("name") or row.name  # the list of designs says what the document says
    new = {
        "revision": row.revision + 1,
        "document": document,
        "name": name,
        "touched": time.time(),
        "binned": None,
    }  # who edits it wants it
    connection.execute(update(draft).where(draft.c.id == row.id).values(new))
    change = {"draft": row.id, "revision": row.revision + 1, "owner": row.owner, "touched": touched}
    connection.execute(insert(draft_change).values(change))
    changed = _row(connection, row.owner, row.id)
    assert changed is not None
    return _draft(connection, changed)


def _draft(connection: Connection, row: Row[Any]) -> Draft:
    stacks = select(draft_step.c.stack).where(draft_step.c.draft == row.id).distinct()
    filled = set(connection.execute(stacks).scalars())
    return Draft(row.id, row.owner, row.name, row.revision, row.document, "undo" in filled, "redo" in filled)
