"""What every layer is: ports, and rules from signals to signals."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from builder.catalog.entry import Entry
from builder.catalog.signal import Shape, Signal
from builder.problem import Json, say

Signals: TypeAlias = tuple[Signal, ...]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A repair that a layer proposes for itself; analysis turns it into a Fix, and tries it before anyone sees it.

    `params` are new parameters of the layer. `insert` names a layer, with parameters, to put in front of `port`.
    """

    label: str
    params: dict[str, Json] = field(default_factory=dict)
    insert: tuple[str, dict[str, Json]] | None = None
    port: int = 0


class ShapeProblem(Exception):
    """A layer cannot take what it is given. Raised by `Layer.infer`; analysis alone catches it.

    `title` is a message with a place for the layer's name: "{node} does not fit".
    """

    def __init__(self, code: str, title: str, because: str, *suggestions: Suggestion) -> None:
        super().__init__(because)
        self.code, self.title, self.because, self.suggestions = code, title, because, suggestions


class Layer(Entry):
    """One operation of a network. `infer` has one argument per port, in the order of `inputs`."""

    kind: ClassVar[str] = "layer"

    inputs: ClassVar[tuple[str, ...]] = ("x",)
    """Port names; `x*` stands for any number of inputs, at least two."""
    outputs: ClassVar[tuple[str, ...]] = ("y",)
    function: ClassVar[bool] = False
    """`target` is called with the list of inputs and `args`; it has no state and no submodule."""
    infix: ClassVar[str | None] = None
    """The Python operator that joins the inputs, for merges that have one; then there is no target to call."""
    initialized: ClassVar[bool] = False
    """A recipe's initializers fill its parameters named `weight...` and `bias...`."""
    view: ClassVar[bool] = False
    """Its output is its input's memory seen differently: it costs no activation memory."""

    def infer(self, *x: Signal) -> Signals:
        """What each output gives. Raises `ShapeProblem`."""
        return (x[0],)

    def args(self, *x: Signal) -> dict[str, Any]:
        """Keyword arguments for `target`, those that PyTorch takes by position first."""
        return self.model_dump()

    def parameters(self, *x: Signal) -> dict[str, Shape]:
        """Learnable tensors by name, as in `state_dict`."""
        return {}

    def buffers(self, *x: Signal) -> dict[str, Shape]:
        """Tensors that are saved but not learned, by name, as in `state_dict`."""
        return {}

    def macs(self, x: Signals, y: Signals) -> int:
        """Multiply-adds of one sample: one multiply and one add each, bias left out (DESIGN 6)."""
        return 0

    def flops(self, x: Signals, y: Signals) -> int:
        """Operations of the weighted sums of one sample: n products take n multiplications and n - 1 additions, a bias one more."""
        return 0

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        """Everything that is no weighted sum, by kind: `activation`, `pooling`, `normalization`, `merge`."""
        return {}

    def smallest_batch(self, *x: Signal) -> int:
        """The smallest batch that this layer can be trained with."""
        return 1


def numbers_of(shapes: dict[str, Shape]) -> int:
    """How many numbers a dictionary of shapes stands for."""
    total = 0
    for shape in shapes.values():
        count = 1
        for side in shape:
            count *= side
        total += count
    return total


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


def expect_axes(x: Signal, *allowed: str, suggestions: tuple[Suggestion, ...] = ()) -> None:
    """Refuse a signal whose axes are not among `allowed`, or that is not made of real numbers."""
    expect_floats(x)
    if x.axes not in allowed:
        wanted = " or ".join(AXES_IN_WORDS[axes] for axes in allowed)
        raise ShapeProblem(
            "shape/wrong-axes",
            "{node} gets the wrong kind of input",
            say(
                "It works on {wanted}, and what comes in is {given}: {shape}.",
                wanted=wanted,
                given=AXES_IN_WORDS[x.axes],
                shape=x,
            ),
            *suggestions,
        )


def expect_floats(x: Signal) -> None:
    """Refuse class numbers and truth values where real numbers are needed."""
    if x.dtype != "float32":
        raise ShapeProblem(
            "dtype/not-float",
            "{node} needs real numbers",
            say("It calculates with float32, and what comes in is {dtype}: {shape}.", dtype=x.dtype, shape=x),
        )


FLATTEN = Suggestion("Insert a Flatten in front of it", insert=("Flatten", {}))


def tried_windows(sides: Shape, kernel: int, padding: int, most_padding: int | None = None) -> Iterator[Suggestion]:
    """Repairs of a window that is larger than what it slides over: more padding, or a smaller window."""
    smallest = min(sides)
    needed = -(-(kernel - smallest) // 2)
    if most_padding is None or needed <= most_padding:
        yield Suggestion(say("Set padding to {padding}", padding=needed), {"padding": needed})
    largest = smallest + 2 * padding
    yield Suggestion(say("Set kernel_size to {kernel}", kernel=largest), {"kernel_size": largest})
