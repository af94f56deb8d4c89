"""The inside of a block that some node uses, found by the way to it: `stage1`, `stage1.left`."""

from collections.abc import Sequence
from typing import NamedTuple

from builder.analysis.network import Row
from builder.design.network import Block, Network, Node
from builder.problem import Problem, Refused, say


class Inside(NamedTuple):
    """A graph, the block whose inside it is (None: the network itself), its rows, and the nodes passed on the way."""

    graph: Network | Block
    block: str | None
    rows: Sequence[Row]
    way: tuple[Node, ...] = ()

    def node(self, id: str) -> Node | None:
        return next((node for node in self.graph.nodes if node.id == id), None)

    def row(self, id: str) -> Row | None:
        return next((row for row in self.rows if row.id == id), None)


def inside(network: Network, rows: Sequence[Row], at: str) -> Inside:
    """What is at a path; the empty one is the network. Raises Refused where no block is, as after it was taken apart."""
    found = Inside(network, None, rows)
    for step in at.split(".") if at else ():
        node = found.node(step)
        if node is None or node.block not in network.blocks:
            title = say("There is no block {step}", step=step[:80])
            raise Refused(
                Problem(code="canvas/gone", title=title, because=say("It was taken apart or removed meanwhile."))
            )
        row = found.row(step)
        found = Inside(network.blocks[node.block], node.block, row.inside if row else (), (*found.way, node))
    return found


def path_of(layer: str) -> str:
    """Where a layer of the opened network is drawn: `stage1.conv1` for `stage1.0.conv1`, whichever copy it belongs to."""
    return ".".join(step for step in layer.split(".") if not step.isdigit())
