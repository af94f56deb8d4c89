"""The settings of data and recipe: a picker for each shelf, and below it the form of what is picked."""

from collections.abc import Sequence
from functools import partial

import plotly.express as px
import streamlit as st

from builder.analysis import suggest
from builder.analysis.experiment import input_columns, target_columns
from builder.catalog import (
    Augmentation,
    Clip,
    Entry,
    Initializer,
    Metric,
    Optimizer,
    Penalty,
    Preparation,
    Schedule,
    Source,
)
from builder.design.data import Data
from builder.design.experiment import Experiment
from builder.design.recipe import Recipe
from builder.problem import Edit, Json, Problem, Set, Unset
from pages.parts import mirrors, objectives, probes, session, suggestions
from pages.parts.form import Form, fields_form, picker
from pages.parts.problems import problem_list
from pages.parts.words import plain

UNPREPARED = "as it is"
UNCLIPPED = "off"
AUGMENT = "recipe.augment"
MISLABELLED = "augment/label"
"""Of all warnings that which the Train page tells of too, where pictures are changed."""
POINTS = 200
"""Of the drawing of a schedule."""


def settings(experiment: Experiment, problems: Sequence[Problem], design: str, revision: int) -> None:
    """Everything about data and learning; of its `problems` those that are told of where they arise."""
    recipe, data = experiment.recipe, experiment.data
    with st.expander("Data", expanded=True, icon=":material/database:"):
        _source(data, revision)
        _inputs(experiment, revision)
        _preparations(data, revision)
        fields_form(data.split, Form("data.split", revision))
    with st.expander("Augmentation", expanded=bool(recipe.augment), icon=":material/photo_filter:"):
        _augment(experiment, problems, design, revision)
    with st.expander("Loss", expanded=True, icon=":material/target:"):
        objectives.settings(experiment, revision)
    with st.expander("Optimizer", expanded=True, icon=":material/trending_down:"):
        picker("Optimizer", Optimizer, recipe.optimizer, "recipe.optimizer", revision)
        probes.rates(experiment, design, revision)
        picker("Schedule", Schedule, recipe.schedule, "recipe.schedule", revision)
        fields_form(recipe, Form("recipe", revision), only=("warm_up",))
        _rates(experiment)
    with st.expander("Length and batches", expanded=True, icon=":material/timer:"):
        fields_form(recipe.length, Form("recipe.length", revision))
        fields_form(recipe.batch, Form("recipe.batch", revision))
        fields_form(recipe, Form("recipe", revision), only=("seed", "ema"))
        _early_stopping(recipe, revision)
    with st.expander("Penalties and limits", icon=":material/compress:"):
        _penalties(recipe, revision)
        picker("Clip gradients", Clip, recipe.clip, "recipe.clip", revision, unpicked=UNCLIPPED)
        fields_form(recipe, Form("recipe", revision), only=("max_norm",))
    with st.expander("Metrics", icon=":material/analytics:"):
        _metrics(experiment, revision)
    with st.expander("First weights", icon=":material/casino:"):
        picker("Weights", Initializer, recipe.init.weight, "recipe.init.weight", revision)
        suggestions.button(
            "Suggest first weights", "init", partial(suggest.first_weights, experiment), experiment, revision
        )
        picker("Biases", Initializer, recipe.init.bias, "recipe.init.bias", revision)
        probes.spread()


def _rates(experiment: Experiment) -> None:
    """The learning rate over the whole run, where it changes."""
    recipe, data = experiment.recipe, experiment.data
    base = recipe.optimizer.args()["lr"]
    samples = data.split.sizes(data.source.samples_total())[0]
    per_epoch = recipe.batch.count(samples)
    total = per_epoch * recipe.length.epochs
    at = sorted({round(share * (total - 1) / POINTS) for share in range(POINTS + 1)}) if total else []
    rates = [recipe.rate(step, total, per_epoch, base) for step in at]
    if len(set(rates)) < 2:
        return
    figure = px.line(x=at, y=rates, labels={"x": "step", "y": "learning rate"}, title="Learning rate", height=200)
    figure.update_layout(margin={"t": 30, "b": 0, "l": 0, "r": 0})
    alt = f"The learning rate goes from {rates[0]:.3g} to {rates[-1]:.3g} in {total:,} steps."
    st.plotly_chart(figure, key="rates", alt=alt)


def _early_stopping(recipe: Recipe, revision: int) -> None:
    """Whether to stop before the last epoch, and when."""
    path = "recipe.early_stopping"

    def choose(wanted: bool) -> None:
        session.submit([Set(path=path, value={}) if wanted else Unset(path=path)], revision)

    help = "End when validation gets no better, with the best weights."
    mirrors.toggle(f"pick.{path}", "Early stopping", recipe.early_stopping is not None, choose, help=help)
    if recipe.early_stopping:
        fields_form(recipe.early_stopping, Form(path, revision))


def _penalties(recipe: Recipe, revision: int) -> None:
    """What weights cost besides the loss: any of the shelf, each with its strength."""
    help = "Of weights, not of biases and norms. The loss that is shown is without them."
    _several("Penalties", Penalty, recipe.penalties, "recipe.penalties", revision, "weights cost nothing", help)
    for at, penalty in enumerate(recipe.penalties):
        fields_form(penalty, Form(f"recipe.penalties.{at}.params", revision))


