"""SAFETY 22: what a run may take. Too much memory and too much time end it in words, and the next run is fine."""

import subprocess
import sys

import pytest
from variants import changed

from builder import limits
from builder.blocks import example
from builder.data import load
from builder.problem import Problem
from builder.train.execution import choose
from builder.train.recorder import Silent
from builder.train.run import train

HUNGRY = """
import sys, torch
sys.path.insert(0, "tests")
from variants import changed
from builder import limits
from builder.blocks import example
from builder.data import load
from builder.train import memory
from builder.train.execution import choose
from builder.train.recorder import Silent
from builder.train.run import train

experiment = changed(example("resnet20"), batch={"size": 350}, length={"epochs": 1})
execution, told = choose(experiment, "cpu"), Silent()
arrays = load(experiment.data)
limits.RUN_BYTES = 450 * limits.MIB
try:
    with memory.limited("cpu"):
        train(experiment, execution, arrays, told, told)
except (RuntimeError, MemoryError) as error:
    assert memory.is_out_of_memory(error), error
    problem = memory.ran_out(experiment, execution)
    print(problem.code, problem.because, sep="|")
else:
    print("it fitted")
small = changed(experiment, batch={"size": 8})
print(train(small, choose(small, "cpu"), arrays, Silent(), Silent()).status)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA counts what is mapped on Linux alone")
def test_a_process_that_may_not_have_more_memory_says_so_and_which_batch_to_try():
    done = subprocess.run([sys.executable, "-c", HUNGRY], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    code, _, because = done.stdout.splitlines()[0].partition("|")
    assert code == "run/out-of-memory" and " Try batch " in because
    assert done.stdout.splitlines()[1] == "finished"  # the same process can do what fits


class Keeping(Silent):
    """Keeps in mind of which steps it was given a moment; those with a score were the best by then."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[int] = []

    def keep(self, step: int, data: bytes, epoch: int, score: float | None) -> None:
        self.kept = [step]


def test_a_run_that_takes_longer_than_a_site_allows_is_stopped_and_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "RUN_SECONDS", 0.3)
    experiment = changed(example("playground"), length={"epochs": 100_000})
    told = Keeping()
    outcome = train(experiment, choose(experiment, "cpu"), load(experiment.data), told, told, told)
    assert told.kept == [outcome.step], "another run can go on from there"
    assert outcome.status == "stopped" and 0.3 < outcome.seconds < 3
    assert isinstance(outcome.problem, Problem) and outcome.problem.code == "run/too-long"
    assert outcome.metrics["validation/loss"] > 0


def test_numbers_that_break_name_step_and_layer():
    told = Silent()
    experiment = changed(
        example("digits-mlp"), optimizer={"type": "SGD", "params": {"lr": 100}}, objectives=[{"loss": {"type": "MSE"}}]
    )
    outcome = train(experiment, choose(experiment, "cpu"), load(experiment.data), told, told)
    assert outcome.status == "failed" and outcome.problem is not None
    assert outcome.problem.code == "run/diverged" and outcome.problem.node in ("hidden", "scores")
    assert str(outcome.step) in outcome.problem.title
