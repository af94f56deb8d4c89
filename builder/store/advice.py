"""What a run is told of itself while it trains: the worker writes it as a view, pages and the command line show it."""

from pydantic import ValidationError

from builder.analysis.diagnosis import Pulse
from builder.problem import Json, Problem
from builder.store import views

ADVICE, PULSE = "advice", "pulse"
"""The names of the views."""


def told(run: str) -> list[Problem]:
    """The newest doubts about a run; none where there are none, or where they cannot be read."""
    newest = views.read(run, ADVICE, -1)
    found: Json = newest.meta.get("problems") if newest else None
    try:
        return [Problem.model_validate(problem) for problem in found] if isinstance(found, list) else []
    except ValidationError:  # another version's, or from a file that somebody made
        return []


def measured(run: str) -> Pulse | None:
    """The newest measurement of a run, where there is one that can be read."""
    newest = views.read(run, PULSE, -1)
    try:
        return Pulse.model_validate(newest.meta) if newest else None
    except ValidationError:
        return None


def step_told(run: str) -> int | None:
    """The step at which there was something else to tell than before; None where nothing has been told."""
    return views.step(run, ADVICE)
