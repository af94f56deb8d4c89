"""No fix is offered before it has been tried: applied, looked at again, and found to help."""

from collections.abc import Callable, Iterable

from builder.design import edits
from builder.problem import Fix, Json, Problem, Refused

MOST = 3
"""Fixes offered for one Problem."""

Checker = Callable[[Json], Iterable[Problem]]


def tried(problems: Iterable[Problem], document: Json, check: Checker) -> list[Problem]:
    """The problems with those fixes alone that repair them. `check` finds the Problems of a document, or raises `Refused`."""
    problems = list(problems)
    before = {_identity(problem) for problem in problems}
    return [
        problem.model_copy(update={"fixes": _best(problem, before, document, check)}) if problem.fixes else problem
        for problem in problems
    ]  # fmt: skip


def _best(problem: Problem, before: set[tuple[str, str | None]], document: Json, check: Checker) -> tuple[Fix, ...]:
    """Fixes after which the problem is gone and no new one came. Where there is none, those after which only what
    could not be seen before (behind the problem) is still wrong."""
    clean: list[Fix] = []
    onward: list[Fix] = []
    for fix in problem.fixes:
        try:
            after = {_identity(found) for found in check(edits.apply(document, fix.edits))}
        except Refused:
            continue
        if _identity(problem) in after:
            continue
        if after <= before:
            clean.append(fix)
        elif not any(node == problem.node for _, node in after - before):
            onward.append(fix)
        if len(clean) == MOST:
            break
    return tuple((clean or onward)[:MOST])


def _identity(problem: Problem) -> tuple[str, str | None]:
    return problem.code, problem.node
