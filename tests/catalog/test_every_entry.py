"""What every catalog entry promises, whatever it is: it explains itself, and is what PyTorch has under that name."""

import inspect
import math
import re
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import kornia
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError
from pydantic_core import PydanticCustomError
from random_entries import (
    ENTRIES,
    LAYERS,
    accepted,
    entries,
    fields_of,
    illegal_values,
    name_of,
    smallest_params,
    tensor_of,
)
from torch import Tensor, nn
from torch_layers import operation

from builder.blocks import GALLERY, Template
from builder.catalog import SHELVES, Entry, Initializer, Layer, Loss, Optimizer, Preparation, Signal, Source
from builder.catalog.signal import KNOWN_AXES
from builder.compile.build import loss_function, resolve
from builder.data import loaders
from builder.design.pick import entry_of
from builder.source.call import call
from builder.source.modules import own_modules

ROOT = Path(__file__).parents[2]

every_entry = pytest.mark.parametrize("entry", ENTRIES, ids=name_of)
every_layer = pytest.mark.parametrize("layer", LAYERS, ids=name_of)


def own_default(pattern: str, field: str, because: str) -> dict[tuple[str, str], str]:
    """The same reason for every layer whose name has this pattern."""
    return {(name, field): because for name in Layer.shelf if re.fullmatch(pattern, name)}


OWN_DEFAULTS = {
    ("Linear", "out_features"): "PyTorch has none: a new layer has to start from some width.",
    **own_default(r"Conv(Transpose)?\dd", "out_channels", "PyTorch has none."),
    **own_default(r"Conv(Transpose)?\dd", "kernel_size", "PyTorch has none; 3 is what most networks use."),
    **own_default(r"(Max|Avg|LP)Pool\dd", "kernel_size", "PyTorch has none; 2 halves the sides."),
    **own_default(r"LPPool\dd", "norm_type", "PyTorch has none; 2 is the length that people know."),
    **own_default(r"Adaptive(Max|Avg)Pool\dd", "output_size", "PyTorch has none; 1 is global pooling."),
    ("Bilinear", "out_features"): "PyTorch has none.",
    ("RBF", "out_features"): "PyTorch has no such layer.",
    **own_default("RNN|LSTM|GRU", "hidden_size", "PyTorch has none."),
    ("MultiheadAttention", "num_heads"): "PyTorch has none; 4 divides most widths.",
    **own_default("Transformer.*", "nhead", "PyTorch has none; 4 divides most widths."),
    **own_default("Transformer.*", "activation", "PyTorch's is the function of that name."),
    ("RNN", "nonlinearity"): "PyTorch's tanh does not stand in its signature.",
    ("Embedding", "embedding_dim"): "PyTorch has none.",
    ("PositionalEncoding", "learned"): "PyTorch has no such layer.",
    **own_default(r"(Log)?Softm(ax|in)", "dim", "PyTorch's None guesses a side and warns."),
    ("PReLU", "per_channel"): "PyTorch's num_parameters: how many channels there are is known.",
    ("Threshold", "threshold"): "PyTorch has none.",
    ("Threshold", "value"): "PyTorch has none.",
    ("GroupNorm", "num_groups"): "PyTorch has none; 1 divides any number of channels.",
    ("LayerNorm", "sides"): "PyTorch's normalized_shape: how long the sides are is known.",
    ("RMSNorm", "sides"): "PyTorch's normalized_shape: how long the sides are is known.",
    ("LocalResponseNorm", "size"): "PyTorch has none; AlexNet's is 5.",
    ("Reshape", "shape"): "The module is our own; a single row always fits.",
    ("Reshape", "axes"): "What sides mean is not known to PyTorch.",
    ("Permute", "dims"): "The module is our own; two sides are the most usual.",
    ("Pad", "padding"): "PyTorch has none.",
    ("Pad", "mode"): "PyTorch has a module for each.",
    ("Pad", "value"): "PyTorch has a module for 0 and one for other numbers.",
    ("Concat", "dim"): "PyTorch's 0 is the batch.",
    ("Values", "values"): "The numbers are the person's own.",
    **{
        (name, "decay_biases_and_norms"): "PyTorch has groups of parameters for it."
        for name, kind in Optimizer.shelf.items()
        if "decay_biases_and_norms" in kind.model_fields
    },
    ("Constant", "val"): "PyTorch has none; 0.1 keeps a ReLU's sums above zero.",
    ("Uniform", "a"): "PyTorch's 0 to 1 has one sign; Keras's interval has both.",
    ("Uniform", "b"): "As its other end.",
    **{(he, "negative_slope"): "PyTorch's a: it goes by the activation here." for he in ("HeNormal", "HeUniform")},
}
"""Defaults that cannot be PyTorch's, and why."""


