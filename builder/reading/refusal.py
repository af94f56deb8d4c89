"""How a file that cannot be read is told of."""

from builder.problem import Problem, Refused, say


def refusal(code: str, title: str, because: str, /, **values: object) -> Refused:
    """To be raised for a file that is not read; `because` says what came in, why not, and what to do, with named values."""
    return Refused(Problem(code=f"reading/{code}", title=say(title), because=say(because, **values)))


def shown(text: str, length: int = 40) -> str:
    """Words of a file as they may stand in a sentence: quoted, without line ends, and not long."""
    return repr(text if len(text) <= length else text[: length - 1] + "…")
