"""A layer as PyTorch runs it, put together from its entry alone and without the compiler."""

import functools
import operator
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from builder.catalog import Layer, Signal
from builder.compile.build import resolve

REFUSALS = (RuntimeError, ValueError, TypeError, IndexError, AttributeError, AssertionError)
"""What PyTorch raises where it cannot run a layer, or has none of that name."""

OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "@": operator.matmul}


def operation(layer: Layer, *given: Signal) -> Callable[..., Any]:
    """What runs the layer: a module in training mode, or a function of its inputs."""
    if layer.infix:
        return lambda *x: functools.reduce(OPERATORS[layer.infix], x)
    target, arguments = resolve(layer.runs(*given)), layer.args(*given)
    return (lambda *x: target(x, **arguments)) if layer.function else target(**arguments).train()


RUN_BY_NUMBERS = ("lengths?",)
"""Optional ports whose numbers decide how much is run: without numbers, on the meta device, they stay open."""


def bilinear(run: nn.Bilinear, x1: Tensor, x2: Tensor) -> Tensor:
    """Every weight meets the first input, then what comes of it meets the second."""
    halfway = x1 @ run.weight.movedim(1, 0).flatten(1)
    return (halfway.unflatten(-1, (run.out_features, -1)) @ x2.unsqueeze(-1)).squeeze(-1) + (
        0 if run.bias is None else run.bias
    )


UNCOUNTED = {"Bilinear": bilinear}
"""What FlopCounterMode does not count, in products that it does."""


def counted(layer: Layer, run: Callable[..., Any]) -> Callable[..., Any]:
    """What FlopCounterMode is to see in the place of the layer."""
    return functools.partial(UNCOUNTED[layer.name], run) if layer.name in UNCOUNTED else run


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