def test_there_is_a_shelf_for_every_kind_of_entry_and_no_two_entries_of_one_kind_have_one_name():
    kinds = {kind for kind in Entry.__subclasses__() if kind.__module__.startswith("builder.catalog")}
    assert kinds == set(SHELVES)  # catalog blocks stand in builder.blocks
    for shelf in SHELVES:
        assert shelf.shelf, f"the shelf of {shelf.kind}s is empty"
        with pytest.raises(TypeError, match="two catalog entries are named"):
            type(next(iter(shelf.shelf)), (shelf,), {"__module__": __name__, "target": "nn.Identity"})


@every_entry
def test_an_entry_explains_itself(entry: type[Entry]):
    about = entry.about()
    assert entry.__doc__ in vars(entry).values(), "the docstring is that of another class"
    assert about[0].isupper() and about[-1] in ".?", about
    assert entry.group and entry.kind
    assert entry.formula and entry.formula.count("{") == entry.formula.count("}")
    assert len(re.findall(r"\\left\b", entry.formula)) == len(re.findall(r"\\right\b", entry.formula))
    for name, schema in fields_of(entry).items():
        assert schema.get("description", "").endswith("."), f"{name} has no description that is a sentence"


@every_entry
def test_the_smallest_pick_is_valid_and_says_nothing_that_is_a_default(entry: type[Entry]):
    params = smallest_params(entry)
    picked = entry.pick(entry.__name__, params)
    assert picked.json_pick() == ({"type": entry.__name__, "params": params} if params else {"type": entry.__name__})


@every_entry
@given(data=st.data())
def test_an_entry_comes_back_from_its_json(entry: type[Entry], data: st.DataObject):
    picked = data.draw(entries(entry))
    (shelf,) = (shelf for shelf in SHELVES if issubclass(entry, shelf))
    assert entry_of(shelf, picked.json_pick()) == picked
    assert entry.model_validate_json(picked.model_dump_json()) == picked


@every_entry
def test_an_unknown_parameter_is_refused(entry: type[Entry]):
    with pytest.raises(ValidationError, match="nonsense"):
        entry.pick(entry.__name__, smallest_params(entry) | {"nonsense": 1})


@every_entry
def test_values_outside_of_their_bounds_or_kind_are_refused(entry: type[Entry]):
    for field, schema in fields_of(entry).items():
        for value in illegal_values(schema):
            with pytest.raises(ValidationError, match=field):
                entry.pick(entry.__name__, smallest_params(entry) | {field: value})
                pytest.fail(f"{field} can be {value!r}")


def suggested(error: PydanticCustomError) -> str | None:
    assert error.context
    return error.context["shelf"].meant(error.context["name"])


@every_entry
def test_a_name_in_wrong_case_gets_the_right_one_suggested(entry: type[Entry]):
    with pytest.raises(PydanticCustomError) as refused:
        entry.pick(entry.__name__.lower() + "_", {})
    assert suggested(refused.value) == entry.__name__


@every_entry
def test_an_alias_leads_to_its_entry_and_to_no_other(entry: type[Entry]):
    for alias in entry.aliases:
        assert alias == alias.lower()
        for spelling in (alias, alias.title(), alias.replace(" ", "_"), alias.replace(" ", "")):
            assert entry.meant(spelling) == entry.__name__, spelling


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("swish", "SiLU"), ("relu", "ReLU"), ("conv", "Conv2d"), ("Conv_2D", "Conv2d"), ("BatchNorm", "BatchNorm2d"), ("batch-norm", "BatchNorm2d"),
     ("leakyrelu", "LeakyReLU"), ("Conv2", "Conv2d"), ("swisch", "SiLU"), ("global average pooling", "AdaptiveAvgPool2d"), ("qqqqqq", None),
     ("Dense", "Linear"), ("fc", "Linear"), ("Fully Connected", "Linear"), ("perceptron", "Linear"), ("lineer", "Linear"), ("minimum", None),
     ("bias", None), ("Elman", "RNN"), ("SimpleRNN", "RNN"), ("bidirectional", "LSTM"), ("noise", "GaussianNoise"), ("relo", "ReLU"),
     ("DepthwiseConv2D", "Conv2d"), ("deconv", "ConvTranspose2d"), ("conv1d transpose", "ConvTranspose1d"), ("Conv2DTranspose", "ConvTranspose2d"),
     ("GlobalMaxPooling2D", "AdaptiveMaxPool2d"), ("global max", "AdaptiveMaxPool2d"), ("SpatialDropout1D", "Dropout1d"),
     ("batch norm", "BatchNorm2d"), ("attention", "MultiheadAttention"), ("sof", "Softmax"), ("so", None)],
)  # fmt: skip
def test_what_people_type_leads_to_what_they_mean(typed: str, meant: str | None):
    with pytest.raises(PydanticCustomError) as refused:
        Layer.pick(typed, {})
    assert suggested(refused.value) == meant


