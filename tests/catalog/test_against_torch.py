"""Layers against PyTorch: signals, parameters and cost in closed form are what PyTorch has, for any parameters and shapes."""

from contextlib import suppress
from math import prod

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from random_entries import LAYERS, accepted, entries, inputs_of, name_of, ports, tensor_of, welcome
from refused import BATCH, REFUSED, Refusal, listed
from torch.utils.flop_counter import FlopCounterMode
from torch_layers import REFUSALS, RUN_BY_NUMBERS, backward, counted, operation, outputs_of, state_of

from builder.catalog import Layer, Signal
from builder.catalog.layers import ShapeProblem

every_layer = pytest.mark.parametrize("kind", LAYERS, ids=name_of)


def signal_of(tensor: torch.Tensor) -> tuple[tuple[int, ...], str]:
    """Shape of one sample, and type."""
    return tuple(tensor.shape[1:]), str(tensor.dtype).removeprefix("torch.")


@every_layer
@given(data=st.data())
def test_what_a_layer_accepts_pytorch_runs_forward_and_backward(kind: type[Layer], data: st.DataObject):
    layer, given_signals, said = data.draw(accepted(kind))
    batch = data.draw(st.integers(layer.smallest_batch(*given_signals), BATCH))
    x = [tensor_of(signal, batch) for signal in given_signals]
    y = outputs_of(operation(layer, *given_signals), *x)
    assert [signal_of(output) for output in y] == [(signal.shape, signal.dtype) for signal in said]
    assert len(y) == len(layer.outputs) and all(len(output) == batch for output in y)
    assert all(len(signal.axes) == len(signal.shape) for signal in said)
    assert layer.gradient or not any(output.requires_grad for output in y)
    backward(*y)
    for tensor in x:
        assert tensor.dtype != torch.float32 or not layer.gradient or tensor.grad is not None


@pytest.mark.parametrize("kind", [kind for kind in LAYERS if ("F", "int64") in welcome(kind)], ids=name_of)
@given(data=st.data())
def test_what_is_said_to_be_a_class_is_one(kind: type[Layer], data: st.DataObject):
    layer, classes = data.draw(entries(kind)), data.draw(st.integers(2, 9))
    given_signals = [Signal((4, 5), "HW", "int64", classes)] * ports(kind, several=2)
    with suppress(ShapeProblem):
        said = layer.infer(*given_signals)
        y = outputs_of(operation(layer, *given_signals), *(tensor_of(signal, BATCH) for signal in given_signals))
        for output, signal in zip(y, said, strict=True):
            assert signal.classes is None or (output.min() >= 0 and output.max() < signal.classes)


@every_layer
@given(data=st.data())
def test_names_shapes_and_cost_are_those_of_pytorch(kind: type[Layer], data: st.DataObject):
    layer, given_signals, said = data.draw(accepted(kind))
    if kind.inputs[-1] in RUN_BY_NUMBERS:
        given_signals = given_signals[: len(kind.inputs) - 1]
    parameters, buffers = layer.parameters(*given_signals), layer.buffers(*given_signals)
    with torch.device("meta"):
        run = operation(layer, *given_signals)
        x = [tensor_of(signal, BATCH, "meta") for signal in given_signals]
    assert state_of(run) == parameters | buffers and not parameters.keys() & buffers.keys()
    if isinstance(run, torch.nn.Module):
        assert {name for name, _ in run.named_parameters()} == parameters.keys()
        assert sum(parameter.numel() for parameter in run.parameters()) == sum(map(prod, parameters.values()))
    with FlopCounterMode(display=False) as counter:
        y = outputs_of(counted(layer, run), *x)
    assert [signal_of(output) for output in y] == [(signal.shape, signal.dtype) for signal in said]
    assert counter.get_total_flops() == 2 * BATCH * layer.macs(given_signals, said)


@every_layer
@given(data=st.data())
def test_what_a_layer_refuses_pytorch_refuses_or_the_reason_is_listed(kind: type[Layer], data: st.DataObject):
    layer, given_signals = data.draw(entries(kind)), data.draw(inputs_of(kind, data.draw(st.booleans())))
    try:
        layer.infer(*given_signals)
    except ShapeProblem as problem:
        assert listed(layer, problem, *given_signals) or not runs(layer, *given_signals), problem.code


def runs(layer: Layer, *given_signals: Signal) -> bool:
    """Whether PyTorch runs the layer forward and backward."""
    try:
        run = operation(layer, *given_signals)
        backward(*outputs_of(run, *(tensor_of(signal, BATCH) for signal in given_signals)))
    except REFUSALS:
        return False
    return True


@pytest.mark.parametrize("refusal", REFUSED, ids=lambda refusal: f"{refusal.code}-{refusal.example[0].name}")
def test_every_case_on_the_list_is_refused_here_and_run_by_pytorch(refusal: Refusal):
    layer, given_signals = refusal.example
    assert refusal.because.endswith(".")
    with pytest.raises(ShapeProblem) as problem:
        layer.infer(*given_signals)
    assert layer.name in refusal.layers and listed(layer, problem.value, *given_signals)
    assert runs(layer, *given_signals)


@pytest.mark.parametrize(
    "kind", [kind for kind in LAYERS if kind.smallest_batch is not Layer.smallest_batch], ids=name_of
)
@given(data=st.data())
def test_a_batch_smaller_than_the_smallest_fails_in_pytorch(kind: type[Layer], data: st.DataObject):
    layer, channels = data.draw(entries(kind)), data.draw(st.integers(1, 9))
    for axes, dtype in welcome(kind):
        assert kind().smallest_batch(Signal((1,) * len(axes), axes, dtype)) == 2
        signal = Signal((channels, *[1] * (len(axes) - 1)), axes, dtype)
        with suppress(ShapeProblem):
            layer.infer(signal)
            smallest = layer.smallest_batch(signal)
            operation(layer, signal)(tensor_of(signal, smallest))
            for too_few in range(1, smallest):
                with pytest.raises(ValueError, match="more than 1 value per channel"):
                    operation(layer, signal)(tensor_of(signal, too_few))
