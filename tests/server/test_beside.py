"""What stands beside the canvas: a browser that follows has what one has that has just come, and what travels is small."""

import json
import random
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.applications import Starlette

from builder.blocks import example
from builder.design.network import to_json
from builder.problem import Connect, Edit, Insert, Remove, Set
from builder.server import beside
from builder.server.beside import LISTS, splices
from builder.server.recent import Recent
from builder.source import program
from builder.store import documents, editing
from tests.server.conftest import Client

Json = dict[str, Any]


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "_listings", Recent(beside.KEPT_LISTS))


def put(client: Client, document: Json) -> str:
    client.get("/")
    assert client.owner
    return documents.create(client.owner, "", document).id


@pytest.fixture
def lenet(client: Client) -> str:
    return put(client, to_json(example("lenet5")))


class Follower:
    """A browser that has a list, and puts on top what is new."""

    def __init__(self, client: Client, design: str, name: str) -> None:
        self.client, self.path = client, f"/api/designs/{design}/beside/{name}"
        self.revision: int | None = None
        self.about: Json = {}
        self.items: list[Any] = []
        self.bytes = 0
        self.look()

    def look(self) -> Json | None:
        since = "" if self.revision is None else f"since={self.revision}"
        answer = self.client.get(self.path, since)
        if answer.status == 204:
            return None
        self.bytes = len(answer.body)
        told: Json = json.loads(answer.body)
        if told["base"] is None:
            self.about, self.items = {}, []
        else:
            assert told["base"] == self.revision
        for at, gone, come in reversed(told["splices"]):
            self.items[at : at + gone] = come
        self.about |= told["about"]
        self.revision = told["revision"]
        return told


def edit(client: Client, design: str, *edits: Edit) -> None:
    assert client.owner
    newest = documents.revision(client.owner, design)
    editing.edit(client.owner, design, newest, list(edits))


def units(node: str, value: int) -> Set:
    return Set(path=f"network.nodes.{node}.params.out_features", value=value)


@pytest.mark.parametrize("name", LISTS)
def test_the_first_time_all_of_it_is_told_and_then_nothing_until_something_is_new(
    client: Client, lenet: str, name: str
) -> None:
    follower = Follower(client, lenet, name)
    assert follower.items and follower.revision == 1
    assert follower.look() is None


def test_the_program_is_the_one_that_is_written_of_the_design(client: Client, lenet: str) -> None:
    assert "\n".join(Follower(client, lenet, "program").items) == program(example("lenet5"))


def test_an_edit_of_a_layer_tells_its_rows_and_its_lines_alone(client: Client, lenet: str) -> None:
    table, text = Follower(client, lenet, "layers"), Follower(client, lenet, "program")
    ids, lines = [row["cells"][0] for row in table.items], list(text.items)
    edit(client, lenet, units("f6", 90))
    told, changed = table.look(), text.look()
    assert told and changed
    new = [row["cells"][0] for _, _, rows in told["splices"] for row in rows]
    f6 = ids.index("f6")
    assert new == ids[f6 : f6 + 3], "itself, its activation, and the layer that reads them"
    assert [*told["about"]] == ["label"], "what the columns are has not changed"
    come = [line for _, _, come in changed["splices"] for line in come]
    assert come[1:] == [line.replace("84", "90") for line in lines if "84" in line]
    assert "parameters" in come[0]


def test_a_value_of_the_recipe_changes_no_row(client: Client, lenet: str) -> None:
    table = Follower(client, lenet, "layers")
    edit(client, lenet, Set(path="recipe.seed", value=7))
    told = table.look()
    assert told and (told["splices"], told["about"]) == ([], {})


def test_an_edit_of_a_large_network_takes_less_than_a_kilobyte(client: Client) -> None:
    design = put(client, to_json(example("resnet50")))
    followers = [Follower(client, design, name) for name in ("layers", "program")]
    assert min(follower.bytes for follower in followers) > 10_000
    edit(client, design, Set(path="network.nodes.scores.params.bias", value=False))
    for follower in followers:
        follower.look()
        assert follower.bytes < 1_000


