"""Dense layers."""

from typing import Annotated, Any

from pydantic import Field

from builder.catalog.layers.base import FLATTEN, Layer, Signals, expect_axes, weighted_flops
from builder.catalog.signal import Shape, Signal

Count = Annotated[int, Field(ge=1, le=65_536)]


class Linear(Layer):
    """Mixes every input feature with every other: one weighted sum per output feature. On a sequence, the same mix at every step."""

    group, target = "Dense", "nn.Linear"
    positional = 2
    formula = r"y = W x + b"
    initialized = ("nn.Linear",)

    out_features: Count = Field(64, title="Units", description="Numbers that this layer gives.")
    bias: bool = Field(True, description="Add a learned number to every output.")

    def args(self, *x: Signal) -> dict[str, Any]:
        return {"in_features": x[0].shape[-1], **self.model_dump()}

    def infer(self, *x: Signal) -> Signals:
        expect_axes(x[0], "F", "TF", suggestions=(FLATTEN,) if x[0].shape else ())
        return (Signal((*x[0].shape[:-1], self.out_features), x[0].axes),)

    def parameters(self, *x: Signal) -> dict[str, Shape]:
        weight: dict[str, Shape] = {"weight": (self.out_features, x[0].shape[-1])}
        return weight | {"bias": (self.out_features,)} if self.bias else weight

    def products(self, x: Signals, y: Signals) -> tuple[Shape, ...]:
        return ((*x[0].shape, self.out_features),)

    def flops(self, x: Signals, y: Signals) -> int:
        return weighted_flops(self.macs(x, y), y[0].numbers, self.bias)
