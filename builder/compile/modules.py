"""The few modules and functions that PyTorch does not have as we need them.

Every class and function here needs torch alone and stands on its own: the exported program carries its text along,
word for word (`builder.source` reads this file without importing it).
"""

import torch
from torch import Tensor, nn


class PaddedConv1d(nn.Conv1d):
    """nn.Conv1d with a margin of its own at every end: left, right."""

    def __init__(self, *arguments: int, margins: tuple[int, ...], **options: int | bool | str) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self.margins = margins

    def forward(self, x: Tensor) -> Tensor:
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        return super().forward(nn.functional.pad(x, self.margins, mode))


class PaddedConv2d(nn.Conv2d):
    """nn.Conv2d with a margin of its own at every end: left, right, top, bottom."""

    def __init__(self, *arguments: int, margins: tuple[int, ...], **options: int | bool | str) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self.margins = margins

    def forward(self, x: Tensor) -> Tensor:
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        return super().forward(nn.functional.pad(x, self.margins, mode))


class PaddedConv3d(nn.Conv3d):
    """nn.Conv3d with a margin of its own at every end: left, right, top, bottom, front, back."""

    def __init__(self, *arguments: int, margins: tuple[int, ...], **options: int | bool | str) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self.margins = margins

    def forward(self, x: Tensor) -> Tensor:
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        return super().forward(nn.functional.pad(x, self.margins, mode))


class LSTM(nn.LSTM):
    """nn.LSTM, batch first: its sequence, the last hidden state of every direction, its final state in a row."""

    def __init__(self, *arguments: int, **options: float | bool) -> None:
        super().__init__(*arguments, batch_first=True, **options)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[override]
        sequence, (hidden, cell) = super().forward(x)
        directions = 2 if self.bidirectional else 1
        last = hidden[-directions:].transpose(0, 1).flatten(1)
        state = torch.cat((hidden, cell)).transpose(0, 1).flatten(1)
        return sequence, last, state


def zero_one(target: Tensor, classes: int) -> Tensor:
    """Class 0 or 1 as a column of 0.0 or 1.0."""
    return target.float().unsqueeze(1)


def plus_minus_one(target: Tensor, classes: int) -> Tensor:
    """Class 0 or 1 as a column of -1.0 or +1.0."""
    return target.float().unsqueeze(1) * 2 - 1


def one_hot(target: Tensor, classes: int) -> Tensor:
    """A class as a row with 1.0 at its place."""
    return nn.functional.one_hot(target, classes).float()


def largest(output: Tensor) -> Tensor:
    """The class with the largest score."""
    return output.argmax(1)


def positive(output: Tensor) -> Tensor:
    """Class 1 where the one output is above zero."""
    return (output[:, 0] > 0).long()


def side_by_score(output: Tensor) -> Tensor:
    """How surely class 1 (+1) or class 0 (-1), from one score: 2 sigmoid(z) - 1."""
    return (output[:, 0] / 2).tanh()


def side_by_value(output: Tensor) -> Tensor:
    """How surely class 1 (+1) or class 0 (-1), from a value that was taught to be one of them."""
    return output[:, 0].clamp(-1, 1)


def side_by_scores(output: Tensor) -> Tensor:
    """How surely class 1 (+1) or class 0 (-1), from two scores: the difference of their probabilities."""
    return (output[:, 1] - output[:, 0]).div(2).tanh()


def values_(tensor: Tensor, values: list[float] | list[list[float]]) -> Tensor:
    """Write numbers given by hand."""
    with torch.no_grad():
        return tensor.copy_(torch.tensor(values))
