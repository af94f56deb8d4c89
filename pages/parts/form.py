"""The form of a catalog entry, or of any value of the design, made from its fields."""

import json
import re
import types
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import streamlit as st
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from builder.catalog import Entry
from builder.catalog.initializers import Values
from builder.problem import Edit, Problem, Set, Unset, say
from pages.parts import mirrors, session
from pages.parts.words import plain


@dataclass(frozen=True)
class Form:
    """Where a form writes: the path of its value in the document, and the revision that is looked at."""

    path: str
    revision: int

    def write(self, field: str, parse: Callable[[Any], Any], told: Any) -> None:
        """A widget tells of a change: one field, one edit."""
        try:
            value = parse(told)
        except ValueError as error:
            session.notify(
                Problem(code="form/value", title=say("{field} cannot be read", field=field), because=str(error))
            )
            return
        try:
            edits = self.edits(field, value)
        except ValidationError as error:  # a catalog block is made before the document sees it
            first = error.errors()[0]
            session.notify(
                Problem(
                    code="form/value",
                    title=say("{field} cannot be {value}", field=field, value=value),
                    because=say("{reason}.", reason=first["msg"]),
                )
            )
            return
        session.submit(edits, self.revision)

    def edits(self, field: str, value: Any) -> list[Edit]:
        """The edits that give a field its value."""
        return [Set(path=f"{self.path}.{field}", value=value)]

    def unlike(self, field: str) -> dict[str, Any]:
        """What a field is in each of several things that the form is of; nothing where it is the same in all."""
        return {}


def fields_form(value: BaseModel, form: Form, only: tuple[str, ...] | None = None) -> None:
    """A widget for each field; those marked as advanced in an expander below."""
    named = {name: field for name, field in type(value).model_fields.items() if only is None or name in only}
    advanced = {name: field for name, field in named.items() if _is_advanced(field)}
    _grid(value, {name: field for name, field in named.items() if name not in advanced}, form)
    if advanced:
        with st.expander("Advanced"):
            _grid(value, advanced, form)


def picker(
    label: str, shelf: type[Entry], picked: Entry | None, path: str, revision: int, unpicked: str | None = None
) -> None:
    """Choose from a shelf, group by group; the form of the choice follows. With `unpicked`, nothing may be chosen, which is called so."""
    # Numbers by hand are written into a design's file: as a choice they would fit no layer at first.
    there = {name: kind for name, kind in shelf.shelf.items() if name != Values.__name__ or isinstance(picked, Values)}
    groups = list(dict.fromkeys(kind.group for kind in there.values()))
    options = sorted(there, key=lambda name: groups.index(there[name].group))

    def choose(chosen: str) -> None:
        edit = Unset(path=path) if chosen == unpicked else Set(path=path, value={"type": chosen})
        session.submit([edit], revision)

    mirrors.choice(
        f"pick.{path}",
        label,
        [unpicked, *options] if unpicked else options,
        picked.name if picked else unpicked,
        choose,
        # The name first: where there is little room, the end is cut off.
        format_func=lambda name: f"{name} · {there[name].group}" if name in there else name,
        help=f"{picked.group}: {picked.about()}" if picked else None,
    )
    if picked:
        fields_form(picked, Form(f"{path}.params", revision))


def _grid(value: BaseModel, fields: dict[str, FieldInfo], form: Form) -> None:
    """Two fields a row."""
    names = list(fields)
    for start in range(0, len(names), 2):
        for column, name in zip(st.columns(2, vertical_alignment="bottom"), names[start : start + 2], strict=False):
            with column:
                _widget(value, name, fields[name], form)


def _is_advanced(field: FieldInfo) -> bool:
    return isinstance(field.json_schema_extra, dict) and bool(field.json_schema_extra.get("advanced"))


def _empty(field: FieldInfo) -> str:
    """What stands in a field that is left empty."""
    extra = field.json_schema_extra
    return str(extra.get("empty", "automatic")) if isinstance(extra, dict) else "automatic"


