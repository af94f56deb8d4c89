"""The form of a catalog entry, or of any value of the design, made from its fields."""

import json
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from builder.problem import Problem, Set, say
from pages.parts import session


@dataclass(frozen=True)
class Form:
    """Where a form writes: the path of its value in the document, and the revision that is looked at."""

    path: str
    revision: int

    def write(self, field: str, key: str, parse: Callable[[Any], Any]) -> None:
        """Callback of every widget: one field, one edit."""
        try:
            value = parse(session.shown(key))
        except ValueError as error:
            session.notify(
                Problem(code="form/value", title=say("{field} cannot be read", field=field), because=str(error))
            )
            return
        session.submit([Set(path=f"{self.path}.{field}", value=value)], self.revision)


def fields_form(value: BaseModel, form: Form, only: tuple[str, ...] | None = None) -> None:
    """A widget for each field; those marked as advanced in an expander below."""
    named = {name: field for name, field in type(value).model_fields.items() if only is None or name in only}
    advanced = {name: field for name, field in named.items() if _is_advanced(field)}
    _grid(value, {name: field for name, field in named.items() if name not in advanced}, form)
    if advanced:
        with st.expander("Advanced"):
            _grid(value, advanced, form)


def _grid(value: BaseModel, fields: dict[str, FieldInfo], form: Form) -> None:
    """Two fields a row."""
    names = list(fields)
    for start in range(0, len(names), 2):
        for column, name in zip(st.columns(2, vertical_alignment="bottom"), names[start : start + 2], strict=False):
            with column:
                _widget(value, name, fields[name], form)


def _is_advanced(field: FieldInfo) -> bool:
    return isinstance(field.json_schema_extra, dict) and bool(field.json_schema_extra.get("advanced"))


def _widget(value: BaseModel, name: str, field: FieldInfo, form: Form) -> None:
    label = field.title or name.replace("_", " ").capitalize()
    current = getattr(value, name)
    kind, optional = _unwrapped(field.annotation)
    key = f"{form.path}.{name}"
    common: dict[str, Any] = {"label": label, "key": key, "help": field.description, "on_change": form.write}
    low, high = _bounds(field)
    if kind is bool:
        session.show(key, current)
        st.toggle(**common, args=(name, key, bool))
    elif get_origin(kind) is Literal:
        session.show(key, current)
        st.selectbox(**common, options=get_args(kind), args=(name, key, _same), disabled=len(get_args(kind)) == 1)
    elif kind is int:
        session.show(key, current)
        st.number_input(
            **common,
            min_value=low,
            max_value=high,
            step=1,
            placeholder="automatic",
            value=None if optional else "min",
            args=(name, key, _same),
        )
    elif kind is float:
        session.show(key, f"{current:g}")
        st.text_input(**common, args=(name, key, _number))
    else:
        session.show(key, _written(current))
        st.text_input(
            **common, args=(name, key, _list if current is not None and not isinstance(current, str) else _text)
        )


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
