"""How much memory there is for a run, how much it took, and what a person is told where it is not enough."""

import contextlib
import ctypes
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import torch

from builder import limits
from builder.analysis import check
from builder.analysis.memory import Estimate, estimate
from builder.design.experiment import Execution, Experiment
from builder.problem import Fix, Problem, Refused, Set, say

PROCESS = Path("/proc/self")
"""What Linux tells a process of itself."""
CGROUP = Path("/sys/fs/cgroup")
"""Where Linux says what a container may take."""


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
    free = torch.cuda.mem_get_info()[0] if device == "cuda" else min(psutil.virtual_memory().available, _of_container())
    return free if limits.RUN_BYTES is None else min(free, limits.RUN_BYTES)


def _of_container() -> int:
    """What is left of what a container may take; without bounds outside of one.

    Copies of files that nobody has used lately count as used by it, and are given up where memory is wanted.
    """
    try:
        most, used, told = ((CGROUP / f"memory.{name}").read_text() for name in ("max", "current", "stat"))
        files = next((line.split()[1] for line in told.splitlines() if line.startswith("inactive_file ")), "0")
        return int(most) - int(used) + int(files)
    except (OSError, ValueError):  # no such file, or "max"
        return sys.maxsize


def refuse_too_large(experiment: Experiment, execution: Execution) -> None:
    """Raises Refused where a run would need more memory than there is, with the batch that would fit."""
    needed, available = estimate(experiment, execution.precision), available_bytes(execution.device)
    if needed.total > available:
        title = say("The run does not fit into memory")
        because = say(
            "It would take about {needed}: {fixed} for weights, gradients and optimizer, {data} for the data, "
            "and {sample} for each of {batch:,} samples in a batch. {available} are free on {device}.",
            needed=_words(needed.total), fixed=_words(needed.fixed), data=_words(needed.data),
            sample=_words(needed.sample), batch=needed.batch, available=_words(available), device=execution.device_name,
        )  # fmt: skip
        otherwise = _too_large(needed, available)
        raise Refused(
            _with_advice("run/too-large", title, because, experiment, needed.largest_batch(available), otherwise)
        )


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error of PyTorch's, or of Python's, says that memory has run out."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def ran_out(experiment: Experiment, execution: Execution) -> Problem:
    """What a person is told when memory has run out, whatever the estimate was."""
    needed = estimate(experiment, execution.precision)
    because = say(
        "A batch of {batch:,} samples took more than there was on {device}; the estimate was {needed}.",
        batch=needed.batch, device=execution.device_name, needed=_words(needed.total),
    )  # fmt: skip
    half = min(needed.batch // 2, needed.largest_batch(available_bytes(execution.device)) or needed.batch // 2)
    return _with_advice("run/out-of-memory", say("Out of memory"), because, experiment, half, _no_smaller())


def _with_advice(code: str, title: str, because: str, experiment: Experiment, most: int, otherwise: str) -> Problem:
    """The Problem, and the batch to try instead, of `most` samples; where there is none, what is said `otherwise`."""
    batch = _batch_to_try(experiment, most)
    if batch is None:
        return Problem(code=code, title=title, because=f"{because} {otherwise}")
    fix = Fix(label=say("Try batch {batch:,}", batch=batch), edits=(Set(path="recipe.batch.size", value=batch),))
    return Problem(code=code, title=title, because=because + say(" Try batch {batch:,}.", batch=batch), fixes=(fix,))


def _batch_to_try(experiment: Experiment, most: int) -> int | None:
    """The largest power of two up to `most` with which nothing is wrong, or one less.

    Batch norm cannot learn from a last batch of one sample; where a power of two leaves one, every smaller one does too.
    """
    powers = [1 << power for power in reversed(range(most.bit_length()))]
    for size in (size for power in powers for size in (power, power - 1) if size):
        batch = experiment.recipe.batch.model_copy(update={"size": size})
        recipe = experiment.recipe.model_copy(update={"batch": batch})
        problems = check(experiment.model_copy(update={"recipe": recipe}))[1]
        if not any(problem.severity == "error" for problem in problems):
            return size
    return None


def _too_large(needed: Estimate, available: int) -> str:
    """What it is for which no batch is small enough."""
    if needed.fixed > available:
        return say("No batch would fit: the network is too large.")
    if needed.fixed + needed.data > available:
        return say("No batch would fit: the data are too large.")
    if needed.fixed + needed.data + needed.judging > available:
        return say("No batch would fit: judging takes {judging}.", judging=_words(needed.judging))
    if needed.of_batch(1) > available:
        return say("No batch would fit: the network is too large for even one sample.")
    return _no_smaller()


def _no_smaller() -> str:
    return say("There is no smaller batch to learn from.")


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


def _words(amount: int) -> str:
    for size, unit in ((limits.GIB, "GiB"), (limits.MIB, "MiB"), (limits.KIB, "KiB")):
        if amount >= size:
            return f"{amount / size:.1f} {unit}"
    return f"{amount} B"
