"""Losses: how wrong an output is, as one number to make small.

A loss owns the way a class becomes what it is compared with (`encode`) and the way an output becomes a class
(`decide`), so that accuracy is defined for classes, 0/1 and -1/+1 alike. Both are names of functions of
`builder.compile.modules`, which the exported program carries along.
"""

from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import Field

from builder.catalog.entry import Entry
from builder.catalog.layers import Layer
from builder.catalog.layers.activations import Hardsigmoid, LogSoftmax, Sigmoid
from builder.catalog.layers.sides import at_side
from builder.catalog.signal import Signal
from builder.problem import Json

Shapes: TypeAlias = tuple[tuple[int, ...], ...]

Smoothing = Annotated[float, Field(ge=0, le=0.9)]
Weights = Annotated[tuple[Annotated[float, Field(ge=1e-6, le=1e6)], ...], Field(max_length=1_000)]
"""One number for each class. None is 0: of a batch that has no other class, the weighted mean would be 0 / 0."""


class Loss(Entry):
    """A distance between an output and a target, averaged over the batch."""

    kind: ClassVar[str] = "loss"
    unit: ClassVar[str]
    """What its axis says."""
    per_class: ClassVar[str | None] = None
    """The field that holds one number for each class, or none at all."""
    ending: ClassVar[dict[str, Json] | None] = None
    """A layer that turns scores into what it takes, where it takes no scores."""

    def shapes(self, target: Signal) -> Shapes:
        """Output shapes that it can compare with `target`; none where it cannot use such a target."""
        raise TypeError(f"{self.name} does not say what it compares")

    def takes(self, layer: Layer, gives: Signal) -> bool:
        """Whether what `layer` gives has the meaning that the loss needs."""
        return True

    def runs(self) -> str:
        """What runs it: its `target`, unless one of our own modules has to."""
        return self.target

    @property
    def class_numbers(self) -> tuple[float, ...] | None:
        """The numbers of the field `per_class`, where there are any."""
        return getattr(self, self.per_class) if self.per_class else None

    @property
    def of_whole(self) -> bool:
        """Whether the loss of a batch is no mean of what its samples cost.

        Its module then takes the targets of the whole batch as a third argument where it is given a piece of it, so
        that the pieces, each by its share of the samples, add up to the loss of the whole.
        """
        return False

    def encode(self, output: Signal, target: Signal) -> str | None:
        """Function that turns classes into what the loss compares with; null where the target is used as it is."""
        return None

    def decide(self, output: Signal, target: Signal) -> str | None:
        """Function that turns an output into a class; null where there are no classes."""
        return None

    def side(self, output: Signal, target: Signal) -> str | None:
        """Function that says between -1 (class 0) and +1 (class 1) how sure an output is; null unless there are two classes."""
        return None

    def predict(self, output: Signal, target: Signal) -> str | None:
        """Function that turns an output into the numbers that it predicts; null where those are the output itself."""
        return None


class _OfScores(Loss):
    """What losses share that compare one score (or logarithm of a probability) for each class with the class."""

    group = "Classification"

    def shapes(self, target: Signal) -> Shapes:
        return ((target.classes, *target.shape),) if target.classes else ()

    def decide(self, output: Signal, target: Signal) -> str | None:
        return "largest" if target.classes else None

    def side(self, output: Signal, target: Signal) -> str | None:
        return "side_by_scores" if target.classes == 2 else None


class _OfLogarithms(_OfScores):
    """What losses share that take logarithms of probabilities, one for each class."""

    ending = {"type": "LogSoftmax", "params": {"dim": 1}}

    def takes(self, layer: Layer, gives: Signal) -> bool:
        return isinstance(layer, LogSoftmax) and at_side(layer.dim, gives) == 0


class _OfTwo(Loss):
    """What losses share that compare one number with one of two classes."""

    group = "Classification"

    def shapes(self, target: Signal) -> Shapes:
        return ((1,),) if target.classes == 2 and target.shape == () else ()

    def encode(self, output: Signal, target: Signal) -> str | None:
        return "zero_one"

    def decide(self, output: Signal, target: Signal) -> str | None:
        return "positive"

    def side(self, output: Signal, target: Signal) -> str | None:
        return "side_by_score"


