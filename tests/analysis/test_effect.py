"""What an edit is said to do is what the two layer tables differ in."""

from builder.analysis import analyze
from builder.analysis.effect import effect
from builder.blocks import example
from builder.design import edits, read
from builder.design.network import to_json
from builder.problem import Edit, Remove, Set


def after(*changes: Edit) -> str:
    document = to_json(example("lenet5"))
    changed = read.experiment(edits.apply(document, list(changes)))
    return effect(analyze(example("lenet5").network), analyze(changed.network))


def test_shapes_parameters_and_macs_are_told_with_what_they_were() -> None:
    told = after(Set(path="network.nodes.c3.params.out_channels", value=32))
    # c3, tanh2, s4 and flatten; f5 reads more and gives as much as before
    c3, f5 = (6 * 25 + 1) * 32, (32 * 25 + 1) * 120
    parameters = 61_706 - (6 * 25 + 1) * 16 - (16 * 25 + 1) * 120 + c3 + f5
    macs = 416_520 + (32 - 16) * (100 * 6 * 25 + 25 * 120)
    assert told == f"4 layers change shape, parameters 61,706 → {parameters:,}, MACs 416,520 → {macs:,}."


def test_what_changes_no_number_has_no_effect_to_tell() -> None:
    assert after(Set(path="network.nodes.c3.title", value="Third")) == ""


def test_layers_whose_output_is_no_more_known_have_changed() -> None:
    told = after(Set(path="network.nodes.c3.params.kernel_size", value=99))
    assert told.startswith("9 layers change shape, parameters 61,706 → 156")


def test_one_layer_is_told_as_one() -> None:
    assert after(Set(path="network.nodes.f6.params.out_features", value=85)).startswith("2 layers change shape")
    assert "change" not in after(Remove(node="tanh1"))
