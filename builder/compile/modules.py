"""The few modules and functions that PyTorch does not have as we need them.

Every class and function here needs torch and others of this file alone: the exported program carries its text along,
word for word, and that of what it uses (`builder.source` reads this file without importing it).
"""

import math

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


class RNN(nn.RNN):
    """nn.RNN, batch first: its sequence, the last hidden state of every direction, its final state in a row."""

    def __init__(self, *arguments: int, **options: float | bool | str) -> None:
        super().__init__(*arguments, batch_first=True, **options)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[override]
        if lengths is None:
            sequence, hidden = super().forward(x)
        else:
            packed, hidden = super().forward(without_padding(x, lengths))
            sequence = with_padding(packed, x.shape[1])
        last = hidden[-2:] if self.bidirectional else hidden[-1:]
        return sequence, in_a_row(last), in_a_row(hidden)


class GRU(nn.GRU):
    """nn.GRU, batch first: its sequence, the last hidden state of every direction, its final state in a row."""

    def __init__(self, *arguments: int, **options: float | bool) -> None:
        super().__init__(*arguments, batch_first=True, **options)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[override]
        if lengths is None:
            sequence, hidden = super().forward(x)
        else:
            packed, hidden = super().forward(without_padding(x, lengths))
            sequence = with_padding(packed, x.shape[1])
        last = hidden[-2:] if self.bidirectional else hidden[-1:]
        return sequence, in_a_row(last), in_a_row(hidden)


class LSTM(nn.LSTM):
    """nn.LSTM, batch first: its sequence, the last hidden state of every direction, its final state in a row."""

    def __init__(self, *arguments: int, forget_bias: float | None = None, **options: float | bool) -> None:
        super().__init__(*arguments, batch_first=True, **options)
        self.forget_bias = forget_bias
        self.start_forget_gates()

    @torch.no_grad()
    def start_forget_gates(self) -> None:
        """Let both biases of every forget gate add up to `forget_bias`, if it is a number."""
        if self.forget_bias is not None:
            for name, parameter in self.named_parameters():
                if name.startswith("bias"):  # of the input, forget, cell and output gate
                    start = self.forget_bias if name.startswith("bias_ih") else 0.0
                    parameter[self.hidden_size : 2 * self.hidden_size] = start

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[override]
        if lengths is None:
            sequence, (hidden, cell) = super().forward(x)
        else:
            packed, (hidden, cell) = super().forward(without_padding(x, lengths))
            sequence = with_padding(packed, x.shape[1])
        last = hidden[-2:] if self.bidirectional else hidden[-1:]
        return sequence, in_a_row(last), in_a_row(torch.cat((hidden, cell)))


def without_padding(x: Tensor, lengths: Tensor) -> nn.utils.rnn.PackedSequence:
    """The steps that count, at least one of every sample. PyTorch wants the lengths where the program runs."""
    counted = lengths.clamp(1, x.shape[1]).cpu()
    return nn.utils.rnn.pack_padded_sequence(x, counted, batch_first=True, enforce_sorted=False)


def with_padding(packed: nn.utils.rnn.PackedSequence, steps: int) -> Tensor:
    """As many steps for every sample; those that do not count are zero."""
    sequence, _ = nn.utils.rnn.pad_packed_sequence(packed, batch_first=True, total_length=steps)
    return sequence


def in_a_row(states: Tensor) -> Tensor:
    """States (layers and directions, batch, units) of every sample in one row."""
    return states.transpose(0, 1).flatten(1)


