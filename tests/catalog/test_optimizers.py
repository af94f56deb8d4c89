"""Optimizers: every step is that of the formula, in both of PyTorch's implementations."""

import inspect
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from mixed import Mixed
from numpy.typing import NDArray
from pydantic import ValidationError
from random_entries import entries, name_of
from torch import nn

from builder.catalog import Optimizer
from builder.catalog.optimizers import LBFGS, Adafactor, Adagrad, AdamW, Muon
from builder.compile import optimizer
from builder.compile.build import resolve

Numbers = NDArray[np.float64]
STEPS = 4
every_optimizer = pytest.mark.parametrize("kind", Optimizer.shelf.values(), ids=name_of)


def decay(entry: Optimizer) -> float:
    """Of the row of numbers that is moved here, which counts as a bias."""
    return entry.weight_decay if entry.decay_biases_and_norms else 0.0


def sgd(entry: Optimizer, weights: Numbers, gradients: list[Numbers]) -> Numbers:
    velocity = None
    for gradient in gradients:
        pulled = gradient + decay(entry) * weights
        velocity = pulled if velocity is None else entry.momentum * velocity + pulled
        weights = weights - entry.lr * (pulled + entry.momentum * velocity if entry.nesterov else velocity)
    return weights


def asgd(entry: Optimizer, weights: Numbers, gradients: list[Numbers]) -> Numbers:
    rate = entry.lr
    for step, gradient in enumerate(gradients, start=1):
        pulled = gradient + decay(entry) * weights
        weights = (1 - entry.lambd * rate) * weights - rate * pulled
        rate = entry.lr / (1 + entry.lambd * entry.lr * step) ** entry.alpha
    return weights


def adagrad(entry: Optimizer, weights: Numbers, gradients: list[Numbers]) -> Numbers:
    total = np.full_like(weights, entry.initial_accumulator_value)
    for done, gradient in enumerate(gradients):
        pulled = gradient + decay(entry) * weights
        total = total + pulled**2
        weights = weights - entry.lr / (1 + done * entry.lr_decay) * pulled / (np.sqrt(total) + entry.eps)
    return weights


def adadelta(entry: Optimizer, weights: Numbers, gradients: list[Numbers]) -> Numbers:
    squares = moves = np.zeros_like(weights)
    for gradient in gradients:
        pulled = gradient + decay(entry) * weights
        squares = entry.rho * squares + (1 - entry.rho) * pulled**2
        move = np.sqrt(moves + entry.eps) / np.sqrt(squares + entry.eps) * pulled
        moves = entry.rho * moves + (1 - entry.rho) * move**2
        weights = weights - entry.lr * move
    return weights


def rmsprop(entry: Optimizer, weights: Numbers, gradients: list[Numbers]) -> Numbers:
    assume(entry.alpha > 0.001 or not entry.centered)  # the spread of one gradient is zero
    squares = mean = velocity = np.zeros_like(weights)
    for gradient in gradients:
        pulled = gradient + decay(entry) * weights
        squares = entry.alpha * squares + (1 - entry.alpha) * pulled**2
        mean = entry.alpha * mean + (1 - entry.alpha) * pulled
        spread = squares - mean**2 if entry.centered else squares
        velocity = entry.momentum * velocity + pulled / (np.sqrt(spread) + entry.eps)
        weights = weights - entry.lr * velocity
    return weights


def size(numbers: Numbers) -> float:
    return float(np.sqrt(np.mean(numbers**2)))


def adafactor(entry: Optimizer, weights: Numbers, gradients: list[Numbers]) -> Numbers:
    """Of a row of numbers, or of a matrix, whose squares are remembered by row and by column."""
    squares, rows, columns, least = 0.0, 0.0, 0.0, np.finfo(np.float64).eps
    for step, gradient in enumerate(gradients, start=1):
        newest = step**entry.beta2_decay
        reach = max(1e-3, size(weights)) * min(entry.lr, 1 / np.sqrt(step))
        weights = (1 - entry.lr * decay(entry)) * weights
        if weights.ndim == 1:
            squares = (1 - newest) * squares + newest * gradient**2
        else:
            rows = (1 - newest) * rows + newest * np.mean(gradient**2, axis=1)
            columns = (1 - newest) * columns + newest * np.mean(gradient**2, axis=0)
            squares = np.outer(rows, columns) / np.mean(rows)
        update = gradient / np.sqrt(np.maximum(squares, least**2))
        weights = weights - reach * update / max(1.0, size(update) / entry.d)
    return weights


