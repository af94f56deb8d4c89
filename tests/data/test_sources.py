"""Every source gives what it says, and what it gives is right."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn import datasets

from builder.catalog.sources import (
    AddingProblem,
    BreastCancer,
    Circle,
    Digits,
    FirstSymbol,
    Gates,
    Gauss,
    Iris,
    Source,
    Spiral,
    Wine,
    Xor,
)
from builder.data import loaders

GENERATED = [name for name, source in Source.shelf.items() if "seed" in source.model_fields]


def columns(source):
    return getattr(loaders, source.target)(source)


@pytest.mark.parametrize("source", [*(entry() for entry in Source.shelf.values()), Digits(size=28)], ids=repr)
def test_every_source_gives_the_columns_that_it_declares(source):
    declared = source.features() | source.targets()
    arrays = columns(source)
    assert arrays.keys() == declared.keys()
    for name, signal in declared.items():
        assert arrays[name].shape == (source.samples_total(), *signal.shape), name
        assert arrays[name].dtype == signal.dtype, name
        assert len(signal.axes) == len(signal.shape), name
        assert np.isfinite(arrays[name]).all(), name
        if signal.classes:
            assert set(np.unique(arrays[name])) == set(range(signal.classes)), name


@pytest.mark.parametrize("entry", Source.shelf.values(), ids=lambda entry: entry.__name__)
def test_every_source_names_the_classes_of_its_first_target(entry):
    first = next(iter(entry().targets().values()))
    assert len(entry().labels()) == len(set(entry().labels())) == (first.classes or 0)


@pytest.mark.parametrize("entry", Source.shelf.values(), ids=lambda entry: entry.__name__)
def test_the_scales_of_measurements_are_those_of_the_samples_and_none_that_is_far_off_is_left_out(entry):
    source, arrays = entry(), columns(entry())
    for name, signal in source.features().items():
        if signal.axes != "F":
            assert name not in source.scales()
            continue
        numbers = arrays[name].astype("float64")
        found = [(numbers[:, at].mean(), numbers[:, at].std()) for at in range(signal.shape[0])]
        stated = source.scales().get(name)
        if stated is None:
            assert all(abs(mean) < 10 and 0.1 < deviation < 10 for mean, deviation in found)
        else:
            assert [(f"{mean:.3g}", f"{spread:.3g}") for mean, spread in stated] == [
                (f"{mean:.3g}", f"{spread:.3g}") for mean, spread in found
            ]


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_source_depends_on_its_seed_alone(name):
    entry = Source.shelf[name]
    noise = {"noise": 0.25} if "noise" in entry.model_fields else {}
    first, again, other = (columns(entry(seed=seed, **noise)) for seed in (3, 3, 4))
    assert all(first[column].tobytes() == again[column].tobytes() for column in first)
    assert any(first[column].tobytes() != other[column].tobytes() for column in first)


def test_generated_bytes_are_equal_in_another_process():
    program = (
        "import hashlib; from builder.catalog import Source; from builder.data import loaders\n"
        f"for name in {GENERATED!r}:\n"
        "    source = Source.shelf[name]()\n"
        "    arrays = getattr(loaders, source.target)(source)\n"
        "    print(hashlib.sha256(b''.join(arrays[column].tobytes() for column in sorted(arrays))).hexdigest())"
    )
    here = []
    for name in GENERATED:
        arrays = columns(Source.shelf[name]())
        here.append(hashlib.sha256(b"".join(arrays[column].tobytes() for column in sorted(arrays))).hexdigest())
    for hash_seed in ("0", "1"):
        ran = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": hash_seed},
        )
        assert ran.stdout.split() == here


def test_digits_are_those_of_scikit_learn():
    theirs = datasets.load_digits()
    ours = columns(Digits())
    assert np.array_equal(ours["image"][:, 0], theirs.images)
    assert np.array_equal(ours["digit"], theirs.target)


@pytest.mark.parametrize(
    ("entry", "load", "column"),
    [
        (Iris, datasets.load_iris, "species"),
        (Wine, datasets.load_wine, "cultivar"),
        (BreastCancer, datasets.load_breast_cancer, "diagnosis"),
    ],
)
def test_measurements_are_those_of_scikit_learn(entry, load, column):
    theirs, ours = load(), columns(entry())
    assert np.array_equal(ours["measurements"], theirs.data.astype(np.float32))
    assert np.array_equal(ours[column], theirs.target)
    assert entry().labels() == tuple(theirs.target_names)


def test_columns_of_noise_stand_behind_the_measurements_and_tell_nothing():
    source = BreastCancer(noise_columns=30)
    bare, noisy = columns(BreastCancer()), columns(source)
    assert source.features()["measurements"].shape == (60,) and len(source.scales()["measurements"]) == 60
    assert np.array_equal(noisy["measurements"][:, :30], bare["measurements"])
    assert np.array_equal(noisy["diagnosis"], bare["diagnosis"])
    noise, error = noisy["measurements"][:, 30:].astype(float), 1 / np.sqrt(569)
    assert np.abs(noise.mean(axis=0)).max() < 4 * error and np.abs(noise.std(axis=0) - 1).max() < 4 * error
    told = [np.corrcoef(column, bare["diagnosis"])[0, 1] for column in noise.T]
    assert np.abs(told).max() < 4 * error, "no column of noise tells the diagnosis"
    fewer = columns(BreastCancer(noise_columns=3))["measurements"]
    assert np.array_equal(noisy["measurements"][:, :33], fewer), "the same ones, however many"


@pytest.mark.parametrize("size", [28, 8, 5, 13])
def test_resize_is_the_bilinear_one_of_pytorch(size):
    images = columns(Digits())["image"][:50]
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(images).double(), (size, size), mode="bilinear", align_corners=False
    )
    assert np.abs(loaders.resize(images, size) - theirs.numpy()).max() < 1e-12


@pytest.mark.parametrize("entry", [Circle, Gauss, Spiral])
@pytest.mark.parametrize("samples", [10, 11, 501])
def test_sides_are_even_without_noise(entry, samples):
    side = columns(entry(samples=samples))["side"]
    assert (side == 1).sum() - (side == 0).sum() == samples % 2


@pytest.mark.parametrize("entry", [Circle, Xor])
def test_noise_touches_only_the_side_of_a_point(entry):
    clean, noisy = columns(entry(samples=4000)), columns(entry(samples=4000, noise=0.3))
    assert np.array_equal(clean["point"], noisy["point"])
    assert 0.05 < (clean["side"] != noisy["side"]).mean() < 0.45


def test_circle_is_a_disc_inside_a_ring():
    arrays = columns(Circle(samples=10_000))
    radius = np.hypot(*arrays["point"].astype(float).T)
    inside, outside = radius[arrays["side"] == 1], radius[arrays["side"] == 0]
    assert 0 <= inside.min() < 0.01 and 2.49 < inside.max() < 2.5 + 1e-6
    assert 3.5 - 1e-6 < outside.min() < 3.51 and 4.99 < outside.max() < 5 + 1e-6
    # Even in the radius: the median radius halves the range. Even in the area it would be 2.5 / sqrt(2).
    assert abs(np.median(inside) - 1.25) < 0.05
    octants = np.histogram(np.arctan2(*arrays["point"].T), bins=8, range=(-np.pi, np.pi))[0]
    assert abs(octants - 1250).max() < 5 * np.sqrt(1250)


def test_noise_of_a_circle_flips_sides_near_its_edge_alone():
    arrays = columns(Circle(samples=10_000, noise=0.2))
    radius = np.hypot(*arrays["point"].T)
    flipped = (radius < 2.5) != (arrays["side"] == 1)
    # Noise is at most 5 x 0.2 in each coordinate, so that no point further than sqrt(2) from the edge can change sides.
    assert flipped.any() and np.abs(radius[flipped] - 2.5).max() < np.sqrt(2)


def test_xor_tells_the_sign_of_the_product_and_keeps_off_the_axes():
    arrays = columns(Xor(samples=10_000))
    first, second = arrays["point"].astype(float).T
    assert np.array_equal(arrays["side"] == 1, np.sign(first) == np.sign(second))
    for coordinate in (first, second):
        assert 0.3 <= np.abs(coordinate).min() < 0.31
        assert 5.29 < np.abs(coordinate).max() <= 5.3 + 1e-6
        assert abs(np.abs(coordinate).mean() - 2.8) < 0.08


def test_noise_of_xor_flips_sides_near_an_axis_alone():
    arrays = columns(Xor(samples=10_000, noise=0.2))
    flipped = (arrays["point"].prod(axis=1) >= 0) != (arrays["side"] == 1)
    assert flipped.any() and np.abs(arrays["point"][flipped]).min(axis=1).max() < 1


@pytest.mark.parametrize(("noise", "variance"), [(0, 0.5), (0.1, 1.2), (0.5, 4)])
def test_gauss_has_the_variance_that_grows_with_noise(noise, variance):
    arrays = columns(Gauss(samples=10_000, noise=noise))
    for side, centre in ((1, 2), (0, -2)):
        cloud = arrays["point"][arrays["side"] == side].astype(float)
        error = np.sqrt(variance / len(cloud))
        assert np.abs(cloud.mean(axis=0) - centre).max() < 5 * error
        assert np.abs(cloud.var(axis=0) / variance - 1).max() < 5 * np.sqrt(2 / len(cloud))
        assert abs(np.corrcoef(cloud.T)[0, 1]) < 0.08


def test_spiral_points_lie_on_their_arm():
    arrays = columns(Spiral(samples=1000))
    for side, start in ((1, 0), (0, np.pi)):
        first, second = arrays["point"][arrays["side"] == side].astype(float).T
        radius = np.hypot(first, second)
        assert np.allclose(np.sort(radius), np.arange(500) / 100, atol=1e-5)
        angle = 3.5 * np.pi * radius / 5 + start
        assert np.allclose(first, radius * np.sin(angle), atol=1e-4)
        assert np.allclose(second, radius * np.cos(angle), atol=1e-4)


def test_noise_of_a_spiral_moves_points_by_no_more_than_itself():
    clean, noisy = columns(Spiral(samples=10_000)), columns(Spiral(samples=10_000, noise=0.4))
    moved = noisy["point"] - clean["point"]
    assert np.array_equal(clean["side"], noisy["side"])
    assert 0.399 < np.abs(moved).max() <= 0.4 + 1e-6
    assert abs(moved.var() - 0.4**2 / 3) < 0.003
    assert abs(np.corrcoef(moved.T)[0, 1]) < 0.05


@pytest.mark.parametrize(
    ("gate", "rule"),
    [
        ("and", lambda a, b: a and b),
        ("or", lambda a, b: a or b),
        ("nand", lambda a, b: not (a and b)),
        ("xor", lambda a, b: a != b),
    ],
)
def test_gates_have_their_truth_table(gate, rule):
    arrays = columns(Gates(gate=gate, repeats=3))
    rows, count = np.unique(arrays["inputs"], axis=0, return_counts=True)
    assert rows.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]] and count.tolist() == [3, 3, 3, 3]
    assert all(output == rule(*map(bool, row)) for row, output in zip(arrays["inputs"], arrays["output"], strict=True))


def test_noise_of_gates_is_a_standard_deviation():
    clean, noisy = columns(Gates(repeats=2500)), columns(Gates(repeats=2500, noise=0.2))
    assert np.array_equal(clean["output"], noisy["output"])
    assert abs((noisy["inputs"] - clean["inputs"]).std() - 0.2) < 0.006


@pytest.mark.parametrize("length", [2, 3, 20, 21])
def test_the_adding_problem_marks_one_step_in_each_half_and_adds_the_two(length):
    arrays = columns(AddingProblem(length=length, samples=3000))
    number, mark = np.moveaxis(arrays["sequence"], 2, 0)
    assert set(np.unique(mark)) <= {0, 1}
    assert (mark[:, : length // 2].sum(axis=1) == 1).all() and (mark[:, length // 2 :].sum(axis=1) == 1).all()
    assert np.allclose(arrays["sum"][:, 0], (number * mark).sum(axis=1))
    assert number.min() >= 0 and number.max() < 1
    assert mark.any(axis=0).all(), "every step is marked sometimes"
    assert abs(((arrays["sum"] - 1) ** 2).mean() - 1 / 6) < 0.02


@pytest.mark.parametrize("length", [2, 3, 12, 13])
def test_the_first_symbol_is_asked_for_and_nothing_but_padding_stands_behind_the_end(length):
    arrays = columns(FirstSymbol(length=length, symbols=3, samples=3000))
    symbols, ends, padding, first = (arrays[name] for name in ("symbols", "length", "padding", "first"))
    assert np.array_equal(first + 1, symbols[:, 0])
    assert np.array_equal(padding, symbols == 0)
    assert np.array_equal((~padding).sum(axis=1), ends) and not (padding[:, :-1] & ~padding[:, 1:]).any()
    assert set(ends) == set(range((length + 1) // 2, length + 1))
    assert np.abs(np.bincount(first) / 3000 - 1 / 3).max() < 0.05
    second = symbols[:, 1]
    assert abs(np.corrcoef(first[second > 0], second[second > 0])[0, 1]) < 0.1, "what follows tells nothing"


def test_tables_that_scikit_learn_brings_along_are_read_as_it_reads_them():
    for source, theirs, feature, target in (
        (Digits(), datasets.load_digits, "image", "digit"),
        (Iris(), datasets.load_iris, "measurements", "species"),
        (Wine(), datasets.load_wine, "measurements", "cultivar"),
    ):
        columns = getattr(loaders, source.name.lower())(source)
        features, classes = theirs(return_X_y=True)
        assert np.array_equal(columns[feature].reshape(len(features), -1), features.astype(np.float32))
        assert np.array_equal(columns[target], classes)
