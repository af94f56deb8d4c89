"""Networks run here as PyTorch calls it: eagerly, operation by operation. Its compiler is never asked."""

import inspect

import torch
from torch.optim import AdamW, Optimizer


def leave_compiler_alone() -> None:
    """Keep PyTorch's compiler out of this process, where importing it would take a second and 70 MB.

    Optimizers import it (`torch._dynamo`) the first time that one of these methods is called, only to tell it to leave
    the method alone. A step of AdamW's imports it too, and is taken by Muon, which steps for the other parameters; the
    training loop unwraps the step of an optimizer of its own.
    """
    for name in ("add_param_group", "load_state_dict", "state_dict", "zero_grad"):
        setattr(Optimizer, name, inspect.unwrap(getattr(Optimizer, name)))
    AdamW.step = torch.no_grad()(inspect.unwrap(AdamW.step))  # type: ignore[method-assign]
