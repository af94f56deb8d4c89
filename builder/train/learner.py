"""What learns: a network, its optimizer, and whatever else changes with them from step to step."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from builder.compile.build import build, optimizer
from builder.compile.network import Compiled
from builder.design.experiment import Execution, Experiment
from builder.design.recipe import Recipe
from builder.design.streams import seed_of
from builder.train.augmenting import Augmenting, LossOf, augmenting
from builder.train.moment import random_state, set_random_state
from builder.train.pace import Pace
from builder.train.precision import Casting, casting, scaler, set_products
from builder.train.restraints import clipping, penalty, shortening
from builder.train.task import Task, Tensors

Learn: TypeAlias = Callable[[Tensors, Tensors], Tensor]
"""What is done with inputs and targets of one step; it returns their loss."""


@dataclass(slots=True)
class Learner:
    """Everything that decides what comes next. `began`: the random stream of the data's order as the epoch began."""

    recipe: Recipe
    device: str
    network: Compiled
    optimizer: torch.optim.Optimizer
    pace: Pace
    order: torch.Generator
    began: Tensor
    casting: Casting
    average: AveragedModel | None
    scaler: torch.amp.GradScaler | None

    @classmethod
    def of(cls, experiment: Experiment, execution: Execution, per_epoch: int) -> "Learner":
        """As it is before the first step, of `per_epoch` an epoch. Sets threads and precision of this process, and draws the first weights."""
        torch.set_num_threads(execution.threads)
        set_products(execution)
        recipe = experiment.recipe
        torch.manual_seed(seed_of(recipe.seed, "init"))
        network = build(experiment.network, recipe.init).to(execution.device)
        if execution.memory_format == "channels_last":
            network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        adapting = optimizer(recipe.optimizer, network, execution.optimizer_implementation == "fused")
        order = torch.Generator().manual_seed(seed_of(recipe.seed, "order"))
        torch.manual_seed(seed_of(recipe.seed, "training"))
        return cls(
            recipe=recipe,
            device=execution.device,
            network=network,
            optimizer=adapting,
            pace=Pace(recipe, adapting, per_epoch),
            order=order,
            began=order.get_state(),
            casting=casting(execution),
            average=_average(network, recipe.ema),
            scaler=scaler(execution),
        )

    @property
    def judged(self) -> nn.Module:
        """The network whose answers count: where weights are averaged, the one that has the averages."""
        return self.average.module if self.average else self.network

    def state(self) -> dict[str, Any]:
        """All of it. Tensors are the ones in use, not copies."""
        return {
            "network": self.network.state_dict(),
            "optimizer_type": self.recipe.optimizer.name,
            "optimizer": self._remembered(),
            "pace": self.pace.state(),
            "order": self.began,
            "random": random_state(self.device),
            "average": self.average.state_dict() if self.average else None,
            "scaler": self.scaler.state_dict() if self.scaler else None,
        }

    def go_on(self, state: dict[str, Any], step: int) -> None:
        """Be again what a `state` says. What the recipe has changed since, as in a branch, is as the recipe wants it."""
        self.network.load_state_dict(state["network"])
        if state["optimizer_type"] == self.recipe.optimizer.name:
            self.optimizer.load_state_dict({**self._remembered(), "state": state["optimizer"]["state"]})
            _check_sizes(self.optimizer)
            _lay_out_as_weights(self.optimizer)
            for weight, held in self.optimizer.state.items():
                for name in self.recipe.optimizer.begun_at_zero():
                    held.setdefault(name, torch.zeros_like(weight))
        self.pace.go_on(state["pace"], step)
        self.began = state["order"]
        self.order.set_state(self.began)
        if self.average:
            self.average.load_state_dict(state["average"] or _averaged_once(self.network))
        if self.scaler and state["scaler"]:
            self.scaler.load_state_dict(state["scaler"])
        set_random_state(state["random"], self.device)

    def _remembered(self) -> dict[str, Any]:
        """The optimizer's state, in which a number stands for a parameter: its place among those that learn.

        PyTorch numbers them in the order of the groups, which a branch may divide otherwise.
        """
        state = self.optimizer.state_dict()
        learning = (parameter for parameter in self.network.parameters() if parameter.requires_grad)
        place = {parameter: at for at, parameter in enumerate(learning)}
        number = [place[parameter] for group in self.optimizer.param_groups for parameter in group["params"]]
        groups = [{**group, "params": [number[at] for at in group["params"]]} for group in state["param_groups"]]
        return {"state": {number[at]: held for at, held in state["state"].items()}, "param_groups": groups}


