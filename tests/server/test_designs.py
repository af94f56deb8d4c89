"""The canvas's routes: what they show, what they change, and what they refuse; two canvases on one design end alike."""

import json
import random
from typing import Any

import pytest

from builder import limits
from builder.analysis import analyze
from builder.blocks import example
from builder.design import read
from builder.design.network import to_json
from builder.problem import Set
from builder.server import designs
from builder.server.recent import Recent
from builder.store import documents, editing
from tests.server.conftest import Answer, Client

Json = dict[str, Any]


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(designs, "_sheets", Recent(designs.KEPT_SHEETS))


@pytest.fixture
def canvas(client: Client) -> "Canvas":
    return Canvas(client, "lenet5")


class Canvas:
    """One browser with one design open: it holds what it was told, and puts changes on top."""

    def __init__(self, client: Client, name: str = "", design: str = "") -> None:
        if client.owner is None:
            client.get("/")
        assert client.owner
        self.client = client
        self.design = design or documents.create(client.owner, name, to_json(example(name))).id
        self.sheet: Json = {}
        self.at = ""
        self.look()

    def look(self, at: str | None = None) -> None:
        since = ""
        if at is not None and at != self.at:
            self.at, self.sheet = at, {}
        if self.sheet:
            since = f"&since={self.sheet['revision']}"
        answer = self.client.get(f"/api/designs/{self.design}", f"at={self.at}{since}")
        if answer.status == 200:
            self.take(json.loads(answer.body))
        else:
            assert answer.status == 204

    def ask(self, change: str, **asked: Any) -> Answer:
        body = {"base": self.sheet["revision"], "at": self.at, **asked}
        answer = self.client.post(f"/api/designs/{self.design}/{change}", body)
        if answer.status == 200 and change != "copy":
            self.take(json.loads(answer.body))
        return answer

    def take(self, told: Json) -> None:
        if told["base"] is None:
            self.sheet = told
            return
        assert told["base"] == self.sheet["revision"], "changes of what this canvas holds"
        nodes = {node["id"]: node for node in self.sheet["nodes"]} | {node["id"]: node for node in told["nodes"]}
        order = told["order"] or self.sheet["order"]
        assert set(order) == set(nodes) - set(told["gone"])
        self.sheet = told | {"nodes": [nodes[name] for name in order], "order": order}

    @property
    def nodes(self) -> dict[str, Json]:
        return {node["id"]: node for node in self.sheet["nodes"]}

    @property
    def document(self) -> Json:
        found = documents.get(self.client.owner or "", self.design)
        assert found
        return found.document


def problems(answer: Answer) -> list[str]:
    assert answer.status == 409, answer
    return [problem["code"] for problem in json.loads(answer.body)["problems"]]


# What is shown ---------------------------------------------------------------------------------------------------


def test_a_sheet_says_of_every_node_what_the_layer_table_says(canvas: Canvas) -> None:
    rows = analyze(example("lenet5").network).rows
    assert [node["id"] for node in canvas.sheet["nodes"]] == [row.id for row in rows] == canvas.sheet["order"]
    for node, row in zip(canvas.sheet["nodes"], rows, strict=True):
        assert node["shapes"] == [str(signal) for signal in row.outputs]
        assert node["parameters"] == (f"{row.parameters:,}" if row.parameters else "")
    assert canvas.nodes["c1"]["about"] == "6, kernel 5, padding 2" and canvas.nodes["c1"]["family"] == "convolution"


def test_the_inside_of_a_block_is_a_sheet_of_its_own(client: Client) -> None:
    canvas = Canvas(client, "resnet50")
    assert canvas.nodes["stage1_first"]["block"] and canvas.sheet["given"] == []
    canvas.look("stage1_first")
    assert canvas.sheet["block"] == "Stage1First" and canvas.sheet["given"] == ["x"]
    assert canvas.sheet["path"] == [{"at": "stage1_first", "title": "stage1_first"}]
    assert canvas.nodes["conv1"]["shapes"] == ["64 x 56 x 56"]
    assert canvas.nodes["conv1"]["inputs"] == ["x"]


