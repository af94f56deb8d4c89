"""One run of an experiment, from its first weights to its last. The exported program is this loop without its audience."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from builder.data import Arrays
from builder.design.experiment import Execution, Experiment
from builder.problem import Problem
from builder.train.boundary import Boundary
from builder.train.culprit import diverged
from builder.train.judge import every_metric, judge, judging, weighed
from builder.train.learner import Learner, learning_step
from builder.train.pulse import Doctor
from builder.train.recorder import Control, Keeper, Recorder
from builder.train.task import Part, Task, batches, task_of
from builder.train.watch import Watch

Ending: TypeAlias = Literal["finished", "stopped", "failed", "interrupted"]
ENDINGS: dict[str, Ending] = {"stop": "stopped", "interrupt": "interrupted", "failed": "failed"}
"""How a run has ended, by the word that ended its loop; any other word is its natural end."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: `metrics` are those of the last weights on every part, by `part/metric`; `weights/...` of the weights themselves."""

    status: Ending
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
    task = task_of(experiment, execution, arrays)
    training = task.parts["train"]
    per_epoch, per_step = recipe.batch.count(len(training)), recipe.batch.per_step(len(training))
    learner = Learner.of(experiment, execution, per_epoch)
    watch = Watch(learner, recorder, control, keeper, per_step)
    epoch = watch.begin(start)
    watch.boundary = Boundary.of(learner.judged, task, arrays.labels, recorder)
    watch.doctor = Doctor(learner, task, experiment, recorder)
    step = watch.step
    done = step - epoch * per_epoch
    learn = learning_step(learner, task)
    glance = training.first(len(task.parts["validation"])) if "validation" in task.parts else training
    word = watch.first_look(epoch)
    learner.network.train()
    while epoch < recipe.length.epochs and word == "run":
        for inputs, targets in batches(training, per_step, per_epoch, learner.order)[done:]:
            watch.losses.append(learn(inputs, targets))
            step += 1
            done += 1
            if done < per_epoch and watch.is_due(step):
                word = watch.look(epoch)
                if word != "run":
                    break
        else:
            epoch, done = epoch + 1, 0
            learner.began = learner.order.get_state()
            fine = watch.read_back()  # before the scores, so that series have the same order in every run
            scores = _report(learner, task, glance, step, recorder) if fine else {}
            word = watch.epoch_ended(epoch, scores)
    if word in ("run", "enough"):
        word = watch.last_look(epoch, word)
    if word == "failed":
        watch.problem = diverged(task, watch)
    return _ended(word, learner, task, watch, epoch)


def _report(learner: Learner, task: Task, glance: Part, step: int, recorder: Recorder) -> dict[str, float]:
    """The scores at the end of an epoch, by `part/metric`. Training is judged on as many samples as validation has."""
    metrics = learner.recipe.metrics
    scores: dict[str, float] = {}
    with judging(learner.judged), learner.casting():
        if task.decides or metrics:  # the loss of the training part is known already, step by step
            scores |= _named("train", judge(learner.judged, task, glance, loss=False, metrics=metrics))
        if "validation" in task.parts:
            scores |= _named("validation", judge(learner.judged, task, task.parts["validation"], metrics=metrics))
    for name, value in scores.items():
        recorder.add(name, step, value)
    if not learner.pace.steady:
        recorder.add("rate", step, learner.pace.rate)
    return scores


def _named(part: str, scores: dict[str, float]) -> dict[str, float]:
    return {f"{part}/{name}": value for name, value in scores.items()}


def _ended(word: str, learner: Learner, task: Task, watch: Watch, epoch: int) -> Outcome:
    """The last numbers: every part is judged once more and in every way, the test part for the first time."""
    status = ENDINGS.get(word, "finished")
    metrics: dict[str, float] = {}
    if status in ("finished", "stopped"):
        if status == "finished" and watch.patience:
            watch.patience.restore(learner.judged)
        every = every_metric(task, learner.recipe.metrics)
        with judging(learner.judged), learner.casting():
            for part, samples in task.parts.items():
                metrics |= _named(part, judge(learner.judged, task, samples, metrics=every))
        metrics |= _named("weights", weighed(learner.judged))
        if watch.boundary:
            watch.boundary.draw(watch.step)
        if watch.doctor:
            watch.doctor.last_look(watch.step, watch.course)
    watch.recorder.flush()
    return Outcome(status, watch.step, epoch, watch.seconds, metrics, watch.problem)
