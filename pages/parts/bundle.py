"""Our own components: what the frontend's build has left, loaded by the browser as a file that never changes."""

from typing import Any

import streamlit as st

from builder.server.bundles import STATIC


def component(name: str, *, isolate_styles: bool = True) -> Any:
    """The component whose code is the one bundle of that name."""
    (bundle,) = STATIC.glob(f"{name}-*.js")  # the build leaves exactly one
    return st.components.v2.component(
        f"layerlab_{name}",
        js=f"""
const bundle = await import(new URL("assets/{bundle.name}", document.baseURI).href);
export default bundle.default;
""",
        isolate_styles=isolate_styles,
    )