class _OfMargins(_OfTwo):
    """What losses share whose target is -1 or +1, and which look at the product of target and output alone."""

    def encode(self, output: Signal, target: Signal) -> str | None:
        return "plus_minus_one"

    def side(self, output: Signal, target: Signal) -> str | None:
        return "side_by_margin"


class _OfNumbers(Loss):
    """What losses share that compare numbers with as many numbers."""

    group = "Regression"

    def shapes(self, target: Signal) -> Shapes:
        return (target.shape,) if target.dtype == "float32" else ()


class CrossEntropy(_OfScores):
    """For classes: the surprise at the true class, -ln of its probability. Takes scores; softmax is included.

    Averaged over the samples. Course code that averages over samples and classes, `np.mean(y * np.log(p))`, gets 1/C of
    it for C classes.
    """

    target = "nn.CrossEntropyLoss"
    aliases = (
        "ce",
        "cross entropy loss",
        "categorical crossentropy",
        "sparse categorical crossentropy",
        "softmax loss",
        "log loss",
    )
    formula = r"\ell = -\ln \frac{e^{z_c}}{\sum_j e^{z_j}}"
    unit = "cross-entropy (nats)"
    per_class = "weight"

    label_smoothing: Smoothing = Field(0.0, description="Share of the target that is spread over all classes.")
    weight: Weights | None = Field(
        None,
        title="Class weights",
        description="How much a sample of each class counts, such as 1, 3; empty: all alike. As in PyTorch, the loss is then "
        "the weighted mean: divided by the sum of the weights of the samples, not by their number.",
        json_schema_extra={"empty": "all alike"},
    )

    def runs(self) -> str:
        return "WeightedCrossEntropy" if self.of_whole else self.target

    @property
    def of_whole(self) -> bool:
        return self.weight is not None

    def args(self) -> dict[str, Any]:
        smoothing = {"label_smoothing": self.label_smoothing}
        return {"weight": self.weight, **smoothing} if self.of_whole else smoothing


class BCEWithLogits(_OfTwo):
    """For two classes and one output: the surprise at the truth. Takes a score; sigmoid is included. Also called logistic loss."""

    target = "nn.BCEWithLogitsLoss"
    aliases = ("logistic", "logistic loss", "binary crossentropy", "bce with logits loss", "sigmoid cross entropy")
    formula = r"\ell = -y \ln \sigma(z) - (1 - y) \ln(1 - \sigma(z))"
    unit = "binary cross-entropy (nats)"


class MSE(_OfNumbers):
    """The mean of the squared differences. For two classes and one output they are -1 and +1, else one number per class."""

    target = "nn.MSELoss"
    aliases = ("mse loss", "mean squared error", "squared error", "l2", "l2 loss", "quadratic")
    formula = r"\ell = \frac{1}{n} \sum_i (\hat y_i - y_i)^2"
    unit = "mean squared error"

    def shapes(self, target: Signal) -> Shapes:
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


class NLL(_OfLogarithms):
    """For classes, two or more: minus the logarithm of the true class's probability. Takes what LogSoftmax gives.

    LogSoftmax and NLL together are CrossEntropy.
    """

    target = "nn.NLLLoss"
    aliases = ("nll loss", "negative log likelihood")
    formula = r"\ell = -\ln p_c"
    unit = "negative log-likelihood (nats)"


class BCE(_OfTwo):
    """For two classes and one output: the surprise at the truth. Takes a probability, as Sigmoid gives it.

    Logarithms stop at -100, as in PyTorch. Sure of what is wrong, it learns slowly: BCEWithLogits loses no digits.
    """

    target = "BCE"
    aliases = ("bce loss", "binary cross entropy loss")
    formula = r"\ell = -y \ln p - (1 - y) \ln(1 - p)"
    unit = "binary cross-entropy (nats)"
    ending = {"type": "Sigmoid"}

    def takes(self, layer: Layer, gives: Signal) -> bool:
        return isinstance(layer, Sigmoid | Hardsigmoid)

    def decide(self, output: Signal, target: Signal) -> str | None:
        return "probable"

    def side(self, output: Signal, target: Signal) -> str | None:
        return "side_by_probability"


