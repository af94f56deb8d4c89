"""Live numbers of a run, for the owner alone: each request names what the caller has, each answer holds what is later.

An answer is a 32-bit little-endian length, that many bytes of JSON, and then the rows or the picture.
"""

import json
import math
import struct

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from builder.problem import Json
from builder.server import beside, designs, probes
from builder.server.asked import PACKED, asked, name_in, owner_of_request, whole_number
from builder.server.bundles import STATIC, Bundles
from builder.store import advice, history, runs, views
from builder.store.runs import Run

ROW_BYTES = history.ROW.itemsize


async def series(request: Request) -> Response:
    """`GET /api/runs/{run}/series?after=&generation=`: status, progress, and the history after the cursor `after`."""
    owner = owner_of_request(request)
    after = whole_number(request, "after", smallest=0, otherwise=0)
    generation = request.query_params.get("generation", "")
    found = await asked(series_answer, owner, name_in(request, "run"), after, generation)
    return _answer(found)


async def view(request: Request) -> Response:
    """`GET /api/runs/{run}/views/{name}?after=`: the newest picture of that name, if it shows a step after `after`."""
    owner = owner_of_request(request)
    after = whole_number(request, "after", smallest=-1, otherwise=-1)
    found = await asked(view_answer, owner, name_in(request, "run"), name_in(request, "name"), after)
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
        "advised": advice.step_told(run.id),
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


def _answer(body: bytes | None) -> Response:
    if body is None:
        raise HTTPException(404)
    if not body:
        return Response(status_code=204, headers=PACKED)
    return Response(body, media_type="application/octet-stream", headers=PACKED)


routes: list[BaseRoute] = [
    Route("/api/runs/{run}/series", series),
    Route("/api/runs/{run}/views/{name}", view),
    *beside.routes,
    *designs.routes,
    *probes.routes,
    Mount("/assets", Bundles(STATIC)),
]