def _check_sizes(optimizer: torch.optim.Optimizer) -> None:
    """Raises ValueError where a fused step would go beyond what is held for a weight: it looks at no size, as others do."""
    if not optimizer.defaults.get("fused"):
        return
    for weight, held in optimizer.state.items():
        for name, value in held.items():
            wanted = 1 if name == "step" else weight.numel()
            if value is not None and (value.numel() != wanted or (wanted > 1 and value.shape != weight.shape)):
                raise ValueError(
                    f"{name} of the optimizer has shape {tuple(value.shape)}, its weight {tuple(weight.shape)}"
                )


@torch.no_grad()
def _lay_out_as_weights(optimizer: torch.optim.Optimizer) -> None:
    """Give what an optimizer holds for each weight the weight's order in memory: fused steps go through both in parallel."""
    for weight, held in optimizer.state.items():
        for name, value in held.items():
            if isinstance(value, Tensor) and value.shape == weight.shape and value.stride() != weight.stride():
                held[name] = torch.empty_like(weight).copy_(value)


def _average(network: Compiled, decay: float | None) -> AveragedModel | None:
    """Weights averaged over the steps, each counting `1 - decay` of what the next one does; running statistics are the newest."""
    if decay is None:
        return None
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay))  # type: ignore[no-untyped-call]
    average.module.eval()
    return average


def _averaged_once(network: Compiled) -> dict[str, Tensor]:
    """The state of an average that has seen these weights alone."""
    return {"n_averaged": torch.tensor(1), **{f"module.{name}": value for name, value in network.state_dict().items()}}


def learning_step(learner: Learner, task: Task, look: Callable[[Tensor], object] | None = None) -> Learn:
    """What is done with the samples of one step; it returns their loss before the weights have changed.

    `look` is given the loss while the gradients are as they came, not clipped yet; where a step looks at its samples
    several times, those of the last time.
    """
    augment = augmenting(learner.recipe, task)
    learn = _learn(learner, task, look, augment)
    if augment is None:
        return learn

    def augmented(inputs: Tensors, targets: Tensors) -> Tensor:
        """All pieces of a step, and all looks at it, see the same pictures."""
        return learn(*augment(inputs, targets))

    return augmented


def _learn(learner: Learner, task: Task, look: Callable[[Tensor], object] | None, augment: Augmenting | None) -> Learn:
    """What is done with samples that are as the network is to see them."""
    if learner.recipe.optimizer.repeats:
        return _then(_again_and_again(learner, task, augment), look)
    slopes = _then(_slopes(learner, task, augment), look)
    adapt = _adapt(learner)

    def once(inputs: Tensors, targets: Tensors) -> Tensor:
        loss = slopes(inputs, targets)
        adapt()
        return loss

    return once


def _then(learn: Learn, look: Callable[[Tensor], object] | None) -> Learn:
    """The same, with a look at what it returns."""
    if look is None:
        return learn

    def seen(inputs: Tensors, targets: Tensors) -> Tensor:
        loss = learn(inputs, targets)
        look(loss)
        return loss

    return seen


def _again_and_again(learner: Learner, task: Task, augment: Augmenting | None) -> Learn:
    """A step that looks at its samples several times, and makes their loss with all penalties small."""
    slopes, settle = _slopes(learner, task, augment), _settle(learner)
    price = penalty(learner.recipe, learner.network)

    def step(inputs: Tensors, targets: Tensors) -> Tensor:
        losses: list[Tensor] = []

        def look() -> Tensor:
            losses.append(slopes(inputs, targets))
            return losses[-1] if price is None else losses[-1] + price().detach()

        if not learner.pace.steady:
            learner.pace.set_next()
        learner.optimizer.step(look)  # type: ignore[arg-type]
        if settle:
            settle()
        return losses[0]

    return step


