"""Several runs beside each other: one chart a metric, live, and a table of what differs."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from builder.analysis import analyze
from builder.design import read
from builder.design.data import PARTS
from builder.design.differences import ABSENT, differences
from builder.design.experiment import Experiment
from builder.problem import Refused
from builder.store.runs import Run
from builder.words import memory
from pages.parts.live import several_live
from pages.parts.run_list import COMPARED, ROW, WORDS, letters
from pages.parts.runs import decides
from pages.parts.words import count, duration

PANELS = 6
"""Charts, at most."""
ABSENT_WORD = "–"


def comparison(chosen: Sequence[Run]) -> None:
    """Charts of the runs, and below them what differs."""
    runs = list(chosen[:COMPARED])
    if len(chosen) > len(runs):
        st.caption(f"{len(chosen)} are chosen; the first {COMPARED} are compared.")
    chart(runs, key="compared")
    if len({_loss(run) for run in runs}) > 1:
        st.caption("The runs make different losses small: their loss curves tell of each run, and cannot be compared.")
    st.markdown("**What differs**")
    _table(runs)


# Charts ----------------------------------------------------------------------------------------------------------


def chart(runs: Sequence[Run], key: str) -> None:
    """The curves of the runs, one colour a run."""
    marks = letters([run.id for run in runs])
    several_live(
        [
            {"id": run.id, "label": f"{marks.get(run.id, '')} {run.name}".strip(), "color": at, "status": run.status}
            for at, run in enumerate(runs)
        ],
        panels(runs),
        key=key,
    )


def panels(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """A chart for each metric of training and validation, and for every other series that two of them have."""
    recorded = {name for run in runs for name in run.series}
    of_parts = {name.partition("/")[2] for name in recorded if name.startswith(("train/", "validation/"))}
    expected = ["loss"] + (["accuracy"] if any(_decides(run) for run in runs) else [])
    shown = [_panel(metric, runs) for metric in dict.fromkeys([*expected, *sorted(of_parts)])]
    others = sorted(name for name in recorded if not name.startswith(("train/", "validation/")))
    shared = [name for name in others if sum(name in run.series for run in runs) > 1 or len(runs) == 1]
    shown += [{"title": name, "unit": name, "series": [{"name": name, "label": name}]} for name in shared]
    return shown[:PANELS]


def _panel(metric: str, runs: Sequence[Run]) -> dict[str, Any]:
    """Training is drawn quietly where there is validation beside it."""
    validated = any(f"validation/{metric}" in run.series or not run.series for run in runs)
    series: list[dict[str, Any]] = [{"name": f"train/{metric}", "label": "training", "quiet": validated}]
    if validated:
        series.insert(0, {"name": f"validation/{metric}", "label": "validation"})
    losses = {_loss(run) for run in runs}
    units = {"accuracy": "share of right answers", "loss": losses.pop() if len(losses) == 1 else "loss"}
    return {"title": metric.capitalize(), "unit": units.get(metric, metric), "series": series}


def _experiment(run: Run) -> Experiment | None:
    """The run's experiment; None for one that this version cannot read."""
    try:
        return read.experiment(run.experiment)
    except Refused:
        return None


def _loss(run: Run) -> str:
    """What the loss is counted in."""
    experiment = _experiment(run)
    if experiment is None:
        return "loss"
    losses = [objective.loss for objective in experiment.recipe.objectives]
    return losses[0].unit if len(losses) == 1 else "weighted sum of losses"


def _decides(run: Run) -> bool:
    """Whether its answers are right or wrong."""
    experiment = _experiment(run)
    return experiment is not None and decides(experiment)


# The table -------------------------------------------------------------------------------------------------------


def _table(runs: Sequence[Run]) -> None:
    """Settings that are not the same everywhere, and below them what came out."""
    settings = differing(runs)
    if not settings:
        st.info("The experiments are identical: same network, same data, same recipe.", icon=":material/equal:")
    marks = letters([run.id for run in runs])
    rows = settings | outcomes(runs)
    heads = [f"{marks[run.id]} · {run.name}" for run in runs]
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=heads)
    frame.insert(0, "Setting or result", list(rows))
    st.dataframe(
        frame,
        key="differences",
        hide_index=True,
        row_height=ROW - 4,
        height=(ROW - 4) * (min(len(frame), 24) + 1) + 3,
        column_config={"Setting or result": st.column_config.TextColumn(pinned=True, width=290)},
        alt=f"{len(settings)} settings differ between {len(runs)} runs: {', '.join(list(settings)[:8]) or 'none'}.",
    )


def differing(runs: Sequence[Run]) -> dict[str, list[str]]:
    """What differs between the experiments: a word for each run, by the path of the setting."""
    found = differences([run.experiment for run in runs])
    return {difference.path: [said(value) for value in difference.values] for difference in found}


def said(value: Any) -> str:
    """A value of a setting in words; a dash for a setting that an experiment does not have."""
    if value is ABSENT:
        return ABSENT_WORD
    if value is None:
        return "automatic"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(said(part) if part is not None else "nothing" for part in value) or "none"
    return str(value)


def outcomes(runs: Sequence[Run]) -> dict[str, list[str]]:
    """What came out of the runs, and by which means."""
    names = sorted({name for run in runs for name in run.summary})
    scores = {name: [_number(run.summary.get(name), name) for run in runs] for name in names}
    facts = {
        "status": [WORDS[run.status] for run in runs],
        "steps": [count(run.step) for run in runs],
        "parameters": [_parameters(run) for run in runs],
        "training time": [duration(run.seconds) for run in runs],
        "samples per second": [count(round(run.samples_per_second)) for run in runs],
        "peak memory": [ABSENT_WORD if run.memory is None else memory(run.memory) for run in runs],
        "device": [str(run.execution.get("device_name") or run.execution.get("device", ABSENT_WORD)) for run in runs],
        "precision": [str(run.execution.get("precision", ABSENT_WORD)) for run in runs],
        "threads": [str(run.execution.get("threads", ABSENT_WORD)) for run in runs],
    }
    if all(run.memory is None for run in runs):
        del facts["peak memory"]
    of_part = {part: {name: said for name, said in scores.items() if name.startswith(f"{part}/")} for part in PARTS}
    return of_part["test"] | facts | of_part["validation"] | of_part["train"]


def _number(value: float | None, name: str) -> str:
    if value is None:
        return ABSENT_WORD
    return f"{value:.2%}" if name.endswith("/accuracy") else f"{value:.4g}"


def _parameters(run: Run) -> str:
    experiment = _experiment(run)
    return ABSENT_WORD if experiment is None else count(analyze(experiment.network).parameters)