@pytest.mark.parametrize(
    ("shelf", "typed", "meant"),
    [(Loss, "MSELoss", "MSE"), (Loss, "binary_crossentropy", "BCEWithLogits"), (Loss, "NLL", "NLL"), (Loss, "log loss", "CrossEntropy"),
     (Loss, "logistic", "BCEWithLogits"), (Loss, "L1", "MAE"), (Loss, "KLDivLoss", "KLDiv"), (Loss, "poisson_nll_loss", "Poisson"),
     (Optimizer, "momentum", "SGD"), (Initializer, "glorot_uniform", "XavierUniform"), (Initializer, "kaiming", "HeNormal"),
     (Initializer, "constant", "Constant"), (Initializer, "eye", "Identity"), (Initializer, "minimum", None)],
)  # fmt: skip
def test_what_people_type_on_other_shelves_leads_to_what_they_mean(shelf: type[Entry], typed: str, meant: str | None):
    assert shelf.meant(typed) == meant


@pytest.mark.parametrize(
    ("name", "field", "told"),
    [
        *(("Input", "axes", f"{axes}: ") for axes in KNOWN_AXES if axes),
        ("Conv1d", "padding", "two (left, right)"), ("Conv2d", "padding", "two (height, width), four (left, right, top, bottom)"),
        ("Conv3d", "padding", "three (depth, height, width), six (left, right, top, bottom, front, back)"),
        ("Pad", "padding", "right, top, bottom, front, back"),
        ("MaxPool2d", "padding", "height, width"), ("Softmax", "dim", "the last, is the default"), ("Softmax", "dim", "Segmentation wants 1, the channels"),
        ("Upsample", "align_corners", "alone: linear, bilinear, bicubic, trilinear"), ("LPPool2d", "norm_type", "not negative"),
    ],
)  # fmt: skip
def test_the_help_of_a_field_says(name: str, field: str, told: str):
    assert told in (Layer.shelf[name].model_fields[field].description or "")


@pytest.mark.parametrize(("name", "gates"), [("LSTM", r"i_t, f_t, o_t = \sigma("), ("GRU", r"r_t, z_t = \sigma(")])
def test_the_formula_of_a_recurrent_layer_shows_its_gates(name: str, gates: str):
    assert gates in Layer.shelf[name].formula


@every_entry
def test_at_most_six_fields_are_in_sight(entry: type[Entry]):
    assert sum(not schema.get("advanced") for schema in fields_of(entry).values()) <= 6


def signature_of(target: Any) -> dict[str, inspect.Parameter]:
    """Parameters by name; those that a class hands on with `**kwargs` are looked up in the class that takes them."""
    if not isinstance(target, type):
        try:
            return dict(inspect.signature(target).parameters)
        except ValueError:  # a built-in function without a signature
            return {}
    found: dict[str, inspect.Parameter] = {}
    for base in reversed(target.__mro__):
        if "__init__" in vars(base) and base is not object:
            found |= inspect.signature(base.__init__).parameters
    return found


TORCH_ENTRIES = [
    entry for entry in ENTRIES if issubclass(entry, (Layer, Loss, Optimizer, Initializer)) and entry.target
]


@pytest.mark.parametrize("entry", TORCH_ENTRIES, ids=name_of)
def test_defaults_are_those_of_pytorch(entry: type[Entry]):
    known = {} if issubclass(entry, Layer) and entry.infix else signature_of(resolve(entry.target))
    for name, field in entry.model_fields.items():
        if (entry.__name__, name) in OWN_DEFAULTS:
            assert name not in known or known[name].default != field.default, "PyTorch has this very default"
        else:
            assert known[name].default == field.default, name


def test_no_own_default_is_listed_for_what_is_not_there():
    assert {name for name, _ in OWN_DEFAULTS} <= {entry.__name__ for entry in TORCH_ENTRIES}
    assert {field for _, field in OWN_DEFAULTS} <= {field for entry in TORCH_ENTRIES for field in entry.model_fields}


@cache
def exported() -> dict[str, Any]:
    """The names that an exported program knows. Our own modules come from their exported text."""
    scope: dict[str, Any] = {"kornia": kornia, "math": math, "nn": nn, "torch": torch, "Tensor": Tensor}
    for text in own_modules().values():
        exec(text, scope)
    return scope


def evaluated(source: str, **names: Any) -> Any:
    """What a line of an exported program gives."""
    return eval(source, exported() | names)


