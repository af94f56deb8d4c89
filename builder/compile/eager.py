"""Networks run here as PyTorch calls it: eagerly, operation by operation. Its compiler is never asked."""

import inspect

from torch.optim import Optimizer


def leave_compiler_alone() -> None:
    """Keep PyTorch's compiler out of this process, where importing it would take a second and 70 MB.

    Optimizers import it (`torch._dynamo`) the first time that one of these methods is called, only to tell it to leave
    the method alone.
    """
    for name in ("add_param_group", "load_state_dict", "state_dict", "zero_grad"):
        setattr(Optimizer, name, inspect.unwrap(getattr(Optimizer, name)))
