"""A run on the page: its buttons, its live curves, its last numbers, and those before it."""

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import streamlit as st

from builder.analysis.experiment import target_columns
from builder.design import read
from builder.design.data import PARTS
from builder.problem import Problem
from builder.store import runs as store
from builder.store.documents import Draft
from builder.store.runs import Run
from pages.parts import session
from pages.parts.live import live_chart
from pages.parts.problems import problem_list
from pages.parts.words import plain


def controls(draft: Draft, run: Run | None, ready: bool) -> None:
    """Start, pause, resume, stop: those that make sense now are live."""
    status = run.status if run else "none"
    alive = status in store.ALIVE
    with st.container(horizontal=True, vertical_alignment="center", key="controls"):
        st.button(
            "Train",
            type="primary",
            icon=":material/play_arrow:",
            disabled=alive or not ready,
            on_click=session.start,
            shortcut="Ctrl+Enter",
        )
        for label, icon, kind, live in (
            ("Pause", ":material/pause:", "pause", status == "running"),
            ("Resume", ":material/resume:", "resume", status == "paused" or bool(run and store.can_go_on(run))),
            ("Stop", ":material/stop:", "stop", alive),
        ):
            ask = session.resume if kind == "resume" and not alive else session.command
            st.button(label, icon=icon, disabled=not live, on_click=ask, args=(run.id if run else "", kind))
        st.caption(
            f"**{plain(draft.document.get('name') or 'Untitled')}**"
            + (" · changes apply to the next run" if alive else "")
        )


def live(run: Run) -> None:
    """The curves, pulled by the browser; a change of status runs the page again, so that its buttons are right."""
    experiment = read.experiment(run.experiment)
    losses = [objective.loss for objective in experiment.recipe.objectives]
    targets = [experiment.data.source.columns()[column] for column in target_columns(experiment)]
    unit = losses[0].unit if len(losses) == 1 else "weighted sum of losses"
    panels: list[dict[str, Any]] = [{"title": "Loss", "unit": unit, "series": _both("loss")}]
    if any(target.classes for target in targets):
        panels.append({"title": "Accuracy", "unit": "share of right answers", "series": _both("accuracy")})
    inputs = [node.layer.infer()[0] for node in experiment.network.inputs]
    plane = len(inputs) == 1 and inputs[0].axes == "F" and inputs[0].shape == (2,) and len(panels) == 2
    live_chart(run.id, panels, boundary=plane, key="live", status=run.status)


def _both(metric: str) -> list[dict[str, str]]:
    return [{"name": f"train/{metric}", "label": "training"}, {"name": f"validation/{metric}", "label": "validation"}]


def results(run: Run) -> None:
    """The scores of the last weights, and what ended the run if that was a problem."""
    if run.problem and run.status != "failed":  # the live header tells of a failure itself
        problem_list([Problem.model_validate(run.problem)], None, "run")
    if run.summary:
        st.table(scores(run.summary), width="content")


def scores(summary: dict[str, float]) -> pd.DataFrame:
    """The last scores as text: one row a part, one column a metric."""
    parts = [part for part in PARTS if f"{part}/loss" in summary]
    table = {"loss": [f"{summary[f'{part}/loss']:.4g}" for part in parts]}
    if "train/accuracy" in summary:
        table["accuracy"] = [f"{summary[f'{part}/accuracy']:.2%}" for part in parts]
    return pd.DataFrame(table, index=pd.Index(parts, name="Last weights on"))


def history(draft: Draft) -> None:
    """Earlier runs of this design."""
    earlier = [run for run in store.listing(session.owner()) if run.design == draft.id]
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
                                f"seed {run.experiment['recipe'].get('seed', 0)}",
                                shown,
                            ],
                        )
                    )
                )