class Focal(_OfScores):
    """Cross-entropy that looks away from what is easy: each sample counts (1 - p)^γ, p the probability of its class.

    Lin et al. 2017. Takes a score for each class, or one score for two classes. With γ = 0 it is CrossEntropy. The mean is
    over the samples, whatever their α.
    """

    target = "Focal"
    aliases = ("focal loss", "sigmoid focal loss", "categorical focal crossentropy", "binary focal crossentropy")
    formula = r"\ell = -\alpha_c\,(1 - p_c)^{\gamma} \ln p_c"
    unit = "focal loss (nats)"
    per_class = "alpha"

    gamma: float = Field(2.0, ge=0, le=10, title="Focus γ", description="How little easy samples count; 0: all alike.")
    alpha: Weights | None = Field(
        None,
        title="Class weights α",
        description="How much each class counts, such as 0.75, 0.25, which the paper calls an α of 0.25; empty: all alike.",
        json_schema_extra={"empty": "all alike"},
    )

    def shapes(self, target: Signal) -> Shapes:
        one = ((1,),) if target.classes == 2 and target.shape == () else ()
        return (*one, *super().shapes(target))

    def decide(self, output: Signal, target: Signal) -> str | None:
        return "positive" if output.shape == (1,) else "largest"

    def side(self, output: Signal, target: Signal) -> str | None:
        return "side_by_score" if output.shape == (1,) else super().side(output, target)


class Hinge(_OfMargins):
    """For two classes and one output: how far a score is from being right with a margin of 1, as in a support vector machine.

    Classes 0 and 1 are compared as -1 and +1. Course code that takes 0 and 1 as they are cannot learn class 0: with
    y = 0 the loss is 1 whatever the score.
    """

    target = "Hinge"
    aliases = ("hinge loss", "svm loss", "max margin")
    formula = r"\ell = \max(0, 1 - y z),\quad y \in \{-1, +1\}"
    unit = "hinge loss"


class Exponential(_OfMargins):
    """For two classes and one output: grows without bound for what is wrong, so that outliers rule. AdaBoost makes it small.

    Classes 0 and 1 are compared as -1 and +1. AdaBoost takes the sum over the samples; the mean, as of every other loss
    here, does not grow with the batch.
    """

    target = "Exponential"
    aliases = ("exponential loss", "adaboost")
    formula = r"\ell = e^{-y z},\quad y \in \{-1, +1\}"
    unit = "exponential loss"

    reduction: Literal["mean", "sum"] = Field(
        "mean",
        description="Mean or sum over the samples looked at. A sum grows with batch and part, so that training and validation "
        "cannot be compared, and each step is as many times longer.",
    )

    @property
    def of_whole(self) -> bool:
        return self.reduction == "sum"


class KLDiv(_OfLogarithms):
    """How far the predicted distribution is from the target's: the information lost by using one for the other.

    Takes what LogSoftmax gives. A class stands for all of the probability at its place; a row of numbers is taken as the
    probabilities themselves, which should add up to 1: what is below 0 counts as 0. Averaged over the samples.
    """

    target = "KLDiv"
    aliases = ("kl divergence", "kl div loss", "kld", "kullback leibler", "relative entropy")
    formula = r"\ell = \sum_j q_j (\ln q_j - \ln p_j)"
    unit = "KL divergence (nats)"

    label_smoothing: Smoothing = Field(0.0, description="Share of the target that is spread over all places.")

    def shapes(self, target: Signal) -> Shapes:
        if target.dtype == "float32":
            return (target.shape,) if len(target.shape) == 1 else ()
        return super().shapes(target) if target.shape == () else ()

    def encode(self, output: Signal, target: Signal) -> str | None:
        return "one_hot" if target.classes else None


class MAE(_OfNumbers):
    """The mean distance. Outliers pull no harder than other samples, because the slope is the same however far off one is.

    Also called L1 loss, which is not the L1 penalty that makes weights sparse.
    """

    target = "nn.L1Loss"
    aliases = ("mae loss", "mean absolute error", "absolute error", "l1", "l1 loss")
    formula = r"\ell = \frac{1}{n} \sum_i |\hat y_i - y_i|"
    unit = "mean absolute error"


