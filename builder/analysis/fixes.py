"""No fix is offered before it has been tried: applied, looked at again, and found to help."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeAlias

from builder.design import edits
from builder.problem import Fix, Json, Problem, Refused

MOST = 3
"""Fixes offered for one Problem."""

Checker = Callable[[Json], Iterable[Problem]]
Identity: TypeAlias = tuple[str, str | None, str]


def tried(problems: Iterable[Problem], document: Json, check: Checker) -> list[Problem]:
    """The problems with those fixes alone that repair them. `check` finds the Problems of a document, or raises `Refused`."""
    problems = list(problems)
    before = Counter(map(_identity, problems))
    return [
        problem.model_copy(update={"fixes": _best(problem, before, document, check)}) if problem.fixes else problem
        for problem in problems
    ]  # fmt: skip


def _best(problem: Problem, before: Counter[Identity], document: Json, check: Checker) -> tuple[Fix, ...]:
    """Fixes after which the problem is gone and no new one came. Where there is none, those after which only what
    could not be seen before (behind the problem) is still wrong."""
    clean: list[Fix] = []
    onward: list[Fix] = []
    for fix in problem.fixes:
        try:
            after = Counter(map(_identity, check(edits.apply(document, fix.edits))))
        except Refused:
            continue
        if after[_identity(problem)] >= before[_identity(problem)]:
            continue
        if after <= before:
            clean.append(fix)
        elif not any(node == problem.node for _, node, _ in after - before):
            onward.append(fix)
        if len(clean) == MOST:
            break
    return tuple((clean or onward)[:MOST])


def _identity(problem: Problem) -> Identity:
    return problem.code, problem.node, problem.title