def test_a_mistake_is_told_at_its_node_and_at_the_block_around_it(client: Client) -> None:
    canvas = Canvas(client, "resnet50")
    canvas.ask("edits", edits=[{"edit": "set", "path": "network.blocks.Stage1First.nodes.conv2.params.kernel_size", "value": 99}])  # fmt: skip
    assert canvas.nodes["stage1_first"]["problem"]["severity"] == "error"
    canvas.look("stage1_first")
    assert canvas.nodes["conv2"]["problem"]["title"] and canvas.nodes["conv1"]["problem"] is None


def test_nothing_is_sent_where_nothing_is_new(canvas: Canvas) -> None:
    answer = canvas.client.get(f"/api/designs/{canvas.design}", f"since={canvas.sheet['revision']}")
    assert (answer.status, answer.body) == (204, b"")


def test_an_edit_sends_what_it_changed_and_no_more(client: Client) -> None:
    canvas = Canvas(client, "resnet50")
    whole = len(json.dumps(canvas.sheet))
    answer = canvas.ask("edits", edits=[{"edit": "set", "path": "network.nodes.stem.params.out_channels", "value": 32}])
    told = json.loads(answer.body)
    assert answer.status == 200 and told["base"] == 1 and told["order"] is None
    assert [node["id"] for node in told["nodes"]][:2] == ["stem", "norm"]
    assert "fc" not in [node["id"] for node in told["nodes"]] and len(answer.body) < whole


def test_an_edit_made_elsewhere_is_seen_and_only_its_changes_travel(canvas: Canvas) -> None:
    owner = canvas.client.owner or ""
    editing.edit(owner, canvas.design, 1, [Set(path="network.nodes.c1.params.out_channels", value=8)])
    canvas.look()
    assert canvas.sheet["base"] == 1 and canvas.nodes["c1"]["about"].startswith("8,")


# What is changed -------------------------------------------------------------------------------------------------


def test_what_is_added_stands_behind_the_node_on_the_edge_or_free(canvas: Canvas) -> None:
    canvas.ask("add", name="BatchNorm2d", after="c1")
    (norm,) = canvas.sheet["added"]
    assert canvas.nodes[norm]["inputs"] == ["c1"] and canvas.nodes["tanh1"]["inputs"] == [norm]
    canvas.ask("add", name="Dropout", edge={"node": "s2", "port": 0})
    (drop,) = canvas.sheet["added"]
    assert canvas.nodes[drop]["inputs"] == ["tanh1"] and canvas.nodes["s2"]["inputs"] == [drop]
    canvas.ask("add", name="ReLU", place=[10.5, -20])
    (free,) = canvas.sheet["added"]
    assert canvas.nodes[free]["inputs"] == [] and canvas.nodes[free]["place"] == [10.5, -20]
    assert canvas.nodes[free]["problem"]["severity"] == "error"


def test_a_catalog_block_fits_what_it_is_given(client: Client) -> None:
    canvas = Canvas(client, "digits-resnet")
    before = next(node for node in canvas.sheet["nodes"] if node["block"])
    canvas.ask("add", name="Residual", after=before["id"])
    (made,) = canvas.sheet["added"]
    assert canvas.nodes[made]["shapes"] == before["shapes"] and not canvas.nodes[made]["problem"]


def test_inside_a_block_all_of_it_works_too(client: Client) -> None:
    canvas = Canvas(client, "resnet50")
    canvas.look("stage1_first")
    canvas.ask("add", name="Dropout", edge={"node": "conv1", "port": 0})
    (drop,) = canvas.sheet["added"]
    assert canvas.nodes[drop]["inputs"] == ["x"] and canvas.nodes["conv1"]["inputs"] == [drop]
    assert canvas.ask("edits", edits=[{"edit": "set", "path": f"network.blocks.Stage1First.view.{drop}", "value": [1, 2]}]).status == 200  # fmt: skip
    assert canvas.nodes[drop]["place"] == [1, 2]
    canvas.ask("edits", edits=[{"edit": "remove", "node": drop, "block": "Stage1First"}])
    assert drop not in canvas.nodes and "view" not in canvas.document["network"]["blocks"]["Stage1First"]


