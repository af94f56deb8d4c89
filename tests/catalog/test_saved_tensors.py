"""What layers say that they hold for the way back, beside what autograd is seen to hold."""

from collections.abc import Sequence

import pytest
import torch

from builder.catalog import Layer, Signal
from builder.catalog.layers import ShapeProblem
from tests.catalog.torch_layers import operation, outputs_of

BATCH = 16
GIVEN = [
    Signal((12,), "F"), Signal((8, 12, 12), "CHW"), Signal((8, 24), "CL"), Signal((4, 6, 6, 6), "CDHW"),
    Signal((10, 16), "TF"), Signal((6,), "T", "int64", 5),
]  # fmt: skip
"""The first that a layer takes, at every port, is what it is tried on."""
PARAMS = {
    "TransformerEncoderLayer": {"dim_feedforward": 32}, "TransformerDecoderLayer": {"dim_feedforward": 32},
    "LocalResponseNorm": {"size": 3},
}  # fmt: skip
SHARE = {"LSTM": 0.05, "LocalResponseNorm": 0.3}
"""By how much a figure may be off where it depends on a kernel's inner padding."""
MORE = [
    ("Dropout", {"p": 0.0}, GIVEN[:1]),
    ("AdaptiveAvgPool2d", {"output_size": 2}, GIVEN[1:2]),
    ("Maximum", {}, GIVEN[1:2] * 3),
    ("Multiply", {}, GIVEN[1:2] * 3),
    ("MultiheadAttention", {"num_heads": 2}, [Signal((10, 16), "TF"), Signal((20, 8), "TF")]),
    ("MultiheadAttention", {"num_heads": 2, "dropout": 0.1}, [Signal((10, 16), "TF"), Signal((20, 16), "TF")]),
    ("TransformerEncoderLayer", {"dim_feedforward": 64, "dropout": 0.0}, GIVEN[4:5]),
    ("TransformerDecoderLayer", {"dim_feedforward": 64}, [Signal((10, 16), "TF"), Signal((20, 16), "TF")]),
    ("LSTM", {"hidden_size": 32}, [Signal((20, 64), "TF")]),
    ("RNN", {"hidden_size": 8, "bidirectional": True}, GIVEN[4:5]),
    ("GRU", {"hidden_size": 8, "bidirectional": True}, GIVEN[4:5]),
]


def first_taken(kind: type[Layer]) -> tuple[str, dict[str, object], list[Signal]]:
    """The layer with usual parameters, and signals that it takes."""
    ports = sum(not port.endswith("?") for port in kind.inputs) + kind.inputs[0].endswith("*")
    layer = kind.model_validate(PARAMS.get(kind.__name__, {}))
    for signal in GIVEN:
        try:
            layer.infer(*[signal] * ports)
        except ShapeProblem:
            continue
        return kind.__name__, PARAMS.get(kind.__name__, {}), [signal] * ports
    raise AssertionError(f"{kind.__name__} takes none of them")


CASES = [*(first_taken(kind) for kind in Layer.shelf.values() if kind.target), *MORE]


def held_by_autograd(layer: Layer, given: Sequence[Signal]) -> tuple[bool, bool, float]:
    """Whether inputs and outputs are held, and how many numbers besides, of one sample; weights are left out."""
    run = operation(layer, *given)
    x = [
        torch.rand(BATCH, *signal.shape).requires_grad_()
        if signal.dtype == "float32"
        else torch.randint(0, signal.classes or 2, (BATCH, *signal.shape))
        for signal in given
    ]
    held: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        held[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        y = outputs_of(run, *x)

    def place(tensor: torch.Tensor) -> int:
        return tensor.untyped_storage().data_ptr()

    state = [*run.parameters(), *run.buffers()] if isinstance(run, torch.nn.Module) else []
    known = {place(tensor) for tensor in (*state, *x, *y)}
    besides = sum(size for at, size in held.items() if at not in known) / BATCH / 4
    return any(place(each) in held for each in x), place(y[0]) in held, besides


@pytest.mark.parametrize(("name", "params", "given"), CASES, ids=lambda part: part if isinstance(part, str) else "")
def test_what_is_held_for_the_way_back(name: str, params: dict[str, object], given: list[Signal]) -> None:
    torch.manual_seed(0)
    layer = Layer.shelf[name].model_validate(params)
    told = layer.saved(tuple(given), layer.infer(*given))
    inputs, outputs, besides = held_by_autograd(layer, given)
    statistics = 2 * given[0].shape[0] + 2  # of a norm: too few to count
    if not layer.view:
        assert told.inputs == inputs
    if name not in ("RNN", "LSTM", "GRU"):  # theirs are told with what is held besides
        assert told.outputs == outputs
    assert besides == pytest.approx(told.besides, rel=SHARE.get(name, 0.02), abs=4 * statistics)


def test_every_layer_is_tried() -> None:
    assert {name for name, _, _ in CASES} == {kind.__name__ for kind in Layer.shelf.values() if kind.target}
