"""Recurrent layers: one set of weights read a sequence step by step and carry a state along."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from builder.catalog.layers.base import AXES_IN_WORDS, Layer, Saved, ShapeProblem, Signals, Worked, expect_axes, times
from builder.catalog.layers.dense import Count
from builder.catalog.signal import Shape, Signal
from builder.problem import say

ADVANCED: dict[str, Any] = {"advanced": True}


class _Recurrent(Layer):
    """What recurrent layers share. `gates` is how many rows of weights every unit has."""

    group: ClassVar[str] = "Recurrent"
    positional = 2
    inputs = ("x", "lengths?")
    outputs = ("sequence", "last", "state")
    gates: ClassVar[int]
    states: ClassVar[int] = 1
    """Tensors that are carried from step to step."""

    hidden_size: Count = Field(64, title="Units", description="Numbers in the hidden state.")
    num_layers: Annotated[int, Field(ge=1, le=16)] = Field(
        1, title="Layers", description="Recurrent layers on top of each other."
    )
    bidirectional: bool = Field(False, description="Read from both ends; twice as many numbers come out.")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Share dropped between layers (not behind the last).", json_schema_extra=ADVANCED
    )
    bias: bool = Field(True, description="Learned numbers added in every gate.", json_schema_extra=ADVANCED)

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    def args(self, *x: Signal) -> dict[str, Any]:
        # PyTorch warns of a dropout that a single layer has no place for.
        fitting = {} if self.num_layers > 1 else {"dropout": 0.0}
        return {"input_size": x[0].shape[-1], **self.model_dump(), **fitting}

    def infer(self, *x: Signal) -> Signals:
        expect_axes(x[0], "TF")
        for lengths in x[1:]:
            if (lengths.axes, lengths.dtype) != ("", "int64"):
                raise ShapeProblem(
                    "shape/not-lengths",
                    "{node} cannot read the lengths",
                    say(
                        "Of every sample it wants to know how many steps count, one whole number (int64); what comes in is {given} ({dtype}).",
                        given=AXES_IN_WORDS[lengths.axes], dtype=lengths.dtype,
                    ),
                )  # fmt: skip
        wide = self.directions * self.hidden_size
        state = self.states * self.num_layers * wide
        return Signal((x[0].shape[0], wide), "TF"), Signal((wide,), "F"), Signal((state,), "F")

    def _reads(self, features: int) -> list[int]:
        """How many numbers each layer reads at a step, besides its own hidden state."""
        return [features] + [self.directions * self.hidden_size] * (self.num_layers - 1)

    def parameters(self, *x: Signal) -> dict[str, Shape]:
        rows = self.gates * self.hidden_size
        shapes: dict[str, Shape] = {}
        for layer, reads in enumerate(self._reads(x[0].shape[-1])):
            for direction in ("", "_reverse")[: self.directions]:
                suffix = f"_l{layer}{direction}"
                shapes[f"weight_ih{suffix}"] = (rows, reads)
                shapes[f"weight_hh{suffix}"] = (rows, self.hidden_size)
                if self.bias:
                    shapes[f"bias_ih{suffix}"] = shapes[f"bias_hh{suffix}"] = (rows,)
        return shapes

    def sizes(self, x: Signals, y: Signals) -> tuple[Worked, ...]:
        wide = y[0].shape[1]
        return (Worked("size", f"{self.directions} x {self.hidden_size}", wide),) if self.bidirectional else ()

    def counting(self, *x: Signal) -> str:
        """Every gate of every direction has the same: weights for what is read and for the state, and two biases."""
        units, factors = self.hidden_size, [factor for factor in (self.directions, self.gates) if factor > 1]
        biases = f" + {units} + {units}" if self.bias else ""
        layers = [f"{reads} x {units} + {units} x {units}{biases}" for reads in self._reads(x[0].shape[-1])]
        return " + ".join(f"{times(factors)} x ({layer})" if factors else layer for layer in layers)

    def _units(self, x: Signals) -> int:
        """How often a unit is computed for one sample."""
        return x[0].shape[0] * self.num_layers * self.directions * self.hidden_size

    def products(self, x: Signals, y: Signals) -> tuple[Shape, ...]:
        """Per layer, both weight matrices at every step and in every direction; padding counts like any other step."""
        steps, units = x[0].shape[0], self.hidden_size
        return tuple(
            (steps, self.directions, self.gates, units, reads)
            for layer in self._reads(x[0].shape[-1])
            for reads in (layer, units)
        )

    def flops(self, x: Signals, y: Signals) -> int:
        """Each gate adds up one sum over both weight matrices, and PyTorch keeps two biases."""
        sums = self._units(x) * self.gates
        return 2 * self.macs(x, y) + (sums if self.bias else -sums)

    def saved(self, x: Signals, y: Signals) -> Saved:
        """Of every layer what it reads, and of every direction what its steps hold; between layers also what is dropped."""
        steps, wide = x[0].shape[0], self.directions * self.hidden_size
        held = sum(
            reads * steps + self.directions * self._held(steps, reads, len(x) > 1)
            for reads in self._reads(x[0].shape[-1])
        )
        held += steps * wide * self.bidirectional  # both directions side by side
        dropped = (self.num_layers - 1) * steps * wide * (self.dropout > 0)
        # The sums of all steps, worked out at once, or their gradients; states step by step and in a row; the layer below.
        rows = 2 + self.directions * (self.gates + 2 * (self.num_layers > 1))
        return Saved(besides=held + dropped, working=rows * steps * self.hidden_size)

    def _held(self, steps: int, reads: int, padded: bool) -> int:
        """Numbers that one direction of a layer holds, which reads so many at a step of padded sequences or of whole ones."""
        raise TypeError(f"{self.name} does not say what it holds")


class RNN(_Recurrent):
    """Reads a sequence and folds every step into one hidden state. What came early fades; LSTM and GRU keep it longer.

    Gives the whole `sequence` of hidden states, the `last` of every direction, and the final `state` of every layer and
    direction, in a row. Where `lengths` are connected, steps behind the end of a sample do not count, and are zero.
    """

    target = "RNN"
    aliases = ("elman", "simple rnn", "vanilla rnn", "recurrent", "rnn cell")
    formula = r"h_t = \tanh(W_{ih} x_t + b_{ih} + W_{hh} h_{t-1} + b_{hh})"
    initialized = ("nn.RNN",)
    gates = 1

    nonlinearity: Literal["tanh", "relu"] = Field("tanh", description="What bends the state at every step.")

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        return {"activation": self._units(x)}

    def _held(self, steps: int, reads: int, padded: bool) -> int:
        return (steps + 1) * self.hidden_size


class LSTM(_Recurrent):
    """Reads a sequence with a memory cell that three gates open and close, so that early steps are not forgotten.

    Gives the whole `sequence` of hidden states, the `last` hidden state of every direction, and the final `state`
    (hidden and cell state of every layer and direction, in a row). Where `lengths` are connected, steps behind the end
    of a sample do not count, and are zero.
    """

    target = "LSTM"
    aliases = ("long short term memory", "bidirectional", "bidirectional lstm", "bilstm", "lstm cell")
    formula = (
        r"i_t, f_t, o_t = \sigma(W_{i,f,o}\, x_t + U_{i,f,o}\, h_{t-1} + b_{i,f,o}),\quad \tilde c_t = \tanh(W_c x_t + U_c h_{t-1} + b_c),"
        r"\quad c_t = f_t \odot c_{t-1} + i_t \odot \tilde c_t,\quad h_t = o_t \odot \tanh c_t"
    )
    initialized = ("nn.LSTM",)
    gates, states = 4, 2

    forget_bias: Annotated[float, Field(ge=-100, le=100)] | None = Field(
        None,
        title="Forget bias",
        description="Where the forget gate's bias starts, whatever the recipe's initializers do; 1 lets the cell remember "
        "from the first step (Jozefowicz et al. 2015). Empty: like every other bias.",
        json_schema_extra=ADVANCED,
    )

    @model_validator(mode="after")
    def has_a_bias_to_start(self) -> Self:
        if self.forget_bias is not None and not self.bias:
            raise ValueError(say("forget_bias needs bias: without one there is nothing to start at {value}", value=self.forget_bias))  # fmt: skip
        return self

    def last_word(self) -> str | None:
        return None if self.forget_bias is None else "start_forget_gates"

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        """Per unit: five activations; three products and one sum."""
        return {"activation": 5 * self._units(x), "gates": 4 * self._units(x)}

    def _held(self, steps: int, reads: int, padded: bool) -> int:
        """The work space of oneDNN's kernel, as measured: gates, cells, states in rows of 16 numbers, and room for their gradients.

        Padded sequences run step by step: gates, two states, and what comes of them.
        """
        if padded:
            return 8 * steps * self.hidden_size
        wide = -(-self.hidden_size // 16) * 16
        room = 6 * (steps + 1) * (max(reads, wide) - self.hidden_size)
        return (15 * steps + 14) * self.hidden_size + room


class GRU(_Recurrent):
    """Reads a sequence with two gates: one forgets, one decides how much of the old state stays. Three quarters of an LSTM.

    z = 1 keeps the old state, z = 0 takes the new one. Gives the whole `sequence` of hidden states, the `last` of every
    direction, and the final `state` of every layer and direction, in a row. Where `lengths` are connected, steps behind
    the end of a sample do not count, and are zero.
    """

    target = "GRU"
    aliases = ("gated recurrent unit", "bidirectional gru", "gru cell")
    formula = (
        r"r_t, z_t = \sigma(W_{r,z}\, x_t + U_{r,z}\, h_{t-1} + b_{r,z}),\quad n_t = \tanh\big(W_n x_t + b_n + r_t \odot (U_n h_{t-1} + c_n)\big),"
        r"\quad h_t = (1 - z_t) \odot n_t + z_t \odot h_{t-1}"
    )
    initialized = ("nn.GRU",)
    gates = 3

    def flops(self, x: Signals, y: Signals) -> int:
        """As of the others, but the reset gate stands between the two sums of n, which are not added into one."""
        return super().flops(x, y) - self._units(x)

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        """Per unit: three activations; a product and a sum inside n, three products, a sum and a difference around it."""
        return {"activation": 3 * self._units(x), "gates": 6 * self._units(x)}

    def _held(self, steps: int, reads: int, padded: bool) -> int:
        return 7 * steps * self.hidden_size