@pytest.mark.parametrize("name", LISTS)
def test_who_follows_random_edits_has_what_one_has_who_comes_late(client: Client, lenet: str, name: str) -> None:
    chance, early = random.Random(name), Follower(client, lenet, name)
    assert client.owner
    for step in range(40):
        nodes = documents.get(client.owner, lenet)
        assert nodes
        ids = [node["id"] for node in nodes.document["network"]["nodes"][1:-1]]
        node = chance.choice(ids)
        kind = chance.randrange(5)
        if kind == 0:
            edit(client, lenet, units(chance.choice(["f6", "f5"]), chance.randint(1, 200)))
        elif kind == 1:
            reader = next(each for each in nodes.document["network"]["nodes"] if node in each.get("inputs", ()))
            extra = {"id": f"extra{step}", "type": "Tanh", "inputs": [node]}
            edit(
                client, lenet, Insert(node=extra, after=node), Connect(node=reader["id"], port=0, source=f"extra{step}")
            )
        elif kind == 2 and any(each.startswith("extra") for each in ids):
            edit(client, lenet, Remove(node=next(each for each in ids if each.startswith("extra"))))
        elif kind == 3 and step:
            documents.undo(client.owner, lenet)
        else:
            edit(client, lenet, Set(path=f"network.nodes.{node}.frozen", value=bool(chance.randrange(2))))
        if chance.random() < 0.7:
            early.look()
    early.look()
    late = Follower(client, lenet, name)
    assert (early.about, early.items) == (late.about, late.items)


def test_what_is_forgotten_is_told_as_a_whole(client: Client, lenet: str, monkeypatch: pytest.MonkeyPatch) -> None:
    follower = Follower(client, lenet, "layers")
    monkeypatch.setattr(beside, "_listings", Recent(beside.KEPT_LISTS))
    edit(client, lenet, units("f6", 90))
    told = follower.look()
    assert told and told["base"] is None
    assert follower.items == Follower(client, lenet, "layers").items


def test_of_a_network_with_errors_there_is_a_table_and_no_program(client: Client, lenet: str) -> None:
    edit(client, lenet, Connect(node="f6", port=0, source=None))
    assert Follower(client, lenet, "layers").items[-1]["cells"][2] == "unknown"
    answer = client.get(f"/api/designs/{lenet}/beside/program")
    assert answer.status == 409
    assert json.loads(answer.body)["problems"][0]["title"]


def test_where_no_layer_has_neurons_it_is_said(client: Client) -> None:
    design = put(client, to_json(example("playground")))
    assert Follower(client, design, "classic").items[-1]["cells"] == ["Total", 7, 25, 25]
    edit(client, design, Remove(node="output"), Remove(node="hidden2"), Remove(node="hidden1"))
    follower = Follower(client, design, "classic")
    assert follower.items == [] and follower.about["empty"] == "No layer here has neurons in that sense."


def test_others_and_strangers_are_told_nothing(client: Client, visit: Any, lenet: str) -> None:
    other = visit()
    other.get("/")
    assert other.get(f"/api/designs/{lenet}/beside/layers").status == 409
    bare = Client(Starlette(routes=beside.routes))  # as if the middleware had been forgotten
    assert bare.get(f"/api/designs/{lenet}/beside/layers", cookie="layerlab_owner=forged").status == 401
    assert client.get(f"/api/designs/{lenet}/beside/unheard").status == 404
    assert client.get(f"/api/designs/{lenet}/beside/layers", "since=x").status == 400


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ("abc", "abc", []),
        ("", "ab", [(0, 0, "ab")]),
        ("ab", "", [(0, 2, "")]),
        ("abcd", "aXcd", [(1, 1, "X")]),
        ("abcd", "abcdE", [(4, 0, "E")]),
        ("abcdef", "bcdXf", [(0, 1, ""), (4, 1, "X")]),
    ],
)
def test_splices_say_what_to_replace(before: Sequence[str], after: Sequence[str], wanted: list[Any]) -> None:
    assert splices(before, after) == wanted


def test_the_newest_are_remembered() -> None:
    recent: Recent[str, int] = Recent(2)
    recent.put("a", 1)
    recent.put("b", 2)
    assert recent.get("a") == 1
    recent.put("c", 3)
    assert (recent.get("a"), recent.get("b"), recent.get("c")) == (1, None, 3)
