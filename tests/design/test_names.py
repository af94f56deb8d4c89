"""Ids: what a submodule and a variable of the exported program can be called, and nothing else."""

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from builder.design import names


def test_reserved_is_what_a_module_of_this_torch_really_has():
    attributes = {name for name in dir(nn.Module()) if names.PATTERN.fullmatch(name)}
    annotated = {name for name in nn.Module.__annotations__ if names.PATTERN.fullmatch(name)}
    assert set(names.RESERVED) == attributes | annotated | {"self", "torch", "nn"}


def test_every_reserved_name_and_keyword_is_refused():
    small_keywords = [word for word in keyword.kwlist if word.islower()]
    for name in [*names.RESERVED, *small_keywords]:
        assert names.why_not(name) is not None, name
        assert names.why_not(names.legal(name)) is None, name


@pytest.mark.parametrize("name", ["", "1st", "Conv", "a-b", "a b", "_a", "é", "a" * 41, "conv\n", None, 3, ["a"]])
def test_what_is_no_id_is_refused(name: object):
    assert names.why_not(name) is not None


@pytest.mark.parametrize("name", ["x", "conv1", "a_b", "a" * 40, "match", "case", "soft_max_2"])
def test_what_is_an_id_is_accepted(name: str):
    assert names.why_not(name) is None


@given(st.text(max_size=60))
def test_any_text_has_a_legal_id_near_it(text: str):
    assert names.why_not(names.legal(text)) is None


@given(st.text(alphabet="aC_19 é", max_size=60), st.integers(0, 120))
def test_fresh_names_are_legal_and_not_taken(base: str, count: int):
    taken: list[str] = []
    for _ in range(count):
        name = names.fresh(base, taken)
        assert name not in taken
        assert names.why_not(name) is None
        taken.append(name)


def test_a_module_takes_a_child_of_every_legal_kind_of_name_and_none_of_the_reserved():
    parent = nn.Module()
    parent.add_module("conv1", nn.Identity())
    for name in ("forward", "training", "type"):
        with pytest.raises(KeyError):
            nn.Module().add_module(name, nn.Identity())


@pytest.mark.parametrize("name", ["", "lower", "With Space", "A" * 41, "Dash-", "True", "None", "Path", "SEED", "A\n"])
def test_what_cannot_be_a_class_of_the_exported_program_is_no_block_name(name: str):
    assert names.why_not_block(name) is not None


def test_block_names_are_letters_and_digits():
    assert names.why_not_block("Residual2") is None
