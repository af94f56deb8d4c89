"""The stack: one card a node, in the order in which they run; the form of the selected one opens inside its card."""

import streamlit as st

from builder.analysis import Analysis, Row
from builder.catalog import Layer
from builder.design import edits, names
from builder.design.network import Network, Node
from builder.problem import Insert, Move, Remove, Set
from builder.store.documents import Draft
from pages.parts import session
from pages.parts.form import Form, fields_form
from pages.parts.words import count, plain


def name_field(draft: Draft) -> None:
    """The design's name."""
    session.show("design-name", draft.document.get("name", ""))

    def rename() -> None:
        session.submit([Set(path="name", value=session.shown("design-name"))], draft.revision)

    st.text_input("Design", key="design-name", max_chars=80, on_change=rename, placeholder="Untitled", width=260)


def cards(network: Network, analysis: Analysis, revision: int) -> None:
    """All cards, and the field that adds another."""
    chosen = session.selected() if any(node.id == session.selected() for node in network.nodes) else None
    _adder(network, chosen, revision)
    if not network.nodes:
        st.info("An empty network. Add an Input first, then layers.", icon=":material/stacks:")
    for at, (node, row) in enumerate(zip(network.nodes, analysis.rows, strict=True)):
        _card(network, at, node, row, node.id == chosen, revision)


def _adder(network: Network, chosen: str | None, revision: int) -> None:
    """Pick a layer by typing: it goes behind the selected one, or to the end."""
    after = chosen or (
        network.outputs[0].partition(":")[0] if network.outputs else network.nodes[-1].id if network.nodes else None
    )

    def add() -> None:
        kind = session.shown("add-layer")
        if kind is None:
            return
        session.show("add-layer", None)
        fresh = names.fresh(kind, [node.id for node in network.nodes])
        node = {"id": fresh, "type": kind} if kind != "Input" else {"id": fresh, "type": kind, "inputs": []}
        session.submit([Insert(node=node, after=None if kind == "Input" else after)], revision)
        session.select(fresh)

    st.selectbox(
        "Add a layer",
        options=sorted(Layer.shelf, key=lambda name: (Layer.shelf[name].group, name)),
        format_func=lambda name: f"{name} · {Layer.shelf[name].group}",
        index=None,
        key="add-layer",
        placeholder=f"Add behind {after}: type to search" if after else "Add a layer: type to search",
        on_change=add,
        label_visibility="collapsed",
    )


def _card(network: Network, at: int, node: Node, row: Row, is_open: bool, revision: int) -> None:
    family = "Block" if node.block else node.layer.group
    with st.container(border=True, key=f"card-{family.lower()}-{node.id}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.button(
                plain(node.name),
                key=f"open-{node.id}",
                type="tertiary",
                icon=":material/expand_more:" if is_open else ":material/chevron_right:",
                on_click=session.select,
                args=(node.id,),
                help=f"Block {node.block}" if node.block else node.layer.about(),
            )
            st.caption(_in_short(node, row), width="stretch")
            _actions(network, at, node, revision)
        if is_open:
            _form(network, node, revision)


def _in_short(node: Node, row: Row) -> str:
    """What a node is and gives, in one line."""
    kind = f"{node.type or node.block}" + (f" x {node.repeat}" if node.repeat > 1 else "")
    shape = str(row.outputs[0]) if row.outputs else "unknown"
    return f"{kind} → {shape}" + (f" · {count(row.parameters)} parameters" if row.parameters else "")


def _actions(network: Network, at: int, node: Node, revision: int) -> None:
    """Move, duplicate, remove. Moving goes along the order in which the nodes run."""
    nodes = network.nodes
    up = nodes[at - 2].id if at > 1 and node.inputs else None
    down = nodes[at + 1].id if at + 1 < len(nodes) and node.inputs else None
    document = {"network": {"nodes": [other.model_dump(mode="json", exclude_defaults=True) for other in nodes]}}
    buttons = (
        ("up", ":material/arrow_upward:", "Move up", [Move(node=node.id, after=up)] if up else None),
        ("down", ":material/arrow_downward:", "Move down", [Move(node=node.id, after=down)] if down else None),
        ("copy", ":material/content_copy:", "Duplicate", [edits.duplicate(document, node.id)] if node.inputs else None),
        ("remove", ":material/delete:", "Remove", [Remove(node=node.id)]),
    )
    for name, icon, label, made in buttons:
        words = f"{label} {plain(node.name)}"
        st.button(
            words,  # heard, not seen: the style sheet hides it beside the icon
            key=f"{name}-{node.id}",
            icon=icon,
            type="tertiary",
            help=words,
            disabled=made is None,
            on_click=session.submit,
            args=(made or [], revision),
        )


def _form(network: Network, node: Node, revision: int) -> None:
    path = f"network.nodes.{node.id}"
    form = Form(path, revision)
    if node.block:
        inside = network.blocks[node.block]
        st.caption(
            f"A block of {len(inside.nodes)} layers: {', '.join(other.type or other.block or '' for other in inside.nodes)}."
        )
        fields_form(node, form, only=("title", "repeat"))
        return
    st.caption(plain(node.layer.about()))
    fields_form(node.layer, Form(f"{path}.params", revision))
    with st.expander("Title, freezing and formula"):
        fields_form(node, form, only=("title", "frozen") if node.layer.initialized else ("title",))
        st.latex(node.layer.formula)
