"""One run in detail: what it is called, where it comes from, how it was carried out, and what came out."""

from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from builder import limits
from builder.analysis.memory import estimate
from builder.design import read
from builder.problem import Refused
from builder.store import runs as store
from builder.store.runs import Run
from builder.words import memory
from pages.parts import advice, comparison, mirrors, session
from pages.parts import runs as run_parts
from pages.parts.problems import kept, problem_list
from pages.parts.run_list import WORDS
from pages.parts.words import duration, plain


def details(run: Run) -> None:
    """Everything about a run."""
    left, right = st.columns([4, 9], gap="medium")
    with left:
        _words(run)
        _facts(run)
    with right:
        problem = kept(run.problem)
        if problem and run.status == "failed":
            problem_list([problem], None, "failed")
        comparison.chart([run], key="one-run")
        advice.advice(run)
        run_parts.results(run)


# What it is called -----------------------------------------------------------------------------------------------


def _words(run: Run) -> None:
    """Name, tags and notes, each of which is kept as it is left."""
    mirrors.text(
        f"run-name-{run.id}",
        "Name",
        run.name,
        lambda name: session.attempt(store.rename, run.id, name),
        max_chars=limits.TITLE,
    )
    mirrors.choices(
        f"run-tags-{run.id}",
        "Tags",
        _known_tags(run),
        list(run.tags),
        lambda tags: session.attempt(store.annotate, run.id, tags=tags),
        accept_new_options=True,
        max_selections=limits.TAGS,
        placeholder="Choose, or write a new one",
    )
    mirrors.long_text(
        f"run-notes-{run.id}",
        "Notes",
        run.notes,
        lambda notes: session.attempt(store.annotate, run.id, notes=notes),
        max_chars=limits.NOTES,
        height=110,
        placeholder="What was tried, and what came out",
    )


def _known_tags(run: Run) -> list[str]:
    """Its own, and those of other runs, so that one tag is not written in two ways."""
    others = store.listing(session.owner(), 200)
    return sorted({*run.tags, *(tag for other in others for tag in other.tags)})


# Where it comes from ---------------------------------------------------------------------------------------------


def _facts(run: Run) -> None:
    _parent(run)
    lines = {
        "Status": WORDS[run.status],
        "Begun": _moment(run.started),
        "Ended": _moment(run.ended),
        "Trained": duration(run.seconds) if run.seconds else "",
        "Steps": f"{run.step:,} of {run.total_steps:,}" if run.total_steps else "",
        **_means(run),
        "Peak memory": _memory(run),
    }
    known = {name: plain(text) for name, text in lines.items() if text}
    st.table(pd.DataFrame({"": list(known), " ": list(known.values())}), hide_index=True, hide_header=True)


def _memory(run: Run) -> str:
    """What was measured beside what was estimated; of an experiment that cannot be read any more there is no estimate.

    A GPU counts tensors alone; of the computer's memory also what PyTorch loads, and what is lost between tensors.
    """
    if not run.memory:
        return ""
    try:
        told = estimate(read.experiment(run.experiment), run.execution.get("precision", "float32")).tensors
    except Refused:
        return memory(run.memory)
    return f"{memory(run.memory)}; tensors estimated at {memory(told)}"


def _means(run: Run) -> dict[str, str]:
    """How it was carried out: the first start decides that."""
    how = run.execution
    names = {
        "Device": "device_name",
        "Precision": "precision",
        "Threads": "threads",
        "Memory format": "memory_format",
        "Optimizer": "optimizer_implementation",
        "PyTorch": "torch",
    }
    return {title: str(how[name]) for title, name in names.items() if name in how}


def _moment(seconds: float | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _parent(run: Run) -> None:
    """The run that it branched from, one press away."""
    if run.parent is None:
        return
    parent = store.get(session.owner(), run.parent)
    step = f"step {run.parent_step:,}" if run.parent_step is not None else "a step"
    if parent is None:
        st.caption(f"Branched from a run that is not there any more, at {step}.")
        return
    st.button(
        f"Branched from {plain(parent.name)} at {step}",
        key="parent",
        type="tertiary",
        icon=":material/fork_right:",
        help="Look at both.",
        on_click=session.choose_runs,
        args=([parent.id, run.id],),
    )
