"""One run of an experiment, from its first weights to its last. The exported program is this loop without its audience."""

import functools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor

from builder.catalog.schedules import Constant
from builder.compile.build import build, optimizer
from builder.compile.network import Compiled
from builder.data import Arrays
from builder.design.experiment import Execution, Experiment
from builder.design.recipe import Recipe
from builder.design.streams import seed_of
from builder.problem import Problem, say
from builder.train.boundary import Boundary
from builder.train.judge import judge
from builder.train.moment import moment, pack, restore, unpack
from builder.train.recorder import Control, Keeper, Recorder
from builder.train.task import Part, Task, task_of

LossOf: TypeAlias = Callable[[tuple[Tensor, ...], tuple[Tensor, ...]], Tensor]
"""A loss of outputs, or of a network's inputs, and targets."""

LOOK_EVERY = 0.1
"""Seconds between two looks at the losses and at what people ask for."""
PAUSE_LOOK = 0.02


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: `metrics` are those of the last weights on every part, by `part/metric`."""

    status: Literal["finished", "stopped", "failed", "interrupted"]
    step: int
    epoch: int
    seconds: float
    metrics: dict[str, float] = field(default_factory=dict)
    problem: Problem | None = None


def train(
    experiment: Experiment,
    execution: Execution,
    arrays: Arrays,
    recorder: Recorder,
    control: Control,
    keeper: Keeper | None = None,
    start: bytes | None = None,
) -> Outcome:
    """Train to the end, or until `control` says otherwise. Draws are those of the recipe's seed, on any machine alike.

    `keeper` gets moments of the run; given one as `start`, it goes on from there, to the bit as if it had never stopped.
    """
    recipe = experiment.recipe
    learner = _Learner.of(experiment, execution)
    network, order = learner.network, learner.order
    task = task_of(experiment, execution, arrays)
    training = task.parts["train"]
    size = min(recipe.batch.size or len(training), len(training))
    boundary = Boundary.of(network, task, arrays.labels, recorder)
    watch = _Watch(recorder, control, boundary, size, keeper, learner)
    torch.manual_seed(seed_of(recipe.seed, "training"))
    epoch = watch.begin(start)
    batches = recipe.batch.count(len(training))
    done = watch.step - epoch * batches
    rates = _rates(recipe, watch.step, batches * recipe.length.epochs)
    learn = _learning_step(learner, _loss_of(task), rates, recipe.optimizer.repeats)
    glance = training.first(len(task.parts["validation"])) if "validation" in task.parts else training
    word = watch.look(epoch)
    network.train()
    while epoch < recipe.length.epochs and word == "run":
        for inputs, targets in _batches(training, size, recipe.batch.last == "drop", order)[done:]:
            watch.losses.append(learn(inputs, targets))
            if time.perf_counter() >= watch.due:
                word = watch.look(epoch)
                if word != "run":
                    break
        else:
            epoch, done = epoch + 1, 0
            learner.began = order.get_state()
            _report(network, task, glance, watch, recorder)
    if word == "run":
        word = watch.look(epoch)
        watch.keep(epoch)
    return _ended(word, network, task, watch, epoch)


@dataclass(slots=True)
class _Learner:
    """What changes while the network learns. `began`: the random stream of the data's order as the epoch began."""

    network: Compiled
    optimizer: torch.optim.Optimizer
    order: torch.Generator
    began: Tensor
    device: str

    @classmethod
    def of(cls, experiment: Experiment, execution: Execution) -> "_Learner":
        """As it is before the first step."""
        torch.set_num_threads(execution.threads)
        recipe = experiment.recipe
        torch.manual_seed(seed_of(recipe.seed, "init"))
        network = build(experiment.network, recipe.init).to(execution.device)
        if execution.memory_format == "channels_last":
            network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        adapting = optimizer(recipe.optimizer, network, execution.optimizer_implementation == "fused")
        order = torch.Generator().manual_seed(seed_of(recipe.seed, "order"))
        return cls(network, adapting, order, order.get_state(), execution.device)

    def moment(self, **where: object) -> bytes:
        """All of it, packed, and `where` beside it."""
        return pack(moment(self.network, self.optimizer, self.began, self.device, **where))

    def go_on(self, start: bytes) -> dict[str, Any]:
        """Be again what was packed."""
        before = unpack(start)
        restore(before, self.network, self.optimizer, self.order)
        self.began = before["order"]
        return before


