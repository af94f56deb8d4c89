"""What every layer is: ports, and rules from signals to signals."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from math import isqrt, prod
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

from builder.catalog.entry import Entry
from builder.catalog.signal import AXES_OF_RANK, Shape, Signal
from builder.problem import Json, say

Signals: TypeAlias = tuple[Signal, ...]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A repair that a layer proposes for itself; analysis turns it into a Fix, and tries it before anyone sees it.

    `params` are new parameters of the layer. `insert` names a layer, with parameters, to put in front of `port`. `type`
    names a layer to use in its place, and `params` are then all that it gets.
    """

    label: str
    params: dict[str, Json] = field(default_factory=dict)
    type: str | None = None
    insert: tuple[str, dict[str, Json]] | None = None
    port: int = 0


class ShapeProblem(Exception):
    """A layer cannot take what it is given. Raised by `Layer.infer`; analysis alone catches it.

    `title` is a message with a place for the layer's name: "{node} does not fit".
    """

    def __init__(self, code: str, title: str, because: str, *suggestions: Suggestion) -> None:
        super().__init__(because)
        self.code, self.title, self.because, self.suggestions = code, title, because, suggestions


@dataclass(frozen=True, slots=True)
class Worked:
    """One calculation with a node's numbers put in. Python can evaluate `expression` once `x` is written `*`."""

    what: Literal["size", "parameters", "macs"]
    expression: str
    result: int

    def __str__(self) -> str:
        """`3 x 3 x 3 x 100 + 100 = 2,800`."""
        return f"{self.expression} = {self.result:,}"


Window: TypeAlias = tuple[tuple[float, float], ...]
"""Per side of an image (line, volume): how many positions of the input one position of the output sees, and how many
positions further the next one looks."""


class Saved(NamedTuple):
    """What the way back needs of a layer, and is held in memory from its forward pass on (PyTorch's saved tensors).

    `besides` counts numbers of four bytes that are neither its inputs nor its outputs, of one sample; `working` those that it
    needs only while it runs, on the way there or back.
    """

    inputs: bool = False
    outputs: bool = False
    besides: int = 0
    working: int = 0


