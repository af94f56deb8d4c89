"""Catalog entries and signals made at random. Everything is derived from the entries, so that a new one is covered."""

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar

import torch
from hypothesis import reject
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor

from builder.catalog import SHELVES, Entry, Layer, Signal
from builder.catalog.layers import ShapeProblem
from builder.catalog.signal import KNOWN_AXES

Json = dict[str, Any]
E = TypeVar("E", bound=Entry)

ENTRIES = [entry for shelf in SHELVES for entry in shelf.shelf.values()]
LAYERS = [layer for layer in Layer.shelf.values() if layer.target]
"""Everything that PyTorch runs; an Input only names what comes in."""


LARGEST_SIDE, LARGEST_SIDE_OF_A_VOLUME, LARGEST_NUMBER = 9, 4, 6
"""Of a signal, and in a parameter: small, because PyTorch runs them all."""


def name_of(entry: type[Entry]) -> str:
    """What pytest calls a test of this entry."""
    return f"{entry.kind}:{entry.__name__}".replace(" ", "-")


def fields_of(entry: type[Entry]) -> dict[str, Json]:
    """The JSON schema of every field."""
    return entry.model_json_schema()["properties"]


def smallest_params(entry: type[Entry]) -> Json:
    """Parameters for the fields that have no default; all of those name something."""
    return dict.fromkeys(entry.model_json_schema().get("required", ()), "x")


