"""What PyTorch runs and Layerlab refuses: layers for sequences, attention and class numbers."""

from typing import Any

from refusal import Refusal, layer, of_rank

from builder.catalog import Layer, Signal

ROW, SEQUENCE, LINE, PLANE = Signal((4,), "F"), Signal((4, 6), "TF"), Signal((4, 6), "CL"), Signal((4, 6), "HW")

RECURRENT = ("RNN", "LSTM", "GRU")
ATTENTION = ("MultiheadAttention", "TransformerEncoderLayer", "TransformerDecoderLayer")


def in_step(layer: Layer, x1: Signal, x2: Signal) -> bool:
    """All sides but the last are the same."""
    return x1.shape[:-1] == x2.shape[:-1]


def other_letters(layer: Any, *given: Signal) -> bool:
    """The mask has the right numbers of sides, which mean something else."""
    return len(given[-1].shape) in (1, 2) and given[-1].axes not in ("T", "TT")


REFUSED_SEQUENCES = [
    Refusal(
        RECURRENT, "shape/wrong-axes",
        "PyTorch cannot tell (channels, length) from (time, features), and takes a batch of rows for one sequence. "
        "Once lengths are packed with it, PyTorch does not look at the sides again.",
        lambda layer, x, *lengths: len(x.shape) in (1, 2) or lengths, (layer("LSTM"), (LINE,)),
    ),
    Refusal(
        ATTENTION, "shape/wrong-axes",
        "PyTorch cannot tell (channels, length) from (time, features), and takes a batch of rows for one sequence.",
        of_rank(1, 2), (layer("TransformerEncoderLayer", nhead=2), (LINE,)),
    ),
    Refusal(
        ATTENTION, "shape/mask", "PyTorch does not ask what the sides of a mask mean.",
        other_letters, (layer("TransformerEncoderLayer", nhead=2), (SEQUENCE, Signal((4, 4), "HW"))),
    ),
    Refusal(
        ("Bilinear",), "shape/wrong-axes", "PyTorch pairs the last sides of anything.", in_step,
        (layer("Bilinear"), (PLANE, PLANE)),
    ),
    Refusal(
        ("Embedding",), "shape/wrong-axes", "PyTorch looks up any number of sides; what they would mean has no name here.",
        of_rank(2, 3, 4), (layer("Embedding"), (Signal((4, 6), "HW", "int64", 5),)),
    ),
    Refusal(
        ("OneHot",), "shape/wrong-axes", "The module is our own and asks for nothing.",
        of_rank(2, 3, 4), (layer("OneHot"), (Signal((4, 6), "TF", "int64", 5),)),
    ),
    Refusal(
        ("PositionalEncoding",), "shape/wrong-axes", "The module is our own and adds to whatever fits.",
        of_rank(2, 3, 4), (layer("PositionalEncoding"), (LINE,)),
    ),
]  # fmt: skip
