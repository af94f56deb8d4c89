"""In which numbers products are worked out. Weights, their gradients and the optimizer's state are always float32."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeAlias

import torch

from builder.design.experiment import Execution

NARROW = {"bfloat16": torch.bfloat16, "float16": torch.float16}

Casting: TypeAlias = Callable[[], AbstractContextManager[object]]


def casting(execution: Execution) -> Casting:
    """A context for forward passes, in which PyTorch casts what gains by it and bears it (autocast)."""
    dtype = NARROW.get(execution.precision)
    if dtype is None:
        return nullcontext
    return lambda: torch.autocast(execution.device, dtype)


def set_products(execution: Execution) -> None:
    """Let the GPU round the factors of float32 products to TF32, or forbid it: PyTorch allows it for convolutions by default."""
    allowed = execution.precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed


def scaler(execution: Execution) -> torch.amp.GradScaler | None:
    """Float16 holds nothing below 6e-8: losses are scaled up, so that small gradients are not lost, and gradients down again."""
    return torch.amp.GradScaler(execution.device) if execution.precision == "float16" else None
