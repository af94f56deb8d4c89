"""Runs that come from others: branches that go on from a moment of their parent, and runs begun anew."""

import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from pydantic import ValidationError

from builder import limits
from builder.design import edits, read
from builder.design.differences import differences
from builder.design.experiment import Experiment, Wish
from builder.design.network import to_json
from builder.problem import Json, Problem, Refused, Set, say
from builder.store import checkpoints, history, runs
from builder.store.database import one_at_a_time, reading, writing
from builder.store.runs import Run
from builder.store.tables import checkpoint, history_chunk, history_tail, run, run_command

MAY_CHANGE = (
    "optimizer", "schedule", "warm_up", "penalties", "clip", "max_norm", "augment", "length", "early_stopping", "ema",
)  # fmt: skip
"""Of the recipe: whatever else is changed, the parent's moment would not be one of the branch."""

RATE = "recipe.optimizer.params.lr"
EARLY = "run/early"
"""The Problem of a run that ran out of patience."""
MORE = re.compile(r"(, [\d,]+ epochs? more)+$")
"""How the name of a run ends that is an extension already."""


def branch(
    owner: str,
    run_id: str,
    step: int | None = None,
    *,
    name: str | None = None,
    changes: Mapping[str, Json] | None = None,
) -> Run:
    """Queue a run that goes on from what the owner's run was at `step`, of which a checkpoint is kept; None: the newest.

    `changes` are values by path (`recipe.optimizer.params.lr`), or a whole experiment; the execution is the parent's,
    bits and all. Raises Refused where there is no such checkpoint, where more differs than `MAY_CHANGE`, and where
    nothing would be left to learn.
    """
    parent = _of(owner, run_id)
    experiment = _changed(parent, changes or {})
    moment, data = _moment(run_id, step)
    columns = _columns(parent, experiment, moment)
    named = name if name is not None else say("{name} from step {step:,}", name=parent.name, step=moment.step)
    columns["name"] = " ".join(named.split())[: limits.TITLE] or parent.name
    _refuse_nothing_left(columns)
    runs.refuse_too_large(columns["experiment"])
    # The file first: without a row nobody claims the run, and what is left behind by a crash is swept up.
    checkpoints.put(columns["id"], moment.step, data)
    asked = changes.get(RATE) if changes else None
    try:
        return _insert(columns, moment, asked)
    except BaseException:
        checkpoints.forget(columns["id"])
        raise


def extend(owner: str, run_id: str, epochs: int, *, rate: float | None = None) -> Run:
    """Queue a branch of a finished run that goes on for `epochs` more, at the rate with which it ended, or at `rate`."""
    parent = _of(owner, run_id)
    if parent.status != "finished":
        because = say("It is {status}. What has not come to its end is resumed instead.", status=parent.status)
        raise Refused(Problem(code="run/not-finished", title=say("The run has not finished"), because=because))
    experiment = read.experiment(parent.experiment)
    done = parent.epoch or experiment.recipe.length.epochs
    changes: dict[str, Json] = {
        "recipe.length.epochs": done + epochs,
        "recipe.schedule": {"type": "Constant"},
        "recipe.warm_up": 0.0,
        RATE: rate if rate is not None else _last_rate(parent, experiment),
    }
    if (parent.problem or {}).get("code") == EARLY or done < experiment.recipe.length.epochs:
        changes["recipe.early_stopping"] = None  # it ran out of patience, and would at once again
    before = MORE.sub("", parent.name)
    more = say("1 epoch more") if epochs == 1 else say("{epochs:,} epochs more", epochs=epochs)
    name = say("{name}, {more}", name=before, more=more)
    return branch(owner, run_id, name=name, changes=changes)


def restart(owner: str, run_id: str, seed: int | None = None) -> Run:
    """Queue the experiment of the owner's run again, from the beginning, carried out alike; with another seed, if one is given."""
    parent = _of(owner, run_id)
    experiment = parent.experiment
    if seed is not None:
        experiment = to_json(read.experiment(edits.apply(experiment, [Set(path="recipe.seed", value=seed)])))
    return runs.submit(owner, parent.name, experiment, parent.design, wish=_carried_out(parent))


def _carried_out(run: Run) -> Wish:
    """A wish to be carried out as a run was. Raises Refused where it says what no wish can be."""
    try:
        return Wish.model_validate({name: run.execution[name] for name in Wish.model_fields if name in run.execution})
    except ValidationError as error:
        unknown = ", ".join(sorted({str(mistake["loc"][0]) for mistake in error.errors()}))
        because = say("This Layerlab knows no such {unknown}. Train its design instead.", unknown=unknown)
        title = say("The run cannot be carried out again")
        raise Refused(Problem(code="run/execution", title=title, because=because)) from error


def _of(owner: str, run_id: str) -> Run:
    found = runs.get(owner, run_id)
    if found is None:
        raise runs.unknown()
    return found


