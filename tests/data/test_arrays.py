"""Arrays: what a Data becomes, shared and therefore read-only, and the file that goes with an exported program."""

import hashlib
import subprocess
import sys
from io import BytesIO

import numpy as np
import pytest

from builder.catalog.sources import Iris, Source
from builder.data import load, loaders
from builder.design.data import Data
from builder.problem import Refused

PARTS = ["train", "validation", "test"]


def data(source, params=None, **more):
    return Data.model_validate({"source": {"type": source, "params": params or {}}, **more})


@pytest.mark.parametrize("name", Source.shelf)
def test_every_source_is_split_into_what_it_declares(name):
    loaded, source = load(data(name)), Source.shelf[name]()
    assert list(loaded.parts) == PARTS
    assert dict(loaded.features) == source.features() and dict(loaded.targets) == source.targets()
    assert loaded.labels == source.labels()
    sizes = data(name).split.sizes(source.samples_total())
    for part, size in zip(PARTS, sizes, strict=True):
        for column, signal in {**loaded.features, **loaded.targets}.items():
            array = loaded.parts[part][column]
            assert array.shape == (size, *signal.shape) and array.dtype == signal.dtype


def test_features_and_targets_of_a_sample_stay_together():
    source = {"samples": 300, "seed": 3}
    parts = load(data("AddingProblem", source)).parts
    for arrays in parts.values():
        number, mark = np.moveaxis(arrays["sequence"], 2, 0)
        assert np.allclose((number * mark).sum(axis=1), arrays["sum"][:, 0])


def test_parts_together_are_the_source():
    parts = load(data("Iris")).parts
    together = np.concatenate(
        [np.column_stack([arrays["measurements"], arrays["species"]]) for arrays in parts.values()]
    )
    whole = loaders.iris(Iris())
    assert sorted(map(tuple, together)) == sorted(
        map(tuple, np.column_stack([whole["measurements"], whole["species"]]))
    )


def test_classes_have_their_share_in_every_part():
    parts = load(data("Digits")).parts
    whole = np.bincount(np.concatenate([arrays["digit"] for arrays in parts.values()]))
    for arrays in parts.values():
        exact = whole * len(arrays["digit"]) / whole.sum()
        assert np.abs(np.bincount(arrays["digit"], minlength=10) - exact).max() <= 1


def test_a_split_is_the_same_whatever_the_preparation():
    raw = load(data("Wine"))
    prepared = load(
        data("Wine", prepare=[{"type": "MinMax", "params": {"column": "measurements", "low": -3, "high": 9}}])
    )
    for part in PARTS:
        assert np.array_equal(raw.parts[part]["cultivar"], prepared.parts[part]["cultivar"])
        rank = raw.parts[part]["measurements"][:, 0].argsort(kind="stable")
        assert (np.diff(prepared.parts[part]["measurements"][rank, 0]) >= 0).all(), "the same samples in the same order"


def test_nothing_can_be_written_to():
    loaded = load(data("Circle", prepare=[{"type": "Standardize", "params": {"column": "point"}}]))
    for arrays in [*loaded.parts.values(), *loaded.statistics]:
        for array in arrays.values():
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0
    with pytest.raises(TypeError):
        loaded.parts["train"] = {}
    with pytest.raises(TypeError):
        loaded.parts["train"]["point"] = np.zeros(1)


def test_equal_data_are_loaded_once():
    assert load(data("Xor", {"seed": 11})) is load(data("Xor", {"seed": 11}))
    assert load(data("Xor", {"seed": 11})) is not load(data("Xor", {"seed": 12}))


def test_a_class_too_small_for_every_part_is_refused():
    with pytest.raises(Refused) as refused:
        load(data("Gates", {"repeats": 2}))
    assert [problem.code for problem in refused.value.problems] == ["data/too-few-of-a-class"]


def test_the_file_holds_every_column_of_every_part():
    loaded = load(data("Digits", split={"train": 0.5, "validation": 0}))
    with np.load(BytesIO(loaded.save_npz()), allow_pickle=False) as file:
        assert sorted(file.files) == sorted(f"{part}_{column}" for part in PARTS for column in ("image", "digit"))
        for part, arrays in loaded.parts.items():
            for column, array in arrays.items():
                assert np.array_equal(file[f"{part}_{column}"], array) and file[f"{part}_{column}"].dtype == array.dtype
        assert file["validation_image"].shape == (0, 1, 8, 8)


def test_the_bytes_of_the_file_are_the_same_in_another_process():
    program = (
        "import hashlib, time\n"
        "time.localtime = lambda *_: time.struct_time((2031, 5, 6, 7, 8, 9, 1, 126, 0))\n"
        "from builder.data import load; from builder.design.data import Data\n"
        "data = Data.model_validate({'source': {'type': 'Spiral', 'params': {'noise': 0.1}}})\n"
        "print(hashlib.sha256(load(data).save_npz()).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("0", "1")
    }
    assert found == {hashlib.sha256(load(data("Spiral", {"noise": 0.1})).save_npz()).hexdigest() + "\n"}


def test_importing_the_package_imports_neither_scikit_learn_nor_torch():
    program = (
        "import sys, builder.data; from builder.catalog import Source\n"
        "for entry in Source.shelf.values(): entry().features(), entry().targets(), entry().labels()\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'sklearn', 'torch', 'scipy', 'pandas'}))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_the_catalog_of_preparations_needs_no_numpy():
    program = "import sys, builder.catalog; print('numpy' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
