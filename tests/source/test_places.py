"""Which lines of the program are which node's: every node that is drawn has some, and all of them for itself."""

import ast
import textwrap
from collections.abc import Iterator

import pytest

from builder.blocks import GALLERY, example
from builder.design import read
from builder.design.experiment import Experiment
from builder.design.network import Graph, Network
from builder.source import lines_of, program


def drawn(network: Network, graph: Graph, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Path of every node but Inputs, with that of the level it is on."""
    for node in graph.nodes:
        if node.type != "Input":
            yield prefix + node.id, prefix
        if node.block:
            yield from drawn(network, network.blocks[node.block], f"{prefix}{node.id}.")


def text_of(experiment: Experiment) -> dict[str, list[str]]:
    """The lines of every node, without their indent."""
    written = program(experiment)
    lines = written.splitlines()
    found = lines_of(experiment.network, written)
    return {path: [lines[line - 1].strip() for line in places] for path, places in found.items()}


def with_nodes(*nodes: dict, **other: object) -> Experiment:
    network = {
        "format": "layerlab.network",
        "nodes": [{"id": "point", "type": "Input", "params": {"shape": [2]}}, *nodes],
    }
    return read.experiment(
        {**example("playground").model_dump(mode="json", exclude_defaults=True), "network": network | other}
    )


@pytest.mark.parametrize("name", GALLERY)
def test_every_drawn_node_has_lines_of_its_own_and_none_is_left_over(name: str) -> None:
    experiment = example(name)
    written = program(experiment)
    lines = written.splitlines()
    found = lines_of(experiment.network, written)
    levels = dict(drawn(experiment.network, experiment.network))
    assert list(found) == list(levels)
    assert all(found.values())
    for level in {*levels.values()}:
        places = [line for path, where in levels.items() if where == level for line in found[path]]
        assert len(places) == len({*places}), "a line of two nodes"
    for path, places in found.items():
        whole = textwrap.dedent("\n".join(lines[line - 1] for line in places))
        assert ast.parse(whole).body, path  # would not be read if a statement were cut
        assert path.rpartition(".")[2] in whole or len(places) == 1, path

    # The other way round: what stands in these classes and is no node's is the frame that every class has.
    taken = {line for places in found.values() for line in places}
    for each in ast.parse(written).body:
        within = range(each.lineno, (each.end_lineno or 0) + 1)
        if isinstance(each, ast.ClassDef) and not taken.isdisjoint(within):
            left = [text for line in within if line not in taken and (text := lines[line - 1].strip())]
            frame = ("class ", '"""', "def __init__(self):", "super().__init__()", "def forward(self, ", "return ")
            assert [text.startswith(start) for text, start in zip(left, frame, strict=True)] == [True] * len(frame), (
                left
            )


def test_statements_on_several_lines_are_covered_whole() -> None:
    names = [letter * 40 for letter in "abc"]
    experiment = with_nodes(
        *({"id": name, "type": "Linear", "params": {"out_features": 2}, "inputs": ["point"]} for name in names),
        {"id": "both", "type": "Concat", "inputs": names},
        {"id": "sum", "type": "Add", "inputs": names},
        {"id": "wide", "type": "Linear", "params": {"out_features": 2}, "inputs": ["both"]},
        {"id": "output", "type": "Add", "inputs": ["wide", "sum"]},
        outputs=["output"],
    )
    written = text_of(experiment)
    a, b, c = names
    assert written["both"] == ["both = torch.cat(", "(", f"{a},", f"{b},", f"{c},", "),", "1,", ")"]
    assert written["sum"] == ["sum = (", a, f"+ {b}", f"+ {c}", ")"]


def test_titles_frozen_layers_functions_and_shared_weights() -> None:
    written = text_of(
        with_nodes(
            {
                "id": "one",
                "type": "Linear",
                "title": "First",
                "frozen": True,
                "params": {"out_features": 2},
                "inputs": ["point"],
            },
            {"id": "again", "type": "Linear", "shares": "one", "params": {"out_features": 2}, "inputs": ["one"]},
            {"id": "sum", "type": "Add", "inputs": ["again", "one"]},
            {"id": "both", "type": "Concat", "inputs": ["sum", "one"]},
            {"id": "output", "type": "Linear", "params": {"out_features": 1}, "inputs": ["both"]},
            outputs=["output"],
        )
    )
    assert written == {
        "one": ["# First", "self.one = nn.Linear(2, 2)", "self.one.requires_grad_(False)", "one = self.one(point)"],
        "again": ["self.again = self.one", "x = self.again(one)"],
        "sum": ["x = x + one"],
        "both": ["x = torch.cat((x, one), 1)"],
        "output": ["self.output = nn.Linear(4, 1)", "x = self.output(x)"],
    }


def test_a_block_that_is_given_something_else_is_another_class() -> None:
    block = {
        "inputs": ["x"],
        "outputs": ["linear"],
        "nodes": [{"id": "linear", "type": "Linear", "params": {"out_features": 3}, "inputs": ["x"]}],
    }
    experiment = with_nodes(
        {"id": "first", "block": "Part", "inputs": ["point"]},
        {"id": "second", "block": "Part", "inputs": ["first"]},
        {"id": "third", "block": "Part", "repeat": 2, "inputs": ["second"]},
        {"id": "output", "type": "Linear", "params": {"out_features": 1}, "inputs": ["third"]},
        outputs=["output"],
        blocks={"Part": block},
    )
    written = text_of(experiment)
    assert written["first.linear"][0] == "self.linear = nn.Linear(2, 3)"
    assert written["second.linear"][0] == "self.linear = nn.Linear(3, 3)"
    assert written["third"][0] == "self.third = nn.Sequential(*[Part2() for _ in range(2)])"
    places = lines_of(experiment.network, program(experiment))
    assert places["third.linear"] == places["second.linear"] != places["first.linear"]