def _slopes(learner: Learner, task: Task, augment: Augmenting | None) -> Learn:
    """The loss, with a gradient left at every parameter that learns: that of the loss and of what the weights cost."""
    network, compare, at_once = (
        learner.network,
        _compare(learner, task, augment),
        learner.recipe.batch.at_once(len(task.parts["train"])),
    )
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    backward, price = _backward(learner), penalty(learner.recipe, network)

    def of_all(inputs: Tensors, targets: Tensors) -> Tensor:
        loss = compare(inputs, targets)
        for parameter in learning:  # what zero_grad does, without its notes for the profiler
            parameter.grad = None
        backward(loss if price is None else loss + price())
        return loss.detach()

    def in_pieces(inputs: Tensors, targets: Tensors) -> Tensor:
        for parameter in learning:
            parameter.grad = None
        total = torch.zeros((), device=learner.device)
        for share, some_inputs, some_targets in _pieces(inputs, targets, at_once):
            loss = share * compare(some_inputs, some_targets, targets)
            backward(loss if price is None else loss + share * price())
            total += loss.detach()
        return total

    return of_all if learner.recipe.batch.accumulation == 1 else in_pieces


def _pieces(inputs: Tensors, targets: Tensors, size: int) -> Iterator[tuple[float, Tensors, Tensors]]:
    """The samples of a step, so many at once, each piece with its share of all of them."""
    pieces = zip(*(torch.split(column, size) for column in (*inputs, *targets)), strict=True)
    for piece in pieces:
        yield len(piece[0]) / len(inputs[0]), piece[: len(inputs)], piece[len(inputs) :]


def _compare(learner: Learner, task: Task, augment: Augmenting | None) -> LossOf:
    """From inputs and targets to the loss."""
    forward, loss_of = learner.network.forward, _loss_of(task)
    if augment:
        loss_of = augment.judging(loss_of)
    if learner.casting is nullcontext:
        return lambda inputs, targets, whole=None: loss_of(forward(*inputs), targets, whole)

    def narrow(inputs: Tensors, targets: Tensors, whole: Tensors | None = None) -> Tensor:
        with learner.casting():
            return loss_of(forward(*inputs), targets, whole)

    return narrow


def _backward(learner: Learner) -> Callable[[Tensor], object]:
    scaler = learner.scaler
    if scaler is None:
        return Tensor.backward
    return lambda loss: scaler.scale(loss).backward()  # type: ignore[no-untyped-call]


def _adapt(learner: Learner) -> Callable[[], object]:
    """From gradients to new weights, at the rate of the step."""
    move, pace = _step_of(learner.optimizer, learner.scaler), learner.pace
    cut, settle = _cut(learner), _settle(learner)
    if pace.steady and cut is None and settle is None:
        return move

    def adapt() -> None:
        if not pace.steady:
            pace.set_next()
        if cut:
            cut()
        move()
        if settle:
            settle()

    return adapt


def _settle(learner: Learner) -> Callable[[], object] | None:
    """What is done with new weights: those of a unit are kept short, and then they go into the average; None where it is nothing."""
    network, average, shorten = learner.network, learner.average, shortening(learner.recipe, learner.network)
    if average is None:
        return shorten

    def settle() -> None:
        if shorten:
            shorten()
        average.update_parameters(network)

    return settle


def _cut(learner: Learner) -> Callable[[], object] | None:
    """Gradients are clipped, those of a scaler as they are without it; None where they are not."""
    clip, scaler, optimizer = clipping(learner.recipe, learner.network), learner.scaler, learner.optimizer
    if clip is None or scaler is None:
        return clip

    def cut() -> None:
        scaler.unscale_(optimizer)
        clip()

    return cut


def _step_of(optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler | None) -> Callable[[], object]:
    """The optimizer's step without what PyTorch wraps around it for hooks, profilers and its compiler: worth 4 % of a step of a small network."""
    if scaler is None:
        bare, no_gradient = inspect.unwrap(type(optimizer).step), torch.no_grad()

        def move() -> None:
            with no_gradient:
                bare(optimizer)

        return move

    def scaled() -> None:
        scaler.step(optimizer)  # leaves the weights as they are where a gradient did not fit into float16
        scaler.update()

    return scaled


def _loss_of(task: Task) -> LossOf:
    """What is made small. One loss of weight 1 is called directly: worth 1 % of a step of a small network."""
    (first, *others) = task.objectives
    if others or first.weight != 1 or first.of_whole:
        return task.loss
    compare, output = first.loss, first.output
    return lambda outputs, targets, whole=None: compare(outputs[output], targets[0])
