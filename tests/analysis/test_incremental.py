"""Edits analyze again only what they touch."""

from builder.analysis import analyze
from builder.analysis.cost import cost_of
from builder.blocks import example
from builder.design import edits, read
from builder.design.network import to_json
from builder.problem import Json, Set


def worked_out(document: Json) -> int:
    """How many layers the analysis of a document had to work out anew."""
    before = cost_of.cache_info().misses
    analyze(read.experiment(document).network)
    return cost_of.cache_info().misses - before


def changed(document: Json, path: str, value: Json) -> Json:
    return edits.apply(document, [Set(path=f"network.nodes.{path}", value=value)])


def test_only_what_an_edit_touches_is_worked_out_again():
    cost_of.cache_clear()
    document = to_json(example("lenet5"))
    assert worked_out(document) == len(document["network"]["nodes"])
    assert worked_out(document) == 0
    assert worked_out(changed(document, "f6.title", "Second")) == 0
    wider = changed(document, "f6.params.out_features", 90)
    assert worked_out(wider) == 3  # itself, the Tanh behind it, and the scores, which read more


def test_what_was_worked_out_for_one_network_serves_another():
    analyze(example("resnet152").network)
    before = cost_of.cache_info().misses
    analyze(example("resnet101").network)
    assert cost_of.cache_info().misses == before


def test_what_is_remembered_is_what_is_worked_out_anew():
    for name in ("resnet50", "sequence-lstm", "digits-cnn"):
        remembered = analyze(example(name).network)
        cost_of.cache_clear()
        assert analyze(example(name).network).rows == remembered.rows
