"""The split: exact sizes, equal shares, and a Problem where a class cannot be in every part."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from builder.data.split import rows_of_parts, stratified
from builder.design import edits
from builder.design.data import PARTS, Split
from builder.problem import Refused

class_sizes = st.lists(st.integers(1, 60), min_size=1, max_size=8)
shares = st.tuples(st.integers(1, 98), st.integers(0, 98)).filter(lambda pair: sum(pair) <= 100)


def classes_of(sizes, seed=0):
    classes = np.repeat(np.arange(len(sizes)), sizes)
    return np.random.default_rng(seed).permutation(classes)


def counts(rows, classes):
    return np.array([np.bincount(classes[rows[part]], minlength=classes.max() + 1) for part in PARTS]).T


def split_of(pair, **more):
    return Split(train=pair[0] / 100, validation=pair[1] / 100, **more)


@given(class_sizes, shares)
def test_parts_have_exactly_their_sizes_and_every_class_its_share(per_class, pair):
    sizes = split_of(pair).sizes(sum(per_class))
    table = stratified(np.array(per_class), sizes)
    exact = np.outer(per_class, sizes) / sum(per_class)
    assert table.min() >= 0
    assert table.sum(axis=0).tolist() == list(sizes)
    assert table.sum(axis=1).tolist() == per_class
    # Where every exact share is a sample or more, no trade is ever needed.
    if exact[:, np.flatnonzero(sizes)].min() >= 1:
        assert np.abs(table - exact).max() <= 1


@given(class_sizes, shares)
def test_a_class_is_missing_only_where_it_must_be(per_class, pair):
    sizes = split_of(pair).sizes(sum(per_class))
    used = [at for at, size in enumerate(sizes) if size]
    table = stratified(np.array(per_class), sizes)
    # With one class smaller than the number of parts, or a part smaller than the number of classes, it cannot be done.
    assume(min(per_class) >= len(used) and min(sizes[at] for at in used) >= len(per_class))
    assert (table[:, used] > 0).all()


@given(st.integers(1, 300), shares, st.integers(0, 5))
def test_every_sample_is_in_one_part_without_stratifying(samples, pair, seed):
    split = split_of(pair, stratify=False, seed=seed)
    rows = rows_of_parts(split, samples, np.zeros(samples, int), ("only",))
    assert sorted(np.concatenate(list(rows.values()))) == list(range(samples))
    assert tuple(len(rows[part]) for part in PARTS) == split.sizes(samples)


@given(st.lists(st.integers(40, 80), min_size=2, max_size=5), st.integers(0, 5))
def test_every_sample_is_in_one_part_with_stratifying(per_class, seed):
    classes, split = classes_of(per_class), Split(seed=seed)
    rows = rows_of_parts(split, len(classes), classes, ())
    assert sorted(np.concatenate(list(rows.values()))) == list(range(len(classes)))
    exact = np.outer(per_class, split.sizes(len(classes))) / len(classes)
    assert np.abs(counts(rows, classes) - exact).max() <= 1


def test_stratifying_makes_a_difference():
    classes = classes_of([950, 50])
    even, uneven = (
        [
            counts(rows_of_parts(Split(seed=seed, stratify=stratify), 1000, classes, ()), classes)[1, 2]
            for seed in range(20)
        ]
        for stratify in (True, False)
    )
    assert set(even) <= {7, 8}
    assert len(set(uneven)) > 4


def test_the_seed_decides_which_samples_go_where():
    classes = classes_of([50, 50])
    first, again, other = (rows_of_parts(Split(seed=seed), 100, classes, ()) for seed in (1, 1, 2))
    assert all(np.array_equal(first[part], again[part]) for part in PARTS)
    assert set(first["train"]) != set(other["train"])


def test_samples_of_a_part_come_in_random_order():
    classes = np.repeat([0, 1], 500)
    train = rows_of_parts(Split(), 1000, classes, ())["train"]
    assert 0.4 < classes[train[:100]].mean() < 0.6, "classes are mixed"
    assert abs(np.corrcoef(train, np.arange(len(train)))[0, 1]) < 0.15


def test_no_validation_part_is_allowed():
    rows = rows_of_parts(Split(train=0.5, validation=0), 500, classes_of([250, 250]), ())
    assert [len(rows[part]) for part in PARTS] == [250, 0, 250]


def test_a_class_too_small_for_all_parts_is_a_problem_with_ways_out():
    classes = classes_of([90, 2, 8])
    split = Split()
    with pytest.raises(Refused) as refused:
        rows_of_parts(split, 100, classes, ("often", "seldom", "sometimes"))
    (problem,) = refused.value.problems
    assert problem.code == "data/too-few-of-a-class"
    assert "The class seldom has 2, and the parts have 70, 15, 15." in problem.because
    assert [fix.label for fix in problem.fixes] == ["Do not stratify", "Use no validation part"]
    for fix in problem.fixes:
        repaired = edits.apply({"data": {"split": split.model_dump()}}, fix.edits)["data"]["split"]
        rows_of_parts(Split.model_validate(repaired), 100, classes, ())


def test_a_way_out_that_would_not_help_is_not_offered():
    with pytest.raises(Refused) as refused:
        rows_of_parts(Split(), 100, classes_of([99, 1]), ())
    (problem,) = refused.value.problems
    assert [fix.label for fix in problem.fixes] == ["Do not stratify"]
    assert "The class 1 has 1" in problem.because


def test_a_class_just_large_enough_is_in_every_part():
    classes = classes_of([95, 5])
    assert counts(rows_of_parts(Split(), 100, classes, ()), classes)[1].tolist() == [3, 1, 1]
