"""A layer as PyTorch runs it, put together from its entry alone and without the compiler."""

import functools
import operator
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from builder.catalog import Layer, Signal
from builder.compile.build import resolve

REFUSALS = (RuntimeError, ValueError, TypeError, IndexError)
"""What PyTorch raises where it cannot run a layer."""


def operation(layer: Layer, *given: Signal) -> Callable[..., Any]:
    """What runs the layer: a module in training mode, or a function of its inputs."""
    if layer.infix:
        return lambda *x: functools.reduce({"+": operator.add}[layer.infix], x)
    target, arguments = resolve(layer.target), layer.args(*given)
    return (lambda *x: target(x, **arguments)) if layer.function else target(**arguments).train()


def outputs_of(run: Callable[..., Any], *x: Tensor) -> tuple[Tensor, ...]:
    """The tensors that come out, one per port."""
    y = run(*x)
    return y if isinstance(y, tuple) else (y,)


def backward(*y: Tensor) -> None:
    """Send a gradient back from every output that has one."""
    learning = [output for output in y if output.requires_grad]
    if learning:
        sum(output.sum() for output in learning).backward()


def state_of(run: Callable[..., Any]) -> dict[str, tuple[int, ...]]:
    """Names and shapes of everything that is saved."""
    return {name: tuple(value.shape) for name, value in run.state_dict().items()} if isinstance(run, nn.Module) else {}
