"""Exported programs, run by an isolated interpreter, or in this one."""

import csv
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from builder.data import load
from builder.design.experiment import Execution, Experiment
from builder.source import program
from builder.train.execution import choose
from builder.train.recorder import Silent
from builder.train.run import train

ONE_AFTER_ANOTHER = """
import pathlib, runpy
for folder in sorted(pathlib.Path().iterdir()):
    runpy.run_path(str(folder / "program.py"), run_name="__main__")
"""


def losses_of(experiment: Experiment) -> list[float]:
    """Loss of every step of a run."""
    recorder = Silent()
    outcome = train(experiment, choose(experiment, "cpu"), load(experiment.data), recorder, recorder)
    assert outcome.status == "finished", outcome.problem
    return [loss for _, loss in recorder.series["train/loss"]]


def curves_alone(folder: Path, experiments: Mapping[str, Experiment]) -> dict[str, list[float]]:
    """Loss of every step of the exported programs, each in a folder of its own; to start an interpreter takes seconds."""
    folder.mkdir()
    for name, experiment in experiments.items():
        _write(folder / name, experiment, choose(experiment, "cpu"))
    command = [sys.executable, "-I", "-c", ONE_AFTER_ANOTHER]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {name: _losses(folder / name) for name in experiments}


def losses_here(folder: Path, experiment: Experiment) -> list[float]:
    """Loss of every step of the exported program in this process: another one would import torch again."""
    losses: list[float] = loaded(folder, experiment)["train"]()
    return losses


def loaded(folder: Path, experiment: Experiment) -> dict[str, Any]:
    """What the exported program defines, in this process."""
    (folder / "data.npz").write_bytes(load(experiment.data).save_npz())
    alone: dict[str, Any] = {"__name__": "program", "__file__": str(folder / "program.py")}
    exec(compile(program(experiment, choose(experiment, "cpu")), "program.py", "exec"), alone)
    return alone


def run_alone(folder: Path, experiment: Experiment, execution: Execution | None = None) -> list[float]:
    """Loss of every step of the exported program, run as a person would."""
    _write(folder, experiment, execution or choose(experiment, "cpu"))
    done = subprocess.run([sys.executable, "-I", "program.py"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return _losses(folder)


def _write(folder: Path, experiment: Experiment, execution: Execution) -> None:
    folder.mkdir()
    (folder / "program.py").write_text(program(experiment, execution))
    (folder / "data.npz").write_bytes(load(experiment.data).save_npz())


def _losses(folder: Path) -> list[float]:
    with (folder / "history.csv").open(newline="") as file:
        return [float(loss) for _, loss in list(csv.reader(file))[1:]]
