"""Build: the network as a graph or as a stack, what it is worth, what is wrong, and the PyTorch program."""

import streamlit as st

from builder.analysis import check
from builder.blocks import GALLERY
from pages.parts import canvas, execution, files, inspector, session, source, table
from pages.parts.problems import problem_list

draft = session.draft()
experiment = files.experiment_of(draft)
analysis, problems = check(experiment)
ready = not any(problem.severity == "error" for problem in problems)
if ready:
    problems += [*session.grown(draft, analysis), *execution.too_large(draft, experiment)]

with st.container(horizontal=True, vertical_alignment="bottom", key="toolbar"):
    files.name_field(draft)
    st.button(
        "Undo",
        icon=":material/undo:",
        disabled=not draft.can_undo,
        on_click=session.undo,
        shortcut="Ctrl+Z",
        help="Take the last change back.",
    )
    st.button(
        "Redo",
        icon=":material/redo:",
        disabled=not draft.can_redo,
        on_click=session.redo,
        shortcut="Ctrl+Y",
        help="Make it again.",
    )
    files.gallery_menu(GALLERY)
    files.file_menu(draft)
    view = st.segmented_control(
        "View",
        list(canvas.VIEWS),
        format_func=canvas.VIEWS.__getitem__,
        default=next(iter(canvas.VIEWS)),
        key="build-view",
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )
    st.space("stretch")
    if st.button("Train", type="primary", icon=":material/play_arrow:", disabled=not ready, shortcut="Ctrl+Enter"):
        session.start()
        st.switch_page("train.py")

# There without notices too: what moves down the page would be made anew, the canvas with it.
with st.container(key="notices"):
    files.repair_panel()
    problem_list(session.notices(), lambda edits: session.submit(edits, draft.revision), "notice")

left, right = st.columns([7, 4], gap="medium")
with left:
    canvas.canvas(draft, view)
with right:
    table.totals(analysis)
    problem_list(problems, lambda edits: session.submit(edits, draft.revision), "network")
    inspector.selection(experiment, analysis, draft.revision)
left, right = st.columns([7, 5], gap="medium")
with left:
    table.layers(draft)
with right:
    source.program_view(draft, experiment, problems)
