"""Numbers that a person types."""

from builder.problem import Problem, say
from pages.parts import session


def number(text: str | None) -> float | None:
    """A number such as 0.01, 0,01 or 1e-3; None where it is none, which is told."""
    try:
        return float((text or "").replace(",", "."))
    except ValueError:
        return _unreadable(text, say("Write a number, such as 0.01 or 1e-3."))


def whole_number(text: str | None) -> int | None:
    """A whole number; None where it is none, which is told."""
    try:
        return int(text or "")
    except ValueError:
        return _unreadable(text, say("Write a whole number, such as 10."))


def _unreadable(text: str | None, because: str) -> None:
    title = say("{text} cannot be read", text=repr((text or "")[:40])) if text else say("A number is missing")
    session.notify(Problem(code="form/value", title=title, because=because))
