"""Advice during a run: what is measured, that measuring changes nothing, what is told, and that what it says to try helps."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from sick import Noting, adam, advised, dense, normal, on_digits, sgd, trained, two_clouds
from torch import nn
from variants import changed

from builder.analysis.course import Course
from builder.blocks import example
from builder.data import load
from builder.design import edits, read
from builder.design.experiment import Experiment
from builder.design.network import to_json
from builder.design.streams import seed_of
from builder.problem import Problem
from builder.train import pulse
from builder.train.execution import choose
from builder.train.moment import unpack
from builder.train.pulse import Doctor
from builder.train.run import Outcome, train


@pytest.fixture
def at_every_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pulse is taken as often as it can be."""
    monkeypatch.setattr("builder.train.watch.LOOK_EVERY", 0.0)
    monkeypatch.setattr("builder.train.pulse.SHORTEST_WAIT", 0.0)
    monkeypatch.setattr("builder.train.pulse.SHARE", math.inf)


# Measuring changes nothing -----------------------------------------------------------------------------------------


class Keeping(Noting):
    """Keeps the last moment; interrupts at a step."""

    def __init__(self, at: int = -1, before: "Keeping | None" = None) -> None:
        super().__init__()
        self.at, self.kept = at, b""
        self.series = {name: list(points) for name, points in before.series.items()} if before else {}

    def poll(self, step: int) -> str:
        return "interrupt" if step == self.at else "run"

    def keep(self, step: int, data: bytes, epoch: int, score: float | None) -> None:
        self.kept = data


def carried_on(experiment: Experiment, told: Keeping, before: Keeping | None = None) -> Outcome:
    start = before.kept if before else None
    return train(experiment, choose(experiment, "cpu"), load(experiment.data), told, told, told, start)


def noisy() -> Experiment:
    """Dropout and a slope that is drawn move the random stream; a batch norm has running statistics."""
    nodes = [
        {"id": "image", "type": "Input", "params": {"shape": [1, 8, 8]}},
        {"id": "conv", "type": "Conv2d", "params": {"out_channels": 6, "kernel_size": 3}, "inputs": ["image"]},
        {"id": "norm", "type": "BatchNorm2d", "inputs": ["conv"]},
        {"id": "relu", "type": "ReLU", "inputs": ["norm"]},
        {"id": "flat", "type": "Flatten", "inputs": ["relu"]},
        {"id": "drop", "type": "Dropout", "inputs": ["flat"]},
        {"id": "middle", "type": "Linear", "params": {"out_features": 16}, "inputs": ["drop"]},
        {"id": "slope", "type": "RReLU", "inputs": ["middle"]},
        {"id": "scores", "type": "Linear", "params": {"out_features": 10}, "inputs": ["slope"]},
    ]
    return on_digits(nodes, optimizer=adam(0.003), ema=0.9, batch={"size": 80}, length={"epochs": 2})


EXPERIMENTS: dict[str, Callable[[], Experiment]] = {
    "dropout, a random slope, batch norm, an average of weights": noisy,
    "LBFGS": lambda: dense(1, "Tanh", optimizer={"type": "LBFGS", "params": {"lr": 0.1, "max_iter": 4}}, batch={"size": 200}, length={"epochs": 2}),
    "momentum, batches added up": lambda: dense(2, "ReLU", optimizer=sgd(0.05, 0.9), batch={"size": 20, "accumulation": 2}, length={"epochs": 2}),
}  # fmt: skip


def assert_equal(one: Any, other: Any) -> None:
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_equal(one[key], other[key])
    elif isinstance(one, list | tuple):
        for mine, theirs in zip(one, other, strict=True):
            assert_equal(mine, theirs)
    else:
        assert one == other


