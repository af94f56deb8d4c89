"""Activations and gradients by depth at the first step, before anything is learned, for several ways to begin."""

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor

from builder.analysis import Row, analyze, first_step, room
from builder.analysis.memory import estimate
from builder.compile.network import Compiled, Operation
from builder.data import Arrays
from builder.design.experiment import Execution, Experiment
from builder.design.network import Graph, Network
from builder.problem import Json
from builder.train.learner import Learner
from builder.train.memory import available_bytes
from builder.train.task import Task, task_of

MEASURES = ("activation", "mean", "zeros", "gradient", "weights")
LEAST = 16
"""Samples below which a spread over them says little."""
MACS = 2 * 10**9
"""Of one forward pass, at most: it is made again for every way to begin, and the way back takes twice as long."""

Seen: TypeAlias = dict[str, list[Tensor]]
"""The outputs of each node that are real numbers, by the node's path in the opened network."""


def spread(
    experiment: Experiment,
    execution: Execution,
    arrays: Arrays,
    tell: Callable[[float], object],
    stop: Callable[[], bool],
) -> dict[str, Json]:
    """Of each node that makes numbers: how they vary over samples and units, and how the loss's slope there does.

    Each way to begin has the first weights that a run would draw, in a network of its own; one forward pass in training
    mode over the first samples of the training part, and the way back from the recipe's loss, without penalties.
    """
    task = task_of(experiment, execution, arrays)
    samples = _samples(experiment, execution, len(task.parts["train"]))
    rows = [row for row in analyze(experiment.network).opened.values() if row.layer and not row.layer.view]
    variants = list(first_step.variants(experiment))
    schemes: list[dict[str, Any]] = []
    for at, (scheme, begun) in enumerate(variants):
        if schemes and stop():
            break
        schemes.append({"name": scheme.name, **_measured(begun, execution, task, samples, rows)})
        tell((at + 1) / len(variants))
    there = [at for at, row in enumerate(rows) if any(measured["mean"][at] is not None for measured in schemes)]
    for measured in schemes:
        measured |= {name: [measured[name][at] for at in there] for name in MEASURES}
    return {
        "samples": samples,
        "nodes": [{"id": rows[at].id, "title": rows[at].title or rows[at].id, "type": rows[at].type} for at in there],
        "schemes": schemes,
        "kept": first_step.kept(experiment),
    }


def _samples(experiment: Experiment, execution: Execution, there: int) -> int:
    """As many as there is time and room for, half of it for what they make and half for its slopes; some, in any case."""
    samples, macs = min(first_step.SAMPLES, there), analyze(experiment.network).macs
    while samples >= 2 * LEAST and (samples * macs > MACS or _is_too_large(experiment, execution, 2 * samples)):
        samples //= 2
    return samples


def _is_too_large(experiment: Experiment, execution: Execution, samples: int) -> bool:
    batch = experiment.recipe.batch.model_copy(update={"size": samples, "accumulation": 1})
    wider = experiment.model_copy(update={"recipe": experiment.recipe.model_copy(update={"batch": batch})})
    return bool(room.too_large(wider, estimate(wider), available_bytes(execution.device), execution.device_name))


def _measured(
    experiment: Experiment, execution: Execution, task: Task, samples: int, rows: list[Row]
) -> dict[str, Json]:
    """The numbers of one way to begin: by measure, one for every row."""
    learner = Learner.of(experiment, execution, 1)
    seen: Seen = {}
    _watch(experiment.network, experiment.network, learner.network, "", seen)
    some = task.parts["train"].first(samples)
    learner.network.train()
    loss = task.loss(learner.network(*some.inputs), some.targets)
    torch.autograd.backward(loss)
    numbers = [_numbers(row, seen.get(row.id, []), _slopes_of_weights(learner.network, row)) for row in rows]
    return {"loss": _number(loss), **{name: [of_row[name] for of_row in numbers] for name in MEASURES}}


def _numbers(row: Row, outputs: list[Tensor], weights: list[Tensor]) -> dict[str, float | None]:
    """What there is to say of one node, by measure."""
    read = [output for output in outputs if output.grad is not None] or outputs[:1]
    values = _together(read)
    slopes = _together([output.grad for output in read if output.grad is not None])
    return {
        "activation": _spread(values),
        "mean": None if values is None else _number(values.mean()),
        "zeros": None if values is None or row.family != "activation" else _number((values == 0).double().mean()),
        "gradient": _spread(slopes),
        "weights": _spread(_together(weights)),
    }


def _watch(network: Network, graph: Graph, module: Compiled, prefix: str, seen: Seen) -> None:
    """Let every step of a network, and of the blocks in it, note what it makes. The network is good for nothing else then."""
    nodes = [node for node in graph.nodes if node.type != "Input"]
    steps = module.plan.steps
    for at, (node, step) in enumerate(zip(nodes, steps, strict=True)):
        path = f"{prefix}{node.id}"
        if node.block is None:
            steps[at] = step._replace(operation=_noting(step.operation, path, seen))
            continue
        inside: Any = module.get_submodule(node.id)
        copies = {f"{path}.{name}.": copy for name, copy in inside.named_children()}
        for place, copy in copies.items() if node.repeat > 1 else ((f"{path}.", inside),):
            _watch(network, network.blocks[node.block], copy, place, seen)
    module.chain = ()  # else the plan is not looked at


def _noting(operation: Operation, path: str, seen: Seen) -> Operation:
    def noted(*given: Any) -> Any:
        result = operation(*given)
        outputs = result if isinstance(result, tuple) else (result,)
        seen[path] = [output for output in outputs if output.is_floating_point()]
        for output in seen[path]:
            if output.requires_grad:
                output.retain_grad()
        return result

    return noted


def _together(values: list[Tensor]) -> Tensor | None:
    return torch.cat([value.detach().flatten().double() for value in values]) if values else None


def _slopes_of_weights(network: Compiled, row: Row) -> list[Tensor]:
    """The slopes at a node's own weights, without biases and what norms scale by."""
    own = (parameter for name, parameter in network.named_parameters() if name.startswith(f"{row.id}."))
    return [parameter.grad for parameter in own if parameter.dim() > 1 and parameter.grad is not None]


def _spread(values: Tensor | None) -> float | None:
    """The standard deviation; None where there are no values, or no numbers."""
    return None if values is None else _number(values.std(unbiased=False))


def _number(value: Tensor) -> float | None:
    number = value.item()
    return number if math.isfinite(number) else None