class MultiheadAttention(nn.MultiheadAttention):
    """nn.MultiheadAttention, batch first, whose keys and values are one memory."""

    def __init__(self, *arguments: int, causal: bool = False, **options: float | bool) -> None:
        super().__init__(*arguments, batch_first=True, **options)  # type: ignore[misc]
        self.causal = causal

    def forward(self, query: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:  # type: ignore[override]
        added = added_to_scores(mask, self.causal, query, memory, self.num_heads)
        return super().forward(query, memory, memory, attn_mask=added, need_weights=False)[0]


class TransformerEncoderLayer(nn.TransformerEncoderLayer):
    """nn.TransformerEncoderLayer, batch first, with one mask of any kind."""

    def __init__(self, *arguments: int, causal: bool = False, **options: float | bool | str) -> None:
        super().__init__(*arguments, batch_first=True, **options)  # type: ignore[arg-type, misc]
        self.causal = causal
        # PyTorch's short cut for evaluation would take a mask of numbers for one of yes and no, and gives NaN to a step
        # that may look nowhere; this is what keeps it from being taken.
        self.activation_relu_or_gelu = 0

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:  # type: ignore[override]
        return super().forward(x, added_to_scores(mask, self.causal, x, x, self.self_attn.num_heads))


class TransformerDecoderLayer(nn.TransformerDecoderLayer):
    """nn.TransformerDecoderLayer, batch first, with one mask of any kind for the memory."""

    def __init__(self, *arguments: int, causal: bool = True, **options: float | bool | str) -> None:
        super().__init__(*arguments, batch_first=True, **options)  # type: ignore[arg-type, misc]
        self.causal = causal

    def forward(self, x: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:  # type: ignore[override]
        heads = self.self_attn.num_heads
        own = added_to_scores(None, self.causal, x, x, heads)
        return super().forward(x, memory, own, added_to_scores(mask, False, x, memory, heads))


def added_to_scores(mask: Tensor | None, causal: bool, query: Tensor, memory: Tensor, heads: int) -> Tensor | None:
    """What is added to the score of every pair of steps: minus infinity where a step may not look.

    A mask (batch, keys) holds for every query, one (batch, queries, keys) for each; true means: may not look.
    """
    if mask is not None:
        mask = mask.unsqueeze(1).expand(-1, query.shape[1], -1) if mask.dim() == 2 else mask
        if mask.dtype == torch.bool:
            mask = torch.zeros_like(mask, dtype=query.dtype).masked_fill(mask, -torch.inf)
        mask = mask.repeat_interleave(heads, 0)
    if causal:
        later = query.new_full((query.shape[1], memory.shape[1]), -torch.inf).triu(1)
        mask = later if mask is None else mask + later
    return mask


class PaddedEmbedding(nn.Embedding):
    """nn.Embedding whose padding is zero whatever fills the other rows."""

    @torch.no_grad()
    def empty_padding(self) -> None:
        """Make the row of the padding zero."""
        self.weight[self.padding_idx] = 0.0


class OneHot(nn.Module):
    """Class numbers as rows with 1.0 at their place; of a plane, as channels."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes

    def forward(self, x: Tensor) -> Tensor:
        rows = nn.functional.one_hot(x, self.classes).float()
        return rows.movedim(-1, 1) if x.dim() == 3 else rows


class SinusoidalEncoding(nn.Module):
    """Adds a sine or a cosine of the step; each pair of features has a wave length of its own (Vaswani et al. 2017)."""

    encoding: Tensor

    def __init__(self, steps: int, features: int) -> None:
        super().__init__()
        rate = 10_000 ** (-torch.arange(0, features, 2) / features)
        angle = torch.arange(steps).unsqueeze(1) * rate
        waves = torch.stack((angle.sin(), angle.cos()), dim=2).flatten(1)
        self.register_buffer("encoding", waves[:, :features].clone())

    def forward(self, x: Tensor) -> Tensor:
        return x + self.encoding


class LearnedEncoding(nn.Module):
    """Adds a learned row of numbers to every step."""

    def __init__(self, steps: int, features: int) -> None:
        super().__init__()
        self.encoding = nn.Parameter(torch.empty(steps, features).normal_(std=0.02))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.encoding


class GaussianNoise(nn.Module):
    """Adds random numbers of spread `std` in training."""

    def __init__(self, std: float = 0.1) -> None:
        super().__init__()
        self.std = std

    def forward(self, x: Tensor) -> Tensor:
        return x + self.std * torch.randn_like(x) if self.training else x


class DropPath(nn.Module):
    """Makes some samples all zero in training, each with probability `p`, and scales the others up."""

    def __init__(self, p: float = 0.1) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        kept = x.new_empty(len(x), *[1] * (x.dim() - 1)).bernoulli_(1 - self.p)
        return x * kept / (1 - self.p)


class Step(nn.Module):
    """1 above zero, `low` elsewhere."""

    def __init__(self, low: int = 0) -> None:
        super().__init__()
        self.low = low

    def forward(self, x: Tensor) -> Tensor:
        return (x > 0).to(x.dtype) * (1 - self.low) + self.low


class Reshape(nn.Module):
    """The numbers of every sample in another shape; one side of it may be -1."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(len(x), *self.shape)


class Permute(nn.Module):
    """The sides of every sample in another order; side 0, the batch, stays first."""

    def __init__(self, dims: tuple[int, ...]) -> None:
        super().__init__()
        self.dims = dims

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, *self.dims)


class Slice(nn.Module):
    """The part of a side from `start` to before `stop`, every `step`-th."""

    def __init__(self, dim: int = 1, start: int = 0, stop: int | None = None, step: int = 1) -> None:
        super().__init__()
        self.dim = dim
        self.part = slice(start, stop, step)

    def forward(self, x: Tensor) -> Tensor:
        return x.movedim(self.dim, 0)[self.part].movedim(0, self.dim)


class Mean(nn.Module):
    """The mean along a side."""

    def __init__(self, dim: int = 1, keepdim: bool = False) -> None:
        super().__init__()
        self.dim = dim
        self.keepdim = keepdim

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(self.dim, self.keepdim)


class Average(nn.Module):
    """The mean of several tensors, number by number."""

    def forward(self, *x: Tensor) -> Tensor:
        return torch.stack(x).mean(0)


class Maximum(nn.Module):
    """The largest of several tensors, number by number."""

    def forward(self, *x: Tensor) -> Tensor:
        return torch.stack(x).amax(0)


class RBF(nn.Module):
    """Minus the squared distance to each of some codes. Input (..., in_features), output (..., out_features)."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features))

    def forward(self, x: Tensor) -> Tensor:
        return -(x.unsqueeze(-2) - self.weight).square().sum(-1)


def kinds_of_parameters(network: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter], list[nn.Parameter]]:
    """What learns, each once: weights that are matrices; other weights; biases, numbers of norms and slopes.

    Kernels of convolutions and the rows of embeddings and learned positions are weights that are no matrices.
    """
    matrices, weights, others = [], [], []
    seen: set[nn.Parameter] = set()
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter in seen or not parameter.requires_grad:
                continue
            seen.add(parameter)
            if parameter.dim() < 2 or "bias" in name or isinstance(module, nn.LayerNorm | nn.RMSNorm):
                others.append(parameter)
            elif parameter.dim() > 2 or "weight" not in name or isinstance(module, nn.Embedding):
                weights.append(parameter)
            else:
                matrices.append(parameter)
    return matrices, weights, others


def decaying_weights(network: nn.Module) -> list[dict[str, list[nn.Parameter] | float]]:
    """What learns in two groups, of which the second, biases and norms, is not pulled towards zero."""
    matrices, weights, others = kinds_of_parameters(network)
    groups: list[dict[str, list[nn.Parameter] | float]] = [
        {"params": [*matrices, *weights]},
        {"params": others, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def weights_that_learn(network: nn.Module) -> list[nn.Parameter]:
    """Matrices and other weights, without biases, numbers of norms and slopes."""
    matrices, weights, _ = kinds_of_parameters(network)
    return [*matrices, *weights]


def sum_of_sizes(weights: list[nn.Parameter]) -> Tensor | int:
    """The sum of |w| over all weights."""
    return sum(weight.abs().sum() for weight in weights)


def sum_of_squares(weights: list[nn.Parameter]) -> Tensor | int:
    """The sum of w² over all weights."""
    return sum(weight.square().sum() for weight in weights)


def weights_of_units(network: nn.Module) -> list[tuple[Tensor, int]]:
    """Weights that learn, and which side of each counts units: what comes into one of them lies along the other sides.

    It is the first side; of a transposed convolution the second, in each of its groups.
    """
    turned = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
    groups = {module.weight: module.groups for module in network.modules() if isinstance(module, turned)}
    units = []
    for weight in weights_that_learn(network):
        parts = weight.detach().chunk(groups.get(weight, 1))
        units += [(part, 1 if weight in groups else 0) for part in parts]
    return units


def matrices_first(network: nn.Module) -> list[dict[str, list[nn.Parameter] | float]]:
    """What learns in three groups: matrices, which may be none; other weights; biases and norms."""
    return [{"params": kind} for kind in kinds_of_parameters(network)]


def decaying_matrices_first(network: nn.Module) -> list[dict[str, list[nn.Parameter] | float]]:
    """The same groups, of which the last is not pulled towards zero."""
    *weights, others = matrices_first(network)
    return [*weights, {**others, "weight_decay": 0.0}]


class MuonWithAdamW(torch.optim.Optimizer):
    """Muon for the first group of parameters, which are matrices, and AdamW for the others: one optimizer to the outside."""

    def __init__(
        self,
        params: list[dict[str, list[nn.Parameter] | float]],
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        adjust_lr_fn: str = "match_rms_adamw",
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        ns_steps: int = 5,
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})
        matrices, others = self.param_groups[:1], self.param_groups[1:]
        self.muon = torch.optim.Muon(
            matrices, momentum=momentum, nesterov=nesterov, adjust_lr_fn=adjust_lr_fn, ns_steps=ns_steps
        )
        self.adamw = torch.optim.AdamW(others, betas=betas, eps=eps)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Both read groups and state here, where a state that was loaded has put new ones."""
        for part, groups in ((self.muon, self.param_groups[:1]), (self.adamw, self.param_groups[1:])):
            part.param_groups, part.state = groups, self.state
            part.step()  # type: ignore[no-untyped-call]


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


def probable(output: Tensor) -> Tensor:
    """Class 1 where its probability is above one half."""
    return (output[:, 0] > 0.5).long()


def side_by_score(output: Tensor) -> Tensor:
    """How surely class 1 (+1) or class 0 (-1), from one score: 2 sigmoid(z) - 1."""
    return (output[:, 0] / 2).tanh()


def side_by_value(output: Tensor) -> Tensor:
    """How surely class 1 (+1) or class 0 (-1), from a value that was taught to be one of them."""
    return output[:, 0].clamp(-1, 1)


def side_by_scores(output: Tensor) -> Tensor:
    """How surely class 1 (+1) or class 0 (-1), from two scores: the difference of their probabilities."""
    return (output[:, 1] - output[:, 0]).div(2).tanh()


def standard_(tensor: Tensor) -> Tensor:
    """Draw evenly within 1 over the root of the numbers that each sum reads."""
    bound = 1 / math.sqrt(tensor[0].numel())
    return nn.init.uniform_(tensor, -bound, bound)


def he_truncated_(tensor: Tensor, mode: str = "fan_in", negative_slope: float = 0.0) -> Tensor:
    """Draw as He et al. do, again where a number is beyond two spreads; cutting off alone would leave 0.8796 of the spread."""
    summed = tensor[0].numel() if mode == "fan_in" else tensor[:, 0].numel()
    std = math.sqrt(2 / (1 + negative_slope**2) / summed) / 0.87962566103423978
    return nn.init.trunc_normal_(tensor, std=std, a=-2 * std, b=2 * std)


def sparse_(tensor: Tensor, sparsity: float = 0.9, std: float = 0.01) -> Tensor:
    """Draw normally, and set that share of the weights that read the same number to zero. Windows count as inputs."""
    with torch.no_grad():
        return tensor.copy_(nn.init.sparse_(tensor.flatten(1).clone(), sparsity, std).view_as(tensor))


def identity_(tensor: Tensor) -> Tensor:
    """Ones where a number meets its like: on the diagonal, or in the middle of the windows."""
    return nn.init.eye_(tensor) if tensor.dim() == 2 else nn.init.dirac_(tensor)


def side_by_probability(output: Tensor) -> Tensor:
    """How surely class 1 (+1) or class 0 (-1), from the probability of class 1."""
    return 2 * output[:, 0] - 1


def side_by_margin(output: Tensor) -> Tensor:
    """How surely class 1 (+1) or class 0 (-1), from a score that was taught a margin.

    Where the exponential loss is smallest, this is the difference of the probabilities (Friedman, Hastie and Tibshirani
    2000, lemma 1); the hinge loss tells of none.
    """
    return output[:, 0].tanh()


def first_half(output: Tensor) -> Tensor:
    """The means, of an output that has means and variances."""
    return output.chunk(2, 1)[0]


def rate(output: Tensor) -> Tensor:
    """How many are expected, from the logarithm of that."""
    return output.exp()


def values_(tensor: Tensor, values: list[float] | list[list[float]]) -> Tensor:
    """Write numbers given by hand."""
    with torch.no_grad():
        return tensor.copy_(torch.tensor(values))