def test_where_a_node_stands_does_not_make_a_catalog_block_one_s_own(client: Client) -> None:
    canvas = Canvas(client, "digits-resnet")
    use = next(node for node in canvas.sheet["nodes"] if node["block"])
    block = canvas.document["network"]["blocks"][use["type"]]
    inside = block["nodes"][0]["id"]
    canvas.look(use["id"])
    path = f"network.blocks.{use['type']}"
    canvas.ask("edits", edits=[{"edit": "set", "path": f"{path}.view.{inside}", "value": [1, 2]}])
    assert canvas.document["network"]["blocks"][use["type"]]["made"] == block["made"]
    canvas.ask("edits", edits=[{"edit": "set", "path": f"{path}.nodes.{inside}.title", "value": "mine"}])
    assert "made" not in canvas.document["network"]["blocks"][use["type"]]


def test_undo_and_redo_go_through_the_one_history(canvas: Canvas) -> None:
    canvas.ask("edits", edits=[{"edit": "remove", "node": "tanh1"}])
    assert canvas.sheet["undo"] and not canvas.sheet["redo"]
    canvas.ask("undo")
    assert "tanh1" in canvas.nodes and canvas.document == to_json(example("lenet5"))
    canvas.ask("redo")
    assert "tanh1" not in canvas.nodes


def test_a_hundred_steps_are_taken_back_and_made_again(canvas: Canvas) -> None:
    for filters in range(1, 101):
        path = "network.nodes.c3.params.out_channels"
        canvas.ask("edits", edits=[{"edit": "set", "path": path, "value": 100 + filters}])
    last = canvas.document
    for _ in range(100):
        canvas.ask("undo")
    assert canvas.document == to_json(example("lenet5")) and not canvas.sheet["undo"]
    for _ in range(100):
        canvas.ask("redo")
    assert canvas.document == last and not canvas.sheet["redo"]


def test_copies_have_names_of_their_own_and_bring_their_blocks(client: Client) -> None:
    canvas, other = Canvas(client, "digits-resnet"), Canvas(client, "lenet5")
    use = [node for node in canvas.sheet["nodes"] if node["block"]][-1]
    reader = next(node["id"] for node in canvas.sheet["nodes"] if use["id"] in node["inputs"] and not node["block"])
    clip = json.loads(canvas.ask("copy", nodes=[use["id"], reader]).body)["clip"]
    other.ask("paste", clip=clip)
    first, second = other.sheet["added"]
    assert other.nodes[first]["inputs"] == [None] and other.nodes[second]["inputs"][0] == first
    other.ask("paste", clip=clip)
    assert not set(other.sheet["added"]) & {first, second}
    assert list(other.document["network"]["blocks"]) == [use["type"]]
    changed = json.loads(json.dumps(clip))
    changed["blocks"][use["type"]]["nodes"][0]["title"] = "another block of that name"
    other.ask("paste", clip=changed)
    assert list(other.document["network"]["blocks"]) == [use["type"], f"{use['type']}2"]


def test_a_chain_is_pasted_behind_a_node_and_anything_else_free(canvas: Canvas) -> None:
    chain = json.loads(canvas.ask("copy", nodes=["c1", "tanh1"]).body)["clip"]
    canvas.ask("paste", clip=chain, after="c3")
    first, second = canvas.sheet["added"]
    assert canvas.nodes[first]["inputs"] == ["c3"] and canvas.nodes[second]["inputs"] == [first]
    assert canvas.nodes["tanh2"]["inputs"] == [second]
    canvas.ask("undo")
    assert canvas.nodes["tanh2"]["inputs"] == ["c3"]
    apart = json.loads(canvas.ask("copy", nodes=["c1", "s2"]).body)["clip"]
    canvas.ask("paste", clip=apart, after="c3")
    assert [canvas.nodes[new]["inputs"] for new in canvas.sheet["added"]] == [[None], [None]]
    assert canvas.nodes["tanh2"]["inputs"] == ["c3"]


def test_a_duplicate_stands_behind_its_original_and_several_read_what_theirs_read(canvas: Canvas) -> None:
    canvas.ask("duplicate", nodes=["c3"])
    assert canvas.nodes[canvas.sheet["added"][0]]["inputs"] == ["c3"]
    canvas.ask("duplicate", nodes=["c1", "tanh1"])
    first, second = canvas.sheet["added"]
    assert canvas.nodes[first]["inputs"] == ["image"] and canvas.nodes[second]["inputs"] == [first]


