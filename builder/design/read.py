"""From a file that anybody may have written to a design, or to Problems that say what to change in it."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any, TypeVar

from pydantic import ValidationError

from builder import limits
from builder.catalog.entry import suggest
from builder.design import edits, size
from builder.design.experiment import Experiment
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
                    "Its format is {format}; known are {known}.", format=_short(named), known=", ".join(FORMATS)
                ),
                fixes=(Fix(label=say("Read it as {format}", format=guess), edits=(Set(path="format", value=guess),)),),
            )
        )
    return _design(document, kind)  # type: ignore[return-value]


def _design(document: Json, kind: type[D]) -> D:
    tries = size.tries(size.check(document))
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        raise Refused(*_problems(error, document, kind, tries)) from None


TOLD = 100
"""Mistakes of one file that are told one by one."""


@dataclass(frozen=True, slots=True)
class _Mistake:
    """One mistake: where it is in the document, of what kind, and what pydantic says of it.

    Structure brings Problems of its own, and has no one place.
    """

    place: tuple[int | str, ...]
    kind: str
    raw: Any
    problem: Problem | None = None

    @property
    def key(self) -> tuple[tuple[int | str, ...], str]:
        return self.place, f"{self.kind} {self.problem.node} {self.problem.because}" if self.problem else self.kind


def _mistakes(error: ValidationError) -> Iterator[_Mistake]:
    """Every mistake. Those inside the parameters of a pick stand for themselves."""
    for raw in error.errors(include_url=False):
        context = raw.get("ctx", {})
        if raw["type"] == "structure":
            yield from (_Mistake((), problem.code, raw, problem) for problem in context["problems"])
        elif raw["type"] == "params":
            for inner in context["errors"]:
                yield _Mistake((*raw["loc"], "params", *inner["loc"]), inner["type"], inner)
        else:
            yield _Mistake(raw["loc"], raw["type"], raw)


def _problems(error: ValidationError, document: Json, kind: type[Value], tries: int) -> list[Problem]:
    """Every mistake as a Problem, with the fixes that help. At most `tries` fixes are tried."""
    mistakes = list(_mistakes(error))
    before = Counter(mistake.key for mistake in mistakes)
    found: list[Problem] = []
    for mistake in mistakes[:TOLD]:
        problem = mistake.problem or _field_problem(mistake, document)
        candidates = problem.fixes[: max(0, tries)]
        tries -= len(candidates)
        fixes = tuple(fix for fix in candidates if _helps(fix, mistake, before, document, kind))
        found.append(problem.model_copy(update={"fixes": fixes}))
    if len(mistakes) > TOLD:
        because = say("{count:,} mistakes were found; these are the first {told}.", count=len(mistakes), told=TOLD)
        found.append(_file("file/more", say("There is more to repair"), because))
    return found


def _helps(
    fix: Fix, mistake: _Mistake, before: Counter[tuple[tuple[int | str, ...], str]], document: Json, kind: type[Value]
) -> bool:
    """Whether the mistake is gone after the fix, and none has come that could have been seen before."""
    try:
        kind.model_validate(edits.apply(document, fix.edits))
    except Refused:
        return False
    except ValidationError as error:
        left = list(_mistakes(error))
        after = Counter(other.key for other in left)
        new = after - before
        return after[mistake.key] < before[mistake.key] and all(
            _was_hidden(other, mistake, fix) for other in left if other.key in new
        )
    return True


def _was_hidden(new: _Mistake, mistake: _Mistake, fix: Fix) -> bool:
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


def _field_problem(mistake: _Mistake, document: Json) -> Problem:
    if not isinstance(document, dict):
        return _file("file/not-a-design", say("The file is not a design"), say("A design is a JSON object."))
    location, context, given = mistake.place, mistake.raw.get("ctx", {}), mistake.raw["input"]
    path = _path(location)
    node = _node_at(location, document)
    where = say("{node}: {field}", node=node, field=_short(location[-1])) if node and location else _short(path)
    match mistake.kind:
        case _ if location[-1] == "[key]":
            return Problem(
                code="field/name",
                node=node,
                title=say("{name} cannot be a name in {place}", name=_short(given), place=_short(_path(location[:-2]))),
                because=_because(mistake),
                fixes=() if location[-3] == "blocks" else (_leave_out(location[:-1]),),
            )
        case "pick":
            suggestion = context.get("suggestion")
            fix = (
                Fix(label=say("Use {name}", name=suggestion), edits=(Set(path=f"{path}.type", value=suggestion),))
                if suggestion
                else None
            )
            return Problem(
                code="type/unknown",
                node=node,
                title=say("There is no {kind} called {name}", kind=context["kind"], name=context["name"]),
                because=say("Did you mean {suggestion}?", suggestion=suggestion)
                if suggestion
                else say("The catalog lists what there is."),
                fixes=(fix,) if fix else (),
            )
        case "illegal_id":
            return Problem(
                code="id/illegal",
                node=node,
                title=say("{value} cannot be an id", value=_short(given)),
                because=context["reason"],
                fixes=(
                    Fix(
                        label=say("Call it {name}", name=context["suggestion"]),
                        edits=(Set(path=path, value=context["suggestion"]),),
                    ),
                ),
            )
        case "extra_forbidden":
            return _unknown_field(given, location, node, document)
        case "missing":
            return Problem(
                code="field/missing",
                node=node,
                title=say("{where} is missing", where=where),
                because=say("It has no default."),
            )
        case "literal_error" if location[-1] == "version":
            return Problem(
                code="file/version",
                title=say("The file is of version {version}", version=_short(given)),
                because=say("This Layerlab reads version 1; a newer one may have written the file."),
            )
        case _:
            return Problem(
                code="field/value",
                node=node,
                title=say("{where} cannot be {value}", where=where, value=_short(given)),
                because=_because(mistake),
                fixes=tuple(_other_values(mistake, path)),
            )


def _because(mistake: _Mistake) -> str:
    return str(mistake.raw["msg"])[:300].removeprefix("Value error, ").rstrip(".") + "."


def _leave_out(location: tuple[int | str, ...]) -> Fix:
    return Fix(label=say("Leave it out"), edits=(Unset(path=_path(location)),))


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location))


def _other_values(mistake: _Mistake, path: str) -> Iterator[Fix]:
    """A value that the field can have: the nearest allowed one, or its default."""
    context, given = mistake.raw.get("ctx", {}), mistake.raw["input"]
    bound = context.get("le", context.get("ge"))
    if bound is not None:
        yield Fix(label=say("Set it to {bound}", bound=bound), edits=(Set(path=path, value=bound),))
    if mistake.kind == "too_long":
        return  # nobody wants to lose a list because it is too long
    if mistake.kind == "string_too_long":
        most = context["max_length"]
        label = say("Keep its first {count} characters", count=most)
        yield Fix(label=label, edits=(Set(path=path, value=given[:most]),))
    if isinstance(mistake.place[-1], int):
        yield _leave_out(mistake.place)
    else:
        yield Fix(label=say("Put it back to its default"), edits=(Unset(path=path),))


def _unknown_field(given: Json, location: tuple[int | str, ...], node: str | None, document: Json) -> Problem:
    holder, field = location[:-1], str(location[-1])
    known = _known_fields(location, document)
    near = suggest(field, known)
    drop = _leave_out(location)
    fixes = [drop]
    if near and near not in _inside(document, holder):
        rename = Set(path=_path((*holder, near)), value=given)
        fixes.insert(0, Fix(label=say("Call it {name}", name=near), edits=(*drop.edits, rename)))
    return Problem(
        code="field/unknown",
        node=node,
        title=say("There is no field called {field}", field=_short(field)),
        because=say(
            "{place} has the fields {known}.",
            place=_short(_path(holder)) if holder else say("The file"),
            known=", ".join(known) or say("none"),
        ),
        fixes=tuple(fixes),
    )


def _known_fields(location: tuple[Any, ...], document: Json) -> list[str]:
    """Fields that the object around `location` may have."""
    from builder.catalog import SHELVES
    from builder.design import data, recipe
    from builder.design import network as graph

    if len(location) > 1 and location[-2] == "params":
        holder = _inside(document, location[:-2])
        return next(
            (list(shelf.shelf[holder["type"]].model_fields) for shelf in SHELVES if holder.get("type") in shelf.shelf),
            [],
        )
    kinds: dict[str, type[Value]] = {
        "network": Network, "recipe": recipe.Recipe, "data": data.Data, "split": data.Split, "bind": data.Bind,
        "batch": recipe.Batch, "length": recipe.Length, "init": recipe.Init,
    }  # fmt: skip
    holder_name = location[-2] if len(location) > 1 else None
    if isinstance(holder_name, int):
        return list((recipe.Objective if "objectives" in location else graph.Node).model_fields)
    if len(location) > 2 and location[-3] == "blocks":
        return list(graph.Block.model_fields)
    root = Experiment if "network" in document else Network
    return list(kinds.get(str(holder_name), root).model_fields)


def _inside(document: Json, location: tuple[int | str, ...]) -> Any:
    """What stands at a place of the document."""
    for step in location:
        document = document[step]
    return document


def _node_at(location: tuple[Any, ...], document: Json) -> str | None:
    """Id of the node that a location lies in."""
    holder: Any = document
    node = None
    for step in location:
        try:
            holder = holder[step]
        except (KeyError, IndexError, TypeError):
            break
        if isinstance(holder, dict) and isinstance(holder.get("id"), str):
            node = holder["id"][: limits.TITLE]
    return node


def _short(value: Json) -> str:
    """A value in few characters: text as it is, anything else as JSON."""
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return words if len(words) <= 60 else words[:57] + "..."


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
