"""Runs: all of them, one in detail, several beside each other."""

import streamlit as st

from pages.parts import comparison, run_actions, run_bin, run_details, run_list, session
from pages.parts.problems import problem_list

asked = run_list.toolbar()
problem_list(session.notices(), None, "notice")
found = run_list.look(asked)
if not found:
    run_list.nothing(asked)
else:
    if not asked.binned:
        run_list.going(found)
    buttons = st.container(horizontal=True, vertical_alignment="center", key="run-actions")
    chosen = run_list.table(found, asked)
    with buttons:
        (run_bin if asked.binned else run_actions).actions(chosen)
    if len(chosen) == 1:
        run_details.details(chosen[0])
    elif chosen:
        comparison.comparison(chosen)
