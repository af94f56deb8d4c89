"""From a file that anybody may have written to a design, or to Problems that say what to change in it."""

import json
from collections import Counter
from math import isfinite
from typing import TypeVar

from pydantic import ValidationError

from builder.design import edits, size
from builder.design.experiment import Experiment
from builder.design.mistakes import Mistake, Place, explained, mistakes, short
from builder.design.network import Network
from builder.problem import Fix, Json, Problem, Refused, Set, Unset, Value, say

D = TypeVar("D", bound=Value)

FORMATS: dict[str, type[Value]] = {"layerlab.experiment": Experiment, "layerlab.network": Network}


def text(source: str | bytes) -> Json:
    """The JSON document in `source`. Raises `Refused` for what is too large, too deep, not JSON, or not finite."""
    size.check_bytes(len(source) if isinstance(source, bytes) else len(source.encode("utf-8", "surrogatepass")))
    try:
        document = json.loads(source, parse_constant=_not_finite, parse_float=_finite, parse_int=_whole)
    except RecursionError:
        raise Refused(size.too_deep()) from None
    except (UnicodeDecodeError, ValueError) as error:
        reason = (
            say("line {line}, column {column}: {message}", line=error.lineno, column=error.colno, message=error.msg)
            if isinstance(error, json.JSONDecodeError)
            else str(error)[:200]
        )
        raise Refused(
            _file(
                "file/not-json", say("The file is not readable JSON"), say("Reading stopped: {reason}.", reason=reason)
            )
        ) from None
    size.check(document)
    return document


def experiment(document: Json) -> Experiment:
    """The experiment that `document` describes. Raises `Refused` with every Problem found."""
    return _design(document, Experiment)


def network(document: Json) -> Network:
    """The network that `document` describes. Raises `Refused` with every Problem found."""
    return _design(document, Network)


def any_design(document: Json) -> Experiment | Network:
    """Whichever of the two the document says that it is. Raises `Refused`."""
    if not isinstance(document, dict):
        raise Refused(
            _file(
                "file/not-a-design", say("The file is not a design"), say("A design is a JSON object with a `format`.")
            )
        )
    named = document.get("format")
    kind = FORMATS.get(named) if isinstance(named, str) else None
    if kind is None:
        size.check(document)
        guess = "layerlab.experiment" if "network" in document else "layerlab.network"
        raise Refused(
            Problem(
                code="file/unknown-format",
                title=say("The file does not say that it is a design"),
                because=say(
                    "Its format is {format}; known are {known}.", format=short(named), known=", ".join(FORMATS)
                ),
                fixes=(Fix(label=say("Read it as {format}", format=guess), edits=(Set(path="format", value=guess),)),),
            )
        )
    return _design(document, kind)  # type: ignore[return-value]


def _design(document: Json, kind: type[D]) -> D:
    length = size.check(document)
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        raise Refused(*_problems(error, document, kind, length)) from None


TOLD = 100
"""Mistakes of one file that are told one by one."""


def _problems(error: ValidationError, document: Json, kind: type[Value], length: int) -> list[Problem]:
    """Every mistake as a Problem, with the fixes that help. How many are tried goes by the length of the document."""
    made = mistakes(error)
    tries = size.tries(length, len(made))
    before = Counter(mistake.key for mistake in made)
    found: list[Problem] = []
    for mistake in made[:TOLD]:
        problem = explained(mistake, document)
        candidates = problem.fixes[: max(0, tries)]
        tries -= len(candidates)
        fixes = tuple(fix for fix in candidates if _helps(fix, mistake, before, document, kind))
        found.append(problem.model_copy(update={"fixes": fixes}))
    if len(made) > TOLD:
        because = say("{count:,} mistakes were found; these are the first {told}.", count=len(made), told=TOLD)
        found.append(_file("file/more", say("There is more to repair"), because))
    return found


def _helps(fix: Fix, mistake: Mistake, before: Counter[tuple[Place, str]], document: Json, kind: type[Value]) -> bool:
    """Whether the mistake is gone after the fix, and none has come that could have been seen before."""
    try:
        kind.model_validate(edits.apply(document, fix.edits))
    except Refused:
        return False
    except ValidationError as error:
        left = mistakes(error)
        after = Counter(other.key for other in left)
        new = after - before
        return after[mistake.key] < before[mistake.key] and all(
            _was_hidden(other, mistake, fix) for other in left if other.key in new
        )
    return True


def _was_hidden(new: Mistake, mistake: Mistake, fix: Fix) -> bool:
    """Whether `new` could not be seen as long as `mistake` was there."""
    if new.problem is None:  # a field: what is inside the object that was repaired, but not the same field once more
        holders = [edit.path.split(".")[:-1] for edit in fix.edits if isinstance(edit, Set | Unset)]
        place = list(map(str, new.place))
        return new.place != mistake.place and any(place[: len(holder)] == holder for holder in holders)
    if mistake.problem is None:
        return True  # structure is looked at once the fields are right
    if mistake.kind in ("graph/cycle", "block/recursive"):
        return new.kind in (mistake.kind, "graph/order")  # one circle is told at a time, and order after circles
    return new.kind.partition("/")[0] in _BEHIND.get(mistake.kind.partition("/")[0], ())


_BEHIND = {"block": ("id", "reference", "ports", "shares", "graph"), "id": ("graph",)}
"""What structure looks at only when something else is right."""


def _file(code: str, title: str, because: str) -> Problem:
    return Problem(code=code, title=title, because=because)


def _not_finite(word: str) -> float:
    raise ValueError(say("{word} is not a number that JSON knows", word=word))


def _finite(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise ValueError(say("{digits} is too large", digits=digits[:40]))
    return number


def _whole(digits: str) -> int:
    if len(digits) > 20:
        raise ValueError(say("{digits} has too many digits", digits=digits[:20] + "..."))
    return int(digits)
