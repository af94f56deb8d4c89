"""Problems on a page: what, why, and buttons that repair it."""

from collections.abc import Callable, Sequence

import streamlit as st
from pydantic import ValidationError

from builder.problem import Edit, Json, Problem, say
from pages.parts.words import plain

Repair = Callable[[Sequence[Edit]], None]
UNREADABLE = "run/unreadable-problem"


def kept(problem: dict[str, Json] | None) -> Problem | None:
    """The Problem that the store keeps of a run; one that cannot be read is told of by another."""
    if problem is None:
        return None
    try:
        return Problem.model_validate(problem)
    except ValidationError:
        because = say("Something is written down about how the run ended, and this Layerlab cannot read it.")
        return Problem(code=UNREADABLE, title=say("The run ended with a problem"), because=because)


def problem_list(problems: Sequence[Problem], repair: Repair | None, key: str) -> None:
    """Draw them all, errors first. `repair` gets the edits of the fix that is pressed."""
    for at, problem in enumerate(sorted(problems, key=lambda problem: problem.severity)):
        error = problem.severity == "error"
        with st.container(border=True, key=f"problem-{problem.severity}-{key}-{at}", gap="xsmall"):
            icon = ":red[:material/error:]" if error else ":orange[:material/warning:]"
            st.markdown(f"{icon} **{plain(problem.title)}**")
            st.caption(plain(problem.because))
            if problem.fixes and repair:
                with st.container(horizontal=True, gap="small"):
                    for number, fix in enumerate(problem.fixes):
                        st.button(
                            plain(fix.label),
                            key=f"fix-{key}-{at}-{number}",
                            icon=":material/build:",
                            on_click=repair,
                            args=(fix.edits,),
                        )
