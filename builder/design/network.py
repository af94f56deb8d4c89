"""Network: a directed acyclic graph of layers and blocks, as people draw it and as JSON."""

from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from builder import limits
from builder.catalog.initializers import Initializer
from builder.catalog.layers import Layer
from builder.design import names
from builder.design.pick import Picked, entry_of
from builder.problem import Json, Value


def _legal(name: str) -> str:
    if reason := names.why_not(name):
        raise PydanticCustomError("illegal_id", "{reason}", {"reason": reason, "suggestion": names.legal(name)})
    return name


def _legal_block(name: str) -> str:
    if reason := names.why_not_block(name):
        raise PydanticCustomError("illegal_block", "{reason}", {"reason": reason})
    return name


NodeId = Annotated[str, AfterValidator(_legal)]
BlockName = Annotated[str, AfterValidator(_legal_block)]
Place = tuple[Annotated[float, Field(ge=-1e6, le=1e6)], Annotated[float, Field(ge=-1e6, le=1e6)]]


class Node(Value):
    """One layer, or one use of a block.

    `inputs` are references, one per port: `id` (that node's first output), `id:output`, or null for a port that is
    not yet connected. `init` overrides the recipe's initializers for this node's weights or biases.
    """

    id: NodeId
    type: str | None = None
    params: dict[str, Json] = {}
    block: BlockName | None = None
    repeat: int = Field(1, ge=1, le=limits.REPEAT)
    inputs: tuple[Annotated[str, Field(max_length=90)] | None, ...] = Field((), max_length=limits.INPUTS_PER_NODE)
    title: str = Field("", max_length=limits.TITLE)
    frozen: bool = False
    init: dict[Literal["weight", "bias"], Picked[Initializer]] = {}
    shares: NodeId | None = None

    _layer: Layer | None = PrivateAttr(None)

    @model_validator(mode="after")
    def is_a_layer_or_a_block(self) -> Self:
        if (self.type is None) == (self.block is None):
            raise PydanticCustomError("node_form", "A node has either a type or a block.")
        if self.type is not None:
            self._layer = entry_of(Layer, {"type": self.type, "params": self.params})
        if self.block is None and self.repeat != 1:
            raise PydanticCustomError("node_form", "Only a block can be repeated.")
        if self.block is not None and (self.params or self.init or self.shares):
            raise PydanticCustomError("node_form", "A block has no params, init or shares of its own; its inside has.")
        return self

    @cached_property  # analysis asks for it many times, and pydantic is slow to hand private attributes out
    def layer(self) -> Layer:
        """The catalog entry. Only for a node with a type."""
        if self._layer is None:
            raise TypeError(f"{self.id} is a block, not a layer")
        return self._layer

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.title or self.id


class Graph(Value):
    """Nodes in the order in which they run, and which of their outputs come out.

    `view` says where people put nodes on the canvas, in pixels, and is no part of what the network is.
    """

    nodes: tuple[Node, ...] = Field((), max_length=limits.NODES)
    outputs: tuple[Annotated[str, Field(max_length=90)], ...] = Field((), max_length=limits.INPUTS_PER_NODE)
    view: dict[NodeId, Place] = Field(default_factory=dict)  # not {}, which is copied for each of many blocks


class Made(Value):
    """The catalog block that a block was made by, and with which parameters (`builder.blocks.templates`)."""

    type: str = Field(max_length=limits.TITLE)
    params: dict[str, Json] = {}


class Block(Graph):
    """A named network that nodes use as one unit; `inputs` name what it is given.

    `made` is there as long as it is what a catalog block made: editing its inside takes it away.
    """

    inputs: tuple[NodeId, ...] = Field(("x",), max_length=limits.INPUTS_PER_NODE)
    made: Made | None = None


class Network(Graph):
    """The whole graph, with the blocks that it uses."""

    format: Literal["layerlab.network"] = "layerlab.network"
    version: Literal[1] = 1
    name: str = Field("", max_length=limits.TITLE)
    blocks: dict[BlockName, Block] = {}

    @model_validator(mode="after")
    def hangs_together(self) -> Self:
        from builder.design.structure import problems  # it reads networks, so it stands on this module

        if found := problems(self):
            raise PydanticCustomError("structure", "The graph does not hang together.", {"problems": found})
        return self

    @property
    def inputs(self) -> tuple[Node, ...]:
        """The Input nodes, in order."""
        return tuple(node for node in self.nodes if node.type == "Input")


def to_json(value: Value) -> dict[str, Any]:
    """The JSON form of a design value: defaults left out, format and version kept."""
    document: dict[str, Any] = value.model_dump(mode="json", exclude_defaults=True)
    stamp = {key: getattr(value, key) for key in ("format", "version") if hasattr(value, key)}
    if isinstance(getattr(value, "network", None), Network):
        document["network"] = to_json(value.network)  # type: ignore[attr-defined]
    return stamp | document


def split_reference(reference: str) -> tuple[str, str | None]:
    """`lstm:last` is (`lstm`, `last`); `lstm` is (`lstm`, null), its first output."""
    node, _, output = reference.partition(":")
    return node, output or None
