"""No fix is offered before it has been tried: applied, looked at again, and found to help."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeAlias

from builder.design import edits, size
from builder.problem import Fix, Json, Problem, Refused

MOST = 3
"""Fixes offered for one Problem."""

Checker = Callable[[Json], Iterable[Problem]]
Identity: TypeAlias = tuple[str, str | None, str]


def tried(problems: Iterable[Problem], document: Json, check: Checker) -> list[Problem]:
    """The problems with those fixes alone that repair them. `check` finds the Problems of a document, or raises `Refused`.

    How many are tried goes by the size of the document, the first problems first: the rest get theirs when those are
    repaired.
    """
    problems = list(problems)
    before = Counter(map(_identity, problems))
    tries = size.tries(len(json.dumps(document)), len(problems))
    found = []
    for problem in problems:
        fixes, used = _best(problem, before, document, check, tries)
        tries -= used
        found.append(problem.model_copy(update={"fixes": fixes}))
    return found


def _best(
    problem: Problem, before: Counter[Identity], document: Json, check: Checker, tries: int
) -> tuple[tuple[Fix, ...], int]:
    """Fixes after which the problem is gone and no new one came, and how many were tried to find them. Where there is
    none, those after which only what could not be seen before (behind the problem) is still wrong."""
    clean: list[Fix] = []
    onward: list[Fix] = []
    used = 0
    for fix in problem.fixes[:tries]:
        used += 1
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
    return tuple((clean or onward)[:MOST]), used


def _identity(problem: Problem) -> Identity:
    return problem.code, problem.node, problem.title
