"""The live chart of a run: it pulls its numbers itself, and reruns the script only when the run's status or the advice on it changes."""

from collections.abc import Sequence
from typing import Any

from pages.parts.bundle import component

# Plotly puts its styles into the document's head, which a shadow root would not see.
_component = component("live", isolate_styles=False)


def live_chart(
    run: str,
    panels: list[dict[str, Any]],
    *,
    boundary: bool,
    key: str,
    height: int = 320,
    status: str | None = None,
    advised: int | None = None,
) -> str | None:
    """Draw a run as it trains; the new status in the script run that a change of status has caused, else None.

    A panel is `{title, unit, series: [{name, label}]}`. With `boundary` the network's output over the plane is drawn
    too. `height` is that of one plot in pixels. `status` is the one that the page has drawn its buttons for, and `advised`
    the step of the advice that it shows: where the run has moved on meanwhile, or is told something else, the script runs
    again.
    """
    data = {
        "run": run, "api": "api", "panels": panels, "boundary": boundary, "height": height,
        "status": status, "advised": advised,
    }  # fmt: skip
    result = _component(key=key, data=data, height="content", on_status_change=_rerun)
    new_status: str | None = result.status
    return new_status


def several_live(
    runs: Sequence[dict[str, Any]], panels: list[dict[str, Any]], *, key: str, height: int = 300
) -> str | None:
    """Draw several runs on the same plots, those that go on as they go on; the run and its new status, as `live_chart` does.

    A run is `{id, label, color, status}`, where `color` is the number of one of the theme's, or None for a run without
    curves. In a panel a series can be `quiet`: thin and dashed. Without panels there is a line for each run, no plot.
    """
    data = {"runs": list(runs), "api": "api", "panels": panels, "height": height}
    result = _component(key=key, data=data, height="content", on_status_change=_rerun)
    new_status: str | None = result.status
    return new_status


def _rerun() -> None:
    """The rerun itself is all that is wanted of a change."""
