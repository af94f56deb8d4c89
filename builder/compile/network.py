"""Compiled: a network as one module that runs a plan of numbered slots.

Every value of a forward pass has a slot; a step of the plan reads slots, runs, writes slots, and empties those that no
later step reads, so that memory is held no longer than hand-written code would hold it. Measured as fast as a
hand-written class (FINDINGS B3), because it does not look its submodules up by name.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import Tensor, nn

Operation = Callable[..., Any]


class Step(NamedTuple):
    """One operation: what it reads, where its results go, and which slots are empty afterwards."""

    operation: Operation
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    frees: tuple[int, ...] = ()


@dataclass(slots=True)
class Plan:
    """How many slots there are, which are filled from outside, the steps, and which slots come out."""

    inputs: int
    slots: int = 0
    steps: list[Step] = field(default_factory=list)
    outputs: tuple[int, ...] = ()

    def chain(self) -> tuple[Operation, ...]:
        """The operations, where each reads what the one before it wrote and nothing else; else none."""
        last = (0,)
        for step in self.steps:
            if step.reads != last or len(step.writes) != 1:
                return ()
            last = step.writes
        return tuple(step.operation for step in self.steps) if self.inputs == 1 and self.outputs == last else ()


class Compiled(nn.Module):
    """A network of the design. Submodules are named as its nodes, so that `state_dict` keys are node ids.

    Takes one tensor per Input, batch first, and gives a tuple of its outputs.
    """

    def __init__(self, submodules: dict[str, nn.Module], plan: Plan) -> None:
        super().__init__()
        for name, module in submodules.items():
            self.add_module(name, module)
        self.plan = plan
        self.chain = plan.chain()

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        if self.chain:  # worth 1 % of a step of a small network
            (x,) = inputs
            for operation in self.chain:
                x = operation(x)
            return (x,)
        plan = self.plan
        slots: list[Any] = [*inputs, *[None] * (plan.slots - plan.inputs)]
        for operation, reads, writes, frees in plan.steps:
            result = operation(slots[reads[0]]) if len(reads) == 1 else operation(*[slots[read] for read in reads])
            if len(writes) == 1:
                slots[writes[0]] = result
            else:
                for write, value in zip(writes, result, strict=True):
                    slots[write] = value
            for freed in frees:
                slots[freed] = None
        return tuple([slots[output] for output in plan.outputs])


class Repeated(nn.Module):
    """Copies of one block, each reading what the one before it gave; copies are named 0, 1, 2 ..."""

    def __init__(self, copies: list[Compiled]) -> None:
        super().__init__()
        for at, copy in enumerate(copies):
            self.add_module(str(at), copy)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        for copy in self.children():
            (x,) = copy(x)
        return (x,)
