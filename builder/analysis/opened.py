"""The opened network as advice and suggestions look at it: layers by id, who reads them, and what kinds they are."""

from collections import defaultdict
from collections.abc import Iterable

from builder.analysis.learning import path_of, place
from builder.analysis.network import Analysis, Row
from builder.design.network import Network, split_reference
from builder.problem import Remove

WEIGHTED = frozenset({"dense", "convolution"})
"""Families of layers that add up what they read, each number times a weight."""
NORMS = ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d")
SATURATING = frozenset({"Sigmoid", "Tanh", "Softsign", "Hardsigmoid", "Hardtanh"})
"""Activations that are flat on both sides, for which Xavier's spread was worked out (Glorot and Bengio 2010)."""
RECTIFYING = frozenset({"ReLU", "ReLU6", "LeakyReLU", "PReLU", "RReLU"})
"""Activations that drop or shrink one half of what they read, for which He's spread was (He et al. 2015)."""
SMOOTH = frozenset({"ELU", "CELU", "GELU", "SiLU", "Mish", "Softplus", "Hardswish"})
"""Activations that are nearly these, for which He's spread is usual, and Xavier's too."""
BOUNDED = {
    "Sigmoid": "0 and 1", "Hardsigmoid": "0 and 1", "Softmax": "0 and 1", "Tanh": "-1 and 1", "Softsign": "-1 and 1",
    "Hardtanh": "-1 and 1", "ReLU6": "0 and 6",
}  # fmt: skip
"""Between what the answers of an activation always lie."""


class Opened:
    """The network with its blocks opened: rows by id, and who reads them."""

    def __init__(self, network: Network, analysis: Analysis) -> None:
        self.network = network
        self.rows = analysis.opened
        self.readers: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows.values():
            for source in self.sources(row):
                self.readers[source.id].append(row)

    def sources(self, row: Row) -> list[Row]:
        """What a layer reads."""
        read = dict.fromkeys(split_reference(reference)[0] for reference in row.inputs if reference)
        return [self.rows[source] for source in read if source in self.rows]

    def before(self, row: Row) -> Row | None:
        """The layer that made the numbers which a layer reads: in front of views, dropout and batch norms, which bend nothing."""
        while len(sources := self.sources(row)) == 1:
            (row,) = sources
            if not passes(row):
                return row
        return None

    def path(self, row: Row) -> str:
        """Where its node stands in the document."""
        return path_of(self.network, row.id)

    def once(self, rows: Iterable[Row]) -> list[Row]:
        """The first of those that are copies of one node."""
        return list({self.path(row): row for row in reversed(list(rows))}.values())[::-1]

    def removed(self, row: Row) -> Remove:
        node, block = place(self.network, row.id)
        return Remove(node=node.id, block=block)

    def feeds_weights(self, row: Row) -> bool:
        """Whether layers with weights work on what a layer gives, behind whatever has none; what multiplies others is a gate."""
        seen, waiting = {row.id}, [row.id]
        while waiting:
            for reader in self.readers[waiting.pop()]:
                if reader.layer and reader.layer.initialized:
                    return True
                if reader.id not in seen and reader.type != "Multiply":
                    seen.add(reader.id)
                    waiting.append(reader.id)
        return False


def passes(row: Row) -> bool:
    """Whether it is linear without learning to mix: views, dropout, and batch norms, which scale each number."""
    return row.type in NORMS or row.family == "regularization" or bool(row.layer and row.layer.view)
