"""The web application: `streamlit run app.py`."""

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware

from builder import engine, store
from builder.problem import Refused
from builder.server.exposure import require_secret
from builder.server.headers import SecurityHeaders
from builder.server.identity import Identity
from builder.server.routes import routes
from builder.server.sockets import answer_at_once, remember_pages
from builder.store import runs

SIGN_OF_LIFE_SECONDS = 10


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """See that an engine is alive, and let it see that we are, for as long as the app runs."""
    try:
        await run_in_threadpool(engine.ensure)
    except (Refused, OSError):  # tried again with every sign of life
        logging.getLogger(__name__).warning("No engine could be started.", exc_info=True)
    signs = asyncio.create_task(give_signs_of_life())
    yield
    signs.cancel()


async def give_signs_of_life() -> None:
    """Without them an engine that has nothing to do ends itself; one that ended, as after a sleep, is started again."""
    while True:
        try:
            await run_in_threadpool(runs.app_alive)
            await run_in_threadpool(engine.ensure)
        except (Refused, OSError):
            logging.getLogger(__name__).warning("Store or engine does not answer; trying again.", exc_info=True)
        await asyncio.sleep(SIGN_OF_LIFE_SECONDS)


try:
    require_secret(st.get_option("server.address"))
    store.engine()
    store.secret()
except Refused as refused:
    sys.exit(f"{refused.problems[0].title}. {refused.problems[0].because}")

app = st.App(
    Path(__file__).parent / "pages" / "shell.py",
    routes=routes,
    middleware=[Middleware(SecurityHeaders), Middleware(Identity)],
    lifespan=lifespan,
)

answer_at_once()  # the socket is bound before this file is run
remember_pages()

# Streamlit collects all garbage after every script run: what is imported by now need not be looked at each time.
gc.collect()
gc.freeze()