def _rates(recipe: Recipe, step: int, total: int) -> Iterator[float] | None:
    """The learning rates from a step on; none where the rate never changes."""
    schedule, base = recipe.schedule, recipe.optimizer.args()["lr"]
    return None if isinstance(schedule, Constant) else (schedule.rate(at, total, base) for at in range(step, total))


def _learning_step(learner: "_Learner", loss_of: LossOf, rates: Iterator[float] | None, repeats: bool) -> LossOf:
    """What is done with one batch; it returns the loss before the weights have changed."""
    network, optimizer = learner.network, learner.optimizer
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    adapt = _step_of(optimizer, rates)

    def slopes(inputs: tuple[Tensor, ...], targets: tuple[Tensor, ...]) -> Tensor:
        loss = loss_of(network.forward(*inputs), targets)
        for parameter in learning:  # what zero_grad does, without its notes for the profiler
            parameter.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    def once(inputs: tuple[Tensor, ...], targets: tuple[Tensor, ...]) -> Tensor:
        loss = slopes(inputs, targets)
        adapt()
        return loss.detach()

    def again_and_again(inputs: tuple[Tensor, ...], targets: tuple[Tensor, ...]) -> Tensor:
        if rates is not None:
            _set_rate(optimizer, next(rates))
        loss: Tensor = optimizer.step(lambda: slopes(inputs, targets))  # type: ignore[assignment, arg-type, return-value]
        return loss.detach()

    return again_and_again if repeats else once


def _set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def _step_of(adapt: torch.optim.Optimizer, rates: Iterator[float] | None) -> Callable[[], object]:
    """The optimizer's step without what PyTorch wraps around it for profilers and hooks: worth 4 % of a step of a small network."""
    wrapped = type(adapt).step
    step = functools.partial(getattr(wrapped, "__wrapped__", wrapped), adapt)
    if rates is None:
        return step

    def step_at_its_rate() -> None:
        _set_rate(adapt, next(rates))
        step()

    return step_at_its_rate


def _loss_of(task: Task) -> LossOf:
    """What is made small. One loss of weight 1 is called directly: worth 1 % of a step of a small network."""
    (first, *others) = task.objectives
    if others or first.weight != 1:
        return task.loss
    compare, output = first.loss, first.output
    return lambda outputs, targets: compare(outputs[output], targets[0])


def _batches(
    part: Part, size: int, drop_last: bool, order: torch.Generator
) -> list[tuple[tuple[Tensor, ...], tuple[Tensor, ...]]]:
    """One epoch: every sample once, in a new order, gathered once and handed out as views."""
    shuffled = torch.randperm(len(part), generator=order).to(part.inputs[0].device)
    columns = [torch.split(tensor[shuffled], size) for tensor in (*part.inputs, *part.targets)]
    batches = [(batch[: len(part.inputs)], batch[len(part.inputs) :]) for batch in zip(*columns, strict=True)]
    return batches[:-1] if drop_last and len(part) % size else batches