# What is refused -------------------------------------------------------------------------------------------------


def test_what_cannot_be_done_is_told_and_changes_nothing(canvas: Canvas) -> None:
    before = canvas.document
    circle = [{"edit": "connect", "node": "c1", "port": 0, "source": "c3"}]
    assert problems(canvas.ask("edits", edits=circle)) == ["edit/impossible"]
    assert problems(canvas.ask("add", name="NoSuchLayer", after="c1")) == ["edit/impossible"]
    assert problems(canvas.ask("add", name="ReLU", edge={"node": "image", "port": 0})) == ["edit/impossible"]
    assert problems(canvas.ask("paste", clip={"format": "something else"})) == ["clip/none"]
    assert problems(canvas.ask("add", at="c1", name="ReLU")) == ["canvas/gone"]
    assert canvas.document == before


def test_an_edit_about_what_another_window_changed_is_refused(client: Client) -> None:
    one = Canvas(client, "lenet5")
    other = Canvas(client, design=one.design)
    change = {"edit": "set", "path": "network.nodes.c1.params.out_channels", "value": 8}
    assert one.ask("edits", edits=[change]).status == 200
    assert problems(other.ask("edits", edits=[change | {"value": 9}])) == ["design/stale"]
    other.look()
    assert other.nodes["c1"]["about"].startswith("8,")
    elsewhere = {"edit": "set", "path": "network.nodes.c3.params.out_channels", "value": 20}
    assert one.ask("edits", edits=[elsewhere | {"path": "network.nodes.c3.title", "value": "third"}]).status == 200
    assert other.ask("edits", edits=[{"edit": "set", "path": "network.nodes.f5.title", "value": "fifth"}]).status == 200
    assert other.nodes["c3"]["title"] == "third"


def test_others_and_other_sites_change_nothing(canvas: Canvas, client: Client) -> None:
    path, asked = f"/api/designs/{canvas.design}/undo", {"base": 1, "at": ""}
    assert client.post(path, asked, origin="http://evil.example").status == 403
    assert client.post(path, asked, origin="").status == 403
    stranger = Client(client.app)
    stranger.get("/")
    answer = stranger.post(path, asked)
    assert problems(answer) == ["design/unknown"]
    assert stranger.get(f"/api/designs/{canvas.design}").status == 409
    assert client.get("/api/designs/../../etc").status == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"base": -1, "edits": []}',
        b'{"base": 9223372036854775808, "edits": []}',
        b'{"base": 1, "edits": [{"edit": "remove", "node": "\\ud800"}]}',
        b'{"base": 1, "edits": [{"edit": "format"}]}',
        b'{"base": 1, "edits": [], "more": 1}',
        b'{"base": 1, "edits": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=["nothing", "list", "cut", "negative", "huge", "half a character", "unknown edit", "more", "deep"],
)
def test_what_is_no_question_is_refused_as_such(canvas: Canvas, body: bytes) -> None:
    path = f"/api/designs/{canvas.design}/edits"
    assert canvas.client.get(path, method="POST", body=body, origin="http://127.0.0.1").status == 400


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        ("edits", {"edits": [{"edit": "remove", "node": "c1"}] * (limits.NODES + 1)}),
        ("copy", {"nodes": ["c1"] * (limits.NODES + 1)}),
    ],
)
def test_more_than_one_change_may_have_is_told_as_such(canvas: Canvas, change: str, asked: Json) -> None:
    answer = canvas.ask(change, **asked)
    assert answer.status == 409
    (problem,) = json.loads(answer.body)["problems"]
    assert problem["code"] == "canvas/too-much" and "2,000" in problem["because"]
    canvas.look()
    assert canvas.sheet["revision"] == 1


def test_more_than_a_design_may_have_is_not_read(canvas: Canvas) -> None:
    path = f"/api/designs/{canvas.design}/edits"
    answer = canvas.client.get(path, method="POST", body=b" " * 3_000_000, origin="http://127.0.0.1")
    assert answer.status == 409
    assert [problem["code"] for problem in json.loads(answer.body)["problems"]] == ["canvas/too-large"]


