"""What pydantic finds wrong with a document, and how it is told: a Problem with fixes that have yet to be tried."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import ValidationError

from builder import limits
from builder.catalog import SHELVES
from builder.catalog.entry import Entry, suggest
from builder.design.data import Bind, Data, Split
from builder.design.experiment import Experiment
from builder.design.network import Block, Network, Node
from builder.design.recipe import Batch, Init, Length, Objective, Recipe
from builder.problem import Fix, Json, Problem, Set, Unset, Value, say

Place: TypeAlias = tuple[int | str, ...]
"""Steps from the whole document to one thing in it."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake: where it is in the document, of what kind, and what pydantic says of it.

    Structure brings a Problem of its own, and has no one place.
    """

    place: Place
    kind: str
    raw: Any
    problem: Problem | None = None

    @property
    def key(self) -> tuple[Place, str]:
        """What tells it from other mistakes, before and after a fix."""
        return self.place, f"{self.kind} {self.problem.node} {self.problem.because}" if self.problem else self.kind


def mistakes(error: ValidationError) -> list[Mistake]:
    """Every mistake. Those inside the parameters of a pick stand for themselves."""
    return list(_mistakes(error))


def _mistakes(error: ValidationError) -> Iterator[Mistake]:
    for raw in error.errors(include_url=False):
        context = raw.get("ctx", {})
        if raw["type"] == "structure":
            yield from (Mistake((), problem.code, raw, problem) for problem in context["problems"])
        elif raw["type"] == "params":
            for place, inner in _of_one_form(context["errors"]):
                yield Mistake((*raw["loc"], "params", *place), inner["type"], inner)
        else:
            yield Mistake(raw["loc"], raw["type"], raw)


def _of_one_form(errors: list[Any]) -> Iterator[tuple[Place, Any]]:
    """Errors inside parameters, with their places.

    A field that takes several forms (a number, or one for each side) is told of the form that the value comes nearest
    to, not of every one that it is not.
    """
    forms: dict[Any, dict[str, list[Any]]] = {}
    for error in errors:
        field, *rest = error["loc"] or (None,)
        if rest and isinstance(rest[0], str):  # pydantic names the form behind the field
            forms.setdefault(field, {}).setdefault(rest[0], []).append(error)
        else:
            yield error["loc"], error
    for field, of_field in forms.items():
        nearest = min(of_field, key=lambda form: _distance(form, of_field[form]))
        yield from (((field, *error["loc"][2:]), error) for error in of_field[nearest])


def _distance(form: str, errors: list[Any]) -> int:
    """How far the value is from a form: another kind of thing, a list of another length, or only a wrong number."""
    inside = len(errors[0]["loc"]) > 2
    value = errors[0]["input"]
    kind = "tuple" if inside or isinstance(value, list) else "literal" if isinstance(value, str) else "constrained"
    if not form.startswith(kind):
        return 2
    return int(any(error["type"] in ("too_long", "too_short", "missing") for error in errors))


def explained(mistake: Mistake, document: Json) -> Problem:
    """The mistake in words, with ways out that may or may not help."""
    if mistake.problem:
        return mistake.problem
    if not isinstance(document, dict):
        return Problem(
            code="file/not-a-design",
            title=say("The file is not a design"),
            because=say("A design is a JSON object with a `format`."),
        )
    kind = mistake.kind
    if mistake.place[-1] == "[key]":
        kind = "name"
    elif mistake.place[-1] == "version":
        kind = "version"
    tell = _TOLD.get(kind, _wrong_value)
    return tell(mistake, document).model_copy(update={"node": _node_at(mistake.place, document)})


def short(value: Json) -> str:
    """A value in few characters: text as it is, anything else as JSON."""
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return words if len(words) <= 60 else words[:57] + "..."


def _unknown_pick(mistake: Mistake, document: Json) -> Problem:
    context = mistake.raw["ctx"]
    suggestion = context["shelf"].meant(context["name"])
    title = say("There is no {kind} called {name}", kind=context["kind"], name=context["name"])
    if suggestion is None:
        return Problem(code="type/unknown", title=title, because=say("The catalog lists what there is."))
    edit = Set(path=_path((*mistake.place, "type")), value=suggestion)
    return Problem(
        code="type/unknown",
        title=title,
        because=say("Did you mean {suggestion}?", suggestion=suggestion),
        fixes=(Fix(label=say("Use {name}", name=suggestion), edits=(edit,)),),
    )


def _illegal_id(mistake: Mistake, document: Json) -> Problem:
    suggestion = mistake.raw["ctx"]["suggestion"]
    edit = Set(path=_path(mistake.place), value=suggestion)
    return Problem(
        code="id/illegal",
        title=say("{value} cannot be an id", value=short(mistake.raw["input"])),
        because=_because(mistake),
        fixes=(Fix(label=say("Call it {name}", name=suggestion), edits=(edit,)),),
    )


def _illegal_name(mistake: Mistake, document: Json) -> Problem:
    *around, name, _ = mistake.place
    # A block with a bad name is worth more than the name.
    fixes = () if around[-1:] == ["blocks"] else (_leave_out((*around, name)),)
    title = say("{name} cannot be a name in {place}", name=short(name), place=short(_path(tuple(around))))
    return Problem(code="field/name", title=title, because=_because(mistake), fixes=fixes)


def _unknown_field(mistake: Mistake, document: Json) -> Problem:
    holder, field = mistake.place[:-1], str(mistake.place[-1])
    known = _known_fields(mistake.place, document)
    near = next((name for name in _OTHER_WORDS.get(field, ()) if name in known), None) or suggest(field, known)
    drop = _leave_out(mistake.place)
    fixes = [drop]
    if near and near not in _inside(document, holder):
        rename = Set(path=_path((*holder, near)), value=mistake.raw["input"])
        fixes.insert(0, Fix(label=say("Call it {name}", name=near), edits=(*drop.edits, rename)))
    return Problem(
        code="field/unknown",
        title=say("There is no field called {field}", field=short(field)),
        because=say(
            "{place} has the fields {known}.",
            place=short(_path(holder)) if holder else say("The file"),
            known=", ".join(known) or say("none"),
        ),
        fixes=tuple(fixes),
    )


_OTHER_WORDS = {
    "alpha": ("negative_slope",), "axis": ("dim",), "dims": ("dim",), "dropout": ("p",), "epsilon": ("eps",), "filters": ("out_channels",),
    "learning_rate": ("lr",), "output_dim": ("embedding_dim",), "pool_size": ("kernel_size",), "prob": ("p",),
    "rate": ("p",), "size": ("kernel_size", "scale_factor"), "strides": ("stride",), "units": ("out_features", "hidden_size"),
}  # fmt: skip
"""What other libraries call our fields."""


def _missing_field(mistake: Mistake, document: Json) -> Problem:
    title = say("{where} is missing", where=_where(mistake, document))
    return Problem(code="field/missing", title=title, because=say("It has no default."))


def _node_form(mistake: Mistake, document: Json) -> Problem:
    extra = [
        field for field in ("block", "type", "repeat", "params", "init", "shares") if field in mistake.raw["input"]
    ]
    return Problem(
        code="node/form",
        title=say("{node} is neither a layer nor a block", node=_node_at(mistake.place, document)),
        because=_because(mistake),
        fixes=tuple(
            Fix(
                label=say("Leave its {field} out", field=field),
                edits=(Unset(path=_path((*mistake.place, field))),),
            )
            for field in extra
        ),
    )


def _other_version(mistake: Mistake, document: Json) -> Problem:
    return Problem(
        code="file/version",
        title=say("The file is of version {version}", version=short(mistake.raw["input"])),
        because=say("This Layerlab reads version 1; a newer one may have written the file."),
    )


def _wrong_value(mistake: Mistake, document: Json) -> Problem:
    where, value = _where(mistake, document), short(mistake.raw["input"])
    return Problem(
        code="field/value",
        title=say("{where} cannot be {value}", where=where, value=value),
        because=" ".join(filter(None, (_because(mistake), _about_field(mistake.place, document)))),
        fixes=tuple(_other_values(mistake)),
    )


def _other_values(mistake: Mistake) -> Iterator[Fix]:
    """A value that the field can have: the nearest allowed one, or its default."""
    context, path = mistake.raw.get("ctx", {}), _path(mistake.place)
    bound = context.get("le", context.get("ge"))
    if bound is not None:
        yield Fix(label=say("Set it to {bound}", bound=bound), edits=(Set(path=path, value=bound),))
    if mistake.kind == "too_long":
        return  # nobody wants to lose a list because it is too long
    if mistake.kind == "string_too_long":
        most = context["max_length"]
        label = say("Keep its first {count} characters", count=most)
        yield Fix(label=label, edits=(Set(path=path, value=mistake.raw["input"][:most]),))
    if isinstance(mistake.place[-1], int):
        yield _leave_out(mistake.place)
    else:
        yield Fix(label=say("Put it back to its default"), edits=(Unset(path=path),))


_TOLD: dict[str, Callable[[Mistake, Json], Problem]] = {
    "pick": _unknown_pick,
    "illegal_id": _illegal_id,
    "extra_forbidden": _unknown_field,
    "missing": _missing_field,
    "node_form": _node_form,
    "name": _illegal_name,
    "version": _other_version,
}


def _leave_out(place: Place) -> Fix:
    return Fix(label=say("Leave it out"), edits=(Unset(path=_path(place)),))


def _because(mistake: Mistake) -> str:
    context = mistake.raw.get("ctx", {})
    if mistake.kind == "too_long" and isinstance(mistake.raw["input"], list | tuple):
        return say(
            "It has {count} entries; {most} is the most.", count=len(mistake.raw["input"]), most=context["max_length"]
        )
    if mistake.kind == "too_short" and isinstance(mistake.raw["input"], list | tuple):
        return say(
            "It has {count} entries; {least} is the least.",
            count=len(mistake.raw["input"]),
            least=context["min_length"],
        )
    return str(mistake.raw["msg"])[:300].removeprefix("Value error, ").rstrip(".") + "."


def _path(place: Place) -> str:
    return ".".join(map(str, place))


def _where(mistake: Mistake, document: Json) -> str:
    """The place as a person finds it: by the node's id and the field, or by the whole path."""
    node = _node_at(mistake.place, document)
    field = mistake.place[-1]
    if node and isinstance(field, str):
        return say("{node}: {field}", node=node, field=short(field))
    return short(_path(mistake.place))


