"""`range-test` and `first-step`: what the engine has seen, as a table and in words."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from builder.problem import Problem
from builder.store import probes
from tests.cli.conftest import Say

RATES = {
    "rates": [10.0**at for at in range(-6, 0)],
    "losses": [2.5, 2.25, 2.0, 1.5, 1.0, 4.0],
    "smooth_rates": [10.0**at for at in range(-6, 0)],
    "smooth_losses": [2.5, 2.25, 2.0, 1.5, 1.25, 3.5],
    "steepest": 0.003,
    "tenth": 0.001,
    "ended": "exploded",
    "reached": 0.1,
}
SPREAD = {
    "samples": 256,
    "nodes": [{"id": "hidden", "title": "hidden", "type": "Linear"}, {"id": "relu", "title": "relu", "type": "ReLU"}],
    "schemes": [
        {
            "name": "As it is", "loss": 2.3, "activation": [0.25, 0.125], "mean": [0.0, 0.1], "zeros": [None, 0.5],
            "gradient": [0.001, 1.0], "weights": [0.02, None],
        },
        {
            "name": "He normal", "loss": 2.3, "activation": [1.0, 40.0], "mean": [0.0, 0.1], "zeros": [None, 0.5],
            "gradient": [1.0, 1.0], "weights": [0.02, None],
        },
    ],
    "kept": [],
}  # fmt: skip


@pytest.fixture
def engine(home: object, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any] | Problem], list[probes.Probe]]:
    """`engine(seen)` is one that sees that in every probe, or has that Problem with it; it returns those that it had."""

    def engine(seen: dict[str, Any] | Problem) -> list[probes.Probe]:
        had: list[probes.Probe] = []

        def ends() -> None:
            probe = probes.claim()
            if probe is not None:
                had.append(probe)
                if isinstance(seen, Problem):
                    probes.fail(probe.id, seen)
                else:
                    probes.finish(probe.id, seen)

        monkeypatch.setattr("builder.engine.ensure", ends)
        return had

    return engine


Engine = Callable[[dict[str, Any] | Problem], list[probes.Probe]]


def test_a_range_test_prints_a_table_and_what_it_suggests(layerlab: Say, engine: Engine) -> None:
    had = engine(RATES)
    said = layerlab("range-test", "digits-mlp", "--set", "recipe.seed=3")
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0].split() == ["rate", "loss", "at", "smoothed"]
    assert lines[1].split() == ["1.00e-06", "2.5", "1.00e-06", "2.5"]
    assert lines[2].split() == ["1.00e-01", "4", "1.00e-01", "3.5"]
    assert "falls fastest at 0.003" in lines[-1] and "At 0.1 the loss had exploded." in lines[-1]
    assert (had[0].kind, had[0].experiment["recipe"]["seed"]) == ("rates", 3)


def test_the_first_step_prints_every_node_and_a_line_for_every_way_to_begin(layerlab: Say, engine: Engine) -> None:
    had = engine(SPREAD)
    lines = layerlab("first-step", "digits-mlp").out.splitlines()
    assert lines[1].split() == ["hidden", "Linear", "0.25", "0", "-", "0.001", "0.02"]
    assert lines[2].split() == ["relu", "ReLU", "0.125", "0.1", "0.5", "1", "-"]
    assert "256 samples" in lines[3]
    assert lines[4] == "As it is: activations keep their size; gradients shrink 1,000 times on their way back."
    assert lines[5] == "He normal: activations grow 40 times on their way; gradients keep their size."
    assert had[0].kind == "spread"


@pytest.mark.parametrize(("command", "seen"), [("range-test", RATES), ("first-step", SPREAD)])
def test_everything_that_was_seen_is_there_as_json(
    layerlab: Say, engine: Engine, command: str, seen: dict[str, Any]
) -> None:
    engine(seen)
    assert json.loads(layerlab(command, "digits-mlp", "--json").out) == seen


def test_what_was_in_the_way_is_told_as_problems_are(layerlab: Say, engine: Engine) -> None:
    engine(Problem(code="range-test/optimizer", title="No rate", because="For a test."))
    said = layerlab("range-test", "digits-mlp")
    assert said.code == 2
    assert "No rate" in said.err and "range-test/optimizer" in said.err
    broken = layerlab("first-step", "digits-mlp", "--set", "network.outputs=[]")
    assert broken.code == 2
