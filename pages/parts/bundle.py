"""Our own components: what the frontend's build has left, loaded by the browser as a file that never changes."""

from typing import Any

import streamlit as st

from builder.server.bundles import STATIC


def component(name: str, part: str | None = None, *, isolate_styles: bool = True) -> Any:
    """The component whose code is the one bundle of that name, or a part of it: what the bundle exports by that name.

    Parts of one bundle share its module in the browser, and so can tell each other something without the server.
    """
    (bundle,) = STATIC.glob(f"{name}-*.js")  # the build leaves exactly one
    return st.components.v2.component(
        f"layerlab_{part or name}",
        js=f"""
const bundle = await import(new URL("assets/{bundle.name}", document.baseURI).href);
export default bundle.{part or "default"};
""",
        isolate_styles=isolate_styles,
    )
