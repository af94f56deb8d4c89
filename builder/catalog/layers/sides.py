"""Sides of a signal as PyTorch counts them: 0 is the batch, which stays as it is, and -1 is the last."""

from typing import Annotated, TypeAlias

from pydantic import Field

from builder.catalog.layers.base import ShapeProblem, Suggestion
from builder.catalog.signal import AXES_OF_RANK, KNOWN_AXES, Signal
from builder.problem import say

Dim: TypeAlias = Annotated[int, Field(ge=-4, le=4)]

LAST = Suggestion(say("Use the last side"), {"dim": -1})


def at_side(dim: int, x: Signal, *suggestions: Suggestion) -> int:
    """Where in the shape of one sample the side `dim` stands."""
    rank = len(x.shape) + 1
    side = dim + rank if dim < 0 else dim
    if not 1 <= side < rank:
        raise ShapeProblem(
            "shape/no-such-side",
            "{node} has no such side",
            say(
                "With the batch there are {rank} sides, 0 to {last}; dim is {dim}, and the batch (side 0) stays as it is.",
                rank=rank, last=rank - 1, dim=dim,
            ),
            *suggestions,
        )  # fmt: skip
    return side - 1


def known_axes(letters: str) -> str:
    """These letters where they have a meaning together, else what as many sides usually are."""
    if letters in ("CH", "CW"):
        return "CL"  # what is left of an image is a line
    return letters if letters in KNOWN_AXES else AXES_OF_RANK[len(letters)]
