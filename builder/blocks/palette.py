"""The palette: every layer and catalog block, by family."""

from builder.blocks.templates import Template
from builder.catalog import Entry, Layer

BLOCKS = "Blocks"
"""The family of catalog blocks, whatever they are built of."""


def entries() -> dict[str, type[Entry]]:
    """Catalog blocks first, then layers by family and name."""
    both: list[type[Entry]] = [*Template.shelf.values(), *Layer.shelf.values()]
    found = sorted(both, key=lambda entry: (family_of(entry) != BLOCKS, family_of(entry), entry.__name__))
    return {entry.__name__: entry for entry in found}


def family_of(entry: type[Entry]) -> str:
    return BLOCKS if issubclass(entry, Template) else entry.group
