"""Live numbers of a run, for the owner alone: each request names what the caller has, each answer holds what is later.

An answer is a 32-bit little-endian length, that many bytes of JSON, and then the rows or the picture.
"""

import json
import math
import re
import struct
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from builder.problem import Json
from builder.server.bundles import STATIC, Bundles
from builder.server.identity import COOKIE, owner_of
from builder.store import history, runs, views
from builder.store.runs import Run
from builder.store.trouble import Unanswered

ROW_BYTES = history.ROW.itemsize
NAME = re.compile(r"[a-z0-9_]{1,40}")
"""What runs and pictures are called."""
LARGEST = 2**63 - 1
"""What a database keeps as a whole number."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Encoding": "identity",  # keeps Streamlit from compressing numbers that hardly get smaller
}


async def series(request: Request) -> Response:
    """`GET /api/runs/{run}/series?after=&generation=`: status, progress, and the history after the cursor `after`."""
    owner = _owner(request)
    after = _whole_number(request, "after", smallest=0, otherwise=0)
    generation = request.query_params.get("generation", "")
    found = await _asked(series_answer, owner, _name(request, "run"), after, generation)
    return _answer(found)


async def view(request: Request) -> Response:
    """`GET /api/runs/{run}/views/{name}?after=`: the newest picture of that name, if it shows a step after `after`."""
    owner = _owner(request)
    after = _whole_number(request, "after", smallest=-1, otherwise=-1)
    found = await _asked(view_answer, owner, _name(request, "run"), _name(request, "name"), after)
    return _answer(found)


def series_answer(owner: str, run_id: str, after: int, generation: str) -> bytes | None:
    """What the series route sends; None where the owner has no such run.

    A caller whose generation is not the run's has rows of another attempt: it starts over, from 0.
    """
    run = runs.get(owner, run_id)  # before the history: an ended run's history is then whole
    if run is None:
        return None
    reset = generation != run.generation
    cursor, closed, still_open = history.read(run.id, 0 if reset else after)
    counts = {"cursor": cursor, "closed": len(closed) // ROW_BYTES, "open": len(still_open) // ROW_BYTES}
    return _framed(counts | {"reset": reset} | _progress(run), closed + still_open)


def view_answer(owner: str, run_id: str, name: str, after: int) -> bytes | None:
    """What the view route sends, empty where nothing is newer; None where the owner has no such run."""
    if runs.get(owner, run_id) is None:
        return None
    newest = views.read(run_id, name, after)
    return b"" if newest is None else _framed({**newest.meta, "step": newest.step}, newest.data)


def _progress(run: Run) -> dict[str, Json]:
    return {
        "series": run.series,
        "generation": run.generation,
        "status": run.status,
        "step": run.step,
        "total_steps": run.total_steps,
        "epoch": run.epoch,
        "epochs": run.epochs,
        "seconds": run.seconds,
        "samples_per_second": run.samples_per_second if math.isfinite(run.samples_per_second) else 0.0,
        "remaining_seconds": remaining_seconds(run),
        "device": run.execution.get("device_name"),  # what was wished for is no device yet
        "place": run.place,
        "starts_in": runs.expected_start(run.id) if run.place else None,
        "rate": run.rate if run.rate is not None and math.isfinite(run.rate) else None,
        "memory": run.memory,
        "problem": run.problem and {"title": run.problem["title"], "because": run.problem["because"]},
    }


def remaining_seconds(run: Run) -> float | None:
    """Training time until the last step, at the pace so far; None where that is unknown or the run has ended."""
    if run.status not in runs.GOING or run.step <= 0 or run.total_steps <= 0:
        return None
    return max(0, run.total_steps - run.step) * run.seconds / run.step


def _framed(meta: dict[str, Json], data: bytes) -> bytes:
    header = json.dumps(meta, separators=(",", ":"), allow_nan=False).encode()
    return struct.pack("<I", len(header)) + header + data


async def _asked(question: Callable[..., bytes | None], *arguments: object) -> bytes | None:
    """Ask the store beside the loop. Where it does not answer, so say we, and the page asks again."""
    try:
        return await run_in_threadpool(question, *arguments)
    except Unanswered as unanswered:
        raise HTTPException(503, unanswered.problems[0].title) from unanswered


def _answer(body: bytes | None) -> Response:
    if body is None:
        raise HTTPException(404)
    if not body:
        return Response(status_code=204, headers=HEADERS)
    return Response(body, media_type="application/octet-stream", headers=HEADERS)


def _owner(request: Request) -> str:
    owner = owner_of(request.cookies.get(COOKIE))
    if owner is None:
        raise HTTPException(401)
    return owner


def _name(request: Request, parameter: str) -> str:
    """A part of the address that can be a name of ours; any other never reaches the store, which may refuse it."""
    name: str = request.path_params[parameter]
    if not NAME.fullmatch(name):
        raise HTTPException(404)
    return name


def _whole_number(request: Request, name: str, smallest: int, otherwise: int) -> int:
    given = request.query_params.get(name)
    if given is None:
        return otherwise
    digits = given.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= len(str(LARGEST))):
        raise HTTPException(400)
    value = int(given)
    if not smallest <= value <= LARGEST:
        raise HTTPException(400)
    return value


routes: list[BaseRoute] = [
    Route("/api/runs/{run}/series", series),
    Route("/api/runs/{run}/views/{name}", view),
    Mount("/assets", Bundles(STATIC)),
]
