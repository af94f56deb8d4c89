"""The process that reads one file of a person's own: `python -m builder.reading`, started by `builder.reading.process`.

The file is its input, the folder it is started in the only place that it writes to: `answer.json` and `arrays.npz`.
"""

import logging
import os
import sys
from pathlib import Path

import numpy as np

from builder import files, limits
from builder.problem import Refused
from builder.reading.process import ARRAYS, OUT_OF_MEMORY, WISH
from builder.reading.profile import Answer, Array
from builder.reading.wish import Wish

NICENESS = 10


def main() -> int:
    """Read the input, and write the answer; the exit status."""
    logging.basicConfig()
    _bind()
    from builder.reading.reader import read  # what parses what a stranger wrote is not imported before it is bound

    folder = Path.cwd()
    try:
        with open(0, "rb", closefd=False) as file:
            profile, arrays = read(file, Wish.model_validate_json((folder / WISH).read_text()))
        _write_arrays(folder / ARRAYS, arrays)
        files.write(folder / Answer.name, Answer(profile=profile).model_dump_json().encode())
    except Refused as refused:
        files.write(folder / Answer.name, Answer(problems=refused.problems).model_dump_json().encode())
    except MemoryError:
        return OUT_OF_MEMORY
    return 0


def _bind() -> None:
    """Give up priority and, where the system can hold us to it, all but the memory, time and disk that reading may take."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    if sys.platform == "win32":
        return
    import resource

    bounds = {
        resource.RLIMIT_CPU: limits.READING_SECONDS,
        resource.RLIMIT_FSIZE: limits.READING_BYTES,
        resource.RLIMIT_CORE: 0,
    }
    if sys.platform == "linux":  # macOS has the name, and refuses to set it
        bounds[resource.RLIMIT_AS] = limits.READING_ADDRESSES
    for bound, most in bounds.items():
        _, highest = resource.getrlimit(bound)
        most = most if highest == resource.RLIM_INFINITY else min(most, highest)
        later = (
            2 if bound == resource.RLIMIT_CPU and highest == resource.RLIM_INFINITY else 0
        )  # so that SIGXCPU comes first
        resource.setrlimit(bound, (most, most + later))


def _write_arrays(path: Path, arrays: dict[str, Array]) -> None:
    with files.writing(path) as file:
        np.savez(file, allow_pickle=False, **arrays)


if __name__ == "__main__":
    sys.exit(main())
