"""The server that the browser tests look at: our routes and middleware around one page with a live chart."""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from builder.server.headers import SecurityHeaders
from builder.server.identity import Identity
from builder.server.routes import routes

middleware = [Middleware(SecurityHeaders), Middleware(Identity)]
app = st.App(Path(__file__).with_name("live_page.py"), routes=routes, middleware=middleware)
