"""What can be seen to be wrong with a Data before anything is loaded."""

from collections.abc import Iterator

from pydantic import ValidationError

from builder.analysis.fixes import tried
from builder.catalog.entry import suggest
from builder.catalog.signal import Signal
from builder.design.data import PARTS, Data, Split
from builder.problem import Edit, Fix, Json, Problem, Refused, Set, Unset, say


def found(data: Data) -> list[Problem]:
    """Every Problem of columns and parts. Paths in their fixes, which are not yet tried, start with `data.`."""
    return [*_inputs(data), *_targets(data), *_preparations(data), *_parts(data)]


def problems(data: Data) -> list[Problem]:
    """Every Problem of columns and parts, with fixes that have been tried."""
    return tried(found(data), {"data": data.model_dump(mode="json")}, _look_again)


def _look_again(document: Json) -> list[Problem]:
    try:
        return found(Data.model_validate(document["data"]))
    except ValidationError as error:
        raise Refused from error


def _inputs(data: Data) -> Iterator[Problem]:
    features = data.source.features()
    for node, column in data.bind.inputs.items():
        if column not in features:
            yield Problem(
                code="data/no-column",
                node=node,
                title=say("{node} reads {column}, which is not there", node=node, column=column),
                because=say("{source} has the features {known}.", source=data.source.name, known=", ".join(features)),
                fixes=tuple(_use(name, f"data.bind.inputs.{node}") for name in _nearest_first(column, features)),
            )


def _targets(data: Data) -> Iterator[Problem]:
    targets = data.source.targets()
    for at, column in enumerate(data.bind.targets):
        if column not in targets:
            yield Problem(
                code="data/no-target",
                title=say("There is no target called {column}", column=column),
                because=say("{source} has the targets {known}.", source=data.source.name, known=", ".join(targets)),
                fixes=tuple(_use(name, f"data.bind.targets.{at}") for name in _nearest_first(column, targets)),
            )


def _preparations(data: Data) -> Iterator[Problem]:
    columns = data.source.features() | data.source.targets()
    numbers = {name: signal for name, signal in columns.items() if signal.dtype == "float32"}
    for at, preparation in enumerate(data.prepare):
        column, path = preparation.column, f"data.prepare.{at}"
        fixes = (
            *(_use(name, f"{path}.params.column") for name in _nearest_first(column, numbers)),
            Fix(label=say("Leave {preparation} out", preparation=preparation.name), edits=(Unset(path=path),)),
        )
        if column not in columns:
            yield Problem(
                code="data/no-column",
                title=say(
                    "{preparation} reads {column}, which is not there", preparation=preparation.name, column=column
                ),
                because=say("{source} has the columns {known}.", source=data.source.name, known=", ".join(columns)),
                fixes=fixes,
            )
        elif column not in numbers:
            yield Problem(
                code="data/not-numbers",
                title=say("{preparation} cannot change {column}", preparation=preparation.name, column=column),
                because=say(
                    "The numbers in {column} are names of classes. They measure nothing and have no scale.",
                    column=column,
                ),
                fixes=fixes,
            )


def _parts(data: Data) -> Iterator[Problem]:
    split, samples = data.split, data.source.samples_total()
    shares = (split.train, split.validation, 1 - split.train - split.validation)
    for part, share, size in zip(PARTS, shares, split.sizes(samples), strict=True):
        if size == 0 and share > 1e-9:  # 1 - 0.7 - 0.3 is not quite 0
            yield Problem(
                code="data/empty-part",
                title=say("The {part} part has no samples", part=part),
                because=say("{share:.3g} of {samples} samples rounds to none.", share=share, samples=samples),
                fixes=tuple(_other_shares(split)),
            )


def _other_shares(split: Split) -> Iterator[Fix]:
    if split.validation:
        yield Fix(label=say("Use no validation part"), edits=(_share("validation", 0.0),))
    yield Fix(label=say("Train on half of the samples"), edits=(_share("train", 0.5),))
    label = say("Train on half of the samples, validate on a quarter")
    yield Fix(label=label, edits=(_share("train", 0.5), _share("validation", 0.25)))


def _share(part: str, share: float) -> Edit:
    return Set(path=f"data.split.{part}", value=share)


def _use(column: str, path: str) -> Fix:
    return Fix(label=say("Use {column}", column=column), edits=(Set(path=path, value=column),))


def _nearest_first(column: str, known: dict[str, Signal]) -> list[str]:
    """The known columns, the one that was probably meant first."""
    near = suggest(column, known)
    return sorted(known, key=lambda name: name != near)
