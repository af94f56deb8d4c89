"""Edits are pure functions from document to document, and what they leave can be read."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from random_networks import networks

from builder import analysis, limits
from builder.blocks import GALLERY, example
from builder.blocks.chain import chain, layer
from builder.design import edits, read
from builder.design.network import to_json
from builder.problem import Connect, Edit, Insert, Move, Refused, Remove, Set, Unset

Json = Any


def line() -> dict[str, Json]:
    """image -> a -> b -> c, with a place for each on the canvas."""
    return {
        "format": "layerlab.network",
        "version": 1,
        "nodes": chain(
            layer("Input", id="image", shape=[1, 8, 8]),
            layer("ReLU", id="a"),
            layer("Tanh", id="b"),
            layer("Sigmoid", id="c"),
        ),
        "outputs": ["c"],
        "view": {"b": [10, 20]},
    }


def wires(document: Json) -> dict[str, list[str | None]]:
    return {node["id"]: node.get("inputs", []) for node in document.get("network", document)["nodes"]}


def is_topological(document: Json) -> bool:
    """Whether every node stands behind what it reads, looked at without the code under test."""
    network = document.get("network", document)
    given = {None: [], **{name: block.get("inputs", ["x"]) for name, block in network.get("blocks", {}).items()}}
    for name, names_given in given.items():
        graph = network["blocks"][name] if name else network
        seen = set(names_given)
        for node in graph["nodes"]:
            if any(reference and reference.split(":")[0] not in seen for reference in node.get("inputs", [])):
                return False
            seen.add(node["id"])
    return True


def refused(document: Json, *changes: Edit) -> str:
    """The sentence with which the edits are refused; the document must be as it was."""
    before = deepcopy(document)
    with pytest.raises(Refused) as error:
        edits.apply(document, changes)
    assert document == before
    (problem,) = error.value.problems
    return f"{problem.title}. {problem.because}"


def test_insert_stands_behind_a_node_and_takes_over_its_readers():
    after = edits.apply(line(), [Insert(node={"id": "new", "type": "ReLU"}, after="a")])
    assert wires(after) == {"image": [], "a": ["image"], "new": ["a"], "b": ["new"], "c": ["b"]}


def test_insert_without_splice_is_a_branch():
    after = edits.apply(line(), [Insert(node={"id": "new", "type": "ReLU"}, after="a", splice=False)])
    assert wires(after) == {"image": [], "a": ["image"], "new": ["a"], "b": ["a"], "c": ["b"]}


def test_insert_behind_the_last_node_becomes_the_output():
    after = edits.apply(line(), [Insert(node={"id": "new", "type": "ReLU"}, after="c")])
    assert after["outputs"] == ["new"]


def test_insert_behind_nothing_comes_first():
    after = edits.apply(line(), [Insert(node={"id": "more", "type": "Input"})])
    assert edits.node_ids(after) == ["more", "image", "a", "b", "c"]
    assert wires(after)["more"] == []


def test_insert_leaves_what_reads_another_output_alone():
    document = {
        "format": "layerlab.network",
        "nodes": chain(
            layer("Input", id="words", shape=[5, 2]),
            layer("LSTM", id="lstm"),
            layer("Linear", id="dense", inputs=["lstm:last"]),
            layer("ReLU", id="relu", inputs=["lstm"]),
        ),
        "outputs": ["dense", "relu"],
    }
    after = edits.apply(document, [Insert(node={"id": "drop", "type": "Dropout"}, after="lstm")])
    assert wires(after)["dense"] == ["lstm:last"] and wires(after)["relu"] == ["drop"]


def test_remove_joins_the_chain_again_and_forgets_the_place():
    after = edits.apply(line(), [Remove(node="b")])
    assert wires(after) == {"image": [], "a": ["image"], "c": ["a"]}
    assert after["view"] == {}


def test_remove_of_the_last_node_makes_the_one_before_it_the_output():
    assert edits.apply(line(), [Remove(node="c")])["outputs"] == ["b"]


def test_remove_of_an_input_leaves_open_inputs_that_can_be_read():
    after = edits.apply(line(), [Remove(node="image")])
    assert wires(after)["a"] == [None]
    codes = {problem.code for problem in analysis.check(read.network(after))[1]}
    assert codes == {"input/missing", "graph/no-input"}


def test_remove_gives_those_who_shared_its_weights_weights_of_their_own():
    document = line()
    document["nodes"] = chain(
        layer("Input", id="image", shape=[4]),
        layer("Linear", id="first", out_features=4),
        {"id": "second", "type": "Linear", "params": {"out_features": 4}, "shares": "first"},
    )
    document["outputs"] = ["second"]
    after = read.network(edits.apply(document, [Remove(node="first")]))
    assert [node.shares for node in after.nodes] == [None, None]


def test_move_takes_a_node_out_of_its_chain_and_puts_it_behind_another():
    for after, wanted in {
        "c": {"image": [], "b": ["image"], "c": ["b"], "a": ["c"]},
        "b": {"image": [], "b": ["image"], "a": ["b"], "c": ["a"]},
        "a": wires(line()),
    }.items():
        moved = edits.apply(line(), [Move(node="a", after=after)])
        assert wires(moved) == wanted
        assert is_topological(moved)
    assert edits.apply(line(), [Move(node="a", after="c")])["outputs"] == ["a"]
    assert wires(edits.apply(line(), [Move(node="c", after="image")]))["c"] == ["image"]


def test_move_puts_a_node_first_inside_a_block_where_something_is_given():
    block = {
        "inputs": ["x", "mask"],
        "outputs": ["c", "x"],
        "nodes": [
            {"id": "m", "type": "ReLU", "inputs": ["mask"]},
            {"id": "a", "type": "ReLU", "inputs": ["x"]},
            {"id": "b", "type": "Add", "inputs": ["a", "x"]},
            {"id": "c", "type": "ReLU", "inputs": ["b"]},
        ],
    }
    moved = edits.apply(line() | {"blocks": {"B": block}}, [Move(node="c", after=None, block="B")])["blocks"]["B"]
    assert [node["id"] for node in moved["nodes"]] == ["c", "m", "a", "b"]
    assert wires(moved) == {"c": ["x"], "m": ["mask"], "a": ["c"], "b": ["a", "c"]}
    assert moved["outputs"] == ["b", "c"]
    assert "cannot stand first" in refused(line(), Move(node="b", after=None))


def test_what_reads_nothing_is_not_moved():
    assert "cannot be moved" in refused(line(), Move(node="image", after="b"))


def test_connect_reads_forward_and_backward_and_keeps_the_order():
    document = line()
    document["nodes"].insert(1, {"id": "add", "type": "Add", "inputs": ["image"]})
    after = edits.apply(document, [Connect(node="add", port=1, source="c")])
    assert wires(after)["add"] == ["image", "c"]
    assert edits.node_ids(after) == ["image", "a", "b", "c", "add"]
    assert wires(edits.apply(after, [Connect(node="add", port=0, source=None)]))["add"] == [None, "c"]
    assert wires(edits.apply(document, [Connect(node="add", port=3, source="a")]))["add"] == ["image", None, None, "a"]


@pytest.mark.parametrize(("node", "source"), [("a", "c"), ("a", "a"), ("a", "c:y"), ("b", "b")])
def test_a_circle_is_refused_and_named(node: str, source: str):
    sentence = refused(line(), Connect(node=node, port=0, source=source))
    assert "circle" in sentence and f"{node}" in sentence.partition(":")[2]


def test_set_and_unset_go_by_id_by_index_and_by_name():
    document = line()
    for path in ("network.nodes.b.title", "nodes.2.title", "network.nodes.2.title"):
        after = edits.apply(document, [Set(path=path, value="Squash")])
        assert after["nodes"][2]["title"] == "Squash"
        assert edits.apply(after, [Unset(path=path)]) == document
    assert edits.apply(document, [Set(path="nodes.a.params.deep.er", value=1)])["nodes"][1]["params"] == {
        "deep": {"er": 1}
    }
    assert edits.apply(document, [Set(path="outputs.1", value="a")])["outputs"] == ["c", "a"]
    assert edits.apply(document, [Unset(path="outputs.0")])["outputs"] == []
    assert edits.apply(document, [Unset(path="nodes.b.title")]) == document


@pytest.mark.parametrize(
    "change",
    [
        Remove(node="ghost"),
        Move(node="ghost", after="a"),
        Move(node="a", after="ghost"),
        Connect(node="ghost", port=0, source="a"),
        Insert(node={"id": "new", "type": "ReLU"}, after="ghost"),
        Insert(node={"id": "a", "type": "ReLU"}, after="b"),
        Insert(node={"type": "ReLU"}, after="b"),
        Insert(node={"id": ["a"], "type": "ReLU"}, after="b"),
        Insert(node={"id": "new", "type": "ReLU", "inputs": [5]}, after="b"),
        Insert(node={"id": "new", "type": "ReLU", "inputs": "a"}, after="b"),
        Remove(node="a", block="Ghost"),
        Set(path="nodes.ghost.title", value=1),
        Set(path="nodes.9.title", value=1),
        Set(path="nodes.a.id.deeper", value=1),
        Set(path=f"nodes.{'9' * 5_000}.title", value=1),
        Set(path=".".join("a" * 5_000), value=1),
        Unset(path="nodes.a.params.kernel.size"),
        Unset(path="network.blocks.B.nodes.a"),
    ],
    ids=lambda change: f"{change.edit}-{list(change.model_dump().values())[1:3]}"[:60],
)
def test_what_is_not_there_is_refused_in_a_sentence(change: Edit):
    sentence = refused(line(), change)
    assert sentence.endswith(".") and len(sentence) < 6_000


def test_what_is_nested_too_deeply_is_refused():
    deep: Json = 1
    for _ in range(5_000):
        deep = [deep]
    for change in (Set(path="view", value=deep), Insert(node={"id": "new", "params": deep})):
        assert "nested too deeply" in refused(line(), change)


def test_one_impossible_edit_leaves_the_others_undone():
    document = line()
    refused(document, Remove(node="b"), Set(path="nodes.a.title", value="A"), Remove(node="b"))
    assert document == line()


def test_the_values_of_an_edit_are_not_the_documents():
    value = {"b": [1, 2]}
    change = [Set(path="view", value=value), Set(path="view.b", value=[3, 4]), Set(path="view.b.0", value=5)]
    node = {"id": "new", "type": "ReLU"}
    insert = [Insert(node=node, after="a"), Set(path="nodes.new.title", value="New")]
    for changes in (change, insert):
        first = edits.apply(line(), changes)
        assert edits.apply(line(), changes) == first
    assert value == {"b": [1, 2]}
    assert node == {"id": "new", "type": "ReLU"}


@pytest.mark.parametrize("name", GALLERY)
def test_a_copy_of_any_node_of_the_gallery_can_be_read(name: str):
    document = to_json(example(name))
    for node in edits.node_ids(document):
        after = edits.apply(document, [edits.duplicate(document, node)])
        assert is_topological(after)
        network = read.experiment(after).network
        assert len(network.nodes) == len(document["network"]["nodes"]) + 1
        copy = network.nodes[edits.node_ids(document).index(node) + 1]
        original = example(name).network.nodes[edits.node_ids(document).index(node)]
        assert (copy.type, copy.params, copy.block) == (original.type, original.params, original.block)


def test_a_copy_of_an_input_stands_beside_it_and_is_read_by_nobody():
    after = edits.apply(line(), [edits.duplicate(line(), "image")])
    assert wires(after) == {"image": [], "image2": [], "a": ["image"], "b": ["a"], "c": ["b"]}


def test_a_copy_reads_what_it_was_copied_from_and_says_that_it_is_one():
    document = edits.apply(line(), [Set(path="nodes.b.title", value="T" * limits.TITLE)])
    after = edits.apply(document, [edits.duplicate(document, "b")])
    assert wires(after) == {"image": [], "a": ["image"], "b": ["a"], "b2": ["b"], "c": ["b2"]}
    assert len(after["nodes"][3]["title"]) == limits.TITLE
    named = edits.apply(line(), [Set(path="nodes.b.title", value="Squash")])
    assert edits.duplicate(named, "b").node["title"] == "Squash copy"


def test_what_edits_touch_is_told_by_node_and_by_part_of_the_recipe():
    assert edits.touched([Set(path="network.nodes.conv.params.padding", value=1)]) == ["network.nodes.conv"]
    assert edits.touched([Set(path="recipe.optimizer.params.lr", value=1)]) == ["recipe.optimizer.params"]
    assert edits.touched([Set(path="network.blocks.B.nodes.fc.title", value="x")]) == ["network.blocks.B.nodes.fc"]
    assert edits.touched([Remove(node="fc", block="B"), Move(node="a", after="b")]) == [
        "network.blocks.B.nodes.fc",
        "network.nodes.a",
        "network.nodes.b",
    ]
    assert edits.touched([Insert(node={"type": "ReLU"}, after="a")]) == ["network.nodes.a"]


def test_every_edit_goes_through_json():
    adapter: TypeAdapter[Edit] = TypeAdapter(Edit)
    for change in (
        Set(path="a.b", value=[1, {"c": None}]),
        Unset(path="a"),
        Insert(node={"id": "a"}, after="b", splice=False, block="B"),
        Remove(node="a"),
        Move(node="a", after="b"),
        Move(node="a", after=None),
        Connect(node="a", port=1, source="b:last"),
    ):
        assert adapter.validate_json(adapter.dump_json(change)) == change


@st.composite
def clicks(draw: st.DrawFn, document: Json) -> list[Edit]:
    """What one click on the canvas, in the stack or in the inspector sends."""
    network = document.get("network", document)
    block = draw(st.none() | st.sampled_from(sorted(network["blocks"]))) if network.get("blocks") else None
    ids = edits.node_ids(document, block)
    if not ids:
        return [Insert(node={"id": "again", "type": "ReLU", "inputs": [None]}, block=block)]
    pick = st.sampled_from(ids)
    node = draw(pick)
    new = draw(st.sampled_from(["new1", "new2", "new3", node]))
    place = f"network.blocks.{block}.nodes" if block else "network.nodes"
    kind = draw(st.sampled_from(["insert", "remove", "move", "copy", "rename", "repeat"]))
    if kind == "insert":
        return [Insert(node={"id": new, "type": "ReLU"}, after=node, splice=draw(st.booleans()), block=block)]
    if kind == "remove":
        return [Remove(node=node, block=block)]
    if kind == "move":
        return [Move(node=node, after=draw(st.none() | pick), block=block)]
    if kind == "copy":
        return [edits.duplicate(document, node, block)]
    if kind == "rename":
        return [Set(path=f"{place}.{node}.title", value=draw(st.text(st.characters(codec="utf-8"), max_size=20)))]
    return [Unset(path=f"{place}.{node}.title"), Set(path=f"{place}.{node}.frozen", value=draw(st.booleans()))]


@settings(max_examples=40)
@given(st.data(), st.sampled_from(sorted(GALLERY)) | networks(open_inputs=True))
def test_clicks_in_any_order_leave_a_document_that_can_be_read_and_undone(data: st.DataObject, start: Json):
    document = to_json(example(start)) if isinstance(start, str) else start
    history = [json.dumps(document)]
    for _ in range(data.draw(st.integers(1, 12))):
        click = data.draw(clicks(document))
        try:
            after = edits.apply(document, click)
        except Refused as error:
            assert {problem.code for problem in error.problems} == {"edit/impossible"}
            assert json.dumps(document) == history[-1]
            continue
        assert json.dumps(document) == history[-1]  # undo is nothing but the old document
        assert is_topological(after)
        try:
            read.any_design(after)
        except Refused as error:
            # A shared layer can be frozen by a click, and says so; nothing else may come of a click.
            assert {problem.code for problem in error.problems} == {"shares/frozen"}
            continue
        document = after
        history.append(json.dumps(document))


FIELDS = ["id", "type", "inputs", "nodes", "outputs", "blocks", "network", "view", "shares", "a", "0", "params"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["a", "b", "image", "", "a:y"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=12,
)
paths = st.lists(st.sampled_from([*FIELDS, "1", "b", "image"]), min_size=1, max_size=5).map(".".join)
names = st.sampled_from(["a", "b", "image", "ghost", ""])
blocks = st.none() | st.sampled_from(["a", "B"])
any_edit = st.one_of(
    st.builds(Set, path=paths, value=json_values),
    st.builds(Unset, path=paths),
    st.builds(Insert, node=st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=4), after=st.none() | names, block=blocks),
    st.builds(Remove, node=names, block=blocks),
    st.builds(Move, node=names, after=names, block=blocks),
    st.builds(Connect, node=names, port=st.integers(0, 3), source=st.none() | names, block=blocks),
)  # fmt: skip


@settings(max_examples=300)
@given(json_values | st.just(line()), st.lists(any_edit, max_size=6))
def test_any_edit_of_any_json_is_carried_out_or_refused_and_never_more(document: Json, changes: list[Edit]):
    before = deepcopy(document)
    edits.touched(changes)
    try:
        after = edits.apply(document, changes)
    except Refused as error:
        assert all(problem.because.endswith(".") for problem in error.problems)
    else:
        try:
            read.any_design(after)
        except Refused as error:
            assert error.problems
    assert document == before
