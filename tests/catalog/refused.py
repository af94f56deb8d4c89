"""What PyTorch runs and Layerlab refuses: every kind of case, with the reason. `test_against_torch` knows no other."""

from typing import Any

import torch
from refusal import BATCH, Refusal, layer, of_rank
from refused_sequences import REFUSED_SEQUENCES

from builder.catalog import Layer, Signal
from builder.catalog.layers import ShapeProblem
from builder.problem import Problem


def listed(layer: Layer, problem: ShapeProblem | Problem, *given: Signal) -> bool:
    """Whether a case that Layerlab refuses is on the list."""
    return any(
        layer.name in refusal.layers and problem.code == refusal.code and refusal.among(layer, *given)
        for refusal in REFUSED
    )


def along_the_batch(layer: Any, *given: Signal) -> bool:
    """`dim` is the batch, counted from the front or from the back."""
    return layer.dim in (0, -len(given[0].shape) - 1)


def broadcast(layer: Layer, *given: Signal) -> bool:
    """PyTorch finds one shape for all inputs."""
    try:
        torch.broadcast_shapes(*((BATCH, *signal.shape) for signal in given))
    except RuntimeError:
        return False
    return True


def ones(sides: int | tuple[int, ...]) -> bool:
    return sides == 1 or (isinstance(sides, tuple) and set(sides) == {1})


def named(*kinds: str) -> tuple[str, ...]:
    """The layers of these kinds in one, two and three dimensions."""
    return tuple(name for kind in kinds for rank in (1, 2, 3) if (name := f"{kind}{rank}d") in Layer.shelf)


IMAGE = Signal((4, 6, 6), "CHW")
SEQUENCE = Signal((4, 6), "TF")
NUMBERS = Signal((4, 6, 6), "CHW", "int64", 5)

LINE = Signal((4, 6), "CL")
NUMBERS_IN_A_ROW = Signal((6,), "F")

ONE_SAMPLE = (
    "PyTorch takes a batch of anything with as many sides as one sample has for one, and the samples for its channels."
)
OTHER_AXES = (
    "PyTorch cannot tell time, features, height and width from channels and length, and would take steps for channels."
)

