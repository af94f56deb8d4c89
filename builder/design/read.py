"""From a file that anybody may have written to a design, or to Problems that say what to change in it."""

import json
from collections.abc import Iterator
from math import isfinite
from typing import Any, TypeVar

from pydantic import ValidationError

from builder import limits
from builder.catalog.entry import suggest
from builder.design import edits
from builder.design.experiment import Experiment
from builder.design.network import Network
from builder.problem import Fix, Json, Problem, Refused, Set, Unset, Value, say

D = TypeVar("D", bound=Value)

FORMATS: dict[str, type[Value]] = {"layerlab.experiment": Experiment, "layerlab.network": Network}


def text(source: str | bytes) -> Json:
    """The JSON document in `source`. Raises `Refused` for what is too large, too deep, not JSON, or not finite."""
    size = len(source) if isinstance(source, bytes) else len(source.encode("utf-8", "surrogatepass"))
    if size > limits.DESIGN_BYTES:
        raise Refused(
            _file(
                "file/too-large",
                say("The file is too large"),
                say("It has {size:,} bytes, and a design has at most {limit:,}.", size=size, limit=limits.DESIGN_BYTES),
            )
        )
    try:
        document = json.loads(source, parse_constant=_not_finite, parse_float=_finite)
    except RecursionError:
        raise Refused(_too_deep()) from None
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
    _check_depth(document)
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
        guess = "layerlab.experiment" if "network" in document else "layerlab.network"
        raise Refused(
            Problem(
                code="file/unknown-format",
                title=say("The file does not say that it is a design"),
                because=say(
                    "Its format is {format!r}; known are {known}.", format=str(named)[:80], known=", ".join(FORMATS)
                ),
                fixes=(Fix(label=say("Read it as {format}", format=guess), edits=(Set(path="format", value=guess),)),),
            )
        )
    return _design(document, kind)  # type: ignore[return-value]


def _design(document: Json, kind: type[D]) -> D:
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        raise Refused(*_problems(error, document, kind)) from None


def _problems(error: ValidationError, document: Json, kind: type[Value]) -> list[Problem]:
    """Every mistake as a Problem, with the fixes that were tried and help."""
    before = _mistakes(error)
    found: list[Problem] = []
    for mistake in error.errors(include_url=False):
        for problem in _translate(mistake, (), document):
            fixes = tuple(fix for fix in problem.fixes if _helps(fix, before, document, kind))
            found.append(problem.model_copy(update={"fixes": fixes}))
    return found


def _helps(fix: Fix, before: set[tuple[str, str]], document: Json, kind: type[Value]) -> bool:
    """Whether a mistake is gone after the fix, and none has come that is not about the same place."""
    try:
        kind.model_validate(edits.apply(document, fix.edits))
    except ValidationError as error:
        after = _mistakes(error)
        places = {edit.path.rpartition(".")[0] for edit in fix.edits if isinstance(edit, Set | Unset)}
        return bool(before - after) and all(
            any(where.startswith(place) for place in places) for where, _ in after - before
        )
    return True


def _mistakes(error: ValidationError) -> set[tuple[str, str]]:
    """Where each mistake is, and of what kind. Structure is only looked at once the fields are right, so it weighs nothing before."""
    found = set()
    for mistake in error.errors(include_url=False):
        where = ".".join(map(str, mistake["loc"]))
        if mistake["type"] == "structure":
            found |= {("", f"{problem.code} {problem.node} {problem.title}") for problem in mistake["ctx"]["problems"]}
        elif mistake["type"] == "params":
            found |= {
                (f"{where}.params." + ".".join(map(str, inner["loc"])), inner["type"])
                for inner in mistake["ctx"]["errors"]
            }
        else:
            found.add((where, mistake["type"]))
    return found