def bits(told: Keeping) -> dict[str, Any]:
    kept = unpack(told.kept)
    return {name: kept[name] for name in ("network", "optimizer", "random", "average", "pace", "course", "order")}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_taking_the_pulse_at_every_step_changes_no_bit(name: str, at_every_look: None, monkeypatch: pytest.MonkeyPatch):
    experiment = EXPERIMENTS[name]()
    looked, alone = Keeping(), Keeping()
    one = carried_on(experiment, looked)
    monkeypatch.setattr("builder.train.run.Doctor", lambda *_: None)
    other = carried_on(experiment, alone)
    assert len(looked.pulses) > one.step / 4 and not alone.pulses
    assert one.metrics == other.metrics and looked.series == alone.series
    assert_equal(bits(looked), bits(alone))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_run_that_is_resumed_between_two_looks_ends_to_the_bit_alike(name: str, at_every_look: None):
    experiment = EXPERIMENTS[name]()
    whole = Keeping()
    outcome = carried_on(experiment, whole)
    for at in (outcome.step // 3, outcome.step // 3 + 1):  # one of them lies between two looks that belong together
        first = Keeping(at)
        carried_on(experiment, first)
        rest = Keeping(-1, first)
        assert carried_on(experiment, rest, first).metrics == outcome.metrics
        assert rest.series == whole.series
        assert_equal(bits(rest), bits(whole))


# What is measured --------------------------------------------------------------------------------------------------


def rms(value: torch.Tensor) -> float:
    return value.double().square().mean().sqrt().item()


def test_sizes_are_those_of_a_loop_that_one_writes_by_hand(at_every_look: None):
    experiment = dense(1, "Tanh", width=16, optimizer=sgd(0.5), batch={"size": None}, length={"epochs": 4}, seed=3)
    _, told = trained(experiment)
    part = load(experiment.data).parts["train"]
    torch.manual_seed(seed_of(3, "init"))
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 10))
    steps = []
    for _ in range(4):
        network.zero_grad()
        nn.functional.cross_entropy(network(torch.tensor(part["image"])), torch.tensor(part["digit"])).backward()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter -= 0.5 * parameter.grad
        weights = {"hidden0": network[1].weight, "scores": network[3].weight}
        steps.append({name: (rms(weight.grad), rms(weight)) for name, weight in weights.items()})
    of_second = next(one for one in told.pulses if one["step"] == 2)
    last = told.views["pulse"][1]
    assert last["step"] == 4
    for measured, expected, updated in ((of_second, steps[1], steps[1]), (last, steps[3], steps[3])):
        for one in measured["weights"]:
            gradient, weight = expected[one["layer"]]
            assert one["gradient"] == pytest.approx(gradient, rel=1e-3)
            assert one["weight"] == pytest.approx(weight, rel=1e-4)
            assert one["update"] == pytest.approx(0.5 * updated[one["layer"]][0], rel=1e-2)


def by_hand(layer: str, bend: str, biases: list[float]) -> Experiment:
    """Units whose biases say what they give: the images lie between 0 and 1, and the weights are small."""
    params = {"out_features": len(biases)} if layer == "Linear" else {"out_channels": len(biases), "kernel_size": 3}
    start = {
        "weight": {"type": "Uniform", "params": {"a": -1e-3, "b": 1e-3}},
        "bias": {"type": "Values", "params": {"values": biases}},
    }
    nodes = [{"id": "image", "type": "Input", "params": {"shape": [1, 8, 8]}}]
    nodes += [{"id": "flat", "type": "Flatten", "inputs": ["image"]}] if layer == "Linear" else []
    nodes += [
        {"id": "hidden", "type": layer, "params": params, "init": start, "inputs": [nodes[-1]["id"]]},
        {"id": "bend", "type": bend, "inputs": ["hidden"]},
    ]
    nodes += [{"id": "ends", "type": "Flatten", "inputs": ["bend"]}] if layer != "Linear" else []
    nodes.append({"id": "scores", "type": "Linear", "params": {"out_features": 10}, "inputs": [nodes[-1]["id"]]})
    return on_digits(nodes, optimizer=sgd(1e-6), length={"epochs": 1})


@pytest.mark.parametrize("layer", ["Linear", "Conv2d"])
@pytest.mark.parametrize(
    ("bend", "biases", "useless"),
    [("ReLU", [-1, -1, -1, 1], 0.75), ("ReLU6", [-1, 1, 9, 2], 0.25), ("LeakyReLU", [-1, -1, -1, -1], None), ("Tanh", [0, 1, 3, -3], 0.5),
     ("Tanh", [2, 2, -2, 2.2], 0.25),  # the hyperbolic tangent of 2.0923 is 0.97
     ("Sigmoid", [0, 5, -5, 5], 0.75), ("Sigmoid", [4, -4, 4.4, 0], 0.25),  # 2 y - 1 = 0.97 at 4.1846
     ("Softsign", [40, 30, 0, -40], 0.5)],  # 40 / 41 = 0.976, 30 / 31 = 0.968
)  # fmt: skip
def test_units_that_do_nothing_are_counted(bend: str, biases: list[float], useless: float | None, layer: str):
    _, told = trained(by_hand(layer, bend, biases))
    units = told.views["pulse"][1]["units"]
    assert units == ([] if useless is None else [{"layer": "bend", "units": 4, "useless": useless}])


