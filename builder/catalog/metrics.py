"""Metrics: what else there is to know of how good the answers are. Computed by torchmetrics.

`target` is a function of `torchmetrics.functional`, which takes answers and truth.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from builder.catalog.entry import Entry
from builder.catalog.signal import Signal

Averaging = Annotated[
    Literal["macro", "micro", "weighted"],
    Field(title="Average", description="Over classes: each class alike (macro), each sample alike, or by frequency."),
]


class Metric(Entry):
    """A number that says how good the answers of a part of the data are."""

    kind: ClassVar[str] = "metric"
    unit: ClassVar[str] = "0 to 1"
    """What its axis says."""
    wants: ClassVar[Literal["classes", "scores", "values"]] = "classes"
    """What it compares with the truth: decided classes, scores of all classes, or numbers."""
    larger_is_better: ClassVar[bool] = True

    @property
    def key(self) -> str:
        """What its series is called, behind the part: `validation/f1`."""
        return self.name.lower()

    def suits(self, target: Signal) -> bool:
        """Whether a target of this kind can be measured so."""
        if self.wants == "values":
            return target.dtype == "float32"
        return bool(target.classes)

    def options(self, classes: int) -> dict[str, Any]:
        """What its function is given besides answers and truth."""
        return {}


class _OfClasses(Metric):
    """What those about decided classes share."""

    group = "Classification"

    average: Averaging = "macro"

    def options(self, classes: int) -> dict[str, Any]:
        return {"num_classes": classes, "average": self.average}


class Precision(_OfClasses):
    """Of all samples called a class, the share that are of it."""

    target, aliases = "classification.multiclass_precision", ("positive predictive value",)
    formula = r"\frac{TP}{TP + FP}"


class Recall(_OfClasses):
    """Of all samples of a class, the share that are called so."""

    target, aliases = "classification.multiclass_recall", ("sensitivity", "true positive rate")
    formula = r"\frac{TP}{TP + FN}"


class F1(_OfClasses):
    """The harmonic mean of precision and recall."""

    target, aliases = "classification.multiclass_f1_score", ("f-score", "dice")
    formula = r"\frac{2\,TP}{2\,TP + FP + FN}"


class TopK(Metric):
    """The share of samples whose class is among the k highest scores."""

    group, target, wants = "Classification", "classification.multiclass_accuracy", "scores"
    aliases = ("top-5", "top 5 accuracy")
    formula = r"\frac{1}{n} \sum_i [c_i \in \text{top}_k(z_i)]"

    k: Annotated[int, Field(ge=1, le=1_000)] = Field(5, title="k", description="How many guesses count.")

    @property
    def key(self) -> str:
        return f"top-{self.k}"

    def suits(self, target: Signal) -> bool:
        return bool(target.classes) and self.k < (target.classes or 0)

    def options(self, classes: int) -> dict[str, Any]:
        return {"num_classes": classes, "top_k": self.k, "average": "micro"}


class AUROC(Metric):
    """The chance that a sample of a class has a higher score for it than one of another class."""

    group, target, wants = "Classification", "classification.multiclass_auroc", "scores"
    aliases = ("auc", "roc", "area under the curve")
    formula = r"P(z_i > z_j \mid i \in c,\ j \notin c)"

    average: Annotated[Literal["macro", "weighted"], Field(title="Average", description="Over classes.")] = "macro"

    def options(self, classes: int) -> dict[str, Any]:
        return {"num_classes": classes, "average": self.average}


class _OfValues(Metric):
    """What those about numbers share."""

    group, wants = "Regression", "values"


class MAE(_OfValues):
    """The mean distance from the truth."""

    target, aliases = "regression.mean_absolute_error", ("mean absolute error", "l1")
    formula = r"\frac{1}{n} \sum_i |\hat y_i - y_i|"
    unit, larger_is_better = "mean absolute error", False


class RMSE(_OfValues):
    """The root of the mean squared distance from the truth."""

    target, aliases = "regression.mean_squared_error", ("root mean squared error",)
    formula = r"\sqrt{\frac{1}{n} \sum_i (\hat y_i - y_i)^2}"
    unit, larger_is_better = "root mean squared error", False

    def options(self, classes: int) -> dict[str, Any]:
        return {"squared": False}


class R2(_OfValues):
    """The share of the truth's variance that is explained: 1 is perfect, 0 is as good as the mean."""

    target, aliases = "regression.r2_score", ("r squared", "coefficient of determination")
    formula = r"1 - \frac{\sum_i (\hat y_i - y_i)^2}{\sum_i (y_i - \bar y)^2}"
    unit = "share of variance"

    def options(self, classes: int) -> dict[str, Any]:
        return {"multioutput": "variance_weighted"}