def _changed(parent: Run, changes: Mapping[str, Json]) -> Experiment:
    """The experiment of the branch. Raises Refused where a moment of the parent is none of it."""
    if "network" in changes:
        document: Json = dict(changes)
    else:
        document = edits.apply(parent.experiment, [Set(path=path, value=value) for path, value in changes.items()])
    experiment = read.experiment(document)
    allowed = tuple(f"recipe.{field}" for field in MAY_CHANGE)
    for difference in differences([parent.experiment, to_json(experiment)]):
        if ".".join(difference.path.split(".")[:2]) not in allowed:
            because = say(
                "{path} is not what it was. A branch goes on from its parent's weights and from its place in the data: "
                "only optimizer, schedule, penalties, limits, augmentation, length, early stopping and the average of weights may change.",
                path=difference.path,
            )
            raise Refused(Problem(code="branch/differs", title=say("That would be another run"), because=because))
    return experiment


def _moment(run_id: str, step: int | None) -> tuple[sa.Row[Any], bytes]:
    """The row and the bytes of the checkpoint at `step`, or of the newest that is whole."""
    chosen = sa.select(checkpoint).where(checkpoint.c.run == run_id).order_by(checkpoint.c.step.desc())
    if step is not None:
        chosen = chosen.where(checkpoint.c.step == step)
    with reading() as connection:
        rows = connection.execute(chosen).all()
    for row in rows:
        data = checkpoints.whole(run_id, row.step, row.bytes, row.sha256)
        if data is not None:
            return row, data
    kept = ", ".join(f"{kept:,}" for kept in checkpoints.steps(run_id)) or say("none")
    because = say("Steps of which one is kept: {kept}.", kept=kept)
    title = say("There is no checkpoint") if step is None else say("There is no checkpoint of step {step:,}", step=step)
    raise Refused(Problem(code="branch/no-checkpoint", title=title, because=because))


def _columns(parent: Run, experiment: Experiment, moment: sa.Row[Any]) -> dict[str, Any]:
    """What the branch's row holds, but for its name."""
    epochs = experiment.recipe.length.epochs
    steps_per_epoch = parent.total_steps // parent.epochs if parent.epochs else 0
    share = moment.step / parent.step if parent.step else 0.0
    return runs.new_columns(parent.owner, parent.name, to_json(experiment), parent.execution) | {
        "design": parent.design,
        "parent": parent.id,
        "parent_step": moment.step,
        "step": moment.step,
        "epoch": moment.epoch,
        "epochs": epochs,
        "total_steps": steps_per_epoch * epochs,
        "seconds": parent.seconds * share,
        "series": list(parent.series),
    }


def _refuse_nothing_left(columns: Mapping[str, Any]) -> None:
    if columns["total_steps"] and columns["step"] >= columns["total_steps"]:
        because = say(
            "Step {step:,} is the end of {epochs:,} epochs. Give it more of them, or an earlier step.",
            step=columns["step"], epochs=columns["epochs"],
        )  # fmt: skip
        raise Refused(Problem(code="branch/nothing-left", title=say("Nothing would be left to learn"), because=because))


def _insert(columns: dict[str, Any], moment: sa.Row[Any], rate: Json) -> Run:
    """The run, its checkpoint and its history so far, all at once.

    A `rate` that was asked for stands in its log as one that it was given at the moment: where it is the recipe's own,
    nothing else would tell it from none, and the parent's, which may have been changed by hand, would count.
    """
    owner, id = columns["owner"], columns["id"]
    kept = moment._asdict() | {"run": id, "owner": owner}
    with writing() as connection:
        one_at_a_time(connection, owner)
        runs.refuse_too_many(connection, owner)
        connection.execute(sa.insert(run).values(columns | {"commands": int(rate is not None)}))
        connection.execute(sa.insert(checkpoint).values(kept))
        if rate is not None:
            order = {
                "run": id,
                "seq": 1,
                "owner": owner,
                "kind": "rate",
                "payload": {"rate": rate},
                "step": moment.step,
            }
            connection.execute(sa.insert(run_command).values(order))
        for table, rows in _history(connection, columns["parent"], moment.step).items():
            for row in rows:
                connection.execute(sa.insert(table).values(row | {"run": id, "owner": owner}))
    made = runs.get(owner, id)
    assert made is not None
    return made


def _history(connection: sa.Connection, parent: str, step: int) -> dict[sa.Table, list[dict[str, Any]]]:
    """The parent's chunks up to the moment, and its open buckets. What is kept too much the recorder cuts off when it goes on."""
    chosen = sa.select(history_chunk.c.rows, history_chunk.c.data).where(history_chunk.c.run == parent)
    chunks = []
    for row in connection.execute(chosen.order_by(history_chunk.c.rows)):
        if history.decode(row.data)["last"].max() > step:
            break  # chunks end where checkpoints are made: from here on everything is later
        chunks.append(row._asdict())
    open_buckets = connection.execute(sa.select(history_tail.c.data).where(history_tail.c.run == parent)).scalar()
    buckets = history.decode(open_buckets or b"")
    return {history_chunk: chunks, history_tail: [{"data": buckets[buckets["last"] <= step].tobytes()}]}


def _last_rate(parent: Run, experiment: Experiment) -> float:
    if parent.rate is not None:
        return parent.rate
    total = max(1, parent.total_steps)
    base: float = experiment.recipe.optimizer.args()["lr"]
    per_epoch = max(1, total // experiment.recipe.length.epochs)
    return experiment.recipe.rate(max(0, min(parent.step, total) - 1), total, per_epoch, base)
