"""The benchmark's networks as one writes them by hand, and two loops that train them: the fastest and the usual one.

The fastest is the fastest eager way that we know: tensors in memory, one permutation and one gather an epoch, a fused
optimizer; nothing is looked up, recorded or drawn. Its seeds are those of the recipe, so that its losses have to be
ours to the last bit.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from builder.data import Arrays
from builder.design.experiment import Execution, Experiment
from builder.design.streams import seed_of

Part: TypeAlias = tuple[Tensor, Tensor, Tensor]
"""Inputs, what the loss compares outputs with, and the target as it came: classes, where there are any."""


def clock(device: str) -> float:
    """Seconds: of processor time, which other processes disturb least; with a GPU, of the wall once it has done its work."""
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


class Stopwatch:
    """Takes the time from the beginning of the first epoch to the end of the last. A library may call it back with anything."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._started = self._stopped = 0.0

    def start(self, *_: object, **__: object) -> None:
        self._started = clock(self._device)

    def stop(self, *_: object, **__: object) -> None:
        self._stopped = clock(self._device)

    @property
    def seconds(self) -> float:
        assert self._stopped > self._started
        return self._stopped - self._started


# Networks --------------------------------------------------------------------------------------------------------


def _tiny() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1), nn.Tanh())


def _playground() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2), nn.Tanh(), nn.Linear(2, 1), nn.Tanh())


def _digits_mlp() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def _mlp() -> nn.Module:
    hidden = [nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU()]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(128, 10))


def _lenet5() -> nn.Module:
    features = [
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
    ]  # fmt: skip
    scores = [nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10)]
    return nn.Sequential(*features, *scores)


