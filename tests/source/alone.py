"""Exported programs, run as a person would, in a process of their own, or in this one."""

import atexit
import csv
import json
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from builder.data import load
from builder.design.experiment import Execution, Experiment
from builder.source import program
from builder.train.execution import choose
from builder.train.recorder import Silent
from builder.train.run import train

FORKED = """
import json, os, runpy, sys, traceback
import numpy, torch

torch.optim.SGD([torch.zeros(1)])  # the first optimizer imports the compiler

for folder in sys.stdin:
    child = os.fork()
    if child == 0:
        os.chdir(json.loads(folder))
        sys.stdout = sys.stderr = open("said.txt", "w")
        try:
            runpy.run_path("program.py", run_name="__main__")
        except BaseException:
            traceback.print_exc()
        else:
            print("done")
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)
    print(flush=True)
"""
"""An isolated interpreter that has imported what programs import, which takes seconds, and runs each in a child of its own."""


def losses_of(experiment: Experiment) -> list[float]:
    """Loss of every step of a run."""
    recorder = Silent()
    outcome = train(experiment, choose(experiment, "cpu"), load(experiment.data), recorder, recorder)
    assert outcome.status == "finished", outcome.problem
    return [loss for _, loss in recorder.series["train/loss"]]


def curves_alone(folder: Path, experiments: Mapping[str, Experiment]) -> dict[str, list[float]]:
    """Loss of every step of the exported programs, each in a folder and a process of its own."""
    folder.mkdir()
    return {name: run_alone(folder / name, experiment) for name, experiment in experiments.items()}


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


def run_as_a_person_would(folder: Path, experiment: Experiment) -> list[float]:
    """Loss of every step of the exported program, run by an interpreter that has just been started."""
    _write(folder, experiment, choose(experiment, "cpu"))
    done = subprocess.run([sys.executable, "-I", "program.py"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return _losses(folder)


def run_alone(folder: Path, experiment: Experiment, execution: Execution | None = None) -> list[float]:
    """Loss of every step of the exported program, in a process that has nothing but it, torch and numpy."""
    _write(folder, experiment, execution or choose(experiment, "cpu"))
    interpreter = _interpreter()
    assert interpreter.stdin and interpreter.stdout
    print(json.dumps(str(folder.absolute())), file=interpreter.stdin, flush=True)
    assert interpreter.stdout.readline(), "the interpreter is there"
    said = (folder / "said.txt").read_text()
    assert said.endswith("done\n"), said
    return _losses(folder)


@cache
def _interpreter() -> "subprocess.Popen[str]":
    """It ends with this process."""
    command = [sys.executable, "-I", "-c", FORKED]
    interpreter = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(interpreter.communicate)
    return interpreter


def _write(folder: Path, experiment: Experiment, execution: Execution) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "program.py").write_text(program(experiment, execution))
    (folder / "data.npz").write_bytes(load(experiment.data).save_npz())


def _losses(folder: Path) -> list[float]:
    with (folder / "history.csv").open(newline="") as file:
        return [float(loss) for _, loss in list(csv.reader(file))[1:]]
