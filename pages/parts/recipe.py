"""The settings of data and recipe: a picker for each shelf, and below it the form of what is picked."""

import streamlit as st

from builder.catalog import Entry, Initializer, Loss, Optimizer, Source
from builder.design.experiment import Experiment
from builder.problem import Edit, Set, Unset
from pages.parts import session
from pages.parts.form import Form, fields_form


def settings(experiment: Experiment, revision: int) -> None:
    """Everything about data and learning."""
    recipe, data = experiment.recipe, experiment.data
    with st.expander("Data", expanded=True, icon=":material/database:"):
        # Preparations name columns of the source they were made for.
        _picker(
            "Data set",
            Source,
            data.source,
            "data.source",
            revision,
            [Unset(path="data.prepare"), Unset(path="data.bind")],
        )
        fields_form(data.split, Form("data.split", revision))
    with st.expander("Loss", expanded=True, icon=":material/target:"):
        for at, objective in enumerate(recipe.objectives):
            _picker("Loss", Loss, objective.loss, f"recipe.objectives.{at}.loss", revision)
    with st.expander("Optimizer", expanded=True, icon=":material/trending_down:"):
        _picker("Optimizer", Optimizer, recipe.optimizer, "recipe.optimizer", revision)
    with st.expander("Length and batches", expanded=True, icon=":material/timer:"):
        fields_form(recipe.length, Form("recipe.length", revision))
        fields_form(recipe.batch, Form("recipe.batch", revision))
        fields_form(recipe, Form("recipe", revision), only=("seed",))
    with st.expander("First weights", icon=":material/casino:"):
        _picker("Weights", Initializer, recipe.init.weight, "recipe.init.weight", revision)
        _picker("Biases", Initializer, recipe.init.bias, "recipe.init.bias", revision)


def _picker(
    label: str, shelf: type[Entry], picked: Entry, path: str, revision: int, also: list[Edit] | None = None
) -> None:
    """Choose from a shelf; the form of the choice follows."""
    key = f"pick.{path}"
    session.show(key, picked.name)

    def choose() -> None:
        session.submit([Set(path=path, value={"type": session.shown(key)}), *(also or [])], revision)

    options = [name for name in shelf.shelf if name != "Values"] if shelf is Initializer else list(shelf.shelf)
    st.selectbox(label, options, key=key, on_change=choose, help=picked.about())
    fields_form(picked, Form(f"{path}.params", revision))
