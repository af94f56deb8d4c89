"""What this computer has to give to a run."""

import sys
from pathlib import Path

import psutil

from builder import limits

CGROUP = Path("/sys/fs/cgroup")
"""Where Linux says what a container may take."""


def free_bytes() -> int:
    """Memory that a run on the CPU may still take: what is free, within what the site allows one run."""
    free = min(psutil.virtual_memory().available, _of_container())
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
