"""Hostile design files: each is one Problem or more, in less than a second, in little memory (SAFETY 11 to 13)."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import hostile_designs
import pytest
from hostile_designs import DOCUMENTS, FILES, TEXTS, problems_of

from builder import limits
from builder.design import read
from builder.problem import Refused

SECONDS = 2.0
KILOBYTES = 200 * 1_024

CODES = {
    "an empty file": "file/not-json",
    "no JSON": "file/not-json",
    "half a file": "file/not-json",
    "bytes that are no text": "file/not-json",
    "a zip": "file/not-json",
    "3 MB": "file/too-large",
    "3 MB of bytes that are no text": "file/too-large",
    "250 deep": "file/too-deep",
    "5,000 deep": "file/too-deep",
    "200,000 deep": "file/too-deep",
    "objects 5,000 deep": "file/too-deep",
    "opened 200,000 times and never closed": "file/too-deep",
    "a number of 4,301 digits": "file/not-json",
    "a number of 4,000 digits": "file/not-json",
    "a million digits behind the point": "file/version",
    "NaN": "file/not-json",
    "Infinity": "file/not-json",
    "-Infinity": "file/not-json",
    "1e400": "file/not-json",
    "half a character": "file/not-text",
    "a list": "file/not-a-design",
    "a number": "file/not-a-design",
    "null": "file/not-a-design",
    "10,000 nodes": "file/too-many-values",
    "a chain of 10,000 nodes": "file/too-many-values",
    "100,000 edges into one node": "file/too-many-values",
    "100,000 wrong edges": "file/too-many-values",
    "25,000 wrong edges": "file/more",
    "25,000 unknown fields": "file/more",
    "2,000 open inputs": "input/missing",
    "2,000 wrong types": "file/more",
    "2,000 nodes of one id": "id/duplicate",
    "2,000 nodes in a circle": "graph/cycle",
    "2,000 nodes in reverse": "graph/order",
    "100,000 unknown fields": "file/too-many-values",
    "an unknown field of a megabyte": "field/unknown",
    "30 blocks that use all later ones": "block/too-deep",
    "5,000 preparations": "file/more",
    "a type of a megabyte": "type/unknown",
    "a title of 10 kB": "field/value",
    "an id of a megabyte": "id/illegal",
    "an unknown type": "type/unknown",
    "__class__ for a type": "type/unknown",
    "os.system for a type": "type/unknown",
    "torch.load for a type": "type/unknown",
    "a dotted target": "type/unknown",
    "a target of its own": "field/unknown",
    "dunder fields": "field/unknown",
    "a private field": "field/unknown",
    "duplicate ids": "id/duplicate",
    "version 0": "file/version",
    "version 2": "file/version",
    "version of another kind": "file/version",
    "an unknown format": "file/unknown-format",
    "a circle": "graph/cycle",
    "a node that reads itself": "graph/cycle",
    "two inputs to a layer of one": "ports/too-many",
    "no nodes": "graph/empty",
    "no output": "graph/no-output",
    "a node that nothing leads to": "input/missing",
    "a node that leads nowhere": "graph/unused",
    "a block in itself": "block/recursive",
    "an image of 10^24 pixels": "size/signal",
    "4.3 billion parameters": "size/parameters",
    "200 x 200 x 200 layers": "block/too-many-layers",
}
"""What is told first of all of the files for which one answer is right."""

LONGEST_SENTENCE = 1_000


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_told_of_in_short_sentences_and_at_once(name: str):
    made = FILES[name]()
    start = time.process_time()
    problems = problems_of(made)
    assert time.process_time() - start < SECONDS
    assert problems
    assert len(problems) <= 2 * limits.NODES
    if name in CODES:
        assert CODES[name] in {problem.code for problem in problems}
    for problem in problems:
        assert len(problem.title) < 200, problem.title[:300]
        assert len(problem.because) < LONGEST_SENTENCE, problem.because[:300]


WORST = [
    "3 MB",
    "200,000 deep",
    "100,000 unknown fields",
    "25,000 unknown fields",
    "25,000 wrong edges",
    "25,000 numbers that are none",
    "25,000 blocks",
    "9,000 nodes in blocks",
    "2,000 open inputs",
    "5,000 preparations",
    "an image of 10^24 pixels",
    "4.3 billion parameters",
]


@pytest.mark.parametrize("name", WORST)
def test_the_worst_files_cost_less_than_a_second_and_200_mb(name: str):
    done = subprocess.run(
        [sys.executable, Path(hostile_designs.__file__), name],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    cost = json.loads(done.stdout)
    assert cost["codes"]
    assert cost["seconds"] < SECONDS
    assert cost["kilobytes"] < KILOBYTES


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_no_design_is_refused_as_a_file_and_never_as_a_field(name: str):
    with pytest.raises(Refused) as refused:
        read.any_design(read.text(FILES[name]()))
    assert all(problem.code.startswith("file/") for problem in refused.value.problems)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_hostile_document_that_did_not_come_as_a_file_is_told_of_too(name: str):
    try:
        read.any_design(DOCUMENTS[name]())
    except Refused as refused:
        assert refused.problems


def test_minus_zero_is_a_number_like_any_other():
    document = read.text('{"format": "layerlab.network", "nodes": [], "view": {"a": [-0.0, 0]}}')
    assert read.network(document).view == {"a": (0, 0)}


def test_a_type_with_a_typing_error_is_suggested():
    with pytest.raises(Refused) as refused:
        read.any_design(hostile_designs.network({"id": "a", "type": "Relu"}))
    (problem,) = refused.value.problems
    assert "ReLU" in problem.because and "Use ReLU" in [fix.label for fix in problem.fixes]
