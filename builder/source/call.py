"""Python text of values and calls, formatted as `ruff format` would leave it."""

from builder.catalog.entry import Entry

WIDTH = 100


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
