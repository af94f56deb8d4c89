"""Three networks of the gallery as one writes them by hand, in the fastest eager way that we know.

Tensors in memory, one permutation and one gather an epoch, a fused optimizer; nothing is looked up, recorded or drawn.
Seeds are those of the gallery's recipe, so that the losses have to be ours to the last bit.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from builder.data import Arrays
from builder.design.streams import seed_of


@dataclass(frozen=True, slots=True)
class ByHand:
    """A network, how it learns, and how it is judged."""

    network: Callable[[], nn.Sequential]
    loss: Callable[[Tensor, Tensor], Tensor]
    decide: Callable[[Tensor], Tensor]
    """From outputs to classes."""
    encode: Callable[[Tensor], Tensor]
    """From classes to what the loss compares outputs with."""
    batch: int
    learning_rate: float
    columns: tuple[str, str]
    """Of the data: the input, and the classes."""


def _playground() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2), nn.Tanh(), nn.Linear(2, 1), nn.Tanh())


def _digits_mlp() -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def _lenet5() -> nn.Sequential:
    features = [
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
    ]  # fmt: skip
    scores = [nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10)]
    return nn.Sequential(*features, *scores)


def _largest(output: Tensor) -> Tensor:
    return output.argmax(1)


def _positive(output: Tensor) -> Tensor:
    return (output[:, 0] > 0).long()


def _minus_or_plus_one(classes: Tensor) -> Tensor:
    return classes.float().unsqueeze(1) * 2 - 1


def _as_they_are(classes: Tensor) -> Tensor:
    return classes


_CROSS_ENTROPY = functional.cross_entropy, _largest, _as_they_are
_SQUARED_ERROR = functional.mse_loss, _positive, _minus_or_plus_one

NETWORKS = {
    "playground": ByHand(_playground, *_SQUARED_ERROR, 10, 0.01, ("point", "side")),
    "digits-mlp": ByHand(_digits_mlp, *_CROSS_ENTROPY, 32, 0.003, ("image", "digit")),
    "lenet5": ByHand(_lenet5, *_CROSS_ENTROPY, 64, 0.002, ("image", "digit")),
}


class Loop:
    """A network that is ready to learn; making it loads the data, so that `run` is training alone."""

    def __init__(self, by_hand: ByHand, arrays: Arrays, device: str, seed: int = 0) -> None:
        torch.set_num_threads(1)
        torch.manual_seed(seed_of(seed, "init"))
        self.by_hand = by_hand
        self.network = by_hand.network().to(device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=by_hand.learning_rate, fused=True)
        self.order = torch.Generator().manual_seed(seed_of(seed, "order"))
        self.device = device
        self.train, self.validation = self._part(arrays, "train"), self._part(arrays, "validation")
        # As many training samples are judged as there are samples to validate.
        self.glance = tuple(tensor[: len(self.validation[0])] for tensor in self.train)

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(len(self.train[0]) / self.by_hand.batch)

    def _part(self, arrays: Arrays, part: str) -> tuple[Tensor, Tensor, Tensor]:
        """Inputs, what the loss compares outputs with, and classes."""
        x, classes = (torch.tensor(arrays.parts[part][column], device=self.device) for column in self.by_hand.columns)
        return x, self.by_hand.encode(classes), classes

    def run(self, epochs: int, judged: bool, losses: list[Tensor] | None = None) -> list[dict[str, float]]:
        """Train, and return the scores of each epoch where they are `judged`. Fills `losses` where it is given one."""
        network, optimizer, loss_of, batch = self.network, self.optimizer, self.by_hand.loss, self.by_hand.batch
        learning = list(network.parameters())
        x, y, _ = self.train
        scores = []
        network.train()
        for _ in range(epochs):
            order = torch.randperm(len(x), generator=self.order).to(self.device)
            for inputs, targets in zip(x[order].split(batch), y[order].split(batch), strict=True):
                loss = loss_of(network(inputs), targets)
                for parameter in learning:  # faster than zero_grad, which takes notes for the profiler
                    parameter.grad = None
                loss.backward()
                optimizer.step()
                if losses is not None:
                    losses.append(loss.detach())
            if judged:
                scores.append(self.judge())
        return scores

    @torch.no_grad()
    def judge(self) -> dict[str, float]:
        """What the app shows at the end of an epoch."""
        self.network.eval()
        x, _, classes = self.glance
        scores = {"train/accuracy": self._accuracy(self.network(x), classes)}
        x, y, classes = self.validation
        output = self.network(x)
        scores["validation/loss"] = self.by_hand.loss(output, y).item()
        scores["validation/accuracy"] = self._accuracy(output, classes)
        self.network.train()
        return scores

    def _accuracy(self, output: Tensor, classes: Tensor) -> float:
        return (self.by_hand.decide(output) == classes).sum().item() / len(classes)
