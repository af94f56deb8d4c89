"""A run on the page: its buttons, its live curves, its last numbers, and those before it."""

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import streamlit as st

from builder.analysis.experiment import target_columns
from builder.design import read
from builder.design.data import PARTS
from builder.design.experiment import Experiment
from builder.problem import Refused
from builder.store import advice
from builder.store import runs as store
from builder.store.documents import Draft
from builder.store.runs import Run
from pages.parts import session
from pages.parts.live import live_chart
from pages.parts.problems import UNREADABLE, Repair, kept, problem_list
from pages.parts.words import plain


def live(run: Run) -> None:
    """The curves, pulled by the browser; a change of status runs the page again, so that its buttons are right."""
    try:
        experiment = read.experiment(run.experiment)
    except Refused as refused:
        problem_list(refused.problems, None, "live")
        return
    losses = [objective.loss for objective in experiment.recipe.objectives]
    classes = decides(experiment)
    unit = losses[0].unit if len(losses) == 1 else "weighted sum of losses"
    panels: list[dict[str, Any]] = [{"title": "Loss", "unit": unit, "series": _both("loss")}]
    if classes:
        panels.append({"title": "Accuracy", "unit": "share of right answers", "series": _both("accuracy")})
    panels += [
        {"title": metric.name, "unit": metric.unit, "series": _both(metric.key)} for metric in experiment.recipe.metrics
    ]
    inputs = [node.layer.infer()[0] for node in experiment.network.inputs]
    plane = len(inputs) == 1 and inputs[0].axes == "F" and inputs[0].shape == (2,) and classes
    live_chart(run.id, panels, boundary=plane, key="live", status=run.status, advised=advice.step_told(run.id))


def decides(experiment: Experiment) -> bool:
    """Whether answers of an experiment are right or wrong."""
    columns = experiment.data.source.columns()
    return any(columns[name].classes for name in target_columns(experiment) if name in columns)


def _both(metric: str) -> list[dict[str, str]]:
    return [{"name": f"train/{metric}", "label": "training"}, {"name": f"validation/{metric}", "label": "validation"}]


def results(run: Run, repair: Repair | None = None) -> None:
    """The scores of the last weights, and what ended the run if that was a problem. `repair` changes the design."""
    problem = kept(run.problem)
    if problem and (run.status != "failed" or problem.fixes or problem.code == UNREADABLE):
        # the live header tells of a failure itself, where it can
        problem_list([problem], repair, "run")
    if run.execution.get("reason"):
        st.caption(plain(str(run.execution["reason"])))
    if run.summary:
        st.table(scores(run.summary), width="content")
    if {"weights/norm", "weights/sparsity"} <= run.summary.keys():
        norm, sparsity = run.summary["weights/norm"], run.summary["weights/sparsity"]
        st.caption(f"Weights: norm {norm:.4g}, {sparsity:.2%} of them below 0.001.")


def scores(summary: dict[str, float]) -> pd.DataFrame:
    """The last scores as text: one row a part, one column a metric."""
    parts = [part for part in PARTS if f"{part}/loss" in summary]
    names = dict.fromkeys(name for part, _, name in (key.partition("/") for key in summary) if part in parts)
    table = {name: [_score(name, summary.get(f"{part}/{name}")) for part in parts] for name in names}
    return pd.DataFrame(table, index=pd.Index(parts, name="Last weights on"))


def _score(name: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.2%}" if name == "accuracy" or name.startswith("top-") else f"{value:.4g}"


def history(draft: Draft) -> None:
    """Earlier runs of this design."""
    earlier = store.listing(session.owner(), design=draft.id)
    if not earlier:
        return
    with st.expander(f"Runs of this design ({len(earlier)})", icon=":material/history:"):
        for run in earlier:
            started = datetime.fromtimestamp(run.created, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
            score = run.summary.get("test/accuracy")
            shown = (
                f"test accuracy {score:.1%}"
                if score is not None
                else f"test loss {run.summary['test/loss']:.4g}"
                if "test/loss" in run.summary
                else ""
            )
            with st.container(horizontal=True, vertical_alignment="center"):
                st.button("Open", key=f"run-{run.id}", on_click=session.open_run, args=(run.id,))
                st.caption(
                    " · ".join(
                        filter(
                            None,
                            [
                                started,
                                run.status,
                                f"{run.step:,} steps",
                                _seed(run),
                                shown,
                            ],
                        )
                    )
                )


def _seed(run: Run) -> str:
    """The seed that it was begun with; nothing where its experiment cannot be read."""
    recipe = run.experiment.get("recipe")
    return f"seed {recipe.get('seed', 0)}" if isinstance(recipe, dict) else ""
