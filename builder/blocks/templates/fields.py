"""What the forms of catalog blocks share."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, Field

from builder.catalog.layers.dense import Count
from builder.problem import say


def _odd(side: int) -> int:
    if side % 2 == 0:
        raise ValueError(say("{side} is even; only an odd window has a middle", side=side))
    return side


Odd = Annotated[int, Field(ge=1, le=31), AfterValidator(_odd)]
Stride = Annotated[int, Field(ge=1, le=8)]
Share = Annotated[float, Field(ge=0, lt=1)]

Activation: TypeAlias = Literal["ReLU", "ReLU6", "LeakyReLU", "ELU", "GELU", "SiLU", "Hardswish", "Tanh", "Sigmoid"]
Norm: TypeAlias = Literal["BatchNorm2d", "InstanceNorm2d", "none"]

ADVANCED: dict[str, Any] = {"advanced": True}

ACTIVATION: Any = Field("ReLU", description="The bend behind each norm.")
STRIDE: Any = Field(1, description="2 halves the sides of the image.")

__all__ = ["ACTIVATION", "ADVANCED", "STRIDE", "Activation", "Count", "Norm", "Odd", "Share", "Stride"]