@every_layer
@given(data=st.data())
def test_the_source_of_a_layer_is_what_the_compiler_builds(layer: type[Layer], data: st.DataObject):
    picked, given_signals, _ = data.draw(accepted(layer))
    run, runs, arguments = operation(picked, *given_signals), picked.runs(*given_signals), picked.args(*given_signals)
    if isinstance(run, nn.Module):
        written = evaluated(call(runs, picked, arguments))
        assert repr(written) == repr(run) and public(written) == public(run)
        return
    names = [f"x{at}" for at in range(len(given_signals))]
    x = [tensor_of(signal, 2) for signal in given_signals]
    source = (
        f" {picked.infix} ".join(names) if picked.infix else call(runs, picked, arguments, f"({', '.join(names)})")
    )  # fmt: skip
    assert torch.equal(evaluated(source, **dict(zip(names, x, strict=True))), run(*x))


@pytest.mark.parametrize("loss", Loss.shelf.values(), ids=name_of)
@given(data=st.data())
def test_the_source_of_a_loss_is_what_the_compiler_builds(loss: type[Loss], data: st.DataObject):
    picked = data.draw(entries(loss))
    written, built = evaluated(call(picked.runs(), picked, picked.args())), loss_function(picked)
    assert repr(written) == repr(built)
    assert dict(written.named_buffers()).keys() == dict(built.named_buffers()).keys()
    assert all(torch.equal(value, dict(built.named_buffers())[name]) for name, value in written.named_buffers())
    assert public(written) == public(built)  # what a loss is set to is not in its repr


def public(module: nn.Module) -> dict[str, Any]:
    """What a module is set to, besides what it has inside."""
    return {name: value for name, value in vars(module).items() if not name.startswith("_")}


@pytest.mark.parametrize("optimizer", Optimizer.shelf.values(), ids=name_of)
@given(data=st.data())
def test_the_source_of_an_optimizer_is_what_the_compiler_builds(optimizer: type[Optimizer], data: st.DataObject):
    picked = data.draw(entries(optimizer))
    learning = [nn.Parameter(torch.zeros(2))]
    target = picked.target if picked.target in own_modules() else f"torch.{picked.target}"
    groups = [{"params": []}, {"params": learning}] if picked.grouped().endswith("matrices_first") else learning
    written = evaluated(call(target, picked, picked.args(), "groups"), groups=deepcopy(groups))
    built = resolve(picked.target)(groups, **picked.args())
    assert type(written).__name__ == type(built).__name__ and written.defaults == built.defaults
    for one, other in zip(written.param_groups, built.param_groups, strict=True):
        assert {**one, "params": None} == {**other, "params": None}


@pytest.mark.parametrize(
    "initializer",
    [rule for rule in Initializer.shelf.values() if rule.target and rule.__name__ != "Values"],
    ids=name_of,
)
@given(data=st.data())
def test_the_source_of_an_initializer_fills_with_the_same_numbers(initializer: type[Initializer], data: st.DataObject):
    picked = data.draw(entries(initializer))
    written, built = nn.Parameter(torch.full((3, 4), 9.0)), nn.Parameter(torch.full((3, 4), 9.0))
    torch.manual_seed(1)
    evaluated(call(picked.target, picked, picked.args(), "parameter"), parameter=written)
    torch.manual_seed(1)
    resolve(picked.target)(built, **picked.args())
    assert torch.equal(written, built) and not (built == 9).any()


@pytest.mark.parametrize("loss", Loss.shelf.values(), ids=name_of)
def test_a_loss_names_its_unit_and_functions_that_there_are(loss: type[Loss]):
    assert loss.unit
    for target in (Signal((), "", "int64", 2), Signal((), "", "int64", 5), Signal((3,), "F")):
        for shape in loss().shapes(target):
            output = Signal(shape, "F")
            for what in ("encode", "decide", "side", "predict"):
                name = getattr(loss(), what)(output, target)
                assert name is None or name in own_modules()


@pytest.mark.parametrize("source", Source.shelf.values(), ids=name_of)
def test_a_source_has_a_loader(source: type[Source]):
    assert callable(getattr(loaders, source.target))


@pytest.mark.parametrize("preparation", Preparation.shelf.values(), ids=name_of)
def test_a_preparation_carries_out_its_own_rule(preparation: type[Preparation]):
    assert callable(vars(preparation)[preparation.target]) and "fit" in vars(preparation)


def test_a_shared_base_is_not_on_the_shelf():
    class _Shared(Layer):
        """What some layers share."""

        width: int = Field(1, description="A number.")

    assert "_Shared" not in Layer.shelf


def test_the_example_of_an_entry_in_the_documentation_is_the_whole_entry():
    told = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert inspect.getsource(Layer.shelf["LocalResponseNorm"]) in told


def test_the_readme_counts_right():
    told = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"{len(Layer.shelf)} layers and {len(Template.shelf)} ready-made blocks" in told
    assert f"*Examples* has {len(GALLERY)} experiments" in told