def rprop(entry: Optimizer, weights: Numbers, gradients: list[Numbers]) -> Numbers:
    """One number after the other, as the paper has it; where the slope turns, the step after next begins anew."""
    moved = []
    for place, weight in enumerate(weights):
        length, before = entry.lr, 0.0
        for gradient in gradients:
            slope = gradient[place]
            turn = np.sign(slope * before)
            length *= {1.0: entry.etas[1], -1.0: entry.etas[0], 0.0: 1.0}[turn]
            length = min(max(length, entry.step_sizes[0]), entry.step_sizes[1])
            before = 0.0 if turn < 0 else slope
            weight = weight - np.sign(before) * length
        moved.append(weight)
    return np.array(moved)


def adam(entry: Optimizer, weights: Numbers, gradients: list[Numbers], decoupled: bool = False) -> Numbers:
    beta1, beta2 = entry.betas
    mean = square = largest = np.zeros_like(weights)
    for step, gradient in enumerate(gradients, start=1):
        if decoupled:
            weights = (1 - entry.lr * decay(entry)) * weights
        else:
            gradient = gradient + decay(entry) * weights
        mean = beta1 * mean + (1 - beta1) * gradient
        square = beta2 * square + (1 - beta2) * gradient**2
        largest = np.maximum(largest, square) if getattr(entry, "amsgrad", False) else square
        weights = weights - entry.lr * (mean / (1 - beta1**step)) / (np.sqrt(largest / (1 - beta2**step)) + entry.eps)
    return weights


def adamw(entry: Optimizer, weights: Numbers, gradients: list[Numbers]) -> Numbers:
    return adam(entry, weights, gradients, decoupled=True)


def adamax(entry: Optimizer, weights: Numbers, gradients: list[Numbers]) -> Numbers:
    beta1, beta2 = entry.betas
    mean = largest = np.zeros_like(weights)
    for step, gradient in enumerate(gradients, start=1):
        pulled = gradient + decay(entry) * weights
        mean = beta1 * mean + (1 - beta1) * pulled
        largest = np.maximum(beta2 * largest, np.abs(pulled) + entry.eps)
        weights = weights - entry.lr * mean / (1 - beta1**step) / largest
    return weights


def pulled_at(entry: Optimizer, weights: Numbers, gradient: Numbers) -> tuple[Numbers, Numbers]:
    """Weights and gradient after the weight decay, which is either's."""
    if entry.decoupled_weight_decay:
        return (1 - entry.lr * decay(entry)) * weights, gradient
    return weights, gradient + decay(entry) * weights


def nadam(entry: Optimizer, weights: Numbers, gradients: list[Numbers]) -> Numbers:
    beta1, beta2 = entry.betas
    mean = square = np.zeros_like(weights)
    momenta = [beta1 * (1 - 0.5 * 0.96 ** (step * entry.momentum_decay)) for step in range(1, len(gradients) + 2)]
    for step, gradient in enumerate(gradients, start=1):
        weights, gradient = pulled_at(entry, weights, gradient)
        mean = beta1 * mean + (1 - beta1) * gradient
        square = beta2 * square + (1 - beta2) * gradient**2
        ahead = momenta[step] * mean / (1 - np.prod(momenta[: step + 1]))
        now = (1 - momenta[step - 1]) * gradient / (1 - np.prod(momenta[:step]))
        weights = weights - entry.lr * (ahead + now) / (np.sqrt(square / (1 - beta2**step)) + entry.eps)
    return weights


def radam(entry: Optimizer, weights: Numbers, gradients: list[Numbers]) -> Numbers:
    beta1, beta2 = entry.betas
    mean = square = np.zeros_like(weights)
    longest = 2 / (1 - beta2) - 1
    for step, gradient in enumerate(gradients, start=1):
        weights, gradient = pulled_at(entry, weights, gradient)
        mean = beta1 * mean + (1 - beta1) * gradient
        square = beta2 * square + (1 - beta2) * gradient**2
        length = longest - 2 * step * beta2**step / (1 - beta2**step)
        move = mean / (1 - beta1**step)
        if length > 5:
            variance = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
            move = move * np.sqrt(variance) * np.sqrt(1 - beta2**step) / (np.sqrt(square) + entry.eps)
        weights = weights - entry.lr * move
    return weights


