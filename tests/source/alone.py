"""Exported programs, run by an isolated interpreter."""

import csv
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

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
