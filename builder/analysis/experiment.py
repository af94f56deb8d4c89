"""Whether network, data and recipe fit together, before anything is loaded or built."""

from collections.abc import Iterable, Iterator

from builder import limits
from builder.analysis import data
from builder.analysis.advice import advice
from builder.analysis.augmenting import mislabelling, unaugmentable
from builder.analysis.blocks import with_forms
from builder.analysis.endings import others, uncounted, unfinished
from builder.analysis.fixes import tried
from builder.analysis.learning import copies, nothing_learns, unfillable, unlearnable
from builder.analysis.network import Analysis, Row, analyze, node_path
from builder.analysis.restraints import unholdable
from builder.analysis.scores import unmeasurable
from builder.catalog.signal import Signal
from builder.design import names, read
from builder.design.experiment import Experiment
from builder.design.network import Network, Node, split_reference, to_json
from builder.design.recipe import Objective
from builder.problem import Edit, Fix, Insert, Json, Problem, Set, say


def check(design: Experiment | Network) -> tuple[Analysis, list[Problem]]:
    """The layer table, and every Problem of network, data and recipe with fixes that have been tried."""
    analysis = analyze(design if isinstance(design, Network) else design.network)
    found = _found(design, analysis)
    if not any(problem.fixes for problem in found):
        return analysis, found
    return analysis, tried(found, to_json(design), _look_again)


def _look_again(document: Json) -> list[Problem]:
    design = read.any_design(document)
    return _found(design, analyze(design if isinstance(design, Network) else design.network))


def _found(design: Experiment | Network, analysis: Analysis) -> list[Problem]:
    network = design if isinstance(design, Network) else design.network
    found = [*with_forms(network, analysis), *_too_large(analysis)]
    if isinstance(design, Experiment):
        found += [*data.found(design.data), *_inputs(design), *_objectives(design, analysis), *_batch(design, analysis)]
        found += unlearnable(design.network, analysis, output_references(design))
        columns = design.data.source.columns()
        targets = [columns[name] for name in target_columns(design) if name in columns]
        found += unmeasurable(design, targets)
        found += unholdable(design)
        found += unaugmentable(design, [columns[name] for name in input_columns(design).values() if name in columns])
        found += [*nothing_learns(design.network, analysis), *unfillable(design), *copies(design, analysis)]
        if not any(problem.severity == "error" for problem in found):
            looked_at = list(zip(output_references(design), target_columns(design), strict=True))
            found += advice(design, analysis, input_columns(design), looked_at)
            found += mislabelling(design, targets)
    return found


def input_columns(experiment: Experiment) -> dict[str, str | None]:
    """Which feature column each Input reads, by the Input's id; null where the data have none left."""
    columns = list(experiment.data.source.features())
    bound = experiment.data.bind.inputs
    return {
        node.id: bound.get(node.id, columns[at] if at < len(columns) else None) for at, node in enumerate(experiment.network.inputs)
    }  # fmt: skip


def target_columns(experiment: Experiment) -> list[str]:
    """The target column of each objective."""
    columns = list(experiment.data.bind.targets) or list(experiment.data.source.targets())
    return [
        objective.target or columns[min(at, len(columns) - 1)] for at, objective in enumerate(experiment.recipe.objectives)
    ]  # fmt: skip


def output_references(experiment: Experiment) -> list[str]:
    """The network output that each objective looks at; empty where the network has no outputs."""
    outputs = experiment.network.outputs
    return [
        objective.output or (outputs[min(at, len(outputs) - 1)] if outputs else "") for at, objective in enumerate(experiment.recipe.objectives)
    ]  # fmt: skip


def augmented_columns(experiment: Experiment) -> tuple[list[int], list[int]]:
    """Which Inputs read pictures, and which objectives learn pictures or classes of pixels that move with them, by place."""
    columns = experiment.data.source.columns()
    read = [columns[name] for name in input_columns(experiment).values() if name is not None]
    pictures = [at for at, signal in enumerate(read) if signal.axes == "CHW"]
    sides = {read[at].shape[-2:] for at in pictures}
    learned = [columns[name] for name in target_columns(experiment)]
    moving = [at for at, target in enumerate(learned) if target.axes in ("CHW", "HW") and target.shape[-2:] in sides]
    return pictures, moving


