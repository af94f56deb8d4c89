"""Text of our own modules, read from their file without running it, so that an exported program can carry them along."""

import ast
import re
from functools import cache
from pathlib import Path

_FOR_MYPY = re.compile(r"  # type: ignore\[[a-z-]+\]")

OWN = Path(__file__).parent.parent / "compile" / "modules.py"


@cache
def own_modules() -> dict[str, str]:
    """Source of every class and function of `builder/compile/modules.py`, by name."""
    text = OWN.read_text(encoding="utf-8")
    lines = text.splitlines()
    return {
        node.name: _FOR_MYPY.sub("", "\n".join(lines[node.lineno - 1 : node.end_lineno]))
        for node in ast.parse(text).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
    }