REFUSED = [
    Refusal(
        tuple(Layer.shelf), "dtype/not-float",
        "PyTorch calculates with some class numbers and truth values; they are names of things, and nothing can be learned through them.",
        lambda layer, *x: any(signal.dtype != "float32" for signal in x), (layer("Tanh"), (NUMBERS,)),
    ),
    Refusal(
        ("Linear", "RBF"), "shape/wrong-axes",
        "PyTorch mixes the last side of anything; on an image that is one row of pixels at a time, which nobody means.",
        of_rank(1, 2, 3, 4), (layer("Linear"), (IMAGE,)),
    ),
    *(
        Refusal(
            (name,), "shape/wrong-axes", ONE_SAMPLE, of_rank(int(name[-2])),
            (layer(name), (Signal((BATCH, 6, 6)[: int(name[-2])], {1: "F", 2: "TF", 3: "CHW"}[int(name[-2])]),)),
        )
        for name in named("Conv", "ConvTranspose", "MaxPool", "AvgPool", "LPPool", "AdaptiveMaxPool")
    ),
    Refusal(
        named("InstanceNorm", "Dropout"), "shape/wrong-axes", "PyTorch takes almost anything, with a warning.",
        of_rank(0, 1, 2, 3, 4), (layer("Dropout1d"), (NUMBERS_IN_A_ROW,)),
    ),
    Refusal(
        tuple(name for name in Layer.shelf if name.endswith("1d")), "shape/wrong-axes", OTHER_AXES,
        of_rank(2), (layer("MaxPool1d"), (SEQUENCE,)),
    ),
    Refusal(
        ("BatchNorm1d", "GroupNorm", "LocalResponseNorm", "PReLU", "Upsample", "Pad"), "shape/wrong-axes", OTHER_AXES,
        of_rank(1, 2), (layer("BatchNorm1d"), (SEQUENCE,)),
    ),
    Refusal(
        named("AdaptiveAvgPool"), "shape/wrong-axes", "PyTorch averages the last sides of anything where one number is asked for.",
        lambda layer, x: len(x.shape) in (layer.rank, layer.rank - 1) or ones(layer.output_size),
        (layer("AdaptiveAvgPool2d"), (SEQUENCE,)),
    ),
    *(
        Refusal(
            (example.name,), "shape/no-such-side", "Along the batch the samples would be mixed.",
            along_the_batch, (example, (IMAGE,) * count),
        )
        for example, count in (
            (layer("Softmax", dim=0), 1), (layer("Softmin", dim=0), 1), (layer("LogSoftmax", dim=0), 1),
            (layer("Mean", dim=0), 1), (layer("Slice", dim=0), 1), (layer("Concat", dim=0), 2),
        )
    ),
    Refusal(
        ("LayerNorm", "RMSNorm"), "shape/no-such-side",
        "PyTorch is told how long the sides are, and would be told of fewer than were asked for.",
        lambda layer, x: layer.sides is not None and layer.sides > len(x.shape), (layer("LayerNorm", sides=4), (SEQUENCE,)),
    ),
    Refusal(
        ("ConvTranspose1d", "ConvTranspose2d", "Slice"), "shape/nothing-left", "PyTorch goes on with an output that has no numbers.",
        lambda layer, x: True, (layer("Slice", start=6), (LINE,)),
    ),
    Refusal(
        named("MaxPool"), "shape/only-padding",
        "PyTorch gives minus infinity and writes the gradient beyond its tensor (in this example, into the rest of its block of memory).",
        lambda layer, x: layer.padding != 0, (layer("MaxPool2d", stride=1, padding=1, dilation=2), (Signal((1, 1, 1), "CHW"),)),
    ),
    Refusal(
        ("GroupNorm",), "shape/one-value",
        "PyTorch gives zero for every one of them, and refuses a batch of one sample, also of those to judge by.",
        lambda layer, x: True, (layer("GroupNorm", num_groups=6), (NUMBERS_IN_A_ROW,)),
    ),
    Refusal(
        ("Pad",), "shape/padding-count", "PyTorch pads the last sides alone where there are too few numbers.",
        lambda layer, x: True, (layer("Pad", padding=(1, 2)), (Signal((2, 3, 3, 3), "CDHW"),)),
    ),
    Refusal(
        ("Concat",), "shape/merge-mismatch", "PyTorch makes real numbers of class numbers that are joined with some.",
        lambda layer, *x: len({signal.dtype for signal in x}) > 1, (layer("Concat"), (IMAGE, NUMBERS)),
    ),
    Refusal(
        ("Add", "Subtract"), "shape/merge-mismatch",
        "PyTorch repeats sides of length 1 (and the batch, if it has to) and mixes types: more often a mistake than a wish.",
        broadcast, (layer("Add"), (IMAGE, Signal((4, 1, 1), "CHW"))),
    ),
    Refusal(
        ("Multiply",), "shape/merge-mismatch", "PyTorch repeats the batch, if it has to, and the samples would be mixed.",
        lambda layer, *x: broadcast(layer, *x) and len({len(signal.shape) for signal in x}) > 1,
        (layer("Multiply"), (Signal((4, BATCH, 6), "CHW"), Signal((6,), "F"))),
    ),
    Refusal(
        ("MatMul",), "shape/matrix-mismatch", "PyTorch takes the batch for a side of the matrices, or repeats it.",
        lambda layer, a, b: min(len(a.shape), len(b.shape)) < 2 or a.shape[:-2] != b.shape[:-2],
        (layer("MatMul"), (Signal((BATCH,), "F"), Signal((BATCH,), "F"))),
    ),
    *REFUSED_SEQUENCES,
]  # fmt: skip
