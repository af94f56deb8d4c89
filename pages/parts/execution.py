"""How the next run is carried out: device, precision, threads, memory format. No part of the design: the same one runs anywhere."""

from typing import Any, get_args

import streamlit as st

from builder import limits, machine
from builder.analysis import room
from builder.analysis.memory import LIBRARIES, estimate
from builder.design.experiment import Device, Experiment, MemoryFormat, Precision, Wish
from builder.problem import Problem
from builder.store.documents import Draft
from builder.words import memory
from pages.parts import mirrors, session

CHOICES = {
    "device": get_args(Device),
    "precision": get_args(Precision),
    "memory_format": ("auto", *get_args(MemoryFormat)),
}


def settings(draft: Draft, experiment: Experiment | None) -> None:
    """A widget for each wish, and what memory a run would take: of an `experiment` without errors."""
    wish = session.wish(draft.id)
    with st.expander("Execution", icon=":material/memory:"):
        for names in (("device", "precision"), ("memory_format", "threads")):
            for column, name in zip(st.columns(2, vertical_alignment="bottom"), names, strict=True):
                with column:
                    _widget(draft.id, wish, name)
        if experiment:
            _memory(experiment, wish)


def _memory(experiment: Experiment, wish: Wish) -> None:
    """Estimated before anything is built; when a run is over, its details show what was measured."""
    training = estimate(experiment, wish.precision)
    st.caption(
        f"Memory: about {memory(training.total)} to train with {training.batch:,} samples at once "
        f"({memory(LIBRARIES)} of them for PyTorch itself), {memory(training.answering)} to answer for one.",
        help="Weights, gradients, what the optimizer remembers, the data, and what the samples of a batch leave on their way "
        "through the network; or what it takes to judge a whole part of the data, where that is more.",
    )


def too_large(draft: Draft, experiment: Experiment) -> list[Problem]:
    """Whether the next run would be refused by now for the memory that it takes, unless a GPU has room for it: pages know of none."""
    wish = session.wish(draft.id)
    if wish.device == "cuda":
        return []
    problem = room.too_large(experiment, estimate(experiment, wish.precision), machine.free_bytes(), "CPU")
    return [problem.model_copy(update={"severity": "warning"})] if problem else []


def _widget(design: str, wish: Wish, name: str) -> None:
    field = Wish.model_fields[name]
    key, label, value = f"wish-{name}-{design}", field.title or name, getattr(wish, name)

    def say(wanted: Any) -> None:
        session.want(design, name, wanted)

    if name in CHOICES:
        mirrors.choice(key, label, CHOICES[name], value, say, help=field.description)
    else:
        mirrors.number(key, label, value, say, min_value=1, max_value=limits.THREADS, help=field.description)
