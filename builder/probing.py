"""A probe in a worker: a short look at an experiment, with an end in sight whatever happens."""

import gc
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import TypeAlias

from builder import limits
from builder.analysis import check
from builder.design import read
from builder.design.experiment import Wish
from builder.problem import Json, Problem, Refused, say
from builder.store import probes
from builder.store.probes import Probe

Tell: TypeAlias = Callable[[float], object]
"""Is told how far a look is, from 0 to 1."""
Stop: TypeAlias = Callable[[], bool]
"""Whether a look has to come to its end."""
Looking: TypeAlias = Callable[[Probe, Tell, Stop], dict[str, Json]]

TELL_EVERY = 0.2
"""Seconds between two words on how far a look is."""
GRACE_SECONDS = 10
"""What a look may take to come to its end once it is asked to; then its process ends."""

log = logging.getLogger("layerlab.worker")


def carry_out(id: str, looking: Looking, engine_gone: threading.Event) -> bool:
    """Look, and write down what was seen; whether this process can take something else.

    When the engine is gone, nothing is written: the next one has the look taken anew.
    """
    probe = probes.given(id)
    if probe is None:
        log.error("there is no probe %s", id)
        return False
    end = time.monotonic() + limits.PROBE_SECONDS
    watch = threading.Timer(limits.PROBE_SECONDS + GRACE_SECONDS, _end_process, (id,))
    watch.daemon = True
    watch.start()
    seen = _seen(probe, looking, lambda: engine_gone.is_set() or time.monotonic() > end)
    watch.cancel()
    if engine_gone.is_set():
        return False
    if isinstance(seen, Problem):
        probes.fail(id, seen)
    else:
        probes.finish(id, seen)
    gc.collect()
    return not isinstance(seen, Problem)


def _seen(probe: Probe, looking: Looking, stop: Stop) -> dict[str, Json] | Problem:
    """What there was to see, or what was in the way."""
    told = time.monotonic()

    def tell(progress: float) -> None:
        nonlocal told
        if time.monotonic() - told > TELL_EVERY:
            told = time.monotonic()
            probes.tell(probe.id, progress)

    try:
        return looking(probe, tell, stop)
    except Refused as refusal:
        return refusal.problems[0]
    except Exception as error:
        # However broad, it is right here: this process ends, and whatever went wrong must reach a person.
        log.exception("probe %s crashed", probe.id)
        return crashed(error, "probe/crashed", say("The test crashed"))


def _end_process(id: str) -> None:
    log.error("probe %s does not come to its end", id)
    probes.fail(id, too_slow())
    os._exit(1)


def too_slow() -> Problem:
    """Of a look that has taken all its time and seen nothing."""
    because = say(
        "It may take {seconds} seconds, and was not far enough by then. Smaller batches or a smaller network take less.",
        seconds=limits.PROBE_SECONDS,
    )
    return Problem(code="probe/too-slow", title=say("The test took too long"), because=because)


def crashed(error: Exception, code: str, title: str) -> Problem:
    """An error that nobody has foreseen, in words."""
    because = say("{kind}: {message}", kind=type(error).__name__, message=str(error)[:2000] or say("no message"))
    return Problem(code=code, title=title, because=because)


def look_with_torch(probe: Probe, tell: Tell, stop: Stop) -> dict[str, Json]:
    """What a probe sees of its experiment. On the CPU with one thread; precision is as wished for.

    Raises Refused where the experiment has errors, cannot be carried out so, or wants more memory than there is.
    """
    from builder import data
    from builder.train import memory
    from builder.train.execution import choose
    from builder.train.probes import look

    memory.forget_peak()
    experiment = read.experiment(probe.experiment)
    errors = [problem for problem in check(experiment)[1] if problem.severity == "error"]
    if errors:
        raise Refused(*errors)
    wish = Wish.model_validate(probe.wish).model_copy(update={"device": "cpu", "threads": 1})
    arrays = data.load(experiment.data)
    execution = choose(experiment, wish, arrays)
    with memory.enough(experiment, execution):
        return look(probe.kind, experiment, execution, arrays, tell, stop)
