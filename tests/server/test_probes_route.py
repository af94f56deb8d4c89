"""What the browser is told of a probe."""

import json
from collections.abc import Callable

from builder.problem import Problem
from builder.store import probes
from tests.server.conftest import Client


def ask(client: Client, id: str) -> dict[str, object]:
    answer = client.get(f"/api/probes/{id}")
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    told = json.loads(answer.body)
    assert isinstance(told, dict)
    return told


def test_it_is_told_how_far_a_probe_is_and_then_what_it_saw(client: Client) -> None:
    id = probes.submit(client.owner or "", "rates", {}).id
    waiting = {"kind": "rates", "status": "queued", "progress": 0.0, "result": None, "problem": None}
    assert ask(client, id) == waiting
    probes.claim()
    probes.tell(id, 0.25)
    assert ask(client, id) == waiting | {"status": "running", "progress": 0.25}
    probes.finish(id, {"rates": [0.1]})
    assert ask(client, id) == waiting | {"status": "done", "progress": 1.0, "result": {"rates": [0.1]}}


def test_it_is_told_what_was_in_the_way(client: Client) -> None:
    id = probes.submit(client.owner or "", "spread", {}).id
    probes.claim()
    probes.fail(id, Problem(code="x/y", title="It broke", because="For a test."))
    told = ask(client, id)
    assert (told["status"], told["problem"]) == ("failed", {"title": "It broke", "because": "For a test."})


def test_a_probe_that_is_not_there_and_somebody_elses_look_alike(client: Client, visit: Callable[[], Client]) -> None:
    stranger = visit()
    stranger.get("/")
    id = probes.submit(client.owner or "", "rates", {}).id
    assert stranger.get(f"/api/probes/{id}").status == 404
    assert client.get("/api/probes/nothere").status == 404
    assert client.get("/api/probes/UPPER-case").status == 404
