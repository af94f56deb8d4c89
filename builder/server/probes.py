"""How a probe is, and what it has seen, for its owner alone."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from builder.problem import Json
from builder.server.asked import HEADERS, asked, name_in, owner_of_request
from builder.store import probes


async def probe(request: Request) -> Response:
    """`GET /api/probes/{probe}`: status, progress, and what was seen, or what was in the way."""
    told = await asked(_told, owner_of_request(request), name_in(request, "probe"))
    if told is None:
        raise HTTPException(404)
    return JSONResponse(told, headers=HEADERS)


def _told(owner: str, id: str) -> dict[str, Json] | None:
    """What the route sends; None where the owner has no such probe."""
    found = probes.find(owner, id)
    if found is None:
        return None
    problem = found.problem and {"title": found.problem["title"], "because": found.problem["because"]}
    return {
        "kind": found.kind,
        "status": found.status,
        "progress": found.progress,
        "result": found.result,
        "problem": problem,
    }


routes: list[BaseRoute] = [Route("/api/probes/{probe}", probe)]