def _augment(experiment: Experiment, problems: Sequence[Problem], design: str, revision: int) -> None:
    """How pictures are changed while the network learns: any of the shelf, in order, each with its form."""
    augment = experiment.recipe.augment
    pictures = any(signal.axes == "CHW" for signal in experiment.data.source.features().values())
    if not pictures and not augment:
        st.caption("These data have no pictures: there is nothing to augment.")
        return
    help = "Of the training part alone, anew each time, in the order in which they are chosen."
    _several("Change pictures", Augmentation, augment, AUGMENT, revision, "learn from pictures as they are", help)
    told = [problem for problem in problems if problem.code == MISLABELLED]
    problem_list(told, lambda edits: session.submit(edits, revision), "augment")
    for at, change in enumerate(augment):
        st.markdown(f"**{at + 1}. {change.name}**", help=change.about())
        fields_form(change, Form(f"{AUGMENT}.{at}.params", revision))
    if augment:
        probes.augmented(experiment, design)


def _several(
    label: str, shelf: type[Entry], picked: Sequence[Entry], path: str, revision: int, empty: str, help: str
) -> None:
    """Choose any of a shelf, in order, each once. What is set of one that stays chosen is kept."""
    known = {entry.name: entry for entry in picked}

    def choose(names: list[str]) -> None:
        value = [known[name].json_pick() if name in known else {"type": name} for name in names]
        session.submit([Set(path=path, value=value)], revision)

    about = [f"{name}: {kind.about()}" for name, kind in shelf.shelf.items()]
    words = "\n\n".join([help, *about])
    mirrors.choices(f"pick.{path}", label, list(shelf.shelf), list(known), choose, placeholder=empty, help=words)


def _metrics(experiment: Experiment, revision: int) -> None:
    """What is measured at the end of every epoch besides loss and accuracy. When a run ends, all is measured."""
    picked = {metric.name: metric for metric in experiment.recipe.metrics}
    columns = experiment.data.source.columns()
    targets = [columns[name] for name in target_columns(experiment) if name in columns]

    def choose(names: list[str]) -> None:
        value = [picked[name].json_pick() if name in picked else {"type": name} for name in names]
        session.submit([Set(path="recipe.metrics", value=value)], revision)

    fitting = [name for name, kind in Metric.shelf.items() if name in picked or any(map(kind().suits, targets))]
    label, empty = "At the end of every epoch", "loss and accuracy alone"
    mirrors.choices("pick.recipe.metrics", label, fitting, list(picked), choose, placeholder=empty)
    for at, metric in enumerate(experiment.recipe.metrics):
        fields_form(metric, Form(f"recipe.metrics.{at}.params", revision))


def _source(data: Data, revision: int) -> None:
    """Choose the data. Columns that Inputs were bound to, and that preparations name, are others then."""

    def choose(name: str) -> None:
        source = Source.shelf[name]()
        feature = next(iter(source.features()))
        prepared = [_with_column(preparation, feature) for preparation in data.prepare[:1]]
        edits: list[Edit] = [Unset(path="data.bind"), Set(path="data.prepare", value=prepared)]
        session.submit([Set(path="data.source", value={"type": source.name}), *edits], revision)

    mirrors.choice(
        "pick.data.source", "Data set", list(Source.shelf), data.source.name, choose, help=data.source.about()
    )
    fields_form(data.source, Form("data.source.params", revision))


def _inputs(experiment: Experiment, revision: int) -> None:
    """Which column each Input reads, where there are several."""
    features = list(experiment.data.source.features())
    if len(features) > 1:
        for node, column in input_columns(experiment).items():
            mirrors.column(f"{plain(node)} reads", column, f"data.bind.inputs.{node}", features, revision)


def _with_column(preparation: Preparation, column: str) -> Json:
    return preparation.model_copy(update={"column": column}).json_pick()


def _preparations(data: Data, revision: int) -> None:
    """How each column of real numbers is scaled."""
    for column, signal in data.source.features().items():
        if signal.dtype != "float32":
            continue
        at = next((at for at, preparation in enumerate(data.prepare) if preparation.column == column), None)

        def choose(name: str, column: str = column, at: int | None = at) -> None:
            others = [other.json_pick() for place, other in enumerate(data.prepare) if place != at]
            mine = [] if name == UNPREPARED else [{"type": name, "params": {"column": column}}]
            session.submit([Set(path="data.prepare", value=others + mine)], revision)

        mirrors.choice(
            f"pick.prepare.{column}",
            f"Scale {column}",
            [UNPREPARED, *Preparation.shelf],
            UNPREPARED if at is None else data.prepare[at].name,
            choose,
            help="Statistics are those of the training part alone.",
        )
        if at is not None:
            scaled = data.prepare[at]
            fields = tuple(name for name in type(scaled).model_fields if name != "column")
            fields_form(scaled, Form(f"data.prepare.{at}.params", revision), only=fields)