def _widget(value: BaseModel, name: str, field: FieldInfo, form: Form) -> None:
    label = field.title or name.replace("_", " ").capitalize()
    current = getattr(value, name)
    kind, optional = _unwrapped(field.annotation)
    low, high = _bounds(field)
    values = form.unlike(name)
    empty = _empty(field) if optional else None
    help = field.description
    if values:  # the field is empty, and says what is there: what is put in goes for all
        current, empty = None, _at_once(values.values())
        each = ", ".join(f"{node} {_said(value)}" for node, value in list(values.items())[:MOST_NAMED])
        help = f"{help or label} Now: {plain(each)}{' ...' if len(values) > MOST_NAMED else '.'}"
    path = f"{form.path}.{name}"
    write = partial(form.write, name, _same)
    if kind is bool and (optional or values):
        options = [True, False] if values else list(_MAYBE)
        mirrors.choice(path, label, options, current, write, placeholder=empty, format_func=_MAYBE.get, help=help)
    elif kind is bool:
        mirrors.toggle(path, label, current, write, help=help)
    elif get_origin(kind) is Literal:
        words = get_args(kind)
        mirrors.choice(path, label, words, current, write, placeholder=empty, disabled=len(words) == 1, help=help)
    elif kind is int:
        mirrors.number(path, label, current, write, min_value=low, max_value=high, placeholder=empty, help=help)
    elif kind is float:
        parse = (lambda text: _number(text) if text.strip() else None) if optional else _number
        mirrors.text(path, label, _typed(current), partial(form.write, name, parse), placeholder=empty, help=help)
    else:
        write = partial(form.write, name, _parser(field.annotation, optional or (current is None and not values)))
        mirrors.text(path, label, _typed(current), write, placeholder=empty if values else None, help=help)


def _typed(value: Any) -> str:
    """A value as it is typed."""
    return f"{value:g}" if isinstance(value, float) else _written(value)


MOST_NAMED = 8
"""Layers whose values are told one by one."""


def _at_once(values: Iterable[Any]) -> str:
    """several: 3, 5"""
    return f"several: {', '.join(dict.fromkeys(map(_said, values)))}"


def _said(value: Any) -> str:
    """A value as its widget shows it."""
    if isinstance(value, bool) or value is None:
        return _MAYBE[value]
    return _typed(value)


_MAYBE = {None: "automatic", True: "yes", False: "no"}


def _unwrapped(annotation: Any) -> tuple[Any, bool]:
    """The type inside Annotated and Optional, and whether null is allowed."""
    if get_origin(annotation) is Annotated:
        return _unwrapped(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        inner = [option for option in get_args(annotation) if option is not types.NoneType]
        return (_unwrapped(inner[0])[0], True) if len(inner) == 1 else (object, False)
    return annotation, False


def _bounds(field: FieldInfo) -> tuple[int | None, int | None]:
    low = high = None
    metadata = list(field.metadata)
    for argument in get_args(field.annotation):
        metadata += getattr(argument, "__metadata__", ())
    for entry in metadata:
        for mark in getattr(entry, "metadata", [entry]):
            low = getattr(mark, "ge", low)
            high = getattr(mark, "le", high)
            if getattr(mark, "lt", None) is not None:
                high = mark.lt - 1
    return low, high


def _same(value: Any) -> Any:
    return value


def _number(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise ValueError(say("{text!r} is not a number. Write 0.001 or 1e-3.", text=text[:40])) from None


def _parser(annotation: Any, optional: bool) -> Callable[[str], Any]:
    """What reads the text of a field that takes several forms: a number, several numbers, a word, or nothing."""
    forms = _forms(annotation)
    if forms == {str}:
        return _text
    if int in forms or float in forms:
        return lambda text: None if optional and not text.strip() else _sides(text)
    return lambda text: None if optional and not text.strip() else _list(text)


def _forms(annotation: Any) -> set[Any]:
    """The kinds of value that an annotation allows: int, float, str, tuple."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _forms(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return set().union(*(_forms(option) for option in get_args(annotation) if option is not types.NoneType))
    if origin is Literal:
        return {"word"}
    return {origin or annotation}


def _sides(text: str) -> Any:
    """`3`, `3, 5`, `3 x 5` or a word such as `same`."""
    words = re.split(r"[\s,x×\[\]]+", text.strip().strip("[]"))
    if len(words) == 1 and not re.fullmatch(r"[-+.\d].*", words[0]):
        return words[0]
    try:
        numbers = [int(word) if re.fullmatch(r"[-+]?\d+", word) else float(word) for word in words]
    except ValueError:
        raise ValueError(say("{text!r} is not a number, nor several. Write 3, or 3 x 5.", text=text[:40])) from None
    return numbers[0] if len(numbers) == 1 else numbers


def _list(text: str) -> Any:
    """`1, 28, 28` or a JSON list."""
    try:
        return json.loads(text if text.strip().startswith("[") else f"[{text}]")
    except json.JSONDecodeError:
        raise ValueError(say("{text!r} is not a list of numbers. Write 1, 28, 28.", text=text[:40])) from None


def _text(text: str) -> str | None:
    return text.strip() or None


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    words = json.dumps(value)
    return words if "[" in words[1:] else words.strip("[]")
