"""The form of one node: what it reads, its parameters, and its arithmetic with its own numbers."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import streamlit as st

from builder.analysis import Analysis, Row, suggest
from builder.analysis.inside import Inside, inside
from builder.blocks.templates import Template, make, template_of
from builder.catalog import Initializer
from builder.design.experiment import Experiment
from builder.design.network import Block, Graph, Network, Node, split_reference
from builder.design.structure import ports_in, ports_out
from builder.problem import Connect, Edit, Group, Refused, Set, Ungroup
from pages.parts import mirrors, session, suggestions
from pages.parts.form import Form, fields_form, picker
from pages.parts.words import by_kind, count, plain

OPEN = "nothing"
"""What an input reads that is not connected."""

AS_NETWORK = "as the whole network"
"""What is chosen for a node that has no initializer of its own."""

WORDS = {"size": "Size of the output", "parameters": "Parameters", "macs": "MACs"}


def selection(experiment: Experiment, analysis: Analysis, revision: int) -> None:
    """The form of what is selected on the canvas or in the stack."""
    at, nodes = session.seen()
    try:
        here = inside(experiment.network, analysis.rows, at)
    except Refused:  # taken apart meanwhile: the canvas says so
        here, nodes = inside(experiment.network, analysis.rows, ""), []
    told = session.last_effect(revision)
    if told:
        st.caption(f":material/bolt: {plain(told)}")
    chosen = [node for node in here.graph.nodes if node.id in nodes]
    if not chosen:
        st.caption("Select a node to see its parameters here. In the network, press / to add one, ? for all keys.")
    elif len(chosen) == 1:
        _one(experiment.network, here, chosen[0], revision)
        if chosen[0].type and chosen[0].layer.group == "Activation":
            act = partial(suggest.activations, experiment)
            suggestions.button("Suggest activations", "activations", act, experiment, revision)
    else:
        _several(here, chosen, revision)


def _one(network: Network, here: Inside, node: Node, revision: int) -> None:
    st.markdown(f"**{plain(node.name)}** · {plain(node.type or node.block or '')}")
    row = here.row(node.id)
    if node.block is None:
        layer_form(network, here.graph, here.block, node, row, revision)
        return
    block_form(network, here.block, node, row, revision)
    st.button(
        "Open into layers",
        key=f"ungroup-{here.block or ''}-{node.id}",
        icon=":material/open_in_full:",
        help="Put the layers in the block's place, as often as it is repeated.",
        on_click=session.submit,
        args=([Ungroup(node=node.id, block=here.block)], revision),
    )


def _several(here: Inside, chosen: list[Node], revision: int) -> None:
    """What can be done with several nodes at once: a form where they are of one type, and a block made of them."""
    kinds = {node.type for node in chosen}
    st.markdown(f"**{len(chosen)} nodes**")
    base = f"network.blocks.{here.block}" if here.block else "network"
    (kind, *others) = kinds
    if kind and not others:
        st.caption(f"All are {kind}: what you change here changes in all of them.")
        fields_form(chosen[0].layer, ManyForm(f"{base}.nodes", revision, chosen))

    def group() -> None:
        name = session.shown("group-name").strip()
        session.submit([Group(nodes=tuple(node.id for node in chosen), name=name, block=here.block)], revision)

    name = st.text_input("Name of a block", key="group-name", max_chars=40, placeholder="Stage", help="A capital letter, then letters and digits.")  # fmt: skip
    st.button("Make one block of them", icon=":material/select_all:", on_click=group, disabled=not name)


class ManyForm(Form):
    """A form of several layers of one type: one field changes in all of them."""

    nodes: Sequence[Node]

    def __init__(self, path: str, revision: int, nodes: Sequence[Node]) -> None:
        super().__init__(path, revision)
        object.__setattr__(self, "nodes", nodes)

    def edits(self, field: str, value: Any) -> list[Edit]:
        return [Set(path=f"{self.path}.{node.id}.params.{field}", value=value) for node in self.nodes]

    def unlike(self, field: str) -> dict[str, Any]:
        values = {node.id: getattr(node.layer, field) for node in self.nodes}
        first = getattr(self.nodes[0].layer, field)
        return values if any(value != first for value in values.values()) else {}


def layer_form(network: Network, graph: Graph, block: str | None, node: Node, row: Row | None, revision: int) -> None:
    """The form of a layer."""
    path = f"network.blocks.{block}.nodes.{node.id}" if block else f"network.nodes.{node.id}"
    st.caption(plain(node.layer.about()))
    _reads(network, graph, block, node, revision)
    fields_form(node.layer, Form(f"{path}.params", revision))
    if row and row.outputs:
        _arithmetic(row)
    if node.layer.initialized and not node.shares:
        with st.expander("First weights", expanded=bool(node.init)):
            for role, label in (("weight", "Weights"), ("bias", "Biases")):
                picker(label, Initializer, node.init.get(role), f"{path}.init.{role}", revision, unpicked=AS_NETWORK)
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

    def edits(self, field: str, value: Any) -> list[Edit]:
        params = self.template.model_dump(mode="json", exclude_defaults=True) | {field: value}
        return [Set(path=self.path, value=make(self.template.name, params))]


def _reads(network: Network, graph: Graph, block: str | None, node: Node, revision: int) -> None:
    """What each input reads, which a keyboard changes here; the next one of those that take any number is open."""
    ports = ports_in(network, node)
    any_number = bool(ports) and ports[0].endswith("*")
    sources = [*(graph.inputs if isinstance(graph, Block) else ())]
    behind = {node.id}
    for other in graph.nodes:  # in running order: what comes of this node stands behind it
        if behind.intersection(split_reference(read)[0] for read in other.inputs if read):
            behind.add(other.id)
        if other.id not in behind:
            sources += [other.id, *(f"{other.id}:{output}" for output in ports_out(network, other)[1:])]
    names = [f"x{at + 1}" for at in range(max(2, len(node.inputs) + 1))] if any_number else [*ports]
    for start in range(0, len(names), 3):
        for column, at in zip(st.columns(3), range(start, min(start + 3, len(names))), strict=False):
            with column:
                _port(block, node, at, names[at], sources, revision)


def _port(block: str | None, node: Node, at: int, name: str, sources: list[str], revision: int) -> None:
    current = node.inputs[at] if at < len(node.inputs) else None
    optional = " (may stay open)" if name.endswith("?") else ""
    options = list(dict.fromkeys([OPEN, *sources, *([current] if current else [])]))

    def connect(chosen: str) -> None:
        source = None if chosen == OPEN else chosen
        session.submit([Connect(node=node.id, port=at, source=source, block=block)], revision)

    label = f"Reads {name.rstrip('?')}{optional}"
    mirrors.choice(f"reads-{block or ''}-{node.id}-{at}", label, options, current or OPEN, connect)


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
