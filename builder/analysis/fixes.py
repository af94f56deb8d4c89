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


def fitting(problems: Iterable[Problem], before: Json, now: Json, check: Checker) -> list[Problem]:
    """Problems of a run whose design was `before`, with those fixes that make sense for the design as it is `now`.

    What a fix touches is as it was, the edits can be carried out, and no Problem comes of it. `check` finds those of a
    document, or raises `Refused`.
    """
    known: Counter[Identity] | None = None
    found = []
    for problem in problems:
        fixes = [fix for fix in problem.fixes if _is_as_it_was(fix, before, now)]
        if fixes and known is None:
            known = _seen(now, check)
        fixes = [fix for fix in fixes if _is_harmless(fix, known, now, check)]
        found.append(problem.model_copy(update={"fixes": tuple(fixes)}))
    return found


def _seen(document: Json, check: Checker) -> Counter[Identity] | None:
    """Problems of a document; None where it cannot be read."""
    try:
        return Counter(map(_identity, check(document)))
    except Refused:
        return None


def _is_as_it_was(fix: Fix, before: Json, now: Json) -> bool:
    paths = {".".join(path.split(".")[:2]) if path.startswith("recipe.") else path for path in edits.touched(fix.edits)}
    return all(_at(before, path) == _at(now, path) for path in paths)


def _at(document: Json, path: str) -> Json:
    """What stands at a path, in a list by the id of a node; None where there is nothing."""
    here = document
    for step in path.split("."):
        if isinstance(here, list):
            here = next((item for item in here if isinstance(item, dict) and item.get("id") == step), None)
        else:
            here = here.get(step) if isinstance(here, dict) else None
    return here


def _is_harmless(fix: Fix, known: Counter[Identity] | None, document: Json, check: Checker) -> bool:
    try:
        after = _seen(edits.apply(document, fix.edits), check)
    except Refused:
        return False
    return known is not None and after is not None and after <= known
