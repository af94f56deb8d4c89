"""What a network is to learn: an output, a column of the data, and the loss between them; of several, how much each counts."""

from functools import partial

import streamlit as st

from builder import limits
from builder.analysis import objectives, suggest
from builder.analysis.experiment import output_references, target_columns
from builder.catalog import Loss
from builder.design.experiment import Experiment
from pages.parts import mirrors, session, suggestions
from pages.parts.form import Form, fields_form, picker
from pages.parts.words import plain


def settings(experiment: Experiment, revision: int) -> None:
    """A form for each objective, and a button for one more."""

    def add() -> None:
        session.submit(objectives.added(experiment), revision)

    def remove(at: int) -> None:
        session.submit(objectives.removed(experiment, at), revision)

    outputs, targets = output_references(experiment), target_columns(experiment)
    several = len(targets) > 1
    for at, (output, target) in enumerate(zip(outputs, targets, strict=True)):
        if several:
            with st.container(horizontal=True, vertical_alignment="bottom"):
                st.markdown(f"**Objective {at + 1}**")
                st.button(
                    "Remove",
                    key=f"drop-objective-{at}",
                    icon=":material/close:",
                    on_click=partial(remove, at),
                )
        _objective(experiment, at, output, target, revision)
        if several:
            fields_form(experiment.recipe.objectives[at], Form(f"{objectives.PATH}.{at}", revision), only=("weight",))
    st.button(
        "Add an objective",
        key="add-objective",
        icon=":material/add:",
        disabled=len(targets) >= limits.OBJECTIVES or not experiment.network.outputs,
        on_click=add,
        help="Another output, another column, or the same ones under another loss. What is made small is the sum, each loss times its weight.",
    )


def _objective(experiment: Experiment, at: int, output: str, target: str, revision: int) -> None:
    path = f"{objectives.PATH}.{at}"
    if len(experiment.network.outputs) > 1:
        mirrors.column("Look at", output, f"{path}.output", list(experiment.network.outputs), revision)
    mirrors.column("Learn", target, f"{path}.target", list(experiment.data.source.columns()), revision)
    picker("Loss", Loss, experiment.recipe.objectives[at].loss, f"{path}.loss", revision)
    single = len(experiment.recipe.objectives) == 1
    label = "Suggest a loss" if single else f"Suggest a loss for {plain(target)} ({at + 1})"
    suggestions.button(label, f"loss-{at}", partial(suggest.loss, experiment, at), experiment, revision)
