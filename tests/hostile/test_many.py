"""Very many runs and layers: lists and checks stay quick (SAFETY 25)."""

import time
from itertools import pairwise

import numpy as np
import pytest
import sqlalchemy as sa

from builder.analysis import check
from builder.blocks import example
from builder.design import read
from builder.design.network import to_json
from builder.store import database, found_runs, history, runs, sparklines
from builder.store.tables import history_chunk, history_tail, run

RUNS = METRICS = 1_000


def filled() -> None:
    """The store with a thousand runs, each of a thousand points of its loss."""
    document = to_json(example("digits-mlp"))
    buckets = np.zeros(METRICS, history.ROW)
    buckets["n"], buckets["first"], buckets["mean"] = 1, np.arange(METRICS), np.linspace(2, 0, METRICS)
    chunk = buckets.tobytes()
    made = [runs.new_columns("ada", f"Run {number}", document, {"device": "cpu"}) for number in range(RUNS)]
    ended = {"status": "finished", "series": ["train/loss"], "summary": {"test/loss": 0.5}}
    of = [{"run": columns["id"], "owner": "ada"} for columns in made]
    with database.writing() as connection:
        connection.execute(sa.insert(run), [columns | ended for columns in made])
        connection.execute(sa.insert(history_chunk), [row | {"rows": METRICS, "data": chunk} for row in of])
        connection.execute(sa.insert(history_tail), [row | {"data": b""} for row in of])


@pytest.mark.usefixtures("home")
def test_a_thousand_runs_of_a_thousand_points_are_listed_within_two_seconds():
    filled()
    start = time.process_time()
    listed = found_runs.found("ada", "", frozenset(), RUNS)
    courses = [sparklines.course(each, ["train/loss"]) for each in listed]
    taken = time.process_time() - start
    assert len(listed) == RUNS and all(courses)
    assert taken < 2


def test_a_network_of_two_hundred_layers_is_checked_within_a_tenth_of_a_second():
    document = to_json(example("digits-mlp"))
    (data,) = (node for node in document["network"]["nodes"] if node["type"] == "Input")
    flat = {"id": "flat", "type": "Flatten", "inputs": [data["id"]]}
    names = ["flat", *(f"layer{number}" for number in range(197))]
    kinds = [("Linear", {"out_features": 32}), ("ReLU", {}), ("Dropout", {})]
    chain = [
        {"id": name, "type": kinds[at % 3][0], "params": kinds[at % 3][1], "inputs": [before]}
        for at, (before, name) in enumerate(pairwise(names))
    ]
    last = {"id": "scores", "type": "Linear", "params": {"out_features": 10}, "inputs": [names[-1]]}
    document["network"] = {"nodes": [data, flat, *chain, last], "outputs": ["scores"]}
    experiment = read.experiment(document)
    assert len(experiment.network.nodes) == 200
    taken = []
    for _ in range(3):
        start = time.process_time()
        _, problems = check(experiment)
        taken.append(time.process_time() - start)
    assert not [problem for problem in problems if problem.severity == "error"]
    assert min(taken) < 0.1
