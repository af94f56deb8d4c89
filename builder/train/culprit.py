"""Where a run broke: its last steps are done again, from the last moment that was whole, with a look at every number."""

import math
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from builder.problem import Problem, say
from builder.train.learner import Learner, learning_step
from builder.train.memory import is_out_of_memory
from builder.train.moment import unpack
from builder.train.task import Task, batches
from builder.train.watch import Watch

SEARCH_SECONDS = 20
"""What the search may take; it does again what was done within a second or so, two or three times as slowly."""


class _Broken(Exception):
    """The first value that is no number, or too large for one: which, and what was the largest number before it."""

    def __init__(self, what: str, layer: str | None, value: Tensor) -> None:
        super().__init__(what)
        self.what, self.layer, self.kind = what, layer, _kind(value)


def diverged(task: Task, watch: Watch) -> Problem:
    """Why the run of `watch` cannot go on: since which step, and which layer's value, gradient or weight broke first."""
    assert watch.broken is not None
    title = say(
        "The loss is {value} since step {step}",
        value=say("not a number") if math.isnan(watch.broken) else say("infinite"),
        step=watch.step,
    )
    try:
        found = _search(task, watch)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        found = None  # with a look at every number it takes more memory than without
    where = ""
    layer = None
    if found is not None:
        step, broken, largest = found
        layer = broken.layer
        where = say(
            "At step {step} {what} became {kind}, before anything else did; the largest weight was {largest:.3g} then. ",
            step=step, what=broken.what, kind=broken.kind, largest=largest,
        )  # fmt: skip
    advice = say("A smaller learning rate is what helps most often; scaled inputs come next.")
    return Problem(code="run/diverged", node=layer, title=title, because=where + advice)


def _search(task: Task, watch: Watch) -> tuple[int, _Broken, float] | None:
    """The step, what broke, and the largest weight before it.

    None where it does not happen again, as on a GPU it may not; where there is no whole moment; and where it takes too
    long, or a person does not want to wait for it.
    """
    if watch.good is None:
        return None
    learner, before = watch.learner, unpack(watch.good)
    step, epoch = before["step"], before["epoch"]
    learner.go_on(before, step)
    learner.network.train()
    sizes: dict[str, float] = {}
    learn = learning_step(learner, task, lambda loss: _check_slopes(learner, loss, sizes))
    per_epoch = learner.recipe.batch.count(len(task.parts["train"]))
    deadline = time.monotonic() + SEARCH_SECONDS
    with _watched(learner.network, sizes):
        for inputs, targets in _rest(task, learner, epoch, step - epoch * per_epoch, watch.step - step):
            step += 1
            largest = _largest(learner.network)
            sizes.clear()
            try:
                learn(inputs, targets)
                _check_weights(learner)
            except _Broken as broken:
                return step, broken, largest
            if time.monotonic() > deadline or watch.control.poll(watch.step) in ("stop", "interrupt"):
                return None
    return None


def _rest(task: Task, learner: Learner, epoch: int, done: int, count: int) -> Iterator[Any]:
    """The batches of so many steps, from a place in an epoch on."""
    training, batch = task.parts["train"], learner.recipe.batch
    while count > 0:
        whole = batches(training, batch.per_step(len(training)), batch.count(len(training)), learner.order)
        some = whole[done : done + count]
        yield from some
        count, done = count - len(some), 0


@contextmanager
def _watched(network: nn.Module, sizes: dict[str, float]) -> Iterator[None]:
    """Every layer looks at what comes in and at what goes out; `sizes` gets the largest number of each one's output."""
    layers = [(name, module) for name, module in network.named_modules() if name and _is_layer(module)]
    hooks = [module.register_forward_hook(_look_at(name, sizes)) for name, module in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _is_layer(module: nn.Module) -> bool:
    """What has no other module inside, or parameters of its own beside them, as attention has."""
    return not any(module.children()) or any(True for _ in module.parameters(recurse=False))


def _look_at(layer: str, sizes: dict[str, float]) -> Any:
    def look(_module: nn.Module, given: tuple[Any, ...], result: Any) -> None:
        _check(say("what {layer} reads", layer=layer), layer, _tensors(given))
        _check(say("the output of {layer}", layer=layer), layer, _tensors(result))
        sizes[layer] = max(
            (value.detach().abs().max().item() for value in _tensors(result) if value.numel()), default=0.0
        )

    return look


def _check_slopes(learner: Learner, loss: Tensor, sizes: dict[str, float]) -> None:
    """Before the weights change: the loss, and the gradients from the last layer to the first, none of them clipped."""
    layer = max(sizes, key=lambda name: sizes[name], default=None)
    size = sizes[layer] if layer else 0.0
    _check(say("the loss of outputs of {layer} as large as {size:.3g}", layer=layer, size=size), layer, [loss])
    if learner.scaler is None:  # a scaler makes gradients overflow on purpose, and leaves such steps out
        for name, parameter in reversed(list(learner.network.named_parameters())):
            if parameter.grad is not None:
                _check(say("the gradient of {name}", name=name), name.rpartition(".")[0], [parameter.grad])


def _check_weights(learner: Learner) -> None:
    """After a step."""
    for name, parameter in learner.network.named_parameters():
        _check(say("{name}, by its update,", name=name), name.rpartition(".")[0], [parameter])


def _check(what: str, layer: str | None, values: Iterable[Tensor]) -> None:
    for value in values:
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise _Broken(what, layer, value.detach())


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from _tensors(inner)


def _kind(value: Tensor) -> str:
    return say("not a number") if bool(value.isnan().any()) else say("infinite")


def _largest(network: nn.Module) -> float:
    return max((value.detach().abs().max().item() for value in network.parameters() if value.numel()), default=0.0)