def test_a_change_that_takes_the_level_away_is_answered_with_the_one_above(canvas: Canvas) -> None:
    canvas.ask("edits", edits=[{"edit": "group", "nodes": ["c1", "tanh1"], "name": "Stem"}])
    canvas.look("stem")
    answer = canvas.ask("undo")
    assert answer.status == 200 and (canvas.sheet["at"], canvas.sheet["base"]) == ("", None) and "c1" in canvas.nodes


def test_a_mistake_inside_what_is_repeated_is_told_there(client: Client) -> None:
    canvas = Canvas(client, "lenet5")
    canvas.ask("edits", edits=[{"edit": "group", "nodes": ["tanh1"], "name": "Act"}])
    canvas.ask("edits", edits=[{"edit": "set", "path": "network.nodes.act.repeat", "value": 2}])
    canvas.look("act")
    canvas.ask("add", name="Conv3d", after="tanh1")
    assert canvas.nodes["conv3d"]["problem"]["severity"] == "error"


def test_a_mistake_inside_a_block_is_told_in_every_use_that_is_given_the_same(client: Client) -> None:
    canvas = Canvas(client, "lenet5")
    canvas.ask("edits", edits=[{"edit": "group", "nodes": ["tanh1"], "name": "Inner"}])
    canvas.ask("edits", edits=[{"edit": "group", "nodes": ["inner"], "name": "Act"}])
    again = {"id": "again", "block": "Act", "inputs": ["act"]}
    canvas.ask("edits", edits=[{"edit": "insert", "node": again, "after": "act"}])
    canvas.ask("edits", edits=[{"edit": "set", "path": "network.nodes.act.repeat", "value": 2}])
    assert canvas.nodes["again"]["problem"] is None
    canvas.look("again")
    canvas.look("again.inner")
    conv = {"id": "wrong", "type": "Conv3d", "inputs": ["x"]}
    canvas.ask("edits", edits=[{"edit": "insert", "node": conv, "after": "tanh1", "block": "Inner", "splice": False}])
    for at, name in (("", "act"), ("act", "inner"), ("act.inner", "wrong")):
        canvas.look(at)
        first = canvas.nodes[name]["problem"]
        canvas.look(at.replace("act", "again"))
        assert first and canvas.nodes["again" if name == "act" else name]["problem"] == first
    assert canvas.nodes["tanh1"]["problem"] is None


def test_what_is_pasted_is_what_was_copied_where_an_inner_block_differs(client: Client) -> None:
    def nested(channels: int) -> Canvas:
        canvas = Canvas(client, "lenet5")
        canvas.ask("edits", edits=[{"edit": "set", "path": "network.nodes.c1.params.out_channels", "value": channels}])
        canvas.ask("edits", edits=[{"edit": "group", "nodes": ["c1"], "name": "Inner"}])
        canvas.ask("edits", edits=[{"edit": "group", "nodes": ["inner"], "name": "Outer"}])
        return canvas

    one, other = nested(6), nested(17)
    clip = json.loads(one.ask("copy", nodes=["outer"]).body)["clip"]
    other.ask("paste", clip=clip, place=[500, 600])
    (pasted,) = other.sheet["added"]
    assert other.nodes[pasted]["type"] == "Outer2" and other.nodes[pasted]["place"] == [500, 600]
    blocks = other.document["network"]["blocks"]
    inner = next(node["block"] for node in blocks["Outer2"]["nodes"])
    assert blocks[inner]["nodes"][0]["params"]["out_channels"] == 6 and sorted(blocks) == [
        "Inner",
        "Inner2",
        "Outer",
        "Outer2",
    ]


@pytest.mark.parametrize(
    "clip",
    [
        {"nodes": [{"id": "a", "block": ["x"]}]},
        {"nodes": [{"id": "a", "type": "ReLU"}], "blocks": {"X": {"nodes": 5}}},
        {"nodes": [{"id": "a", "type": "ReLU"}], "blocks": {"X": {"nodes": [{"id": "b", "block": ["x"]}]}}},
        {"nodes": [{"id": "a", "type": "ReLU"}], "blocks": 5},
        {"nodes": [{"id": 5}]},
        {"nodes": [{"id": f"n{at}", "type": "ReLU"} for at in range(7_000)]},
    ],
    ids=["block of a list", "nodes of a number", "inner block of a list", "blocks of a number", "number", "too many"],
)
def test_a_hostile_clip_is_refused_at_once(canvas: Canvas, clip: Json) -> None:
    assert problems(canvas.ask("paste", clip={"format": "layerlab.clip", **clip}))[0].startswith("clip/")


