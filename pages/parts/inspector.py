"""The form of one node: what it reads, its parameters, and its arithmetic with its own numbers."""

from typing import Any

import streamlit as st

from builder.analysis import Row
from builder.blocks.templates import Template, make, template_of
from builder.design.network import Block, Graph, Network, Node
from builder.design.structure import ports_in, ports_out
from builder.problem import Connect, Set
from pages.parts import session
from pages.parts.form import Form, fields_form
from pages.parts.words import by_kind, count, plain

OPEN = "nothing"
"""What an input reads that is not connected."""

WORDS = {"size": "Size of the output", "parameters": "Parameters", "macs": "MACs"}


def layer_form(network: Network, graph: Graph, block: str | None, node: Node, row: Row | None, revision: int) -> None:
    """The form of a layer."""
    path = f"network.blocks.{block}.nodes.{node.id}" if block else f"network.nodes.{node.id}"
    st.caption(plain(node.layer.about()))
    _reads(network, graph, block, node, revision)
    fields_form(node.layer, Form(f"{path}.params", revision))
    if row and row.outputs:
        _arithmetic(row)
    with st.expander("Title, freezing and formula"):
        fields_form(node, Form(path, revision), only=("title", "frozen") if node.layer.initialized else ("title",))
        st.latex(node.layer.formula)


def block_form(network: Network, scope: str | None, node: Node, row: Row | None, revision: int) -> None:
    """The form of a block's use, and of the catalog block that made it."""
    assert node.block is not None
    path = f"network.blocks.{scope}.nodes.{node.id}" if scope else f"network.nodes.{node.id}"
    uses = sum(other.block == node.block for graph in (network, *network.blocks.values()) for other in graph.nodes)
    also = f" {uses} places use it: what you change inside changes in all of them." if uses > 1 else ""
    st.caption(f"Block {node.block}, {len(network.blocks[node.block].nodes)} nodes.{also}")
    _reads(network, network.blocks[scope] if scope else network, scope, node, revision)
    fields_form(node, Form(path, revision), only=("title", "repeat", "frozen"))
    made = network.blocks[node.block].made
    template = template_of(made) if made else None
    if template:
        st.caption(plain(template.about()))
        fields_form(template, TemplateForm(f"network.blocks.{node.block}", revision, template))


class TemplateForm(Form):
    """A form of a catalog block: one field changes, and the block is made anew."""

    template: Template

    def __init__(self, path: str, revision: int, template: Template) -> None:
        super().__init__(path, revision)
        object.__setattr__(self, "template", template)

    def edit(self, field: str, value: Any) -> Set:
        params = self.template.model_dump(mode="json", exclude_defaults=True) | {field: value}
        return Set(path=self.path, value=make(self.template.name, params))


def _reads(network: Network, graph: Graph, block: str | None, node: Node, revision: int) -> None:
    """What each input reads, for nodes that have several; the next one of those that take any number is open."""
    ports = ports_in(network, node)
    any_number = bool(ports) and ports[0].endswith("*")
    if len(ports) < 2 and not any_number:
        return
    before = graph.nodes[: next(at for at, other in enumerate(graph.nodes) if other.id == node.id)]
    sources = [*(graph.inputs if isinstance(graph, Block) else ())]
    for other in before:
        outputs = ports_out(network, other)
        sources += [other.id, *(f"{other.id}:{output}" for output in outputs[1:])]
    names = [f"x{at + 1}" for at in range(max(2, len(node.inputs) + 1))] if any_number else [*ports]
    for start in range(0, len(names), 3):
        for column, at in zip(st.columns(3), range(start, min(start + 3, len(names))), strict=False):
            with column:
                _port(block, node, at, names[at], sources, revision)


def _port(block: str | None, node: Node, at: int, name: str, sources: list[str], revision: int) -> None:
    key = f"reads-{block or ''}-{node.id}-{at}"
    current = node.inputs[at] if at < len(node.inputs) else None

    def connect() -> None:
        chosen = session.shown(key)
        source = None if chosen == OPEN else chosen
        session.submit([Connect(node=node.id, port=at, source=source, block=block)], revision)

    session.show(key, current or OPEN)
    optional = " (may stay open)" if name.endswith("?") else ""
    options = list(dict.fromkeys([OPEN, *sources, *([current] if current else [])]))
    st.selectbox(f"Reads {name.rstrip('?')}{optional}", options, key=key, on_change=connect)


def _arithmetic(row: Row) -> None:
    """How the numbers of the table come about."""
    worked = row.layer.worked(row.given_signals, row.outputs) if row.layer else ()
    if worked or row.operations or row.buffers:
        with st.expander("Arithmetic"):
            for work in worked:
                st.markdown(f"{WORDS[work.what]}: `{work}`")
            if row.operations:
                st.markdown(f"Other operations: {by_kind(row.operations)}")
            if row.buffers:
                st.markdown(f"Buffers: {count(row.buffers)}")
