"""Short looks at an experiment: of each kind one function. None of them changes anything of a run."""

from collections.abc import Callable
from typing import TypeAlias

from builder.data import Arrays
from builder.design.experiment import Execution, Experiment
from builder.problem import Json
from builder.train.examples import examples
from builder.train.spread import spread
from builder.train.sweep import sweep

Look: TypeAlias = Callable[
    [Experiment, Execution, Arrays, Callable[[float], object], Callable[[], bool]], dict[str, Json]
]
"""From an experiment, how it is carried out, and its data, to what is seen. It tells how far it is, and asks whether to stop."""

LOOKS: dict[str, Look] = {"augmented": examples, "rates": sweep, "spread": spread}


def look(
    kind: str,
    experiment: Experiment,
    execution: Execution,
    arrays: Arrays,
    tell: Callable[[float], object],
    stop: Callable[[], bool],
) -> dict[str, Json]:
    """What a look of that kind sees: JSON without a number that is none. Raises Refused where there is nothing to see."""
    return LOOKS[kind](experiment, execution, arrays, tell, stop)
