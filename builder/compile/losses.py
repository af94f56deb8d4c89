"""The losses that PyTorch does not have as we need them. As in `builder.compile.modules`, the exported program carries
the text along, word for word.

`output` is of shape (samples, ...), `target` what the loss compares it with. Every loss is the mean over the samples
unless it says otherwise. What is worked out in float16 comes as such, and is compared in float32.
"""

import torch
from torch import Tensor, nn


class WeightedCrossEntropy(nn.CrossEntropyLoss):
    """nn.CrossEntropyLoss with a weight for each class: the mean, weighted by those of the samples' classes.

    Samples of one piece of a batch may weigh more than those of another. With the classes of the `whole` batch, the
    loss of a piece is such that all pieces, each by its share of the samples, add up to the loss of the batch.
    """

    weight: Tensor

    def __init__(self, weight: tuple[float, ...], label_smoothing: float = 0.0) -> None:
        super().__init__(torch.tensor(weight), label_smoothing=label_smoothing)

    def forward(self, scores: Tensor, target: Tensor, whole: Tensor | None = None) -> Tensor:
        loss = super().forward(scores, target)
        return loss if whole is None else loss * (self.weight[target].mean() / self.weight[whole].mean())


class Focal(nn.Module):
    """Cross-entropy of each sample times alpha of its class times (1 - p) ** gamma, p the probability of its class.

    Lin et al. 2017, Focal Loss for Dense Object Detection. Scores of shape (samples, classes, ...), or (samples, 1) for
    two classes: one score z says as much as the two scores 0 and z.
    """

    alpha: Tensor | None

    def __init__(self, gamma: float = 2.0, alpha: tuple[float, ...] | None = None) -> None:
        super().__init__()
        self.gamma = gamma
        self.register_buffer("alpha", None if alpha is None else torch.tensor(alpha))

    def forward(self, scores: Tensor, target: Tensor) -> Tensor:
        scores = scores.float()
        if scores.shape[1] == 1:
            scores = torch.cat((torch.zeros_like(scores), scores), 1)
        surprise = nn.functional.cross_entropy(scores, target, reduction="none")
        missed = -torch.expm1(-surprise)  # 1 - p; at 0 the slope of its power would be infinite for gamma below 1
        losses = missed.clamp(min=1e-12) ** self.gamma * surprise
        return losses.mean() if self.alpha is None else (self.alpha[target] * losses).mean()


class BCE(nn.BCELoss):
    """nn.BCELoss, which PyTorch refuses to work out where products are narrow: digits near 0 and 1 would be lost."""

    def forward(self, probabilities: Tensor, target: Tensor) -> Tensor:
        with torch.autocast(probabilities.device.type, enabled=False):
            return super().forward(probabilities.float(), target)


class Hinge(nn.Module):
    """By how much a score misses its side, -1 or +1, with a margin of 1."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return (1 - target * output.float()).relu().mean()


class Exponential(nn.Module):
    """exp(-target * output), targets -1 or +1: the mean, or the sum over the samples.

    Of a piece of a batch, with the targets of the `whole`, the sum is such that all pieces, each by its share of the
    samples, add up to the sum over the batch.
    """

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, output: Tensor, target: Tensor, whole: Tensor | None = None) -> Tensor:
        losses = torch.exp(-target * output.float())
        if self.reduction == "mean":
            return losses.mean()
        return losses.sum() if whole is None else losses.sum() * (len(whole) / len(target))


class KLDiv(nn.Module):
    """Kullback-Leibler divergence of a target distribution from the one whose logarithms come in.

    Both are of shape (samples, places).
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def forward(self, logarithms: Tensor, target: Tensor) -> Tensor:
        even = self.label_smoothing / target.shape[1]
        goal = (1 - self.label_smoothing) * target.clamp(min=0) + even
        return nn.functional.kl_div(logarithms.float(), goal, reduction="batchmean")


class MSLE(nn.Module):
    """The mean squared difference of ln(1 + x), where x below 1e-5 counts as 1e-5."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        guessed, true = (x.clamp(min=1e-5).log1p() for x in (output.float(), target))
        return nn.functional.mse_loss(guessed, true)


class MAPE(nn.Module):
    """The mean distance in per cent of the size of the target, which counts as 1e-5 where it is less."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return 100 * ((output.float() - target).abs() / target.abs().clamp(min=1e-5)).mean()


class GaussianNLL(nn.GaussianNLLLoss):
    """nn.GaussianNLLLoss of an output that has the means first, then numbers whose softplus plus eps is the variance.

    Lakshminarayanan et al. 2017, Simple and Scalable Predictive Uncertainty Estimation, section 2.2.1.
    """

    def forward(self, output: Tensor, target: Tensor) -> Tensor:  # type: ignore[override]
        mean, raw = (half.reshape(target.shape) for half in output.float().chunk(2, 1))
        return super().forward(mean, target, nn.functional.softplus(raw) + self.eps)
