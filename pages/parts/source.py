"""The design as a PyTorch program: to read, to copy, to take away."""

import io
import zipfile
from collections.abc import Sequence

import streamlit as st

from builder.data import load
from builder.design.experiment import Experiment
from builder.problem import Problem
from builder.server.beside import program_text
from builder.source import lines_of
from builder.store.documents import Draft
from pages.parts import session
from pages.parts.bundle import component

_component = component("canvas", "source")


def program_view(draft: Draft, experiment: Experiment, problems: Sequence[Problem]) -> None:
    """The program, which the browser fetches itself, or why there is none yet."""
    st.subheader("PyTorch", anchor=False)
    if any(problem.severity == "error" for problem in problems):
        st.info("The program appears here once the network has no errors.", icon=":material/code:")
        return
    text = program_text(draft)
    at, nodes = session.seen()
    lines = lines_of(experiment.network, text) if nodes else {}
    selected = sorted({line for node in nodes for line in lines.get(f"{at}.{node}" if at else node, ())})
    data = {"api": "api", "design": draft.id, "revision": draft.revision, "selected": selected}
    _component(key="program", data=data, height="content")
    st.download_button(
        "Download program and data",
        data=lambda: _package(experiment, text),
        file_name="layerlab.zip",
        mime="application/zip",
        icon=":material/download:",
        on_click="ignore",
        help="program.py and the data.npz that it reads. It needs torch and numpy, and kornia where pictures are augmented.",
    )


def _package(experiment: Experiment, text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("program.py", text)
        package.writestr("data.npz", load(experiment.data).save_npz())
    return buffer.getvalue()
