"""How much memory a run takes, measured."""

import sys

import torch


def most_bytes(device: str) -> int | None:
    """The most bytes that this process has held at once: of the GPU's memory, else of the computer's. None where nobody counts."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
