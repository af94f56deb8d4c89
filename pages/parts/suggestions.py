"""Buttons that follow a rule of thumb, and say which."""

from collections.abc import Callable

import streamlit as st

from builder.analysis.suggest import Suggestion, sound
from builder.design.experiment import Experiment
from builder.problem import say
from pages.parts import session
from pages.parts.words import plain


def button(
    label: str, about: str, suggest: Callable[[], Suggestion | None], experiment: Experiment, revision: int
) -> None:
    """Carry out what is suggested, and say below by which rule, until the design changes again."""

    def follow() -> None:
        suggestion = suggest()
        if suggestion is None or not sound(experiment, suggestion):
            session.tell(about, say("No rule of thumb leads from here to a network that could be trained. What is wrong with it comes first."))  # fmt: skip
            return
        if suggestion.edits:
            session.submit(suggestion.edits, revision)
        if not (suggestion.edits and session.notices()):
            session.tell(about, str(suggestion))

    st.button(label, key=f"suggest-{about}", icon=":material/lightbulb:", help="By a rule of thumb.", on_click=follow)
    told = session.told(about, revision)
    if told:
        st.caption(plain(told))
