"""What every route does first: who asks, for what, and the store beside the loop."""

import re
from collections.abc import Callable
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from builder.problem import Refused
from builder.server.identity import COOKIE, owner_of
from builder.store.trouble import Unanswered

T = TypeVar("T")

NAME = re.compile(r"[a-z0-9_]{1,40}")
"""What runs and pictures are called."""
LARGEST = 2**63 - 1
"""What a database keeps as a whole number."""

HEADERS = {"Cache-Control": "no-store"}
PACKED = HEADERS | {"Content-Encoding": "identity"}
"""Keeps Streamlit from compressing numbers that hardly get smaller."""


async def asked(question: Callable[..., T], *arguments: object) -> T:
    """Ask the store beside the loop. Where it does not answer, so say we, and the page asks again."""
    try:
        return await run_in_threadpool(question, *arguments)
    except Unanswered as unanswered:
        raise HTTPException(503, unanswered.problems[0].title) from unanswered


def refusal(refused: Refused) -> Response:
    """What cannot be done, as 409 with its Problems."""
    problems = [problem.model_dump(mode="json", exclude={"fixes"}) for problem in refused.problems]
    return JSONResponse({"problems": problems}, 409, headers=HEADERS)


def owner_of_request(request: Request) -> str:
    owner = owner_of(request.cookies.get(COOKIE))
    if owner is None:
        raise HTTPException(401)
    return owner


def name_in(request: Request, parameter: str) -> str:
    """A part of the address that can be a name of ours; any other never reaches the store, which may refuse it."""
    name: str = request.path_params[parameter]
    if not NAME.fullmatch(name):
        raise HTTPException(404)
    return name


def whole_number(request: Request, name: str, smallest: int, otherwise: int) -> int:
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
