"""Which lines of a program are which node's, read from the finished text: it has been wrapped meanwhile."""

import ast
import itertools
from collections.abc import Iterator, Sequence

from builder.design.network import Graph, Network
from builder.source.network import CLASS

Lines = tuple[int, ...]
"""Counted from 1."""


def lines_of(network: Network, program: str) -> dict[str, Lines]:
    """The lines of every node by its path as it is drawn, `conv1` or `stage1.conv1`: where it is made, and where it runs.

    Blocks that are given alike are one class, so that nodes of several blocks can have the same lines. An Input has none.
    """
    classes = {each.name: each for each in ast.parse(program).body if isinstance(each, ast.ClassDef)}
    return dict(_graph(network, network, classes, CLASS, ""))


def _graph(
    network: Network, graph: Graph, classes: dict[str, ast.ClassDef], name: str, prefix: str
) -> Iterator[tuple[str, Lines]]:
    init, forward = (each.body for each in classes[name].body if isinstance(each, ast.FunctionDef))
    made = _made(init)
    runs = [node for node in graph.nodes if node.type != "Input"]  # a statement each, and then the `return`
    for node, statement in zip(runs, forward[:-1], strict=True):
        yield prefix + node.id, (*made.get(node.id, ()), *_whole(statement))
        if node.block:
            inside = _class_made(init, node.id, classes)
            yield from _graph(network, network.blocks[node.block], classes, inside, f"{prefix}{node.id}.")


def _made(init: Sequence[ast.stmt]) -> dict[str, Lines]:
    """The lines that make each submodule, with the comment above them."""
    found: dict[str, Lines] = {}
    for before, statement in itertools.pairwise(init):  # the first one is `super().__init__()`
        name = _submodule(statement)
        comment = range((before.end_lineno or before.lineno) + 1, statement.lineno)
        found[name] = (*found.get(name, ()), *comment, *_whole(statement))
    return found


def _submodule(statement: ast.stmt) -> str:
    """`conv1` of `self.conv1 = ...` and of `self.conv1.requires_grad_(False)`."""
    return next(
        each.attr
        for each in ast.walk(statement)
        if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id == "self"
    )


def _class_made(init: Sequence[ast.stmt], node: str, classes: dict[str, ast.ClassDef]) -> str:
    statement = next(each for each in init[1:] if _submodule(each) == node)
    return next(each.id for each in ast.walk(statement) if isinstance(each, ast.Name) and each.id in classes)


def _whole(statement: ast.stmt) -> range:
    return range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
