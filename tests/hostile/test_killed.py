"""Killed at a random moment: a few times here, a thousand times in `thousandfold` (SAFETY 1 to 3)."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks and kills")


def tried(*names: str, times: int) -> None:
    """Have the trials of the long set that have these in their names done so many times: none may fail."""
    command = [sys.executable, "-m", "tests.hostile.thousandfold", "--times", str(times)]
    command += [f"--only={name}" for name in names]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.count(f"| {times} | 0 |") == len(names)


def test_killed_during_a_save_the_design_and_its_file_are_old_or_new():
    tried("kills during saves", times=8)


def test_killed_during_a_checkpoint_the_one_before_it_is_there():
    tried("kills during checkpoints", times=25)


def test_a_run_whose_worker_is_killed_or_left_or_has_no_room_ends_to_the_bit_as_one_that_nobody_touched():
    tried("worker: a dense", "worker: convolutions", "leave a worker", "under a worker", times=1)
