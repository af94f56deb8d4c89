"""Build: a stack of layers, beside it what they are worth, what is wrong, and the PyTorch program."""

import streamlit as st

from builder.analysis import check
from builder.blocks import GALLERY
from builder.design import read
from pages.parts import files, session, source, stack, table
from pages.parts.problems import problem_list

draft = session.draft()
experiment = read.experiment(draft.document)
analysis, problems = check(experiment)

with st.container(horizontal=True, vertical_alignment="bottom", key="toolbar"):
    stack.name_field(draft)
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
    files.open_and_save(draft)
    st.space("stretch")
    ready = not any(problem.severity == "error" for problem in problems)
    if st.button("Train", type="primary", icon=":material/play_arrow:", disabled=not ready, shortcut="Ctrl+Enter"):
        session.start()
        st.switch_page("train.py")

if session.broken_file():
    files.repair_panel()
else:
    problem_list(session.notices(), lambda edits: session.submit(edits, draft.revision), "notice")

left, right = st.columns([5, 7], gap="medium")
with left:
    stack.cards(experiment.network, analysis, draft.revision)
with right:
    problem_list(problems, lambda edits: session.submit(edits, draft.revision), "network")
    table.totals(analysis)
    table.layers(analysis)
    source.program_view(experiment, problems)