def _inside(document: Json, place: Place) -> Any:
    """What stands at a place of the document."""
    for step in place:
        document = document[step]
    return document


def _node_at(place: Place, document: Json) -> str | None:
    """Id of the node that a place lies in."""
    node = None
    for step in place:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            break
        if isinstance(document, dict) and isinstance(document.get("id"), str):
            node = document["id"][: limits.TITLE]
    return node


_FIELDS_OF: dict[str, type[Value]] = {
    "network": Network,
    "recipe": Recipe,
    "data": Data,
    "split": Split,
    "bind": Bind,
    "batch": Batch,
    "length": Length,
    "init": Init,
}


def _picked(place: Place, document: Json) -> type[Entry] | None:
    """The entry whose `params` are at `place`."""
    kind = _inside(document, place[:-1])["type"]
    return next((shelf.shelf[kind] for shelf in SHELVES if kind in shelf.shelf), None)


def _about_field(place: Place, document: Json) -> str:
    """What the catalog says of a parameter; empty where `place` is none."""
    at = next((at for at, step in enumerate(place) if step == "params"), len(place))
    entry = _picked(place[: at + 1], document) if at + 1 < len(place) else None
    field = entry.model_fields.get(str(place[at + 1])) if entry else None
    return (field.description or "") if field else ""


def _known_fields(place: Place, document: Json) -> list[str]:
    """Fields that the object around `place` may have."""
    around = place[-2] if len(place) > 1 else None
    if around == "params":
        picked = _picked(place[:-1], document)
        return list(picked.model_fields) if picked else []
    if isinstance(around, int):
        return list((Objective if "objectives" in place else Node).model_fields)
    if place[-3:-2] == ("blocks",):
        return list(Block.model_fields)
    return list(_FIELDS_OF.get(str(around), Experiment if "network" in document else Network).model_fields)