class _Residual(nn.Module):
    """Two convolutions, and what came in added to what they find; projected where its shape changes."""

    def __init__(self, reads: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.found = nn.Sequential(
            nn.Conv2d(reads, channels, 3, stride, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels),
        )  # fmt: skip
        self.skip: nn.Module = nn.Identity()
        if stride > 1:
            self.skip = nn.Sequential(nn.Conv2d(reads, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))
        self.bend = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.bend(self.found(x) + self.skip(x))


def _resnet20() -> nn.Module:
    stem = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    blocks = [_Residual(16, 16) for _ in range(3)]
    for channels in (32, 64):
        blocks.append(_Residual(channels // 2, channels, stride=2))
        blocks += [_Residual(channels, channels) for _ in range(2)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


class _LSTM(nn.Module):
    """Reads a sequence; one number is made of the last state."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(2, 64, batch_first=True)
        self.sum = nn.Linear(64, 1)

    def forward(self, x: Tensor) -> Tensor:
        _, (hidden, _) = self.lstm(x)
        return self.sum(hidden[-1])


# What they learn -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ByHand:
    """A network, and how its outputs are compared and judged."""

    network: Callable[[], nn.Module]
    columns: tuple[str, str]
    """Of the data: the input, and the target."""
    loss: Callable[[Tensor, Tensor], Tensor] = functional.cross_entropy
    encode: Callable[[Tensor], Tensor] = lambda target: target
    """From the target to what the loss compares outputs with."""
    decide: Callable[[Tensor], Tensor] | None = lambda output: output.argmax(1)
    """From outputs to classes, where there are any."""


def _on_the_plane(network: Callable[[], nn.Module]) -> ByHand:
    """Two classes, taught as -1 and +1."""
    return ByHand(
        network,
        ("point", "side"),
        loss=functional.mse_loss,
        encode=lambda classes: classes.float().unsqueeze(1) * 2 - 1,
        decide=lambda output: (output[:, 0] > 0).long(),
    )


NETWORKS = {
    "tiny-adam": _on_the_plane(_tiny),
    "tiny-sgd": _on_the_plane(_tiny),
    "mlp": ByHand(_mlp, ("image", "shape")),
    "lenet5": ByHand(_lenet5, ("image", "digit")),
    "resnet20": ByHand(_resnet20, ("image", "shape")),
    "lstm": ByHand(_LSTM, ("sequence", "sum"), loss=functional.mse_loss, decide=None),
    "playground": _on_the_plane(_playground),
    "digits-mlp": ByHand(_digits_mlp, ("image", "digit")),
}


class Exercise:
    """What every side but ours is given: a network and samples to train it with. Making it loads them onto the device.

    Where ours has its images with channels last, so has the fastest loop; the others are as their users write them.
    """

    def __init__(self, name: str, experiment: Experiment, arrays: Arrays, execution: Execution) -> None:
        self.name, self.by_hand, self.device = name, NETWORKS[name], execution.device
        self.channels_last = execution.memory_format == "channels_last"
        recipe = experiment.recipe
        assert recipe.batch.size
        self.batch: int = recipe.batch.size
        self.seed = recipe.seed
        self.optimizer: type[torch.optim.Optimizer] = getattr(torch.optim, type(recipe.optimizer).__name__)
        self.settings: dict[str, Any] = recipe.optimizer.args()
        self.train, self.validation = self._part(arrays, "train"), self._part(arrays, "validation")

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(len(self.train[0]) / self.batch)

    def network(self) -> nn.Module:
        return self.by_hand.network().to(self.device)

    def dataset(self, part: Part) -> TensorDataset:
        """Inputs and what the loss wants, in the memory of the computer, where a DataLoader takes them from."""
        x, y, _ = part
        return TensorDataset(x.cpu().contiguous(), y.cpu())

    def loaders(self) -> tuple[DataLoader[Any], DataLoader[Any]]:
        """One that shuffles the training part, and one that has the validation part in a single batch, as ours does."""
        learned, judged = self.dataset(self.train), self.dataset(self.validation)
        return DataLoader(learned, self.batch, shuffle=True), DataLoader(judged, len(judged))

    def hits(self, output: Tensor, y: Tensor) -> Tensor:
        """Which outputs mean the class that the encoded target `y` stands for."""
        assert self.by_hand.decide
        return self.by_hand.decide(output) == (y if y.dtype == torch.int64 else (y[:, 0] > 0).long())

    def _part(self, arrays: Arrays, part: str) -> Part:
        x, target = (torch.tensor(arrays.parts[part][column], device=self.device) for column in self.by_hand.columns)
        if self.channels_last and x.dim() == 4:
            x = x.to(memory_format=torch.channels_last)
        return x, self.by_hand.encode(target), target


# The fastest loop ------------------------------------------------------------------------------------------------


class Loop:
    """A network that is ready to learn, so that `run` is training alone."""

    def __init__(self, exercise: Exercise) -> None:
        torch.set_num_threads(1)
        torch.manual_seed(seed_of(exercise.seed, "init"))
        self.exercise = exercise
        self.network = exercise.network()
        if exercise.channels_last:
            self.network = self.network.to(memory_format=torch.channels_last)
        self.optimizer = exercise.optimizer(self.network.parameters(), **exercise.settings, fused=True)
        self.order = torch.Generator().manual_seed(seed_of(exercise.seed, "order"))
        # As many training samples are judged as there are samples to validate.
        self.glance = tuple(tensor[: len(exercise.validation[0])] for tensor in exercise.train)

    def run(self, epochs: int, judged: bool, losses: list[Tensor] | None = None) -> list[dict[str, float]]:
        """Train, and return the scores of each epoch where they are `judged`. Fills `losses` where it is given one."""
        exercise, network, optimizer = self.exercise, self.network, self.optimizer
        loss_of, batch = exercise.by_hand.loss, exercise.batch
        learning = list(network.parameters())
        x, y, _ = exercise.train
        scores = []
        network.train()
        for _ in range(epochs):
            order = torch.randperm(len(x), generator=self.order).to(exercise.device)
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
        decide, scores = self.exercise.by_hand.decide, {}
        self.network.eval()
        if decide:
            x, _, classes = self.glance
            scores["train/accuracy"] = (decide(self.network(x)) == classes).sum().item() / len(classes)
        x, y, classes = self.exercise.validation
        output = self.network(x)
        scores["validation/loss"] = self.exercise.by_hand.loss(output, y).item()
        if decide:
            scores["validation/accuracy"] = (decide(output) == classes).sum().item() / len(classes)
        self.network.train()
        return scores


# The usual loop --------------------------------------------------------------------------------------------------


def usual_loop(exercise: Exercise, epochs: int) -> float:
    """Steps a second of the loop that tutorials have: a DataLoader, the loss read at every step, validation at every epoch."""
    network, loss_of, device = exercise.network(), exercise.by_hand.loss, exercise.device
    optimizer = exercise.optimizer(network.parameters(), **exercise.settings)
    learned, judged = exercise.loaders()
    watch, steps = Stopwatch(device), 0
    watch.start()
    for _ in range(epochs):
        network.train()
        total = 0.0
        for x, y in learned:
            x, y = x.to(device), y.to(device)
            optimizer.zero_grad()
            loss = loss_of(network(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
            steps += 1
        _usual_validation(exercise, network, judged)
    watch.stop()
    assert math.isfinite(total)
    return steps / watch.seconds


@torch.no_grad()
def _usual_validation(exercise: Exercise, network: nn.Module, judged: DataLoader[Any]) -> tuple[float, int]:
    """The sum of the losses, and how many answers are right."""
    network.eval()
    total, right = 0.0, 0
    for x, y in judged:
        x, y = x.to(exercise.device), y.to(exercise.device)
        output = network(x)
        total += exercise.by_hand.loss(output, y).item()
        if exercise.by_hand.decide:
            right += int(exercise.hits(output, y).sum().item())
    return total, right
