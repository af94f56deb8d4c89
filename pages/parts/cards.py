"""A design as a card: its picture, its name, which opens it, and what it costs."""

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, NamedTuple

import streamlit as st

from builder.analysis import analyze
from builder.analysis.preview import in_words, picture
from builder.analysis.task import task
from builder.blocks import example
from builder.design import read
from builder.design.experiment import Experiment
from builder.problem import Problem, Refused
from builder.store import documents
from pages.parts import style
from pages.parts.words import amount, plain

PICTURES = 500
"""Pictures of people's designs that are kept."""


class Looks(NamedTuple):
    """What a card shows of a design."""

    svg: str
    words: str
    """What the picture shows, for who cannot see it."""
    costs: str
    task: str


def looks_of(name: str, experiment: Experiment) -> Looks:
    analysis = analyze(experiment.network)
    costs = f"{amount(analysis.parameters)} parameters · {amount(analysis.macs)} MACs"
    return Looks(picture(name, analysis), in_words(name, analysis), costs, task(experiment))


@cache
def looks_of_example(name: str) -> Looks:
    return looks_of(name, example(name))


@lru_cache(PICTURES)
def looks_of_design(owner: str, design: str, name: str, revision: int) -> Looks | Problem:
    """The looks of an owner's design as it is at a revision; what is wrong with one that cannot be read."""
    draft = documents.get(owner, design)
    if draft is None:
        return documents.unreadable()
    try:
        return looks_of(name, read.experiment(draft.document))
    except Refused as refused:
        return refused.problems[0]


def grid(key: str) -> Any:
    """A place for cards, as many beside each other as there is room for."""
    return st.container(key=f"{key}-cards", gap="small")


def opening(label: str, key: str, open: Callable[..., None], *arguments: Any) -> None:
    """The name on a card. All of the card that is no other button opens it too, by the style sheet."""
    with st.container(key=f"opens-{key}"):
        st.button(f"**{plain(label)}**", key=key, type="tertiary", on_click=open, args=arguments)


def drawn(looks: Looks) -> None:
    """The picture."""
    st.image(style.coloured(looks.svg), width="stretch", alt=looks.words)


def lines(*texts: str) -> None:
    """Small lines below each other."""
    st.caption("  \n".join(plain(text) for text in texts if text))
