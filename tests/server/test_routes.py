"""Live numbers of a run over HTTP: what is sent, to whom, and from where on."""

import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from starlette.applications import Starlette

from builder.problem import Problem
from builder.server.routes import routes
from builder.store import history, runs
from tests.server.conftest import Answer, Client


def split(answer: Answer) -> tuple[dict[str, Any], bytes]:
    """Meta and rest of an answer, read from the description of the format."""
    assert answer.status == 200
    (length,) = struct.unpack_from("<I", answer.body)
    return json.loads(answer.body[4 : 4 + length]), answer.body[4 + length :]


def rows(body: bytes) -> list[tuple[int, int, int, int, float]]:
    """Series, points, first step, last step and mean of each row."""
    unpacked = struct.iter_unpack("<HHIqqfffI", body)
    return [(series, n, first, last, mean) for series, _, n, first, last, mean, *_ in unpacked]


@pytest.fixture
def run(client: Client) -> runs.Run:
    assert client.owner
    return runs.submit(client.owner, "a run", {"some": "experiment"})


def record(run: runs.Run, first: int, last: int, recorder: history.Recorder | None = None) -> history.Recorder:
    recorder = recorder or history.Recorder(run.id)
    for step in range(first, last + 1):
        recorder.add("train/loss", step, step / 4)
    recorder.progress(last, 0, last / 100, 5.0)
    recorder.flush()
    return recorder


def test_a_first_request_gets_everything_and_the_next_one_what_is_later(client: Client, run: runs.Run) -> None:
    recorder = record(run, 1, 1500)
    meta, body = split(client.get(f"/api/runs/{run.id}/series"))
    assert (meta["closed"], meta["open"], meta["reset"]) == (1024 + 238, 0, True)
    assert rows(body)[:2] == [(0, 1, 1, 1, 0.25), (0, 1, 2, 2, 0.5)]
    assert rows(body)[-1] == (0, 2, 1499, 1500, 374.875)

    record(run, 1501, 1503, recorder)
    query = f"after={meta['cursor']}&generation={meta['generation']}"
    later, body = split(client.get(f"/api/runs/{run.id}/series", query))
    assert (later["closed"], later["open"], later["reset"]) == (1, 1, False)
    assert rows(body) == [(0, 2, 1501, 1502, 375.375), (0, 1, 1503, 1503, 375.75)]
    recorder.close()


def test_polling_adds_up_to_the_whole_history(client: Client, run: runs.Run) -> None:
    recorder, cursor, generation, closed = history.Recorder(run.id), 0, "", b""
    for last in range(500, 4001, 500):
        record(run, last - 499, last, recorder)
        meta, body = split(client.get(f"/api/runs/{run.id}/series", f"after={cursor}&generation={generation}"))
        cursor, generation = meta["cursor"], meta["generation"]
        closed += body[: 40 * meta["closed"]]
    recorder.close()
    all_rows = rows(closed + body[40 * meta["closed"] :])
    assert [first for _, _, first, _, _ in all_rows] == sorted({first for _, _, first, _, _ in all_rows})
    assert sum(n for _, n, _, _, _ in all_rows) == 4000


@pytest.mark.parametrize("generation", ["", "of-another-attempt", "%00", "ü" * 500])
def test_rows_of_another_attempt_make_the_caller_start_over(client: Client, run: runs.Run, generation: str) -> None:
    record(run, 1, 100).close()
    meta, body = split(client.get(f"/api/runs/{run.id}/series", f"after=60&generation={generation}"))
    assert meta["reset"] is True
    assert len(rows(body)) == 100


def test_the_meta_says_how_the_run_is(client: Client, run: runs.Run) -> None:
    runs.claim()
    runs.update(run.id, status="running", total_steps=400, epochs=4, execution={"device": "cpu", "device_name": "CPU"})
    record(run, 1, 100).close()
    meta, _ = split(client.get(f"/api/runs/{run.id}/series"))
    expected = {
        "status": "running",
        "step": 100,
        "total_steps": 400,
        "epoch": 0,
        "epochs": 4,
        "seconds": 1.0,
        "samples_per_second": 5.0,
        "remaining_seconds": 3.0,  # 300 more steps at 100 a second
        "device": "CPU",
        "place": None,
        "starts_in": None,
        "rate": None,
        "memory": None,
        "advised": None,
        "problem": None,
        "series": ["train/loss"],
        "generation": run.generation,
    }
    assert {key: meta[key] for key in expected} == expected
    assert set(meta) == set(expected) | {"cursor", "closed", "open", "reset"}


def test_a_waiting_run_has_a_place_and_no_end_in_sight(client: Client, run: runs.Run) -> None:
    meta, body = split(client.get(f"/api/runs/{run.id}/series"))
    assert (meta["status"], meta["place"], meta["remaining_seconds"], body) == ("queued", 1, None, b"")


def test_a_failed_run_says_why_and_has_no_time_left(client: Client, run: runs.Run) -> None:
    record(run, 1, 10).close()
    runs.update(run.id, total_steps=100)
    runs.finish(run.id, "failed", Problem(code="x/y", title="It broke", because="The loss was NaN."))
    meta, _ = split(client.get(f"/api/runs/{run.id}/series"))
    assert meta["problem"] == {"title": "It broke", "because": "The loss was NaN."}
    assert meta["remaining_seconds"] is None


