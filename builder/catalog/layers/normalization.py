"""Normalization: numbers are brought to mean 0 and variance 1."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from builder.catalog.layers.base import Layer, Signals, expect_axes
from builder.catalog.signal import Shape, Signal


class _BatchNorm(Layer):
    """What batch norms share: statistics of each channel over the batch and all positions."""

    allowed: ClassVar[tuple[str, ...]]
    pointwise = True

    eps: Annotated[float, Field(gt=0, le=1)] = Field(
        1e-5, description="Keeps the division finite.", json_schema_extra={"advanced": True}
    )
    momentum: Annotated[float, Field(ge=0, le=1)] = Field(
        0.1, description="Share of the newest batch in the running statistics.", json_schema_extra={"advanced": True}
    )
    affine: bool = Field(True, description="Learn a scale and a shift for every channel.")

    def args(self, *x: Signal) -> dict[str, Any]:
        return {"num_features": x[0].shape[0], **self.model_dump()}

    def infer(self, *x: Signal) -> Signals:
        expect_axes(x[0], *self.allowed)
        return (x[0],)

    def parameters(self, *x: Signal) -> dict[str, Shape]:
        return {"weight": x[0].shape[:1], "bias": x[0].shape[:1]} if self.affine else {}

    def buffers(self, *x: Signal) -> dict[str, Shape]:
        return {"running_mean": x[0].shape[:1], "running_var": x[0].shape[:1], "num_batches_tracked": ()}

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        return {"normalization": (4 if self.affine else 2) * y[0].numbers}

    def smallest_batch(self, *x: Signal) -> int:
        """One value per channel has no variance: PyTorch refuses it in training."""
        return 2 if x[0].numbers == x[0].shape[0] else 1


class BatchNorm1d(_BatchNorm):
    """Brings every feature to mean 0 and variance 1 over the batch, then lets it learn its own scale and shift."""

    group, target = "Normalization", "nn.BatchNorm1d"
    positional = 1
    formula = r"y = \gamma \frac{x - \mu_{\text{batch}}}{\sqrt{\sigma^2_{\text{batch}} + \epsilon}} + \beta"
    allowed = ("F", "CL")


class BatchNorm2d(_BatchNorm):
    """Brings every channel of an image to mean 0 and variance 1 over the batch and all pixels, then scales and shifts it."""

    group, target = "Normalization", "nn.BatchNorm2d"
    positional = 1
    formula = r"y_c = \gamma_c \frac{x_c - \mu_c}{\sqrt{\sigma_c^2 + \epsilon}} + \beta_c"
    allowed = ("CHW",)