CLOSED_FORMS: dict[str, Callable[[Optimizer, Numbers, list[Numbers]], Numbers]] = {
    "SGD": sgd, "ASGD": asgd, "Adagrad": adagrad, "Adadelta": adadelta, "RMSprop": rmsprop, "Adafactor": adafactor,
    "Rprop": rprop, "Adam": adam, "AdamW": adamw, "Adamax": adamax, "NAdam": nadam, "RAdam": radam, "Muon": adamw,
}  # fmt: skip
"""The textbook's update rule of every optimizer, written down a second time; Muon leaves a row of numbers to AdamW."""


@pytest.fixture
def double() -> Iterator[None]:
    """Numbers that an optimizer keeps besides those of the weights' shape are of PyTorch's default type."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def moved(entry: Optimizer, start: Numbers, gradients: list[Numbers], fused: bool = False) -> Numbers:
    """The only parameter of a module after some steps."""
    module = nn.ParameterDict({"weight": nn.Parameter(torch.tensor(start))})
    runs = optimizer(entry, module, fused)
    for gradient in gradients:
        module["weight"].grad = torch.tensor(gradient)
        runs.step()
    return module["weight"].detach().numpy()


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize(
    ("kind", "fused"),
    [
        (kind, fused)
        for kind in Optimizer.shelf.values()
        for fused in (False, True)[: 1 + kind.fused]
        if not kind.repeats
    ],
)
@given(data=st.data())
def test_the_first_steps_are_those_of_the_formula(kind: type[Optimizer], fused: bool, data: st.DataObject):
    entry = data.draw(entries(kind))
    start = np.array([1.0, -2.0, 0.5, 30.0])
    gradients = [np.random.default_rng(step).normal(size=4) for step in range(STEPS)]
    expected = CLOSED_FORMS[kind.__name__](entry, start, gradients)
    np.testing.assert_allclose(moved(entry, start, gradients, fused), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.usefixtures("double")
@given(data=st.data())
def test_adafactor_remembers_a_row_and_a_column_of_a_matrix(data: st.DataObject):
    entry = data.draw(entries(Adafactor)).model_copy(update={"decay_biases_and_norms": True})
    start = np.random.default_rng(9).normal(size=(3, 4))
    gradients = [np.random.default_rng(step).normal(size=(3, 4)) for step in range(STEPS)]
    np.testing.assert_allclose(moved(entry, start, gradients), adafactor(entry, start, gradients), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shape", [(3, 5), (5, 3)], ids=["wide", "tall"])
@pytest.mark.parametrize("rate", ["match_rms_adamw", "original"])
@pytest.mark.parametrize("nesterov", [False, True], ids=["plain", "nesterov"])
def test_muon_moves_a_matrix_alike_in_all_of_its_directions(shape: tuple[int, int], rate: str, nesterov: bool):
    """By singular values, where PyTorch multiplies matrices of bfloat16."""
    entry = Muon(lr=0.1, weight_decay=0.5, momentum=0.8, nesterov=nesterov, adjust_lr_fn=rate)
    weights, mean = np.random.default_rng(9).normal(size=shape), np.zeros(shape)
    gradients = [np.random.default_rng(step).normal(size=shape) for step in range(STEPS)]
    start = weights
    for gradient in gradients:
        mean = 0.8 * mean + 0.2 * gradient
        left, values, right = np.linalg.svd(0.2 * gradient + 0.8 * mean if nesterov else mean, full_matrices=False)
        values = values / np.sqrt(np.sum(values**2))
        for _ in range(5):
            values = 3.4445 * values - 4.775 * values**3 + 2.0315 * values**5
        assert (values > 0.5).all() and (values < 1.3).all()
        reach = 0.2 * np.sqrt(max(shape)) if rate == "match_rms_adamw" else np.sqrt(max(1, shape[0] / shape[1]))
        weights = (1 - 0.1 * 0.5) * weights - 0.1 * reach * left @ np.diag(values) @ right
    np.testing.assert_allclose(moved(entry, start, gradients), weights, atol=0.02)
    assert abs(weights - start).max() > 0.2


MATRICES = {"recurrent.weight_ih_l0", "recurrent.weight_hh_l0", "attention.in_proj_weight", "attention.out_proj.weight", "again.weight"}  # fmt: skip
WEIGHTS = {"embedding.weight", "encoding.encoding", "convolution.weight"}
FROZEN = {"frozen.weight", "frozen.bias"}


def names_in_groups(entry: Optimizer, module: nn.Module) -> list[set[str]]:
    names = {parameter: name for name, parameter in module.named_parameters()}
    groups = [
        [names[parameter] for parameter in group["params"]] for group in optimizer(entry, module, False).param_groups
    ]
    assert sum(map(len, groups)) == len(set().union(*groups))
    return [set(group) for group in groups]


def test_muon_takes_matrices_and_leaves_kernels_embeddings_biases_and_norms_to_adamw():
    module = Mixed()
    matrices, weights, others = names_in_groups(Muon(), module)
    assert (matrices, weights) == (MATRICES, WEIGHTS)
    assert others == dict(module.named_parameters()).keys() - MATRICES - WEIGHTS - FROZEN


@pytest.mark.parametrize("kind", [kind for kind in Optimizer.shelf.values() if "weight_decay" in kind.model_fields], ids=name_of)  # fmt: skip
def test_weight_decay_can_be_that_of_weights_alone(kind: type[Optimizer]):
    module, entry = Mixed(), kind(weight_decay=0.25, decay_biases_and_norms=False)
    assert "decay_biases_and_norms" not in entry.args()
    decays = [group["weight_decay"] for group in optimizer(entry, module, False).param_groups]
    *decaying, others = names_in_groups(entry, module)
    assert set().union(*decaying) == MATRICES | WEIGHTS and not others & (MATRICES | WEIGHTS | FROZEN)
    assert decays == [0.25] * len(decaying) + [0.0]
    all_alike = optimizer(kind(weight_decay=0.25), module, False).param_groups
    assert {group["weight_decay"] for group in all_alike} == {0.25}


def test_a_network_without_weights_or_without_biases_has_groups_too():
    for module, names in ((nn.PReLU(3), [{"weight"}]), (nn.Linear(2, 2, bias=False), [{"weight"}])):
        assert names_in_groups(AdamW(decay_biases_and_norms=False), module) == names


@pytest.mark.parametrize("decays", [True, False])
def test_muon_is_pytorchs_muon_and_adamw_side_by_side(decays: bool):
    torch.manual_seed(3)
    mine, theirs = Mixed(), Mixed()
    theirs.load_state_dict(mine.state_dict())
    entry = Muon(lr=0.01, betas=(0.8, 0.9), eps=1e-3, ns_steps=4, decay_biases_and_norms=decays)
    runs = optimizer(entry, mine, fused=False)
    matrices, weights, others = (
        [parameter for name, parameter in theirs.named_parameters() if name in names]
        for names in names_in_groups(entry, mine)
    )
    groups = [{"params": weights}, {"params": others, "weight_decay": 0.1 if decays else 0.0}]
    side_by_side = (
        torch.optim.Muon(matrices, lr=0.01, ns_steps=4, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(groups, lr=0.01, betas=(0.8, 0.9), eps=1e-3, weight_decay=0.1),
    )
    for _ in range(3):
        for one, other in zip(mine.parameters(), theirs.parameters(), strict=True):
            one.grad = torch.randn_like(one) if one.requires_grad else None
            other.grad = one.grad
        for part in (runs, *side_by_side):
            part.step()
    for (name, one), other in zip(mine.named_parameters(), theirs.parameters(), strict=True):
        assert torch.equal(one, other), name


def test_everything_that_pytorch_has_for_dense_gradients_is_on_the_shelf():
    known = {name for name, kind in vars(torch.optim).items() if isinstance(kind, type)} - {"Optimizer", "SparseAdam"}
    assert known == Optimizer.shelf.keys()
    assert {kind.target for kind in Optimizer.shelf.values()} - {f"optim.{name}" for name in known} == {"MuonWithAdamW"}


def test_the_defaults_of_muon_are_pytorchs_but_for_the_rate_that_has_to_fit_adamw_too():
    theirs = inspect.signature(torch.optim.Muon).parameters
    shared = {name: value for name, value in Muon().args().items() if name in theirs}
    unlike = {name for name, value in shared.items() if theirs[name].default != value}
    assert (
        unlike == {"adjust_lr_fn", "eps"}
        and Muon().eps == inspect.signature(torch.optim.AdamW).parameters["eps"].default
    )


MEMORIES = [{}, {"momentum": 0.9}, {"centered": True, "momentum": 0.9}, {"amsgrad": True}]


@pytest.mark.parametrize(
    ("kind", "settings"),
    [(kind, some) for kind in Optimizer.shelf.values() for some in MEMORIES if some.keys() <= kind.model_fields.keys()],
)
def test_slots_are_the_numbers_that_are_remembered(kind: type[Optimizer], settings: dict[str, float]):
    module = nn.Sequential(nn.Linear(20, 30), nn.Linear(30, 4))
    learnt = sum(parameter.numel() for parameter in module.parameters())
    entry = kind(**settings) if kind is not LBFGS else LBFGS(history_size=4, max_iter=12)
    runs = optimizer(entry, module, fused=False)

    def look() -> torch.Tensor:
        runs.zero_grad()
        loss = (module(torch.ones(5, 20)).sin() + torch.arange(4)).square().sum()
        loss.backward()
        return loss

    runs.step(look) if kind.repeats else (look(), runs.step())
    held = torch.utils._pytree.tree_leaves([list(state.values()) for state in runs.state.values()])
    kept = sum(tensor.numel() for tensor in held if isinstance(tensor, torch.Tensor) and tensor.dim()) / learnt
    if kind in (Muon, Adafactor, LBFGS):  # it depends on the shapes, and on the way that the bottom is sought
        assert 0 < kept <= entry.slots()
    else:
        assert kept == entry.slots()


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_lbfgs_finds_the_bottom_of_a_bowl_that_algebra_knows(search: str | None):
    bowl = np.array([[3.0, 1.0, 0.0], [1.0, 2.0, 0.5], [0.0, 0.5, 1.0]])
    pull = np.array([1.0, -2.0, 0.5])
    module = nn.ParameterList([nn.Parameter(torch.zeros(3, dtype=torch.float64))])
    runs = optimizer(LBFGS(line_search_fn=search, lr=1.0 if search else 0.5, max_iter=100), module, fused=False)

    def look() -> torch.Tensor:
        runs.zero_grad()
        loss = 0.5 * module[0] @ torch.tensor(bowl) @ module[0] - torch.tensor(pull) @ module[0]
        loss.backward()
        return loss

    runs.step(look)
    np.testing.assert_allclose(module[0].detach().numpy(), np.linalg.solve(bowl, pull), atol=1e-4)


@every_optimizer
def test_fused_is_said_of_those_that_pytorch_has_fused_and_asked_for_by_name(kind: type[Optimizer]):
    there = "fused" in inspect.signature(resolve(kind.target)).parameters
    assert kind.fused == (there and kind is not Adagrad)  # before PyTorch 2.12 Adagrad's runs on no GPU
    module = nn.Linear(2, 1)
    assert not optimizer(kind(), module, fused=False).param_groups[0].get("fused")
    if kind.fused:
        assert optimizer(kind(), module, fused=True).param_groups[0]["fused"] is True


@every_optimizer
def test_what_is_frozen_is_left_out(kind: type[Optimizer]):
    module = nn.Sequential(nn.Linear(2, 3).requires_grad_(False), nn.Linear(3, 1))
    groups = optimizer(kind(), module, fused=False).param_groups
    learning = [id(parameter) for group in groups for parameter in group["params"]]
    assert learning == [id(parameter) for parameter in module[1].parameters()]


def test_nesterov_without_momentum_is_refused_as_pytorch_refuses_it():
    with pytest.raises(ValueError, match="nesterov needs a momentum above 0"):
        Optimizer.pick("SGD", {"nesterov": True})
    with pytest.raises(ValueError, match="Nesterov"):
        torch.optim.SGD([nn.Parameter(torch.zeros(1))], nesterov=True)


@pytest.mark.parametrize(
    ("name", "params", "refused"),
    [
        ("Rprop", {"etas": [1.2, 0.5]}, "etas"), ("Rprop", {"step_sizes": [1.0, 0.5]}, "must not be above"),
        ("RMSprop", {"alpha": 1.0}, "alpha"), ("Adadelta", {"rho": 1.0}, "rho"), ("Adafactor", {"d": 0.5}, "d"),
        ("Adafactor", {"beta2_decay": 0.1}, "beta2_decay"), ("Adam", {"betas": [0.9, 1.0]}, "betas"),
        ("SGD", {"momentum": 1.0}, "momentum"), ("Adagrad", {"lr": 0}, "lr"), ("Muon", {"ns_steps": 100}, "ns_steps"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_when_it_is_typed(name: str, params: dict[str, object], refused: str):
    with pytest.raises(ValidationError, match=refused):
        Optimizer.pick(name, params)