GROUP = {"edit": "group", "nodes": ["c1"], "name": "Foo"}
UNGROUP = {"edit": "ungroup", "node": "foo"}


@pytest.mark.parametrize(
    "edits",
    [
        [{"edit": "set", "path": "network.view.c1", "value": 5}, GROUP],
        [{"edit": "set", "path": "network.blocks", "value": 5}, GROUP],
        [GROUP, {"edit": "set", "path": "network.nodes.foo.repeat", "value": "x"}, UNGROUP],
        [GROUP, {"edit": "set", "path": "network.nodes.foo.repeat", "value": 10**9}, UNGROUP],
        [GROUP, {"edit": "set", "path": "network.nodes.foo.block", "value": ["x"]}, UNGROUP],
        [GROUP, {"edit": "set", "path": "network.blocks.Foo.outputs", "value": ["zz"]}, UNGROUP],
        [GROUP, {"edit": "set", "path": "network.blocks.Foo.inputs", "value": 5}, UNGROUP],
        [
            {"edit": "insert", "node": {"id": f"n{at}", "type": "ReLU", "inputs": []}, "after": "c1"}
            for at in range(2_000)
        ],
    ],
    ids=["view", "blocks", "repeat", "a billion", "block", "outputs", "inputs", "two thousand"],
)
def test_edits_that_leave_nothing_to_work_on_are_refused(canvas: Canvas, edits: list[Json]) -> None:
    before = canvas.document
    assert problems(canvas.ask("edits", edits=edits))
    assert canvas.document == before


# Two canvases ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [150, pytest.param(1_000, marks=pytest.mark.slow)])
def test_random_edits_from_two_canvases_end_in_one_design_that_both_show(client: Client, count: int) -> None:
    one = Canvas(client, "lenet5")
    both = (one, Canvas(client, design=one.design))
    draw = random.Random(5)
    done = refused = 0
    for _ in range(count):
        canvas = draw.choice(both)
        if draw.random() < 0.2:
            canvas.look()
        change, asked = a_change(canvas, draw)
        answer = canvas.ask(change, **asked)
        done, refused = done + (answer.status == 200), refused + (answer.status == 409)
        if answer.status == 409:
            canvas.look()
    assert done + refused == count and done > count / 3
    for canvas in both:
        canvas.look()
    fresh = Canvas(client, design=one.design)
    shown = [{**canvas.sheet, "base": None, "gone": [], "added": None} for canvas in (*both, fresh)]
    assert shown[0] == shown[1] == shown[2]
    read.experiment(one.document)


def a_change(canvas: Canvas, draw: random.Random) -> tuple[str, Json]:
    """Something that a person may do to what this canvas shows: it may be gone by now, or make no sense."""
    ids = list(canvas.nodes)
    node = draw.choice(ids)
    change = draw.choice(
        ["add", "add", "edge", "remove", "remove", "connect", "set", "move", "duplicate", "undo", "redo"]
    )
    match change:
        case "add":
            after = node if len(ids) < 30 else None
            return "add", {"name": draw.choice(["ReLU", "Dropout", "Linear", "Residual"]), "after": after}
        case "edge":
            return "add", {"name": "Tanh", "edge": {"node": node, "port": 0}}
        case "remove":
            return "edits", {"edits": [{"edit": "remove", "node": each} for each in {node, draw.choice(ids)}]}
        case "connect":
            return "edits", {"edits": [{"edit": "connect", "node": node, "port": 0, "source": draw.choice(ids)}]}
        case "set":
            return "edits", {
                "edits": [{"edit": "set", "path": f"network.nodes.{node}.title", "value": str(draw.random())}]
            }
        case "move":
            place = [draw.randrange(1000), draw.randrange(1000)]
            return "edits", {"edits": [{"edit": "set", "path": f"network.view.{node}", "value": place}]}
        case "duplicate":
            return "duplicate", {"nodes": [node]}
    return change, {}