class _Watch:
    """What is done now and then, and not at every step: read the losses back, record, draw, and ask what to do next."""

    def __init__(
        self,
        recorder: Recorder,
        control: Control,
        boundary: Boundary | None,
        batch: int,
        keeper: Keeper | None,
        learner: "_Learner",
    ) -> None:
        self.recorder, self.control, self.boundary, self.batch = recorder, control, boundary, batch
        self.keeper, self.learner = keeper, learner
        self.losses: list[Tensor] = []
        self.step = 0
        self.seconds = 0.0
        self.since = time.perf_counter()
        self.due = 0.0
        self.problem: Problem | None = None

    def begin(self, start: bytes | None) -> int:
        """Go on from a moment, or begin anew; how many epochs are whole."""
        if start is None:
            self.recorder.resume(None)
            return 0
        before = self.learner.go_on(start)
        self.recorder.resume(before["history"])
        self.step, self.seconds = before["step"], before["seconds"]
        return int(before["epoch"])

    def look(self, epoch: int) -> str:
        """What the loop is to do: `run`, `stop`, `interrupt`, or `failed` when a loss is no number any more. Waits while paused."""
        now = time.perf_counter()
        self.seconds += now - self.since
        self.since = now
        fine = self._read_back()
        speed = self.step * self.batch / self.seconds if self.seconds and self.step else 0.0
        self.recorder.progress(self.step, epoch, self.seconds, speed)
        if self.boundary:
            self.boundary.draw_if_due(self.step)
        self.recorder.tick()
        word = self.control.poll(self.step) if fine else "failed"
        if fine and (word != "run" or (self.keeper and self.keeper.due())):
            self.keep(epoch)
        if word == "pause":
            word = self._wait()
        self.due = time.perf_counter() + LOOK_EVERY
        return word

    def keep(self, epoch: int) -> None:
        """Leave this moment with the keeper, to go on from."""
        if self.keeper:
            self.recorder.flush()
            where = {"step": self.step, "epoch": epoch, "seconds": self.seconds, "history": self.recorder.state()}
            self.keeper.keep(self.step, self.learner.moment(**where))

    def _read_back(self) -> bool:
        """Record the losses since the last look. False where one is NaN or infinite; then `problem` says at which step."""
        if not self.losses:
            return True
        values: list[float] = torch.stack(self.losses).tolist()
        self.losses.clear()
        for value in values:
            self.step += 1
            self.recorder.add("train/loss", self.step, value)
            if not math.isfinite(value):
                self.problem = _diverged(self.step, value)
                return False
        return True

    def _wait(self) -> str:
        if self.boundary:
            self.boundary.draw(self.step)
        self.recorder.flush()
        while (word := self.control.poll(self.step)) == "pause":
            time.sleep(PAUSE_LOOK)
        self.since = time.perf_counter()
        return word


def _diverged(step: int, value: float) -> Problem:
    return Problem(
        code="run/diverged",
        title=say(
            "The loss is {value} since step {step}",
            value="not a number" if math.isnan(value) else "infinite",
            step=step,
        ),
        because=say(
            "The weights have grown beyond what numbers can hold. A smaller learning rate is what helps most often; scaled inputs come next."
        ),
    )


def _report(network: torch.nn.Module, task: Task, glance: Part, watch: _Watch, recorder: Recorder) -> None:
    """The scores at the end of an epoch. Training is judged on as many samples as validation has."""
    at = watch.step + len(watch.losses)
    network.eval()
    if task.decides:  # the loss of the training part is known already, step by step
        recorder.add("train/accuracy", at, judge(network, task, glance, loss=False)["accuracy"])
    if "validation" in task.parts:
        for name, value in judge(network, task, task.parts["validation"]).items():
            recorder.add(f"validation/{name}", at, value)
    network.train()


def _ended(word: str, network: torch.nn.Module, task: Task, watch: _Watch, epoch: int) -> Outcome:
    """The last numbers: every part is judged once more, the test part for the first time."""
    status: Literal["finished", "stopped", "failed", "interrupted"] = "finished"
    match word:
        case "stop":
            status = "stopped"
        case "interrupt":
            status = "interrupted"
        case "failed":
            status = "failed"
    metrics: dict[str, float] = {}
    if status in ("finished", "stopped"):
        for part, samples in task.parts.items():
            metrics |= {f"{part}/{name}": value for name, value in judge(network, task, samples).items()}
        if watch.boundary:
            watch.boundary.draw(watch.step)
    watch.recorder.flush()
    return Outcome(status, watch.step, epoch, watch.seconds, metrics, watch.problem)
