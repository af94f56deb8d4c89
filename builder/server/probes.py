"""How a probe is, and what it has seen, for its owner alone."""

import json

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from builder.server.asked import HEADERS, asked, name_in, owner_of_request
from builder.store import probes


async def probe(request: Request) -> Response:
    """`GET /api/probes/{probe}`: status, progress, and what was seen, or what was in the way."""
    answer = await asked(probe_answer, owner_of_request(request), name_in(request, "probe"))
    if answer is None:
        raise HTTPException(404)
    return Response(answer, media_type="application/json", headers=HEADERS)


def probe_answer(owner: str, id: str) -> bytes | None:
    """What the route sends; None where the owner has no such probe."""
    found = probes.find(owner, id)
    if found is None:
        return None
    told = {
        "kind": found.kind,
        "status": found.status,
        "progress": found.progress,
        "result": found.result,
        "problem": found.problem and {"title": found.problem["title"], "because": found.problem["because"]},
    }
    return json.dumps(told, separators=(",", ":"), allow_nan=False).encode()


routes: list[BaseRoute] = [Route("/api/probes/{probe}", probe)]
