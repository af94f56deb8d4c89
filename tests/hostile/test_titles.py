"""What people call things stays text: nothing of it becomes code in the exported program (SAFETY 14)."""

import ast
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder import limits
from builder.blocks import GALLERY, example
from builder.design import read
from builder.design.network import to_json
from builder.problem import Refused
from builder.source import network_source, program

Json = Any

TITLES = [
    "../../x",
    "C:\\x",
    "\\\\host\\s",
    "\0",
    "\u202etxt.exe",
    "<script>alert(1)</script>",
    '"""',
    '"""\nimport os\nos.system("true")\n"""',
    "\n",
    "\r",
    "\r\nimport os",
    "\u2028import os",
    "\x0cimport os",
    "\x85import os",
    "{{",
    "{0}{title}{}%s%(x)s",
    "\\",
    'ends with a quote"',
    "ends with a backslash\\",
    "\\N{BULLET}\\u0041\\x41",
    "# coding: utf-7",
    "'''",
    " ",
    "é 数 😀",
    "x" * limits.TITLE,
]


def named(name: str, title: str) -> dict[str, Json]:
    """A gallery experiment in which everything that people can call something is called `title`."""
    document = to_json(example(name))
    document["name"] = document["network"]["name"] = title
    for graph in (document["network"], *document["network"].get("blocks", {}).values()):
        for node in graph["nodes"]:
            node["title"] = title
    return document


def shape(source: str) -> str:
    """The syntax tree of a program without what its docstrings say."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body[0].value = ast.Constant("documentation")
    return ast.dump(tree)


def lines_of_code(source: str) -> int:
    """How many lines are more than a comment; an empty title has none."""
    return sum(not line.lstrip().startswith("#") for line in source.splitlines())


def assert_stays_text(name: str, title: str) -> None:
    plain = read.experiment(named(name, "Plain"))
    hostile = read.experiment(named(name, title))
    for source in (program, lambda experiment: network_source(experiment.network)):
        assert shape(source(hostile)) == shape(source(plain))
        # Nothing hides in a line that Python would not see: only comments and docstrings differ, and none is longer than one line.
        assert lines_of_code(source(hostile)) == lines_of_code(source(plain))


@pytest.mark.parametrize("title", TITLES, ids=ascii)
def test_a_hostile_title_leaves_the_program_as_it_is(title: str):
    for name in ("digits-resnet", "sequence-lstm"):
        assert_stays_text(name, title)


@given(st.sampled_from(sorted(GALLERY)), st.text(st.characters(codec="utf-8"), max_size=limits.TITLE))
def test_any_title_leaves_the_program_as_it_is(name: str, title: str):
    assert_stays_text(name, title)


def test_a_title_is_seen_in_the_program_where_it_is_harmless():
    source = network_source(read.experiment(named("digits-mlp", "Edge finder")).network)
    assert "# Edge finder" in source and '"""Edge finder: ' in source


@pytest.mark.parametrize("title", ["x" * (limits.TITLE + 1), "t" * 10_000, "\ud800", 7, None, ["a"], {"a": 1}])
def test_what_is_no_title_is_refused(title: Json):
    with pytest.raises(Refused):
        read.experiment(named("digits-mlp", title))


@pytest.mark.parametrize("title", TITLES, ids=ascii)
def test_no_title_can_be_the_name_of_a_block_or_the_id_of_a_node(title: str):
    document = to_json(example("digits-resnet"))
    document["network"]["blocks"][title] = document["network"]["blocks"].pop("Residual")
    with pytest.raises(Refused):
        read.experiment(document)
    document = to_json(example("digits-mlp"))
    document["network"]["nodes"].append({"id": title, "type": "ReLU", "inputs": ["scores"]})
    if title == "x" * limits.TITLE:
        assert len(title) > 40
    with pytest.raises(Refused):
        read.experiment(document)


BLOCK_NAMES = [
    "Network",
    "NetworkBlock",
    "LSTM",
    "Path",
    "SEED",
    "EPOCHS",
    "DEVICE",
    "THREADS",
    "Tensor",
    "True",
    "None",
]


@pytest.mark.parametrize("name", [*BLOCK_NAMES, "Compiled", "Exception", "Residual2"])
def test_a_block_is_refused_or_is_a_class_of_its_own(name: str):
    document = to_json(example("digits-resnet"))
    document["network"]["blocks"][name] = document["network"]["blocks"].pop("Residual")
    document["network"]["nodes"][4]["block"] = name
    try:
        experiment = read.experiment(document)
    except Refused:
        return
    source = program(experiment)
    assigned = [
        target.id for node in ast.parse(source).body if isinstance(node, ast.Assign) for target in node.targets
        if isinstance(target, ast.Name)
    ]  # fmt: skip
    imported = [
        alias.asname or alias.name
        for node in ast.parse(source).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    classes = [node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    defined = [*assigned, *imported, *classes]
    assert len(defined) == len(set(defined))


def test_two_blocks_never_become_one_class():
    """A block used for two kinds of signals becomes two classes; the second must not take another block's name."""
    dense = {
        "nodes": [{"id": "fc", "type": "Linear", "params": {"out_features": 3}, "inputs": ["x"]}],
        "outputs": ["fc"],
    }
    other = {"nodes": [{"id": "relu", "type": "ReLU", "inputs": ["x"]}], "outputs": ["relu"]}
    uses = [("Dense2", "a"), ("Dense", "b"), ("Dense", "c")]
    nodes: list[Json] = [{"id": "row", "type": "Input", "params": {"shape": [5]}}]
    for name, node in uses:
        nodes.append({"id": node, "block": name, "inputs": [nodes[-1]["id"]]})
    design = {"nodes": nodes, "outputs": ["c"], "blocks": {"Dense": dense, "Dense2": other}}
    names = [
        node.name for node in ast.parse(network_source(read.network(design))).body if isinstance(node, ast.ClassDef)
    ]
    assert len(names) == len(set(names)) == 4


def test_a_variable_of_the_program_never_means_two_things():
    """`lstm_last` may be the output `last` of a node `lstm`, and may be the id of a node."""
    design = read.network(
        {
            "nodes": [
                {"id": "words", "type": "Input", "params": {"shape": [4, 2]}},
                {"id": "lstm", "type": "LSTM", "params": {"hidden_size": 3}, "inputs": ["words"]},
                {"id": "lstm_last", "type": "Linear", "params": {"out_features": 3}, "inputs": ["lstm:last"]},
                {"id": "add", "type": "Add", "inputs": ["lstm:last", "lstm_last"]},
                {"id": "twice", "type": "Add", "inputs": ["lstm_last", "add"]},
            ],
            "outputs": ["twice"],
        }
    )
    (forward,) = [
        node for node in ast.walk(ast.parse(network_source(design))) if isinstance(node, ast.FunctionDef) and node.name == "forward"
        and any(argument.arg == "words" for argument in node.args.args)
    ]  # fmt: skip
    assigned = [
        name.id for statement in forward.body if isinstance(statement, ast.Assign) for target in statement.targets
        for name in ast.walk(target) if isinstance(name, ast.Name) and name.id not in ("_", "x", "y", "z")
    ]  # fmt: skip
    assert len(assigned) == len(set(assigned))