def test_of_answers_and_gates_nobody_counts_units():
    gate = [
        {"id": "image", "type": "Input", "params": {"shape": [1, 8, 8]}},
        {"id": "flat", "type": "Flatten", "inputs": ["image"]},
        {"id": "open", "type": "Linear", "params": {"out_features": 64}, "inputs": ["flat"]},
        {"id": "gate", "type": "Sigmoid", "inputs": ["open"]},
        {"id": "product", "type": "Multiply", "inputs": ["flat", "gate"]},
        {"id": "relu", "type": "ReLU", "inputs": ["product"]},
        {"id": "scores", "type": "Linear", "params": {"out_features": 10}, "inputs": ["relu"]},
        {"id": "last", "type": "Tanh", "inputs": ["scores"]},
    ]
    _, told = trained(on_digits(gate, length={"epochs": 1}))
    assert [units["layer"] for units in told.views["pulse"][1]["units"]] == ["relu"]


# When ----------------------------------------------------------------------------------------------------------------


class Clock:
    """Time goes on only when somebody works."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def perf_counter(self) -> float:
        return self.now


class Slow(Doctor):
    """Each look takes as long as is said."""

    clock: Clock
    costs = (0.0, 0.0)

    def _some(self) -> Any:
        self.clock.now += self.costs[0]
        self.worked = [*getattr(self, "worked", []), self.costs[0]]
        return {}

    def _pulse(self, step: int) -> None:
        self.clock.now += self.costs[1]
        self.worked.append(self.costs[1])


@pytest.mark.parametrize("costs", [(0.0001, 0.0002), (0.01, 0.05), (0.5, 2.0)])
def test_looking_takes_no_more_than_its_share_of_the_time(costs: tuple[float, float], monkeypatch: pytest.MonkeyPatch):
    doctors: list[Slow] = []
    clock = Slow.clock = Clock()
    Slow.costs = costs
    monkeypatch.setattr(pulse, "time", clock)
    monkeypatch.setattr("builder.train.run.Doctor", lambda *given: doctors.append(Slow(*given)) or None)
    trained(dense(1, "ReLU", length={"epochs": 1}))
    (doctor,) = doctors
    began = clock.now
    for step in range(1, 100_001):
        clock.now += 0.05  # a step
        doctor.look_if_due(step, Course())
    spent, elapsed = sum(doctor.worked), clock.now - began
    one = 2 * costs[0] + costs[1]
    assert one < spent <= pulse.SHARE * elapsed + one
    assert len(doctor.worked) <= 3 * elapsed / pulse.SHORTEST_WAIT


def test_the_second_look_comes_at_the_very_next_step(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("builder.train.watch.LOOK_EVERY", 0.05)  # in which there are many steps
    monkeypatch.setattr("builder.train.pulse.SHORTEST_WAIT", 0.0)
    monkeypatch.setattr("builder.train.pulse.SHARE", math.inf)
    _, told = trained(dense(1, "ReLU", length={"epochs": 20}))
    during = told.pulses[:-1]
    assert during and all(one["update"] is not None for measured in during for one in measured["weights"])


def test_a_change_over_more_steps_than_one_is_no_update(monkeypatch: pytest.MonkeyPatch):
    doctors: list[Doctor] = []
    monkeypatch.setattr("builder.train.run.Doctor", lambda *given: doctors.append(Doctor(*given)) or None)
    trained(dense(1, "ReLU", length={"epochs": 1}))
    (doctor,) = doctors
    for first, second, known in ((10, 12, False), (20, 21, True)):
        doctor.due = 0.0
        doctor.look_if_due(first, Course())
        with torch.no_grad():
            for weight in doctor.learner.network.parameters():
                weight += 0.25
        doctor.look_if_due(second, Course())
        assert doctor.updates == ({layer: pytest.approx(0.25) for layer in ("hidden0", "scores")} if known else {})


def test_hooks_are_there_for_the_look_alone(at_every_look: None, monkeypatch: pytest.MonkeyPatch):
    seen: list[int] = []
    forward = nn.ReLU.forward

    def noted(self: nn.ReLU, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            seen.append(len(self._forward_hooks))
        return forward(self, x)

    monkeypatch.setattr(nn.ReLU, "forward", noted)
    _, told = trained(dense(1, "ReLU", length={"epochs": 1}))
    assert told.pulses and seen and set(seen) == {0}


def test_what_is_seen_once_is_not_told_before_the_end(monkeypatch: pytest.MonkeyPatch):
    doctors: list[Doctor] = []
    monkeypatch.setattr("builder.train.run.Doctor", lambda *given: doctors.append(Doctor(*given)) or None)
    _, told = trained(dense(1, "ReLU", length={"epochs": 1}))
    (doctor,) = doctors

    def problem(code: str) -> Problem:
        return Problem(code=code, severity="warning", title="t", because="b")

    for step, codes in enumerate(("ab", "b", "b", "c", "bc", ""), start=1):
        doctor._tell(step, [problem(code) for code in codes], last=False)
    assert told.told == [(1, []), (2, ["b"]), (4, []), (5, ["c"]), (6, [])]
    doctor._tell(7, [problem("d")], last=True)
    assert told.told[-1] == (7, ["d"])


# What is told, and what helps ----------------------------------------------------------------------------------------


SICK: dict[str, tuple[Callable[[], Experiment], str, str | None]] = {
    "ReLU at a rate of 1": (lambda: dense(3, "ReLU", optimizer=sgd(1.0, 0.9), length={"epochs": 6}), "dead-units", "bend0"),
    "ReLU at a rate of 10": (lambda: dense(2, "ReLU", optimizer=sgd(10.0), length={"epochs": 6}), "dead-units", "bend1"),
    "ReLU with biases of -10": (
        lambda: dense(1, "ReLU", 64, optimizer=sgd(0.1, 0.9), init={"bias": {"type": "Constant", "params": {"val": -10.0}}}, length={"epochs": 6}),
        "dead-units", "bend0",
    ),
    "tanh from weights with a spread of 5": (lambda: dense(3, "Tanh", init=normal(5.0), length={"epochs": 6}), "saturated-units", "bend0"),
    "tanh at a rate of 3": (lambda: dense(1, "Tanh", optimizer=sgd(3.0), length={"epochs": 6}), "saturated-units", "bend0"),
    "ten sigmoids from small weights": (
        lambda: dense(10, "Sigmoid", optimizer=sgd(0.02, 0.9), init=normal(0.01), length={"epochs": 6}), "vanishing-gradient", "hidden0",
    ),
    "five sigmoids": (lambda: dense(5, "Sigmoid", optimizer=sgd(0.03, 0.9), length={"epochs": 6}), "vanishing-gradient", "hidden0"),
    "tanh at a rate of 0.3 with momentum": (lambda: dense(2, "Tanh", optimizer=sgd(0.3, 0.9), length={"epochs": 14}), "rate-too-high", None),
    "GELU at a rate of 0.2": (lambda: dense(1, "GELU", optimizer=adam(0.2), length={"epochs": 14}), "rate-too-high", None),
    "a rate of 0.00001": (lambda: dense(1, "ReLU", optimizer=sgd(1e-5), length={"epochs": 12}), "plateau", None),
    "few points": (two_clouds, "overfitting", None),
}  # fmt: skip
"""What is wrong, which remark is made, and of which node."""


@pytest.mark.parametrize("name", SICK)
def test_what_ails_a_run_is_told_and_each_fix_helps(name: str):
    make, code, node = SICK[name]
    experiment = make()
    outcome, found = advised(experiment)
    (problem,) = [problem for problem in found if problem.code == f"run/{code}"]
    assert (problem.node, problem.severity) == (node, "warning") and problem.fixes
    for fix in problem.fixes:
        mended = read.experiment(edits.apply(to_json(experiment), fix.edits))
        after, still = advised(mended)
        gone = code not in [problem.code.removeprefix("run/") for problem in still]
        assert gone or after.metrics["validation/loss"] < outcome.metrics["validation/loss"], fix.label
    best = read.experiment(edits.apply(to_json(experiment), problem.fixes[0].edits))
    assert advised(best)[0].metrics["validation/loss"] < outcome.metrics["validation/loss"]


EPOCHS = 20
HEALTHY = (
    "xor-mlp", "logistic-regression", "linear-regression", "playground", "digits-mlp", "autoencoder-dense", "autoencoder-conv",
    "rnn-sequence", "gru-sequence",
)  # fmt: skip


@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_is_told_of_a_healthy_run(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("builder.train.watch.LOOK_EVERY", 0.02)
    monkeypatch.setattr("builder.train.pulse.SHORTEST_WAIT", 0.0)
    monkeypatch.setattr("builder.train.pulse.SHARE", math.inf)
    outcome, told = trained(changed(example(name), length={"epochs": min(example(name).recipe.length.epochs, EPOCHS)}))
    assert outcome.status == "finished"
    assert {code for _, codes in told.told for code in codes} == set()


def test_a_run_without_a_gradient_or_anything_to_measure_is_told_nothing():
    gates = trained(example("nand-gate"))[1]
    assert gates.told == [(gates.told[0][0], [])]


def test_a_run_that_diverges_keeps_what_was_told_of_it(at_every_look: None):
    """Least squares of rows of four numbers in all between 0 and 1, at a rate beyond 2 over the largest curvature."""
    experiment = changed(example("linear-regression"), optimizer=sgd(0.5))
    outcome, found = advised(experiment)
    assert outcome.status == "failed"
    (problem,) = found
    assert problem.code == "run/large-steps"
    (fix,) = problem.fixes
    after, still = advised(read.experiment(edits.apply(to_json(experiment), fix.edits)))
    assert after.status == "finished" and after.metrics["test/loss"] < 1e-3 and not still
