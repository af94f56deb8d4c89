"""Losses: how wrong an output is, as one number to make small.

A loss owns the way a class becomes what it is compared with (`encode`) and the way an output becomes a class
(`decide`), so that accuracy is defined for classes, 0/1 and -1/+1 alike. Both are names of functions of
`builder.compile.modules`, which the exported program carries along.
"""

from typing import ClassVar

from pydantic import Field

from builder.catalog.entry import Entry
from builder.catalog.signal import Signal


class Loss(Entry):
    """A distance between an output and a target, averaged over the batch."""

    kind: ClassVar[str] = "loss"
    unit: ClassVar[str]
    """What its axis says."""

    def shapes(self, target: Signal) -> tuple[tuple[int, ...], ...]:
        """Output shapes that it can compare with `target`; none where it cannot use such a target."""
        raise TypeError(f"{self.name} does not say what it compares")

    def encode(self, output: Signal, target: Signal) -> str | None:
        """Function that turns classes into what the loss compares with; null where the target is used as it is."""
        return None

    def decide(self, output: Signal, target: Signal) -> str | None:
        """Function that turns an output into a class; null where there are no classes."""
        return None

    def side(self, output: Signal, target: Signal) -> str | None:
        """Function that says between -1 (class 0) and +1 (class 1) how sure an output is; null unless there are two classes."""
        return None


class CrossEntropy(Loss):
    """For classes: the surprise at the true class, -ln of its probability. Takes scores; softmax is included."""

    group, target = "Classification", "nn.CrossEntropyLoss"
    aliases = (
        "ce",
        "cross entropy loss",
        "categorical crossentropy",
        "sparse categorical crossentropy",
        "softmax loss",
        "log loss",
        "negative log likelihood",
        "nll",
    )
    formula = r"\ell = -\ln \frac{e^{z_c}}{\sum_j e^{z_j}}"
    unit = "cross-entropy (nats)"

    label_smoothing: float = Field(
        0.0, ge=0, le=0.9, description="Share of the target that is spread over all classes."
    )

    def shapes(self, target: Signal) -> tuple[tuple[int, ...], ...]:
        return ((target.classes, *target.shape),) if target.classes else ()

    def decide(self, output: Signal, target: Signal) -> str | None:
        return "largest"

    def side(self, output: Signal, target: Signal) -> str | None:
        return "side_by_scores" if target.classes == 2 else None


class BCEWithLogits(Loss):
    """For two classes and one output: the surprise at the truth. Takes a score; sigmoid is included. Also called logistic loss."""

    group, target = "Classification", "nn.BCEWithLogitsLoss"
    aliases = ("bce", "bce loss", "binary crossentropy", "bce with logits loss")
    formula = r"\ell = -y \ln \sigma(z) - (1 - y) \ln(1 - \sigma(z))"
    unit = "binary cross-entropy (nats)"

    def shapes(self, target: Signal) -> tuple[tuple[int, ...], ...]:
        return ((1,),) if target.classes == 2 and target.shape == () else ()

    def encode(self, output: Signal, target: Signal) -> str | None:
        return "zero_one"

    def decide(self, output: Signal, target: Signal) -> str | None:
        return "positive"

    def side(self, output: Signal, target: Signal) -> str | None:
        return "side_by_score"


class MSE(Loss):
    """The mean of the squared differences. For two classes and one output they are -1 and +1, else one number per class."""

    group, target = "Regression", "nn.MSELoss"
    aliases = ("mse loss", "mean squared error", "squared error", "l2", "l2 loss", "quadratic")
    formula = r"\ell = \frac{1}{n} \sum_i (\hat y_i - y_i)^2"
    unit = "mean squared error"

    def shapes(self, target: Signal) -> tuple[tuple[int, ...], ...]:
        if target.dtype == "float32":
            return (target.shape,)
        if target.shape != () or not target.classes:
            return ()
        each = (target.classes,)
        return ((1,), each) if target.classes == 2 else (each,)

    def encode(self, output: Signal, target: Signal) -> str | None:
        if target.dtype == "float32":
            return None
        return "plus_minus_one" if output.shape == (1,) else "one_hot"

    def decide(self, output: Signal, target: Signal) -> str | None:
        if target.dtype == "float32":
            return None
        return "positive" if output.shape == (1,) else "largest"

    def side(self, output: Signal, target: Signal) -> str | None:
        if target.classes != 2:
            return None
        return "side_by_value" if output.shape == (1,) else "side_by_scores"
