"""How much memory there is for a run, how much it took, and what a person is told where it is not enough."""

import contextlib
import ctypes
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import torch

from builder import limits, machine
from builder.analysis import room
from builder.analysis.memory import estimate
from builder.design.experiment import Execution, Experiment
from builder.problem import Problem, Refused

PROCESS = Path("/proc/self")
"""What Linux tells a process of itself."""


def most_bytes(device: str) -> int | None:
    """The most bytes that this process has held at once since the peak was forgotten, beyond what it held then.

    Of the GPU's memory, else of the computer's. None where nobody counts.
    """
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    most = _most_of_process()
    return None if most is None else max(0, most - _held_before)


def _most_of_process() -> int | None:
    if PROCESS.exists():
        words = next(
            (line for line in (PROCESS / "status").read_text().splitlines() if line.startswith("VmHWM")), "0 0"
        )
        return int(words.split()[1]) * 1024
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


_held_before = 0
"""What the process held when its peak was last forgotten: Python, PyTorch, and what earlier runs have left."""


def forget_peak() -> None:
    """Begin to count anew, where the system lets us: what this process did before is no part of the next run."""
    global _held_before
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # another C library than GNU's has no such function
            ctypes.CDLL(None).malloc_trim(0)  # else the next run takes what earlier ones have left, and nobody sees it
    with contextlib.suppress(OSError):  # then the count is that of the whole process
        (PROCESS / "clear_refs").write_text("5")
        _held_before = _most_of_process() or 0


@contextlib.contextmanager
def enough(experiment: Experiment, execution: Execution) -> Iterator[None]:
    """Train inside: Refused before, where the estimate is more than there is, and where memory runs out all the same."""
    refuse_too_large(experiment, execution)
    try:
        with limited(execution.device):
            yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise Refused(ran_out(experiment, execution)) from error


def available_bytes(device: str) -> int:
    """What a run may still take: what is free on the device, within what the site allows one run."""
    if device != "cuda":
        return machine.free_bytes()
    free = torch.cuda.mem_get_info()[0]
    return free if limits.RUN_BYTES is None else min(free, limits.RUN_BYTES)


def refuse_too_large(experiment: Experiment, execution: Execution) -> None:
    """Raises Refused where a run would need more memory than there is, with the batch that would fit."""
    needed = estimate(experiment, execution.precision)
    problem = room.too_large(experiment, needed, available_bytes(execution.device), execution.device_name)
    if problem:
        raise Refused(problem)


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error of PyTorch's, or of Python's, says that memory has run out."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def ran_out(experiment: Experiment, execution: Execution) -> Problem:
    """What a person is told when memory has run out, whatever the estimate was."""
    needed = estimate(experiment, execution.precision)
    return room.ran_out(experiment, needed, available_bytes(execution.device), execution.device_name)


@contextlib.contextmanager
def limited(device: str) -> Iterator[None]:
    """Let the operating system hold this process to what one run may take, where it can; afterwards as it was.

    Not for a GPU, whose addresses need far more room.
    """
    if limits.RUN_BYTES is None or device != "cpu" or sys.platform != "linux":
        yield
        return
    import resource

    before, most = resource.getrlimit(resource.RLIMIT_DATA)
    bounds = [bound for bound in (before, most) if bound != resource.RLIM_INFINITY]
    now = min([psutil.Process().memory_info().data + limits.RUN_BYTES, *bounds])
    resource.setrlimit(resource.RLIMIT_DATA, (now, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (before, most))
