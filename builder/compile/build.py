"""Build what a design describes. Targets are looked up on torch by names that the catalog alone states."""

import functools
import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from builder.analysis import Row, analyze
from builder.catalog.initializers import Default, Initializer
from builder.catalog.layers import Layer
from builder.catalog.losses import Loss
from builder.catalog.optimizers import Optimizer
from builder.catalog.signal import Signal
from builder.compile import losses, modules
from builder.compile.network import Compiled, Operation, Plan, Repeated, Step
from builder.design.network import Graph, Network, Node
from builder.design.recipe import Init
from builder.design.structure import ports_out

_OPERATORS: dict[str, Operation] = {"+": operator.add, "-": operator.sub, "*": operator.mul, "@": operator.matmul}
_PLACES = {"nn": nn, "torch": torch, "optim": torch.optim}


def resolve(target: str) -> Any:
    """What a catalog entry's `target` names: `nn.Linear`, `nn.init.zeros_`, or something of our own modules and losses.

    Kornia, which takes a second to import, is imported when it is asked for.
    """
    place, _, rest = target.partition(".")
    if place == "kornia":
        import kornia.augmentation

        return functools.reduce(getattr, rest.split("."), kornia)
    if rest:
        return functools.reduce(getattr, rest.split("."), _PLACES[place])
    return getattr(losses if hasattr(losses, target) else modules, target)


def build(network: Network, init: Init | None = None) -> Compiled:
    """The module, filled with its first numbers. Draws from torch's global random stream, in document order."""
    analysis = analyze(network)
    if any(problem.severity == "error" for problem in analysis.problems):
        raise ValueError(f"cannot build a network with problems: {analysis.problems[0].title}")
    module = _graph(network, network, analysis.rows, analysis.signals, [node.id for node in network.inputs])
    _initialize(network, network, module, init or Init())
    return module


def _graph(
    network: Network, graph: Graph, rows: tuple[Row, ...], signals: dict[str, Signal], given: list[str]
) -> Compiled:
    """A graph as a module; `given` names what comes in from outside, in order."""
    slot_of = {name: slot for slot, name in enumerate(given)}
    submodules: dict[str, nn.Module] = {}
    plan = Plan(inputs=len(given), slots=len(given))
    for node, row in zip(graph.nodes, rows, strict=True):
        if node.type == "Input":
            (port,) = node.layer.outputs
            slot_of[f"{node.id}:{port}"] = slot_of[node.id]
            continue
        comes_in = [signals[reference] for reference in node.inputs if reference]
        operation = _block(network, node, row, comes_in) if node.block else _operation(node, comes_in, submodules)
        if isinstance(operation, nn.Module):
            submodules[node.id] = operation
            if node.frozen:
                operation.requires_grad_(False)
        outputs = ports_out(network, node)
        slots = tuple(range(plan.slots, plan.slots + len(outputs)))
        plan.slots += len(outputs)
        for output, signal, slot in zip(outputs, row.outputs, slots, strict=True):
            slot_of[f"{node.id}:{output}"] = slot
            signals[f"{node.id}:{output}"] = signal
        slot_of[node.id], signals[node.id] = slots[0], row.outputs[0]
        unpack = bool(node.block) and len(outputs) == 1
        plan.steps.append(
            Step(_only(operation) if unpack else operation, tuple(slot_of[ref] for ref in node.inputs if ref), slots)
        )
    plan.outputs = tuple(slot_of[reference] for reference in graph.outputs)
    plan.steps = _with_frees(plan)
    return Compiled(submodules, plan)


class _only:  # noqa: N801  # used as a function, but one that can be copied and saved
    """Takes the one output of a block out of its tuple."""

    def __init__(self, block: Any) -> None:
        self.block = block

    def __call__(self, *x: Tensor) -> Tensor:
        (y,) = self.block(*x)
        return y  # type: ignore[no-any-return]


def _operation(node: Node, comes_in: list[Signal], submodules: dict[str, nn.Module]) -> Operation:
    """What runs a layer: a module, a function of its inputs, or an operator between them."""
    layer: Layer = node.layer
    if node.shares:
        return submodules[node.shares]
    if layer.infix:
        return functools.partial(_joined, _OPERATORS[layer.infix])
    if layer.function:
        return functools.partial(_of_all, resolve(layer.runs(*comes_in)), layer.args(*comes_in))
    return resolve(layer.runs(*comes_in))(**layer.args(*comes_in))  # type: ignore[no-any-return]


def _joined(join: Operation, *x: Tensor) -> Tensor:
    return functools.reduce(join, x)


def _of_all(function: Callable[..., Tensor], args: dict[str, Any], *x: Tensor) -> Tensor:
    return function(x, **args)


def _block(network: Network, node: Node, row: Row, comes_in: list[Signal]) -> nn.Module:
    assert node.block is not None
    block = network.blocks[node.block]
    copies = [
        _graph(network, block, row.inside, dict(zip(block.inputs, comes_in, strict=True)), list(block.inputs)) for _ in range(node.repeat)
    ]  # fmt: skip
    return copies[0] if node.repeat == 1 else Repeated(copies)


def _with_frees(plan: Plan) -> list[Step]:
    """The steps, each with the slots that nothing reads after it."""
    last_use = {slot: at for at, step in enumerate(plan.steps) for slot in (*step.writes, *step.reads)}
    for slot in plan.outputs:
        last_use[slot] = len(plan.steps)
    frees: list[list[int]] = [[] for _ in plan.steps]
    for slot, at in last_use.items():
        if at < len(plan.steps):
            frees[at].append(slot)
    return [
        Step(step.operation, step.reads, step.writes, tuple(sorted(freed)))
        for step, freed in zip(plan.steps, frees, strict=True)
    ]


def _initialize(network: Network, graph: Graph, module: nn.Module, init: Init) -> None:
    """Fill weights and biases by the recipe's rules, or the node's own, in document order."""
    for node in graph.nodes:
        if node.type == "Input" or node.shares or not hasattr(module, node.id):
            continue
        inside = module.get_submodule(node.id)
        if node.block:
            for copy in inside.children() if node.repeat > 1 else (inside,):
                _initialize(network, network.blocks[node.block], copy, init)
        else:
            _initialize_layer(node, inside, init)


def _initialize_layer(node: Node, module: nn.Module, init: Init) -> None:
    """Fill what initializers are for; then the layer has its say about numbers that are its own."""
    weight, bias = node.init.get("weight", init.weight), node.init.get("bias", init.bias)
    kinds = tuple(map(resolve, node.layer.initialized))
    for part in module.modules():
        for name, parameter in part.named_parameters(recurse=False) if isinstance(part, kinds) else ():
            fill(parameter, bias if "bias" in name else weight)
    if last_word := node.layer.last_word():
        getattr(module, last_word)()


def fill(parameter: nn.Parameter, rule: Initializer) -> None:
    """Fill one parameter by a rule; `Default` leaves it as PyTorch made it."""
    if not isinstance(rule, Default):
        resolve(rule.target)(parameter, **rule.args())


def loss_function(loss: Loss) -> nn.Module:
    """The loss as a module."""
    return resolve(loss.runs())(**loss.args())  # type: ignore[no-any-return]


def optimizer(entry: Optimizer, module: nn.Module, fused: bool) -> torch.optim.Optimizer:
    """The optimizer over everything that may learn."""
    learning = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if grouped := entry.grouped():
        learning = resolve(grouped)(module)
    return resolve(entry.target)(learning, **entry.args(), **({"fused": True} if fused else {}))  # type: ignore[no-any-return]