def values_of(schema: Json) -> st.SearchStrategy[Any]:
    """Values that a field with this JSON schema allows; whole numbers up to `LARGEST_NUMBER` where that can be."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of([values_of(choice) for choice in schema["anyOf"]])
    return _VALUES_OF_TYPE[schema["type"]](schema)


def _whole_numbers(schema: Json) -> st.SearchStrategy[int]:
    lowest = max(schema.get("minimum", 0), -LARGEST_NUMBER)
    return st.integers(lowest, min(schema.get("maximum", LARGEST_NUMBER), max(lowest, LARGEST_NUMBER)))


def _real_numbers(schema: Json) -> st.SearchStrategy[float]:
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    return st.floats(
        schema.get("minimum", above),
        schema.get("maximum", below),
        exclude_min=above is not None,
        exclude_max=below is not None,
        allow_subnormal=False,
    )


def _lists(schema: Json) -> st.SearchStrategy[list[Any]]:
    if "prefixItems" in schema:
        return st.tuples(*(values_of(item) for item in schema["prefixItems"])).map(list)
    return st.lists(values_of(schema["items"]), max_size=4)


_VALUES_OF_TYPE: dict[str, Callable[[Json], st.SearchStrategy[Any]]] = {
    "boolean": lambda schema: st.booleans(),
    "null": lambda schema: st.none(),
    "string": lambda schema: st.text("CDFHLTW", min_size=1, max_size=4),
    "integer": _whole_numbers,
    "number": _real_numbers,
    "array": _lists,
}

_ILLEGAL_FOR_TYPE: Json = {
    "boolean": ["perhaps", 2],
    "string": [1],
    "integer": ["many", 1.5],
    "number": ["much", float("nan"), float("inf")],
    "array": [["not a number"], 1],
}

_BEYOND = {"minimum": -1, "exclusiveMinimum": 0, "maximum": 1, "exclusiveMaximum": 0}
"""What has to be added to a bound for a value that it forbids."""


def illegal_values(schema: Json) -> list[Any]:
    """Values that a field with this JSON schema must refuse."""
    if "anyOf" in schema:  # one that may be left empty
        return [value for value in illegal_values(schema["anyOf"][0]) if value is not None]
    if "enum" in schema:
        return ["no such choice", None]
    too_long = ["x" * (schema["maxLength"] + 1)] if "maxLength" in schema else []
    beyond = [schema[bound] + step for bound, step in _BEYOND.items() if bound in schema]
    return [None, {}, *_ILLEGAL_FOR_TYPE[schema["type"]], *beyond, *too_long]


@st.composite
def entries(draw: st.DrawFn, kind: type[E]) -> E:
    """An entry with legal parameters; each field is left at its default half of the time."""
    params = smallest_params(kind)
    for name, schema in fields_of(kind).items():
        if draw(st.booleans()):
            params[name] = draw(values_of(schema))
    try:
        return kind.pick(kind.__name__, params)
    except ValidationError:
        reject()  # each value is right, and together they are not


@st.composite
def signals(draw: st.DrawFn, kinds: list[tuple[str, str]] | None = None) -> Signal:
    """A signal with one of these axes and types, or with any."""
    any_kind = st.tuples(st.sampled_from(sorted(KNOWN_AXES)), st.sampled_from(["float32", "int64", "bool"]))
    axes, dtype = draw(st.sampled_from(kinds) if kinds else any_kind)
    classes = draw(st.none() | st.integers(2, 9)) if dtype == "int64" else None
    return Signal(tuple(draw(sides(axes)) for _ in axes), axes, dtype, classes)


def sides(axes: str) -> st.SearchStrategy[int]:
    """Lengths of a side of a signal with these axes."""
    return st.integers(1, LARGEST_SIDE_OF_A_VOLUME if len(axes) > 3 else LARGEST_SIDE)


@cache
def welcome(kind: type[Layer]) -> list[tuple[str, str]]:
    """The axes and types that a layer takes when it is as the palette gives it."""
    found = []
    for axes in sorted(KNOWN_AXES):
        for dtype in ("float32", "int64", "bool"):
            signal = Signal((12,) * len(axes), axes, dtype, 5 if dtype == "int64" else None)
            try:
                kind().infer(*[signal] * ports(kind, 2))
            except ShapeProblem:
                continue
            found.append((axes, dtype))
    return found


def ports(kind: type[Layer], several: int) -> int:
    """How many inputs a layer takes at least; `several` for one that takes any number."""
    return several if kind.inputs == ("x*",) else sum(not port.endswith("?") for port in kind.inputs)


@st.composite
def memories(draw: st.DrawFn, query: Signal) -> Signal:
    """A sequence of any length, half of the time as wide as the one that looks at it."""
    features = query.shape[-1] if query.shape and draw(st.booleans()) else draw(sides("TF"))
    return Signal((draw(sides("TF")), features), "TF")


@st.composite
def masks(draw: st.DrawFn, *given: Signal) -> Signal:
    """Which steps of the last signal the first one may not look at: for each step, or for each pair of steps."""
    lengths = tuple(signal.shape[0] for signal in (given[0], given[-1]) if signal.shape)
    axes = draw(st.sampled_from(["T", "TT"])) if len(lengths) == 2 else ""
    return Signal(lengths[2 - len(axes) :], axes, draw(st.sampled_from(["bool", "float32"])))


LATER_PORTS: dict[str, Callable[..., st.SearchStrategy[Signal]]] = {
    "lengths?": lambda *given: st.just(Signal((), "", "int64")),
    "memory": lambda *given: memories(given[0]),
    "mask?": masks,
}
"""What fits a port that does not take the same as the first one, given what the ports before it take."""


@st.composite
def inputs_of(draw: st.DrawFn, kind: type[Layer], fitting: bool) -> tuple[Signal, ...]:
    """One signal per port. With `fitting`, of a kind that the layer takes, and those of a merge alike but for one side."""
    any_signal = signals(welcome(kind) if fitting else None)
    first = draw(any_signal)
    given = [first]
    later = kind.inputs[1:] if len(kind.inputs) > 1 else ["x"] * (ports(kind, draw(st.integers(2, 4))) - 1)
    for port in later:
        if port.endswith("?") and draw(st.booleans()):
            break
        if not fitting and draw(st.booleans()):
            given.append(draw(any_signal))
            continue
        if port in LATER_PORTS:
            given.append(draw(LATER_PORTS[port](*given)))
            continue
        shape = list(first.shape)
        change = draw(st.sampled_from(["none", "one side", "turned"])) if shape else "none"
        if change == "one side":
            shape[draw(st.integers(0, len(shape) - 1))] = draw(sides(first.axes))
        elif change == "turned":  # the last two sides, as factors of a matrix product are
            shape[-2:] = reversed(shape[-2:])
        given.append(Signal(tuple(shape), first.axes, first.dtype, first.classes))
    return tuple(given)


@st.composite
def accepted(draw: st.DrawFn, kind: type[Layer]) -> tuple[Layer, tuple[Signal, ...], tuple[Signal, ...]]:
    """A layer, what it is given, and what it says that it gives."""
    for _ in range(10):
        layer, given_signals = draw(entries(kind)), draw(inputs_of(kind, fitting=True))
        with suppress(ShapeProblem):
            return layer, given_signals, layer.infer(*given_signals)
    return reject()


def tensor_of(signal: Signal, batch: int, device: str = "cpu") -> Tensor:
    """A batch of such samples. Class numbers have the largest one among them; real numbers ask for their gradient."""
    shape = (batch, *signal.shape)
    if signal.dtype == "bool":
        return torch.ones(shape, dtype=torch.bool, device=device)
    if signal.dtype == "int64":
        most = signal.classes or 100
        numbers = torch.randint(most, shape, device=device)
        numbers.view(-1)[0] = most - 1
        return numbers
    return torch.randn(shape, device=device, requires_grad=True)