class Layer(Entry):
    """One operation of a network. `infer` has one argument per port, in the order of `inputs`."""

    kind: ClassVar[str] = "layer"

    inputs: ClassVar[tuple[str, ...]] = ("x",)
    """Port names; `x*` stands for any number of inputs, at least two; `mask?` may stay open, and stands last."""
    outputs: ClassVar[tuple[str, ...]] = ("y",)
    function: ClassVar[bool] = False
    """`target` is called with the list of inputs and `args`; it has no state and no submodule."""
    infix: ClassVar[str | None] = None
    """The Python operator that joins the inputs, for merges that have one; then there is no target to call."""
    initialized: ClassVar[tuple[str, ...]] = ()
    """PyTorch's modules, the layer itself or inside it, whose weights and biases a recipe's initializers fill."""
    view: ClassVar[bool] = False
    """Its output is its input's memory seen differently: it costs no activation memory."""
    pointwise: ClassVar[bool] = False
    """Each position of its output depends on the same position of its inputs alone (statistics of a norm aside)."""
    gradient: ClassVar[bool] = True
    """Whether what comes before it can learn through it; False where its slope is zero wherever it has one."""

    def infer(self, *x: Signal) -> Signals:
        """What each output gives; an optional port that is open is left out of `x`. Raises `ShapeProblem`."""
        return (x[0],)

    def runs(self, *x: Signal) -> str:
        """What runs it, given these signals: its `target`, unless one of our own modules has to."""
        return self.target

    def args(self, *x: Signal) -> dict[str, Any]:
        """Keyword arguments for what runs it, those that PyTorch takes by position first."""
        return self.model_dump()

    def last_word(self) -> str | None:
        """The method of its own module that is called once initializers have filled it, where some numbers are not theirs."""
        return None

    def parameters(self, *x: Signal) -> dict[str, Shape]:
        """Learnable tensors by name, as in `state_dict`."""
        return {}

    def buffers(self, *x: Signal) -> dict[str, Shape]:
        """Tensors that are saved but not learned, by name, as in `state_dict`."""
        return {}

    def products(self, x: Signals, y: Signals) -> tuple[Shape, ...]:
        """How many multiply-adds one sample takes, each sum of products as the sides whose product is their number."""
        return ()

    def macs(self, x: Signals, y: Signals) -> int:
        """Multiply-adds of one sample: one multiply and one add each, bias left out (DESIGN 6)."""
        return sum(map(prod, self.products(x, y)))

    def flops(self, x: Signals, y: Signals) -> int:
        """Operations of the weighted sums of one sample: n products take n multiplications and n - 1 additions, a bias one more."""
        return 0

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        """Everything that is no weighted sum, by kind: `activation`, `pooling`, `normalization`, `merge`."""
        return {}

    def saved(self, x: Signals, y: Signals) -> Saved:
        """What is held for its gradient, in float32 on the CPU; weights are there anyway, and statistics of a norm too few to count."""
        return Saved()

    def smallest_batch(self, *x: Signal) -> int:
        """The smallest batch that this layer can be trained with."""
        return 1

    def window(self, *x: Signal) -> Window | None:
        """What one position of the output sees of the input; None where it sees all of it, or where there are no positions."""
        return single_positions(x[0]) if self.pointwise else None

    def sizes(self, x: Signals, y: Signals) -> tuple[Worked, ...]:
        """How the sides of its output follow, where that takes arithmetic."""
        return ()

    def counting(self, *x: Signal) -> str:
        """The arithmetic behind its parameters: of each weight the sides of its window, what it reads and what it gives."""
        return " + ".join(times((*shape[2:], *shape[1::-1])) for shape in self.parameters(*x).values())

    def worked(self, x: Signals, y: Signals) -> tuple[Worked, ...]:
        """The arithmetic behind sizes, parameters and MACs, with this node's numbers in it."""
        found = list(self.sizes(x, y))
        if shapes := self.parameters(*x):
            found.append(Worked("parameters", self.counting(*x), numbers_of(shapes)))
        if products := self.products(x, y):
            found.append(Worked("macs", " + ".join(map(times, products)), self.macs(x, y)))
        return tuple(found)


def times(sides: Iterable[int]) -> str:
    """`3 x 3 x 64`."""
    return " x ".join(map(str, sides)) or "1"


def positions(x: Signal) -> int:
    """How many sides of a signal are positions: two of an image, one of a line, none of a row of features."""
    return len(x.shape) - 1 if x.axes in ("CL", "CHW", "CDHW") else 0


def single_positions(x: Signal) -> Window | None:
    """The window of a layer that sees one position at a time."""
    return ((1, 1),) * positions(x) or None


def numbers_of(shapes: dict[str, Shape]) -> int:
    """How many numbers a dictionary of shapes stands for."""
    return sum(map(prod, shapes.values()))


def weighted_flops(macs: int, outputs: int, bias: bool) -> int:
    """FLOPs of weighted sums: 2 x MACs with a bias, one addition less per output without."""
    return 2 * macs if bias else 2 * macs - outputs


AXES_IN_WORDS = {
    "F": "a row of features",
    "TF": "a sequence of features (time x features)",
    "CL": "channels along a line (channels x length)",
    "CHW": "an image (channels x height x width)",
    "CDHW": "a volume (channels x depth x height x width)",
    "T": "a sequence of numbers",
    "HW": "a plane",
    "TT": "a time by time table",
    "": "one number",
}


def expect_axes(
    x: Signal, *allowed: str, layer: Layer | None = None, port: int = 0, suggestions: tuple[Suggestion, ...] = ()
) -> None:
    """Refuse a signal whose axes are not among `allowed`, or that is not made of real numbers.

    `layer` is who asks, where it has relatives for other numbers of dimensions; `port` is where the signal comes in.
    """
    expect_floats(x, port)
    if x.axes not in allowed:
        wanted = " or ".join(AXES_IN_WORDS[axes] for axes in allowed)
        repairs = [*suggestions, *_relatives(layer, x), *_arrangements(x, allowed, port)]
        raise ShapeProblem(
            "shape/wrong-axes",
            "{node} gets the wrong kind of input",
            say(
                "It works on {wanted}, and what comes in is {given}: {shape}.",
                wanted=wanted,
                given=AXES_IN_WORDS[x.axes],
                shape=x,
            ),
            *repairs[:MOST],
        )


