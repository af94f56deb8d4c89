"""Catalog blocks: blocks that are made from a form, so that nobody has to wire the well-known ones again."""

from typing import ClassVar, Self

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from builder.blocks.chain import chain, layer
from builder.catalog.entry import Entry
from builder.catalog.signal import Signal
from builder.design.network import Made
from builder.problem import Json

Nodes = list[dict[str, Json]]


class Template(Entry):
    """A block made from parameters. Its fields are the form; `graph` writes down what is inside."""

    kind: ClassVar[str] = "block"
    target: ClassVar[str] = ""  # what runs is the layers inside

    def following(self, given: Signal) -> Self:
        """The same block for what it reads: fields that say what comes in are made to agree with the signal."""
        return self

    def fitted(self, given: Signal) -> Self:
        """A new block for what it is about to read: it also gives what suits that, where nobody has said otherwise."""
        return self.following(given)

    def graph(self) -> Json:
        """`{"inputs", "nodes", "outputs"}`, as a network's `blocks` have it."""
        raise TypeError(f"{self.name} does not say what is inside")

    def block(self) -> Json:
        """The graph, and which catalog block made it, so that a form can make it anew."""
        return {**self.graph(), "made": self.json_pick()}


def template_of(made: Made) -> Template | None:
    """The form that a block was made from; None where there is no such form any more, or it was filled in otherwise."""
    try:
        return Template.pick(made.type, made.params)
    except (ValidationError, PydanticCustomError):
        return None


def make(type: str, params: dict[str, Json]) -> Json:
    """The block that a catalog block makes. Raises what `Entry.pick` raises."""
    return Template.pick(type, params).block()


def path(*nodes: dict[str, Json], start: str = "x") -> Nodes:
    """Nodes one behind the other, of which the first reads `start`."""
    first, *others = nodes
    return chain({**first, "inputs": first.get("inputs", [start])}, *others)


def graph(nodes: Nodes, output: str | None = None) -> Json:
    """A block's inside with one input, `x`, and one output: the last node's, unless another is named."""
    return {"inputs": ["x"], "nodes": nodes, "outputs": [output or nodes[-1]["id"]]}


def convolution(
    id: str, channels: int, kernel_size: int, inputs: list[str] | None = None, **params: Json
) -> dict[str, Json]:
    """A convolution that keeps the sides of an image, or divides them by its stride; defaults of PyTorch are left out."""
    if kernel_size > 1:
        params = {"padding": kernel_size // 2, **params}
    told = {name: value for name, value in params.items() if value != _PLAIN.get(name)}
    return layer("Conv2d", id=id, inputs=inputs, out_channels=channels, kernel_size=kernel_size, **told)


_PLAIN = {"stride": 1, "padding": 0, "groups": 1, "bias": True}