def test_a_speed_that_json_cannot_say_is_no_speed(client: Client, run: runs.Run) -> None:
    runs.update(run.id, samples_per_second=float("inf"))
    meta, _ = split(client.get(f"/api/runs/{run.id}/series"))
    assert meta["samples_per_second"] == 0


def test_values_that_are_not_finite_travel(client: Client, run: runs.Run) -> None:
    recorder = history.Recorder(run.id)
    for step, value in enumerate([np.nan, np.inf, -np.inf]):
        recorder.add("train/loss", step, value)
    recorder.close()
    _, body = split(client.get(f"/api/runs/{run.id}/series"))
    np.testing.assert_array_equal([mean for *_, mean in rows(body)], [np.nan, np.inf, -np.inf])


def test_the_newest_picture_is_sent_once(client: Client, run: runs.Run) -> None:
    address = f"/api/runs/{run.id}/views/boundary"
    assert client.get(address).status == 204
    recorder = history.Recorder(run.id)
    recorder.view("boundary", 0, {"size": 1}, b"old!")
    recorder.view("boundary", 7, {"size": 2}, b"new!")
    recorder.close()
    for query in ("", "after=-1", "after=6"):
        assert split(client.get(address, query)) == ({"size": 2, "step": 7}, b"new!")
    nothing_newer = client.get(address, "after=7")
    assert (nothing_newer.status, nothing_newer.body) == (204, b"")
    assert client.get(f"/api/runs/{run.id}/views/points").status == 204


@pytest.mark.parametrize("what", ["series", "views/boundary"])
def test_answers_are_neither_kept_nor_compressed(client: Client, run: runs.Run, what: str) -> None:
    headers = client.get(f"/api/runs/{run.id}/{what}", accept_encoding="gzip").headers
    assert (headers["cache-control"], headers["content-encoding"]) == ("no-store", "identity")


@pytest.mark.parametrize("what", ["series", "views/boundary"])
def test_someone_else_s_run_looks_like_one_that_is_not_there(
    visit: Callable[[], Client], run: runs.Run, what: str
) -> None:
    recorder = history.Recorder(run.id)
    recorder.view("boundary", 7, {}, b"")
    recorder.close()
    stranger = visit()
    stranger.get("/")
    theirs = stranger.get(f"/api/runs/{run.id}/{what}")
    unknown = stranger.get(f"/api/runs/{'x' * 12}/{what}")
    assert theirs.status == 404
    assert (theirs.status, theirs.headers, theirs.body) == (unknown.status, unknown.headers, unknown.body)


@pytest.mark.parametrize("what", ["series", "views/boundary"])
@pytest.mark.parametrize("cookie", ["", "layerlab_owner=forged", "layerlab_owner=ada.awFzkg.AAAA"])
def test_without_identity_nothing_is_answered(run: runs.Run, what: str, cookie: str) -> None:
    bare = Client(Starlette(routes=routes))  # as if the middleware had been forgotten
    assert bare.get(f"/api/runs/{run.id}/{what}", cookie=cookie).status == 401


BAD = ["x", "", "1.5", "1e3", "+1", "%EF%BC%91", "1_0", " 1", "--1", "-", "0x1", str(2**63), "9" * 5000, "nan", "%00"]


@pytest.mark.parametrize("after", [*BAD, "-1"])
def test_a_cursor_that_is_none_is_refused(client: Client, run: runs.Run, after: str) -> None:
    assert client.get(f"/api/runs/{run.id}/series", f"after={after}").status == 400


@pytest.mark.parametrize("after", [*BAD, "-2"])
def test_a_step_that_is_none_is_refused(client: Client, run: runs.Run, after: str) -> None:
    assert client.get(f"/api/runs/{run.id}/views/boundary", f"after={after}").status == 400


def test_the_largest_cursor_is_answered_with_nothing_new(client: Client, run: runs.Run) -> None:
    record(run, 1, 5).close()
    meta, _ = split(client.get(f"/api/runs/{run.id}/series", f"after={2**63 - 1}&generation={run.generation}"))
    assert meta["closed"] == 0
    assert client.get(f"/api/runs/{run.id}/views/boundary", f"after={2**63 - 1}").status == 204


@pytest.mark.parametrize("run_id", ["..", "%00", "x" * 10_000, "' OR 1=1 --", "é", "a\x00b"])
def test_a_strange_name_of_a_run_is_just_unknown(client: Client, run_id: str) -> None:
    assert client.get(f"/api/runs/{run_id}/series").status == 404


@pytest.mark.parametrize("name", ["a\x00b", "x" * 41, "Boundary", "../series", "é"])
def test_a_strange_name_of_a_picture_is_just_unknown(client: Client, run: runs.Run, name: str) -> None:
    assert client.get(f"/api/runs/{run.id}/views/{name}").status == 404


def test_the_answer_says_since_when_something_else_is_told_of_the_run(client: Client, run: runs.Run) -> None:
    recorder = record(run, 1, 10)
    for step in (4, 9):
        recorder.view("advice", step, {"problems": []}, b"")
        recorder.view("pulse", 10, {}, b"")
        recorder.flush()
        assert split(client.get(f"/api/runs/{run.id}/series"))[0]["advised"] == step
    recorder.close()
