"""Python text of values and calls, formatted as `ruff format` would leave it."""

import re
import textwrap
from collections.abc import Iterator

from builder.catalog.entry import Entry

WIDTH = 120
"""The longest line, as in our own modules, whose text goes along."""


def literal(value: object) -> str:
    """A Python literal. Tuples of fields become tuples, text is quoted with double quotes."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, tuple | list):
        inner = ", ".join(map(literal, value))
        return f"[{inner}]" if isinstance(value, list) else f"({inner},)" if len(value) == 1 else f"({inner})"
    return repr(value)


def call(target: str, entry: Entry, args: dict[str, object], *before: str, after: tuple[str, ...] = ()) -> str:
    """`target(...)` with what PyTorch takes by position first and its defaults left out."""
    defaults = {name: field.default for name, field in type(entry).model_fields.items()}
    words = list(before)
    for at, (name, value) in enumerate(args.items()):
        if at < entry.positional:
            words.append(literal(value))
        elif name not in defaults or value != defaults[name]:
            words.append(f"{name}={literal(value)}")
    return f"{target}({', '.join([*words, *after])})"


def packed(statement: str, indent: int) -> list[str]:
    """A call with very many numbers, as a block that fills its lines: the formatter would give each number one of its own."""
    lines = textwrap.wrap(statement, WIDTH - indent, subsequent_indent="    ", break_on_hyphens=False)
    return [" " * indent + line for line in ("# fmt: off", *lines, "# fmt: on")]


def wrapped(source: str) -> str:
    """The source with every statement that is too long for a line on several."""
    return "\n".join(line for long in source.split("\n") for line in _fitted(long))


_STATEMENT = re.compile(r"(?P<start>[\w, .]+ = |return )(?P<value>.+)")


def _fitted(line: str) -> list[str]:
    """One statement, on as few lines as the formatter allows. Words (comments, docstrings) stay as they are."""
    bare = line.lstrip()
    if len(line) <= WIDTH or bare.startswith(("#", '"""')):
        return [line]
    pad = " " * (len(line) - len(bare))
    statement = _STATEMENT.fullmatch(bare)
    start, value = statement.groups() if statement else ("", bare)
    depths = list(_depths(value))
    operators = [at for at, depth in depths if depth == 0 and value[at - 1 : at + 2] in (" + ", " - ", " * ", " @ ")]
    if operators and statement:
        inside = f"{pad}    {value}"
        terms = [value[at:end].rstrip() for at, end in zip([0, *operators], [*operators, len(value)], strict=True)]
        rows = [inside] if len(inside) <= WIDTH else [f"{pad}    {term}" for term in terms]
        return [f"{pad}{start}(", *rows, f"{pad})"]
    if statement and any(depth == 0 and value[at] == "," for at, depth in depths):
        return [f"{pad}{start}(", *_one_by_one(value, pad), f"{pad})"]
    closing = max(at for at, depth in depths if depth == 0 and value[at] in ")]")
    opening = max(at for at, depth in depths[:closing] if depth == 0 and value[at] in "([")
    body, head, tail = value[opening + 1 : closing], start + value[: opening + 1], value[closing:]
    inside = f"{pad}    {body}"
    is_call = opening > 0 and (value[opening - 1].isalnum() or value[opening - 1] == "_")
    rows = [inside] if is_call and len(inside) <= WIDTH else _one_by_one(body, pad)
    return [f"{pad}{head}", *rows, f"{pad}{tail}"]


def _one_by_one(items: str, pad: str) -> list[str]:
    """What commas part, each on a line of its own."""
    commas = [at for at, depth in _depths(items) if depth == 0 and items[at] == ","]
    parts = [items[at:end].strip(", ") for at, end in zip([0, *commas], [*commas, len(items)], strict=True)]
    return [line for part in parts if part for line in _fitted(f"{pad}    {part},")]


def _depths(text: str) -> Iterator[tuple[int, int]]:
    """Every place outside of quotes, with how many brackets are open around it; a bracket lies outside of itself."""
    depth, quoted = 0, False
    for at, character in enumerate(text):
        if character == '"' and text[at - 1 : at] != "\\":
            quoted = not quoted
        elif not quoted:
            depth -= character in ")]"
            yield at, depth
            depth += character in "(["