class SmoothL1(_OfNumbers):
    """Squared where nearly right, the plain distance where far off: no kink at 0, and outliers pull no harder.

    Finds the boxes in object detection (Girshick 2015).
    """

    target = "nn.SmoothL1Loss"
    aliases = ("smooth l1 loss",)
    formula = r"\ell = \frac{(\hat y - y)^2}{2\beta} \text{ if } |\hat y - y| < \beta, \text{ else } |\hat y - y| - \frac{\beta}{2}"
    unit = "smooth L1 loss"

    beta: float = Field(
        1.0, ge=0, le=1e6, title="Width β", description="Up to this distance it is squared; 0 is the plain distance."
    )


class Huber(_OfNumbers):
    """Squared where nearly right, straight where far off: SmoothL1 with β = δ, times δ (Huber 1964)."""

    target = "nn.HuberLoss"
    aliases = ("huber loss",)
    formula = (
        r"\ell = \tfrac12 (\hat y - y)^2 \text{ if } |\hat y - y| < \delta, \text{ else } "
        r"\delta \left(|\hat y - y| - \tfrac12 \delta\right)"
    )
    unit = "Huber loss"

    delta: float = Field(1.0, ge=1e-3, le=1e6, title="Width δ", description="Up to this distance it is squared.")


class MSLE(_OfNumbers):
    """The mean squared difference of ln(1 + number): what counts is by how many times one is off, not by how much.

    For numbers above 0. Below, it sees nothing: numbers under 0.00001 count as that, so that -5 is as good as -100, and an
    output there learns nothing. Let the network end in a Softplus or a ReLU.
    """

    target = "MSLE"
    aliases = ("msle loss", "mean squared logarithmic error", "squared logarithmic error")
    formula = r"\ell = \frac{1}{n} \sum_i \big(\ln(1 + \max(\hat y_i, 10^{-5})) - \ln(1 + \max(y_i, 10^{-5}))\big)^2"
    unit = "mean squared logarithmic error"


class MAPE(_OfNumbers):
    """The mean distance in per cent of the true number.

    For numbers well away from 0: a number nearer than 0.00001 counts as that, so that being off by 1 where the truth is 0
    costs ten million per cent.
    """

    target = "MAPE"
    aliases = ("mape loss", "mean absolute percentage error", "percentage error")
    formula = r"\ell = \frac{100}{n} \sum_i \frac{|\hat y_i - y_i|}{\max(|y_i|, 10^{-5})}"
    unit = "mean absolute error (% of the truth)"


class GaussianNLL(_OfNumbers):
    """For numbers and how sure one is of them: the network gives the mean and the variance of a normal distribution.

    Its output has twice the features (or channels) of the target: the means first, then numbers whose softplus plus ε is
    the variance, as in Lakshminarayanan et al. 2017. It can be negative.
    """

    target = "GaussianNLL"
    aliases = ("gaussian nll loss", "gaussian negative log likelihood", "heteroscedastic")
    formula = (
        r"\ell = \tfrac12 \left(\ln \sigma^2 + \frac{(y - \mu)^2}{\sigma^2}\right),\quad "
        r"\sigma^2 = \ln(1 + e^{s}) + \epsilon"
    )
    unit = "Gaussian negative log-likelihood (nats)"

    full: bool = Field(False, title="Constant", description="Add ln(2π) / 2, which changes no gradient.")
    eps: float = Field(
        1e-6, ge=1e-8, le=1, title="Least variance ε", description="Keeps the division finite.",
        json_schema_extra={"advanced": True},
    )  # fmt: skip

    def shapes(self, target: Signal) -> Shapes:
        if target.dtype != "float32":
            return ()
        first, *others = target.shape or (1,)
        return ((2 * first, *others),)

    def predict(self, output: Signal, target: Signal) -> str | None:
        return "first_half"


class Poisson(_OfNumbers):
    """For counts, 0, 1, 2 and so on: the network gives the logarithm of the rate at which they come.

    Targets are numbers of at least 0. It can be negative.
    """

    target = "nn.PoissonNLLLoss"
    aliases = ("poisson loss", "poisson nll loss", "poisson negative log likelihood")
    formula = r"\ell = e^{z} - y z"
    unit = "Poisson negative log-likelihood (nats)"

    full: bool = Field(
        False, title="Constant", description="Add Stirling's approximation of ln y!, which changes no gradient."
    )

    def predict(self, output: Signal, target: Signal) -> str | None:
        return "rate"