def _inputs(experiment: Experiment) -> Iterator[Problem]:
    """Every Input reads a column that has its shape and type."""
    features = experiment.data.source.features()
    for node_id, column in input_columns(experiment).items():
        node = next(node for node in experiment.network.inputs if node.id == node_id)
        if column is not None and column not in features:
            continue  # a column that is bound and not there is told of as such
        if column is None:
            yield Problem(
                code="data/no-column",
                node=node_id,
                title=say("{node} has nothing to read", node=node.name),
                because=say("The data have the features {features}.", features=", ".join(features)),
                fixes=tuple(
                    Fix(
                        label=say("Read {column}", column=name),
                        edits=(Set(path=f"data.bind.inputs.{node_id}", value=name),),
                    )
                    for name in features
                ),
            )
            continue
        (gives,) = node.layer.infer()
        wanted = features[column]
        if gives != wanted:
            yield Problem(
                code="data/input-mismatch",
                node=node_id,
                title=say("{node} does not fit the data", node=node.name),
                because=say(
                    "It expects {expected} ({expected_type}), and the column {column} of {source} is {given} ({given_type}).",
                    expected=gives, expected_type=_kind(gives), column=column,
                    source=experiment.data.source.name, given=wanted, given_type=_kind(wanted),
                ),
                fixes=(
                    Fix(label=say("Set it to {shape}", shape=wanted), edits=(Set(path=f"{node_path(node_id, None)}.params", value=_as_input(wanted)),)),
                ),
            )  # fmt: skip


def _kind(signal: Signal) -> str:
    return (
        say("{dtype}, {classes} classes", dtype=signal.dtype, classes=signal.classes)
        if signal.classes
        else signal.dtype
    )


def _as_input(signal: Signal) -> dict[str, Json]:
    """Parameters of an Input that gives this signal."""
    params: dict[str, Json] = {"shape": list(signal.shape), "axes": signal.axes}
    if signal.dtype != "float32":
        params |= {"dtype": signal.dtype, "classes": signal.classes}
    return params


def _objectives(experiment: Experiment, analysis: Analysis) -> Iterator[Problem]:
    """Every loss can compare its output with its target."""
    targets, columns = experiment.data.source.targets(), experiment.data.source.columns()
    pairs = zip(experiment.recipe.objectives, output_references(experiment), target_columns(experiment), strict=True)
    for at, (objective, reference, column) in enumerate(pairs):
        if objective.target is None and column not in targets:
            continue  # a column that is bound and not there is told of as such
        if column not in columns:
            yield Problem(
                code="data/no-target",
                title=say("There is no target called {column}", column=column),
                because=say("The data have the targets {targets}.", targets=", ".join(targets)),
                fixes=tuple(
                    Fix(
                        label=say("Learn {column}", column=name),
                        edits=(Set(path=f"recipe.objectives.{at}.target", value=name),),
                    )
                    for name in targets
                ),
            )
            continue
        output = analysis.signals.get(reference)
        node = split_reference(reference)[0]
        if reference and reference not in experiment.network.outputs:
            yield Problem(
                code="recipe/no-output",
                title=say("The loss looks at {node}, which is no output", node=node),
                because=say("The network gives {outputs}.", outputs=", ".join(experiment.network.outputs)),
                fixes=(
                    Fix(
                        label=say("Look at the network's output"),
                        edits=(Set(path=f"recipe.objectives.{at}.output", value=None),),
                    ),
                ),
            )
        elif output is not None and (
            output.shape not in objective.loss.shapes(columns[column]) or output.dtype != "float32"
        ):
            yield _does_not_fit(experiment, at, objective, reference, output, column, columns[column])
        elif output is not None:
            yield from unfinished(experiment.network, analysis, at, objective.loss, reference, columns[column])
        yield from uncounted(at, objective.loss, column, columns[column])


def _does_not_fit(
    experiment: Experiment, at: int, objective: Objective, reference: str, output: Signal, column: str, target: Signal
) -> Problem:
    wanted = objective.loss.shapes(target)
    what = say("{classes} classes", classes=target.classes) if target.classes else str(target)
    node = next(node for node in experiment.network.nodes if node.id == split_reference(reference)[0])
    if wanted:
        shapes = " or ".join(" x ".join(map(str, shape)) or "1" for shape in wanted)
        because = say(
            "It gives {output}, and {loss} needs {shapes} to be compared with {column}, which has {what}.",
            output=output, loss=objective.loss.name, shapes=shapes, column=column, what=what,
        )  # fmt: skip
    else:
        because = say(
            "{loss} cannot use {column} as a target: it has {what}.", loss=objective.loss.name, column=column, what=what
        )
    fixes = [fix for shape in wanted for fix in _widen(experiment.network, node, reference, shape)]
    fixes += others(at, objective.loss, target)
    return Problem(
        code="recipe/output-mismatch",
        node=node.id,
        title=say("{node} does not fit its target", node=node.name),
        because=because,
        fixes=tuple(fixes),
    )


