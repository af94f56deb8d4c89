"""Preparations: against scikit-learn's scalers, and at the places where a division by 0 waits."""

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from builder.catalog.preparations import MinMax, Preparation, Standardize
from builder.data import load
from builder.design.data import Data

RANDOM = np.random.default_rng(5)
TRAIN = RANDOM.normal([0, 5, -300], [1, 0.01, 40], (200, 3)).astype(np.float32)
OTHER = RANDOM.normal(0, 10, (50, 3)).astype(np.float32)


def wine(**prepare):
    return load(Data.model_validate({"source": {"type": "Wine"}, "prepare": [prepare] if prepare else []}))


@pytest.mark.parametrize(
    ("preparation", "scaler"),
    [
        (Standardize(column="x"), StandardScaler()),
        (MinMax(column="x"), MinMaxScaler()),
        (MinMax(column="x", low=-1, high=3), MinMaxScaler((-1, 3))),
    ],
    ids=repr,
)
def test_a_preparation_per_feature_is_that_of_scikit_learn(preparation, scaler):
    statistics = preparation.fit(TRAIN)
    scaler.fit(TRAIN.astype(float))
    for array in (TRAIN, OTHER):
        assert np.allclose(
            preparation.apply(array, statistics), scaler.transform(array.astype(float)), rtol=1e-6, atol=1e-6
        )


def test_a_preparation_per_column_has_one_scale_for_all():
    standard = Standardize(column="x", per="column")
    prepared = standard.apply(TRAIN, standard.fit(TRAIN)).astype(float)
    assert abs(prepared.mean()) < 1e-6 and abs(prepared.std() - 1) < 1e-6
    assert np.allclose(prepared * TRAIN.astype(float).std() + TRAIN.astype(float).mean(), TRAIN, atol=1e-3)
    spread = MinMax(column="x", per="column")
    prepared = spread.apply(TRAIN, spread.fit(TRAIN))
    assert prepared.min() == 0 and prepared.max() == 1
    assert prepared[:, 0].min() > 0.1, "one feature alone does not fill the range"


@pytest.mark.parametrize("constant", [0.0, 0.1, -1e30, 1e-30, 16777217.0])
@pytest.mark.parametrize(("entry", "becomes"), [(Standardize, 0), (MinMax, 0)])
@pytest.mark.parametrize("per", ["feature", "column"])
def test_a_constant_feature_is_not_divided_by_nothing(entry, becomes, constant, per):
    train = np.full((997, 2), constant, np.float32)
    preparation = entry(column="x", per=per)
    assert (preparation.apply(train, preparation.fit(train)) == becomes).all()


def test_a_constant_feature_becomes_the_low_end():
    preparation = MinMax(column="x", low=-2, high=2)
    train = np.full((5, 1), 7, np.float32)
    assert (preparation.apply(train, preparation.fit(train)) == -2).all()


def test_the_range_needs_an_end_above_its_start():
    with pytest.raises(ValidationError, match="has to be above low"):
        MinMax(column="x", low=1, high=1)


@pytest.mark.parametrize("entry", Preparation.shelf.values(), ids=lambda entry: entry.__name__)
@pytest.mark.parametrize("per", ["feature", "column"])
def test_every_preparation_keeps_shape_and_type_and_leaves_its_input_alone(entry, per):
    preparation = entry(column="x", per=per)
    image = RANDOM.uniform(0, 16, (20, 1, 4, 4)).astype(np.float32)
    before = image.copy()
    prepared = preparation.apply(image, preparation.fit(image))
    assert prepared.shape == image.shape and prepared.dtype == np.float32
    assert np.array_equal(image, before)


@pytest.mark.parametrize("entry", Preparation.shelf.values(), ids=lambda entry: entry.__name__)
def test_statistics_come_from_the_training_part_alone(entry):
    raw, prepared = wine(), wine(type=entry.__name__, params={"column": "measurements"})
    preparation = entry(column="measurements")
    train = raw.parts["train"]["measurements"]
    of_train = preparation.fit(train)
    of_all = preparation.fit(np.concatenate([part["measurements"] for part in raw.parts.values()]))
    (fitted,) = prepared.statistics
    assert fitted.keys() == of_train.keys()
    for name in fitted:
        assert np.array_equal(fitted[name], of_train[name])
        assert not np.array_equal(fitted[name], of_all[name]), "this test cannot see a leak"
    for part, arrays in raw.parts.items():
        assert np.array_equal(prepared.parts[part]["measurements"], preparation.apply(arrays["measurements"], of_train))


def test_the_training_part_is_standard_and_the_test_part_only_nearly():
    parts = wine(type="Standardize", params={"column": "measurements"}).parts
    train, test = (parts[part]["measurements"].astype(float) for part in ("train", "test"))
    assert np.abs(train.mean(axis=0)).max() < 1e-6 and np.abs(train.std(axis=0) - 1).max() < 1e-6
    assert np.abs(test.mean(axis=0)).max() > 0.01


def test_preparations_follow_each_other():
    chain = [
        {"type": "Standardize", "params": {"column": "measurements"}},
        {"type": "MinMax", "params": {"column": "measurements", "low": -1}},
    ]
    arrays = load(Data.model_validate({"source": {"type": "Wine"}, "prepare": chain}))
    train = arrays.parts["train"]["measurements"]
    assert np.allclose(train.min(axis=0), -1) and np.allclose(train.max(axis=0), 1)
    assert [sorted(statistics) for statistics in arrays.statistics] == [["deviation", "mean"], ["range", "smallest"]]
    assert (arrays.statistics[1]["smallest"] < 0).all(), "the second was fitted on what the first had made"


def test_a_target_that_is_a_number_can_be_prepared():
    data = {"source": {"type": "AddingProblem"}, "prepare": [{"type": "Standardize", "params": {"column": "sum"}}]}
    total = load(Data.model_validate(data)).parts["train"]["sum"].astype(float)
    assert abs(total.mean()) < 1e-6 and abs(total.std() - 1) < 1e-6
