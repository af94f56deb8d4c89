"""Recurrent layers: one set of weights read a sequence step by step and carry a state along."""

from typing import Annotated, Any

from pydantic import Field

from builder.catalog.layers.base import Layer, Signals, expect_axes
from builder.catalog.layers.dense import Count
from builder.catalog.signal import Shape, Signal


class LSTM(Layer):
    """Reads a sequence with a memory cell that three gates open and close, so that early steps are not forgotten.

    Gives the whole `sequence` of hidden states, the `last` hidden state of every direction, and the final `state`
    (hidden and cell state of every layer and direction, in a row).
    """

    group, target = "Recurrent", "LSTM"
    positional = 2
    formula = r"c_t = f_t \odot c_{t-1} + i_t \odot \tilde c_t,\quad h_t = o_t \odot \tanh c_t"
    initialized = ("nn.LSTM",)
    outputs = ("sequence", "last", "state")

    hidden_size: Count = Field(64, title="Units", description="Numbers in the hidden state.")
    num_layers: Annotated[int, Field(ge=1, le=16)] = Field(
        1, title="Layers", description="Recurrent layers on top of each other."
    )
    bidirectional: bool = Field(False, description="Read from both ends; twice as many numbers come out.")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Share dropped between layers (not behind the last).", json_schema_extra={"advanced": True}
    )
    bias: bool = Field(True, description="Learned numbers added in every gate.", json_schema_extra={"advanced": True})

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    def args(self, *x: Signal) -> dict[str, Any]:
        return {
            "input_size": x[0].shape[-1],
            "hidden_size": self.hidden_size,
            "num_layers": self.num_layers,
            "bias": self.bias,
            # PyTorch warns of a dropout that a single layer has no place for.
            "dropout": self.dropout if self.num_layers > 1 else 0.0,
            "bidirectional": self.bidirectional,
        }

    def infer(self, *x: Signal) -> Signals:
        expect_axes(x[0], "TF")
        wide = self.directions * self.hidden_size
        return Signal((x[0].shape[0], wide), "TF"), Signal((wide,), "F"), Signal((2 * self.num_layers * wide,), "F")

    def _reads(self, features: int) -> list[int]:
        """How many numbers each layer reads at a step, besides its own hidden state."""
        return [features] + [self.directions * self.hidden_size] * (self.num_layers - 1)

    def parameters(self, *x: Signal) -> dict[str, Shape]:
        gates = 4 * self.hidden_size
        shapes: dict[str, Shape] = {}
        for layer, reads in enumerate(self._reads(x[0].shape[-1])):
            for direction in ("", "_reverse")[: self.directions]:
                suffix = f"_l{layer}{direction}"
                shapes[f"weight_ih{suffix}"] = (gates, reads)
                shapes[f"weight_hh{suffix}"] = (gates, self.hidden_size)
                if self.bias:
                    shapes[f"bias_ih{suffix}"] = shapes[f"bias_hh{suffix}"] = (gates,)
        return shapes

    def _cells(self, x: Signals) -> int:
        """How often a cell is computed for one sample."""
        return x[0].shape[0] * self.num_layers * self.directions

    def products(self, x: Signals, y: Signals) -> tuple[Shape, ...]:
        """Per layer, both weight matrices at every step and in every direction."""
        steps, units = x[0].shape[0], self.hidden_size
        return tuple(
            (steps, self.directions, 4, units, reads)
            for layer in self._reads(x[0].shape[-1])
            for reads in (layer, units)
        )

    def flops(self, x: Signals, y: Signals) -> int:
        """Each gate adds up one sum over both weight matrices, and PyTorch keeps two biases."""
        sums = self._cells(x) * 4 * self.hidden_size
        return 2 * self.macs(x, y) + (sums if self.bias else -sums)

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        """Per cell and unit: five activations; three products and one sum."""
        return {"activation": 5 * self._cells(x) * self.hidden_size, "gates": 4 * self._cells(x) * self.hidden_size}
