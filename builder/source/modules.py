"""Text of our own modules, read from their file without running it, so that an exported program can carry them along."""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

_FOR_MYPY = re.compile(r"  # type: ignore\[[a-z, -]+\]")

OWN = tuple(
    Path(__file__).parent.parent / file
    for file in ("compile/modules.py", "compile/losses.py", "compile/augmenting.py", "catalog/rates.py")
)


@cache
def own_modules() -> dict[str, str]:
    """Source of every class and function of `compile/modules.py`, `compile/losses.py`, `compile/augmenting.py` and `catalog/rates.py`, by name."""
    return {name: text for file in OWN for name, text in _defined(file.read_text(encoding="utf-8"))}


def _defined(text: str) -> Iterator[tuple[str, str]]:
    lines = text.splitlines()
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name, _FOR_MYPY.sub("", "\n".join(lines[node.lineno - 1 : node.end_lineno]))


def carried(names: Iterable[str]) -> list[str]:
    """Source of our own modules and of all that they use, each once, what is used first."""
    written: dict[str, str] = {}

    def carry(name: str) -> None:
        if name not in written:
            for used in _uses(name):
                carry(used)
            written[name] = own_modules()[name]

    for name in sorted(names):
        carry(name)
    return list(written.values())


@cache
def _uses(name: str) -> list[str]:
    """Others of our own modules that this one mentions."""
    mentioned = {node.id for node in ast.walk(ast.parse(own_modules()[name])) if isinstance(node, ast.Name)}
    return sorted(mentioned & own_modules().keys() - {name})