def _widen(network: Network, node: Node, reference: str, wanted: tuple[int, ...]) -> Iterator[Fix]:
    """Ways to make an output `wanted`: another width of the last layer that has one, or one more dense layer."""
    if len(wanted) != 1:
        return
    by_id = {other.id: other for other in network.nodes}
    last: Node | None = node
    while last is not None and not (last.type and "out_features" in type(last.layer).model_fields):
        source = last.inputs[0] if last.inputs else None
        last = by_id.get(split_reference(source)[0]) if source else None
    if last is not None:
        label = say("Set {node} to {width} units", node=last.name, width=wanted[0])
        yield Fix(label=label, edits=(Set(path=f"{node_path(last.id, None)}.params.out_features", value=wanted[0]),))
    outputs = list(network.outputs)
    taken = [other.id for other in network.nodes]
    dense = names.fresh("linear", taken)
    flat = names.fresh("flatten", [*taken, dense])
    if reference in outputs:
        end = Set(path="network.outputs", value=[dense if output == reference else output for output in outputs])
        fresh = {"id": dense, "type": "Linear", "params": {"out_features": wanted[0]}}
        label = say("Add a Linear with {width} units at the end", width=wanted[0])
        plain: tuple[Edit, ...] = (Insert(node={**fresh, "inputs": [reference]}, after=node.id, splice=False), end)
        yield Fix(label=label, edits=plain)
        flatten = Insert(node={"id": flat, "type": "Flatten", "inputs": [reference]}, after=node.id, splice=False)
        label = say("Add a Flatten and a Linear with {width} units at the end", width=wanted[0])
        yield Fix(label=label, edits=(flatten, Insert(node={**fresh, "inputs": [flat]}, after=flat, splice=False), end))


def _batch(experiment: Experiment, analysis: Analysis) -> Iterator[Problem]:
    """Layers that need more than one sample in a batch never get a smaller one."""
    samples = experiment.data.split.sizes(experiment.data.source.samples_total())[0]
    batch = experiment.recipe.batch
    size, smallest = batch.at_once(samples), batch.smallest(samples)
    needy = next((row for row in analysis.expanded() if row.smallest_batch > smallest), None)
    if needy is None:
        return
    fixes = [
        Fix(label=say("Drop the last batch"), edits=(Set(path="recipe.batch.last", value="drop"),)),
        *(
            Fix(
                label=say("Set the batch size to {size}", size=other),
                edits=(Set(path="recipe.batch.size", value=other),),
            )
            for other in dict.fromkeys((size + 1, size - 1, 2))
            if other >= 2
        ),
    ]
    yield Problem(
        code="batch/too-small",
        node=needy.id,
        title=say("{node} cannot be trained with a batch of {smallest}", node=needy.title or needy.id, smallest=smallest),
        because=say(
            "It compares the samples of a batch and needs at least {needed}; {samples} training samples in batches of {size} leave {smallest}.",
            needed=needy.smallest_batch, samples=samples, size=size, smallest=smallest,
        ),
        fixes=tuple(fixes),
    )  # fmt: skip


def _opened_once(rows: Iterable[Row], prefix: str) -> Iterator[tuple[str, Row]]:
    """Every row with its path, blocks opened, of what is repeated the first time alone."""
    for row in rows:
        path = prefix + row.id
        yield path, row
        yield from _opened_once(row.inside, f"{path}.0." if row.repeat > 1 else f"{path}.")


def _too_large(analysis: Analysis) -> Iterator[Problem]:
    """Networks that no machine here should try to build."""
    if analysis.parameters > limits.PARAMETERS:
        largest = max(analysis.rows, key=lambda row: row.parameters)
        yield Problem(
            code="size/parameters",
            node=largest.id,
            title=say("The network is too large to build"),
            because=say(
                "It has {count:,} parameters, {memory:,.1f} GiB of memory before any training; the limit is {limit:,}. Most are in {node}: {most:,}.",
                count=analysis.parameters, memory=4 * analysis.parameters / limits.GIB, limit=limits.PARAMETERS,
                node=largest.title or largest.id, most=largest.parameters,
            ),
        )  # fmt: skip
    if analysis.buffers > limits.PARAMETERS:
        yield Problem(
            code="size/buffers",
            node=max(analysis.rows, key=lambda row: row.buffers).id,
            title=say("The network is too large to build"),
            because=say(
                "It keeps {count:,} numbers that are not learned, {memory:,.1f} GiB; the limit is {limit:,}.",
                count=analysis.buffers, memory=4 * analysis.buffers / limits.GIB, limit=limits.PARAMETERS,
            ),
        )  # fmt: skip
    for path, row in _opened_once(analysis.rows, ""):
        if any(signal.numbers > limits.SIGNAL_NUMBERS for signal in row.outputs):
            yield Problem(
                code="size/signal",
                node=path,
                title=say("{node} gives too much", node=row.title or row.id),
                because=say(
                    "One sample of it has {count:,} numbers; the limit is {limit:,}.",
                    count=max(s.numbers for s in row.outputs),
                    limit=limits.SIGNAL_NUMBERS,
                ),
            )
