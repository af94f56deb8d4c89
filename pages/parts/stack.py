"""The stack: one card a node, in the order in which they run. The card of the selected one is open: its form, or what is in the block."""

from dataclasses import dataclass

import streamlit as st

from builder.analysis import Analysis, Row
from builder.design import edits
from builder.design.network import Graph, Network, Node
from builder.problem import Group, Move, Remove, Set
from builder.store.documents import Draft
from pages.parts import inspector, palette, session
from pages.parts.words import count, plain


def name_field(draft: Draft) -> None:
    """The design's name."""
    session.show("design-name", draft.document.get("name", ""))

    def rename() -> None:
        session.submit([Set(path="name", value=session.shown("design-name"))], draft.revision)

    st.text_input("Design", key="design-name", max_chars=80, on_change=rename, placeholder="Untitled", width=260)


@dataclass(frozen=True)
class Scope:
    """Whose cards are drawn: the network's own, or those inside a block. `prefix` is the way to them in keys and selections."""

    network: Network
    graph: Graph
    rows: tuple[Row, ...]
    revision: int
    block: str | None = None
    prefix: str = ""


def cards(network: Network, analysis: Analysis, revision: int) -> None:
    """All cards, and above them what adds another."""
    chosen = (session.selected() or "").partition(".")[0]
    palette.adder(network, analysis, chosen if any(node.id == chosen for node in network.nodes) else None, revision)
    if not network.nodes:
        st.info("An empty network. Add an Input first, then layers.", icon=":material/stacks:")
    _cards(Scope(network, network, analysis.rows, revision))
    if len(network.nodes) > 2:
        _make_block(network, revision)


def _cards(scope: Scope) -> None:
    rows = {row.id: row for row in scope.rows}
    for at, node in enumerate(scope.graph.nodes):
        _card(scope, at, node, rows.get(node.id))


def _card(scope: Scope, at: int, node: Node, row: Row | None) -> None:
    family = "Block" if node.block else node.layer.group
    here = scope.prefix + node.id
    chosen = session.selected() or ""
    is_open = chosen == here or chosen.startswith(f"{here}.")
    with st.container(border=True, key=f"card-{family.lower()}-{_key(here)}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.button(
                plain(node.name),
                key=f"open-{here}",
                type="tertiary",
                icon=":material/expand_more:" if is_open else ":material/chevron_right:",
                on_click=session.select,
                args=(here, scope.prefix.removesuffix(".") or None),
                help=f"Block {node.block}" if node.block else plain(node.layer.about()),
            )
            st.caption(_in_short(node, row), width="stretch")
            _actions(scope, at, node)
        if is_open and node.block:
            _inside(scope, node, row)
        elif is_open:
            inspector.layer_form(scope.network, scope.graph, scope.block, node, row, scope.revision)


def _key(path: str) -> str:
    return path.replace(".", "-")


def _in_short(node: Node, row: Row | None) -> str:
    """What a node is and gives, in one line."""
    kind = f"{node.type or node.block}" + (f" x {node.repeat}" if node.repeat > 1 else "")
    shape = " and ".join(map(str, row.outputs[:1])) if row and row.outputs else "unknown"
    return f"{kind} → {shape}" + (f" · {count(row.parameters)} parameters" if row and row.parameters else "")


def _actions(scope: Scope, at: int, node: Node) -> None:
    """Move, duplicate, remove. Moving goes along the order in which the nodes run."""
    nodes = scope.graph.nodes
    up = nodes[at - 2].id if at > 1 and node.inputs else None
    down = nodes[at + 1].id if at + 1 < len(nodes) and node.inputs else None
    graph = {
        "nodes": [other.model_dump(mode="json", exclude_defaults=True) for other in nodes],
        "inputs": list(getattr(scope.graph, "inputs", ())) if scope.block else [],
    }
    document = {"blocks": {scope.block: graph}} if scope.block else graph
    copy = edits.duplicate({"network": document}, node.id, scope.block) if node.inputs else None
    block = scope.block
    buttons = (
        ("up", ":material/arrow_upward:", "Move up", [Move(node=node.id, after=up, block=block)] if up else None),
        ("down", ":material/arrow_downward:", "Move down", [Move(node=node.id, after=down, block=block)] if down else None),
        ("copy", ":material/content_copy:", "Duplicate", [copy] if copy else None),
        ("remove", ":material/delete:", "Remove", [Remove(node=node.id, block=block)]),
    )  # fmt: skip
    for name, icon, label, made in buttons:
        where = f" in {scope.block}" if scope.block else ""
        words = f"{label} {plain(node.name)}{where}"
        st.button(
            words,  # heard, not seen: the style sheet hides it beside the icon
            key=f"{name}-{scope.prefix}{node.id}",
            icon=icon,
            type="tertiary",
            help=words,
            disabled=made is None,
            on_click=session.submit,
            args=(made or [], scope.revision),
        )


def _inside(scope: Scope, node: Node, row: Row | None) -> None:
    """A block that is open: its own form, and a card for each node inside."""
    assert node.block is not None
    block = scope.network.blocks[node.block]
    inspector.block_form(scope.network, scope.block, node, row, scope.revision)
    inspector.take_apart(node, scope.block, scope.revision, key=f"ungroup-{scope.prefix}{node.id}")
    rows = row.inside if row else ()
    _cards(Scope(scope.network, block, rows, scope.revision, node.block, f"{scope.prefix}{node.id}."))


def _make_block(network: Network, revision: int) -> None:
    """Several nodes become one block."""

    def group() -> None:
        chosen, name = tuple(session.shown("group-nodes")), session.shown("group-name").strip()
        session.submit([Group(nodes=chosen, name=name)], revision)
        session.show("group", False)

    with st.popover(
        "Make a block", icon=":material/select_all:", width="content", key="group", on_change="rerun"
    ) as box:
        if box.open:
            options = [node.id for node in network.nodes if node.type != "Input"]
            st.multiselect("Layers", options, key="group-nodes", help="Layers that stand together; nothing else may run between them.")  # fmt: skip
            st.text_input("Name", key="group-name", max_chars=40, placeholder="Stage", help="A capital letter, then letters and digits.")  # fmt: skip
            st.button(
                "Make one block of them",
                key="group-make",
                on_click=group,
                disabled=not session.shown("group-nodes") or not session.shown("group-name"),
            )