def expect_floats(x: Signal, port: int = 0) -> None:
    """Refuse class numbers and truth values where real numbers are needed."""
    if x.dtype != "float32":
        raise ShapeProblem(
            "dtype/not-float",
            "{node} needs real numbers",
            say("It calculates with float32, and what comes in is {dtype}: {shape}.", dtype=x.dtype, shape=x),
            *(
                Suggestion(say("Insert {kind} in front of it", kind=kind), insert=(name, {}), port=port)
                for name, kind, reads in (
                    ("Embedding", "an Embedding", ("T", "F", "")),
                    ("OneHot", "a OneHot", ("T", "F", "HW", "")),
                )
                if x.classes and x.axes in reads
            ),
        )


MOST = 3
"""Repairs that are worth trying for input of the wrong kind."""


def _relatives(layer: Layer | None, x: Signal) -> Iterator[Suggestion]:
    """The same operation for as many dimensions as come in: Conv1d for a line, where Conv2d stands."""
    if layer is None or not layer.name.endswith("d"):
        return
    for name in (f"{layer.name[:-2]}{positions(x) or 1}d", layer.name[:-2]):
        if name in Layer.shelf and name != layer.name and (x.axes.startswith("C") or x.axes == "F"):
            given = layer.model_dump(mode="json", exclude_defaults=True).items()
            alike = {key: value[0] if _is_alike(value) else value for key, value in given}
            yield Suggestion(say("Use {name}", name=name), alike, type=name)


def _is_alike(value: Json) -> bool:
    """Whether it says the same number for every side."""
    return isinstance(value, list) and len(set(value)) == 1


def _arrangements(x: Signal, allowed: tuple[str, ...], port: int) -> Iterator[Suggestion]:
    """Layers that change nothing but how the numbers of a signal are arranged."""
    for axes in allowed:
        if axes == "F" and x.shape:
            yield replace(FLATTEN, port=port)
        elif (x.axes, axes) in (("CL", "TF"), ("TF", "CL")):
            yield Suggestion(say("Insert a Permute in front of it"), insert=("Permute", {}), port=port)
        elif x.axes in ("CHW", "CDHW") and axes == "CL":
            label = say("Insert a Flatten that lays its positions out in a line")
            yield Suggestion(label, insert=("Flatten", {"start_dim": 2}), port=port)
        elif shape := _as(axes, x, single_row="F" in allowed):
            label = say("Insert a Reshape to {shape} in front of it", shape=times(shape))
            usual = axes == AXES_OF_RANK[len(shape)]
            params: dict[str, Json] = {"shape": list(shape)} | ({} if usual else {"axes": axes})
            yield Suggestion(label, insert=("Reshape", params), port=port)


def _as(axes: str, x: Signal, single_row: bool) -> Shape | None:
    """The sides that the numbers of `x` have as one channel, one feature, one row; None where nothing is usual."""
    if x.axes in ("F", "T") and axes in ("CL", "TF"):
        return (1, x.numbers) if axes == "CL" else (x.numbers, 1)
    if x.axes == "F" and axes == "CHW":
        squares = ((channels, isqrt(x.numbers // channels)) for channels in (1, 3))
        return next(((channels, side, side) for channels, side in squares if channels * side**2 == x.numbers), None)
    if x.axes in ("TF", "HW", "TT") and axes == "CHW":
        return (1, *x.shape)
    if x.axes == "CHW" and x.shape[0] == 1 and axes == "TF" and not single_row:
        return x.shape[1:]
    return (1,) if x.axes == "" and axes == "F" else None


FLATTEN = Suggestion("Insert a Flatten in front of it", insert=("Flatten", {}))