def _translate(mistake: Any, above: tuple[Any, ...], document: Json) -> Iterator[Problem]:
    location = (*above, *mistake["loc"])
    context = mistake.get("ctx", {})
    if mistake["type"] == "structure":
        yield from context["problems"]
    elif mistake["type"] == "params":
        for inner in context["errors"]:
            yield from _translate(inner, (*location, "params"), document)
    else:
        yield _field_problem(mistake, location, context, document)


def _field_problem(mistake: Any, location: tuple[Any, ...], context: dict[str, Any], document: Json) -> Problem:
    path = ".".join(map(str, location)) or say("the file")
    node = _node_at(location, document)
    where = say("{node}: {field}", node=node, field=location[-1]) if node and location else path
    if not isinstance(document, dict):
        return _file("file/not-a-design", say("The file is not a design"), say("A design is a JSON object."))
    match mistake["type"]:
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
                title=say("{value!r} cannot be an id", value=str(mistake["input"])[:60]),
                because=context["reason"],
                fixes=(
                    Fix(
                        label=say("Call it {name}", name=context["suggestion"]),
                        edits=(Set(path=path, value=context["suggestion"]),),
                    ),
                ),
            )
        case "extra_forbidden":
            return _unknown_field(mistake, location, path, node, document)
        case "missing":
            return Problem(
                code="field/missing",
                node=node,
                title=say("{where} is missing", where=where),
                because=say("It has no default."),
            )
        case _:
            bound = context.get("le", context.get("ge"))
            fixes = [Fix(label=say("Put it back to its default"), edits=(Unset(path=path),))]
            if bound is not None:
                fixes.insert(0, Fix(label=say("Set it to {bound}", bound=bound), edits=(Set(path=path, value=bound),)))
            return Problem(
                code="field/value",
                node=node,
                title=say("{where} cannot be {value}", where=where, value=_short(mistake["input"])),
                because=mistake["msg"].removeprefix("Value error, ").rstrip(".") + ".",
                fixes=tuple(fixes),
            )


def _unknown_field(mistake: Any, location: tuple[Any, ...], path: str, node: str | None, document: Json) -> Problem:
    known = _known_fields(location, document)
    near = suggest(str(location[-1]), known)
    drop = Fix(label=say("Leave it out"), edits=(Unset(path=path),))
    holder = path.rpartition(".")[0]
    rename = Fix(
        label=say("Call it {name}", name=near),
        edits=(Unset(path=path), Set(path=f"{holder}.{near}" if holder else str(near), value=mistake["input"])),
    )
    return Problem(
        code="field/unknown",
        node=node,
        title=say("There is no field called {field}", field=str(location[-1])[:80]),
        because=say(
            "{path} has the fields {known}.", path=holder or say("The file"), known=", ".join(known) or say("none")
        ),
        fixes=(rename, drop) if near else (drop,),
    )


def _known_fields(location: tuple[Any, ...], document: Json) -> list[str]:
    """Fields that the object around `location` may have."""
    from builder.catalog import SHELVES
    from builder.design import data, recipe
    from builder.design import network as graph

    if len(location) > 1 and location[-2] == "params":
        holder: Any = document
        for step in location[:-2]:
            holder = holder[step]
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
    words = json.dumps(value, ensure_ascii=False, default=str)
    return words if len(words) <= 60 else words[:57] + "..."


def _file(code: str, title: str, because: str) -> Problem:
    return Problem(code=code, title=title, because=because)


def _too_deep() -> Problem:
    return _file(
        "file/too-deep",
        say("The file is nested too deeply"),
        say("Lists and objects may lie {limit} deep in one another.", limit=limits.DESIGN_DEPTH),
    )


def _not_finite(word: str) -> float:
    raise ValueError(say("{word} is not a number that JSON knows", word=word))


def _finite(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise ValueError(say("{digits} is too large", digits=digits[:40]))
    return number


def _check_depth(document: Json) -> None:
    level: list[Json] = [document]
    for _ in range(limits.DESIGN_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise Refused(_too_deep())
