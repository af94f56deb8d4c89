"""The exported program is the network, and repeats the run to the last bit."""

import itertools
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from taught import PICKS, taught
from torch import nn
from variants import changed, quick

from builder.blocks import example
from builder.catalog import Augmentation, Optimizer, Schedule
from builder.data import load
from builder.design.experiment import Experiment, Wish
from builder.design.network import to_json
from builder.design.recipe import EarlyStopping
from builder.source import program
from builder.source.call import WIDTH
from builder.train.execution import choose
from builder.train.patience import Patience
from builder.train.recorder import Silent
from builder.train.run import train
from tests.source.alone import curves_alone, loaded, losses_here, losses_of, run_alone, run_as_a_person_would

EXHIBITS = (
    "perceptron", "linear-regression", "logistic-regression", "playground", "digits-mlp", "digits-resnet", "lenet5-1998",
    "vgg11-bn", "googlenet", "densenet121", "mobilenet-v2", "unet-small", "autoencoder-dense", "autoencoder-conv",
    "rnn-sequence", "sequence-lstm", "vit-small", "transformer-small",
)  # fmt: skip


def test_a_program_as_a_person_runs_it_repeats_the_runs_loss_curve_bit_for_bit(tmp_path: Path):
    experiment = changed(quick("digits-cnn"), length={"epochs": 2}, seed=7)
    assert run_as_a_person_would(tmp_path / "alone", experiment) == losses_of(experiment)


def test_programs_repeat_the_loss_curves_of_every_kind_of_data_loss_and_target(tmp_path: Path):
    """`tests/blocks` shows that the network is the same for all of the gallery."""
    experiments = {name: changed(quick(name), length={"epochs": 2}, seed=7) for name in EXHIBITS}
    curves = {name: losses_of(experiment) for name, experiment in experiments.items()}
    assert curves_alone(tmp_path / "alone", experiments) == curves
    assert all(len(set(losses)) > 1 for losses in curves.values())


def test_initializers_whole_set_batches_dropped_batches_and_weights_of_losses_repeat_too(tmp_path: Path):
    init = {"weight": {"type": "XavierNormal"}, "bias": {"type": "Normal", "params": {"std": 0.1}}}
    whole = changed(example("digits-cnn"), init=init, batch={"size": None}, length={"epochs": 3})
    dropped = changed(
        example("digits-mlp"),
        batch={"size": 100, "last": "drop"},
        length={"epochs": 2},
        objectives=[{"loss": {"type": "MSE"}, "weight": 0.5}],
        optimizer={"type": "SGD", "params": {"lr": 0.1, "momentum": 0.9, "nesterov": True}},
    )
    for at, experiment in enumerate((whole, dropped)):
        recorder = Silent()
        train(experiment, choose(experiment, "cpu"), load(experiment.data), recorder, recorder)
        assert run_alone(tmp_path / str(at), experiment) == [loss for _, loss in recorder.series["train/loss"]]


def test_every_schedule_and_its_warm_up_repeat_too(tmp_path: Path):
    """One curve each, so that a program without its schedule would be found out."""
    params = {
        "ReduceOnPlateau": {"patience": 0, "min_delta": 10.0, "factor": 0.5},
        "MultiStep": {"milestones": [1, 3]},
        "CosineRestarts": {"first": 1},
        "Step": {"every": 2},
    }
    runs = {}
    for name in Schedule.shelf:
        for warm_up in (0.0, 0.6):
            schedule = {"type": name, "params": params.get(name, {})}
            run = changed(quick("playground"), schedule=schedule, warm_up=warm_up, length={"epochs": 4})
            runs[f"{name}-{warm_up}"] = run
    curves = {name: losses_of(run) for name, run in runs.items()}
    assert curves_alone(tmp_path / "alone", runs) == curves
    assert len({tuple(losses) for losses in curves.values()}) == len(curves)
    assert "import math" not in program(example("digits-mlp"))


def test_a_rate_that_falls_and_patience_repeat_together(tmp_path: Path):
    run = changed(
        quick("playground"),
        schedule={"type": "ReduceOnPlateau", "params": {"patience": 0, "monitor": "accuracy", "lowest": 0.002}},
        early_stopping={"patience": 3, "min_delta": 0.01},
        length={"epochs": 30},
    )
    losses = losses_of(run)
    assert curves_alone(tmp_path / "alone", {"both": run}) == {"both": losses}


def test_an_optimizer_that_looks_again_and_again_repeats_too(tmp_path: Path):
    for at, schedule in enumerate(({"type": "Constant"}, {"type": "Cosine"})):
        lbfgs = {"type": "LBFGS", "params": {"max_iter": 4, "line_search_fn": "strong_wolfe"}}
        experiment = changed(
            quick("playground"), optimizer=lbfgs, schedule=schedule, batch={"size": None}, length={"epochs": 8}
        )
        recorder = Silent()
        train(experiment, choose(experiment, "cpu"), load(experiment.data), recorder, recorder)
        curve = [loss for _, loss in recorder.series["train/loss"]]
        assert run_alone(tmp_path / str(at), experiment) == curve and curve[-1] < curve[0]


RATES = {"SGD": 0.1, "Adadelta": 1.0}
"""That a network learns fast with; 0.01 where none is given."""


@pytest.mark.parametrize("kind", Optimizer.shelf)
def test_every_optimizer_trains_a_network_and_the_program_repeats_its_curve(kind: str, tmp_path: Path):
    params: dict[str, Any] = {"lr": RATES.get(kind, 0.01)}
    params |= {"lr": 0.5, "max_iter": 5, "line_search_fn": "strong_wolfe"} if kind == "LBFGS" else {}
    batch = {"size": None if kind in ("LBFGS", "Rprop") else 20}
    experiment = changed(
        quick("digits-cnn"), optimizer={"type": kind, "params": params}, batch=batch, length={"epochs": 20}
    )
    curve = losses_of(experiment)
    assert sum(curve[-5:]) < 0.6 * sum(curve[:5])
    assert losses_here(tmp_path, experiment) == curve


@pytest.mark.parametrize("kind", ["AdamW", "Muon"])
@pytest.mark.parametrize("name", ["digits-resnet", "transformer-small"])
def test_weight_decay_of_weights_alone_repeats_too(name: str, kind: str, tmp_path: Path):
    """Kernels and norms, embeddings and attention; the last layers alone learn in the second network."""
    curves = []
    for alike in (True, False):
        params = {"weight_decay": 0.9, "lr": 0.01, "decay_biases_and_norms": alike}
        document = changed(quick(name), optimizer={"type": kind, "params": params}, length={"epochs": 1}).model_dump(
            mode="json"
        )
        document["network"]["nodes"][1]["frozen"] = True
        experiment = Experiment.model_validate(document)
        curves.append(losses_of(experiment))
        assert losses_here(tmp_path, experiment) == curves[-1]
    assert curves[0] != curves[1]


HELD: dict[str, dict[str, Any]] = {
    "L1": {"penalties": [{"type": "L1", "params": {"strength": 0.003}}]},
    "L2": {"penalties": [{"type": "L2", "params": {"strength": 0.02}}]},
    "by norm": {"clip": {"type": "ByNorm", "params": {"max_norm": 0.2}}},
    "by value": {"clip": {"type": "ByValue", "params": {"clip_value": 0.01}}},
    "max-norm": {"max_norm": 0.4},
}
"""One thing each that holds a network back, strongly enough to be seen."""
TOGETHER = {
    "penalties": [*HELD["L1"]["penalties"], *HELD["L2"]["penalties"]], **HELD["by norm"], **HELD["max-norm"], "ema": 0.9,
}  # fmt: skip


def test_penalties_clips_and_max_norm_repeat_too(tmp_path: Path):
    """One curve each, so that a program that leaves one out would be found out."""
    curves = set()
    for held in ({}, *HELD.values(), TOGETHER):
        for accumulation in (1, 3):
            experiment = changed(
                quick("digits-cnn"), batch={"size": 30, "accumulation": accumulation}, length={"epochs": 2}, **held
            )
            curve = losses_of(experiment)
            assert losses_here(tmp_path, experiment) == curve
            curves.add(tuple(curve))
    assert len(curves) == 2 * (len(HELD) + 2)


@pytest.mark.parametrize("name", ["autoencoder-conv", "transformer-small", "digits-resnet", "sequence-lstm"])
def test_all_of_them_together_repeat_for_every_kind_of_layer(name: str, tmp_path: Path):
    """Transposed convolutions, attention, embeddings, norms and gates; the first layer is frozen."""
    document = to_json(changed(quick(name), length={"epochs": 1}, **TOGETHER))
    document["network"]["nodes"][1]["frozen"] = True
    experiment = Experiment.model_validate(document)
    assert losses_here(tmp_path, experiment) == losses_of(experiment)


def test_an_average_of_shortened_weights_is_judged_alike(tmp_path: Path):
    repeats_here(taught("CrossEntropy", **TOGETHER), tmp_path)


@pytest.mark.parametrize("accumulation", [1, 4])
@pytest.mark.parametrize("held", ["L1", "L2", "max-norm"])
def test_an_optimizer_that_looks_again_repeats_its_penalties_too(held: str, accumulation: int, tmp_path: Path):
    lbfgs = {"type": "LBFGS", "params": {"lr": 0.5, "max_iter": 4, "line_search_fn": "strong_wolfe"}}
    plain = changed(
        quick("digits-mlp"), optimizer=lbfgs, batch={"size": None, "accumulation": accumulation}, length={"epochs": 5}
    )
    experiment = changed(plain, **HELD[held])
    curve = losses_of(experiment)
    assert losses_here(tmp_path, experiment) == curve != losses_of(plain)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_penalties_and_limits_repeat_in_half_the_bits(precision: str, tmp_path: Path):
    experiment = changed(quick("digits-mlp"), length={"epochs": 2}, batch={"size": 50, "accumulation": 2}, **TOGETHER)
    repeats(experiment, tmp_path / "alone", {"precision": precision})


def test_programs_with_penalties_and_limits_are_formatted(tmp_path: Path):
    for at, (held, optimizer, accumulation) in enumerate(
        itertools.product([*HELD.values(), TOGETHER], ["Adam", "LBFGS"], [1, 3])
    ):
        experiment = changed(
            example("digits-cnn"), optimizer={"type": optimizer}, batch={"accumulation": accumulation}, **held
        )
        execution = choose(experiment, Wish(device="cpu", precision="bfloat16", memory_format="contiguous"))
        (tmp_path / f"program{at}.py").write_text(program(experiment, execution))
    for command in (["check", "--select", "E,F,W"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--line-length", str(WIDTH), "--isolated", tmp_path]
        found = subprocess.run(ruff, capture_output=True, text=True)
        assert found.returncode == 0, found.stdout


def augment(*kinds: str) -> list[dict[str, Any]]:
    params = {"Crop": {"padding": 1}, "Mixup": {"alpha": 1.0}}
    return [{"type": kind, "params": params.get(kind, {})} for kind in kinds]


def test_every_augmentation_repeats_too(tmp_path: Path):
    """One curve each, so that a program that leaves one out would be found out."""
    curves = set()
    for kinds in ((), *((kind,) for kind in Augmentation.shelf), tuple(Augmentation.shelf)):
        for accumulation in (1, 3):
            batch = {"size": 30, "accumulation": accumulation}
            experiment = changed(quick("digits-cnn"), augment=augment(*kinds), batch=batch, length={"epochs": 2})
            curve = losses_of(experiment)
            assert losses_here(tmp_path, experiment) == curve
            curves.add(tuple(curve))
    assert len(curves) == 2 * (len(Augmentation.shelf) + 2)


@pytest.mark.parametrize("name", ["autoencoder-conv", "unet-small", "digits-resnet", "vit-small"])
def test_pictures_and_masks_that_are_learned_move_in_the_program_too(name: str, tmp_path: Path):
    experiment = changed(quick(name), augment=augment(*Augmentation.shelf), length={"epochs": 1})
    assert losses_here(tmp_path, experiment) == losses_of(experiment)


def test_augmented_looks_again_and_augmented_half_bits_repeat_alone(tmp_path: Path):
    lbfgs = {"type": "LBFGS", "params": {"lr": 0.5, "max_iter": 4}}
    several = augment("HorizontalFlip", "Rotate", "Noise", "Mixup")
    whole = changed(quick("digits-mlp"), optimizer=lbfgs, augment=several, batch={"size": None}, length={"epochs": 4})
    repeats(whole, tmp_path / "lbfgs")
    repeats(changed(quick("digits-cnn"), augment=several, length={"epochs": 2}), tmp_path / "float16", {"precision": "float16"})  # fmt: skip
    weighted = [{"loss": {"type": "CrossEntropy", "params": {"weight": [1.0 + at for at in range(10)]}}}]
    pieces = changed(quick("digits-cnn"), objectives=weighted, augment=several, batch={"size": 20, "accumulation": 3})
    repeats(changed(pieces, length={"epochs": 2}), tmp_path / "pieces")


def test_a_program_asks_for_kornia_only_where_it_augments(tmp_path: Path):
    for kinds, wanted in (((), False), (("Mixup",), False), (("Noise",), True)):
        text = program(changed(example("digits-cnn"), augment=augment(*kinds)))
        assert ("import kornia" in text) is ("kornia" in text) is wanted
        assert ("mixed(" in text) is ("Mixup" in kinds)


def test_programs_that_augment_are_formatted(tmp_path: Path):
    fine = {"translate_x": 0.123456789, "translate_y": 0.123456789, "p": 0.123456789}
    for at, (kinds, accumulation, optimizer) in enumerate(
        itertools.product(
            [*((kind,) for kind in Augmentation.shelf), tuple(Augmentation.shelf)], [1, 3], ["Adam", "LBFGS"]
        )
    ):
        changes = [{"type": "Shift", "params": fine} if one["type"] == "Shift" else one for one in augment(*kinds)]
        experiment = changed(
            example("digits-cnn"), augment=changes, optimizer={"type": optimizer}, batch={"accumulation": accumulation}
        )
        (tmp_path / f"program{at}.py").write_text(program(experiment))
    for command in (["check", "--select", "E,F,W"], ["format", "--check", "--diff"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--line-length", str(WIDTH), "--isolated", tmp_path]
        found = subprocess.run(ruff, capture_output=True, text=True)
        assert found.returncode == 0, found.stdout


def test_muon_repeats_in_an_interpreter_of_its_own(tmp_path: Path):
    repeats(changed(quick("digits-mlp"), optimizer={"type": "Muon"}, schedule={"type": "Cosine"}), tmp_path / "alone")


def test_channels_last_repeats_too(tmp_path: Path):
    experiment = changed(example("digits-cnn"), length={"epochs": 2})
    execution = choose(experiment, "cpu").model_copy(update={"memory_format": "channels_last"})
    recorder = Silent()
    train(experiment, execution, load(experiment.data), recorder, recorder)
    assert run_alone(tmp_path / "channels", experiment, execution) == [
        loss for _, loss in recorder.series["train/loss"]
    ]


def test_a_node_with_its_own_numbers_is_written_with_them(tmp_path: Path):
    document = example("perceptron").model_dump(mode="json")
    document["network"]["nodes"][1]["init"] = {
        "weight": {"type": "Values", "params": {"values": [[-2, -2]]}},
        "bias": {"type": "Zeros"},
    }
    document["recipe"]["length"] = {"epochs": 2}
    experiment = Experiment.model_validate(document)
    recorder = Silent()
    train(experiment, choose(experiment, "cpu"), load(experiment.data), recorder, recorder)
    assert run_alone(tmp_path / "gate", experiment) == [loss for _, loss in recorder.series["train/loss"]]


def test_data_npz_is_what_the_run_was_trained_on():
    arrays = load(example("digits-cnn").data)
    import io

    with np.load(io.BytesIO(arrays.save_npz()), allow_pickle=False) as file:
        for part, columns in arrays.parts.items():
            for column, values in columns.items():
                assert np.array_equal(file[f"{part}_{column}"], values)


def repeats(experiment: Experiment, folder: Path, wish: dict[str, object] | None = None) -> list[float]:
    """Asserts that the program alone repeats the run; its losses."""
    execution = choose(experiment, Wish.model_validate({"device": "cpu", **(wish or {})}))
    recorder = Silent()
    assert train(experiment, execution, load(experiment.data), recorder, recorder).status == "finished"
    curve = [loss for _, loss in recorder.series["train/loss"]]
    assert run_alone(folder, experiment, execution) == curve
    return curve


@pytest.mark.parametrize(
    "optimizer", [{"type": "Adam"}, {"type": "LBFGS", "params": {"max_iter": 3}}], ids=["adam", "lbfgs"]
)
@pytest.mark.parametrize("size", [30, None], ids=["batches", "whole set"])
def test_batches_that_are_added_up_repeat_too(size: int | None, optimizer: dict[str, object], tmp_path: Path):
    batch = {"size": size, "accumulation": 4}
    repeats(changed(quick("digits-mlp"), optimizer=optimizer, batch=batch, length={"epochs": 3}), tmp_path / "alone")


def repeats_here(experiment: Experiment, folder: Path) -> list[float]:
    """Asserts that the program repeats losses and validation losses, in this process: it costs no second start of torch."""
    recorder = Silent()
    train(experiment, choose(experiment, "cpu"), load(experiment.data), recorder, recorder)
    alone = loaded(folder, experiment)
    judge, told = alone["judge"], []

    def noted(*part: Any) -> dict[str, float]:
        told.append(judge(*part))
        return told[-1]

    alone["judge"] = noted
    curve: list[float] = alone["train"]()
    assert curve == [loss for _, loss in recorder.series["train/loss"]]
    of_epochs = told[1:-1:2]  # the training part first; at the end the test part
    assert [scores["loss"] for scores in of_epochs] == [loss for _, loss in recorder.series["validation/loss"]]
    return curve


@pytest.mark.parametrize("name", PICKS)
def test_every_loss_repeats_too(name: str, tmp_path: Path):
    """Two epochs of batches that are added up."""
    assert len(set(repeats_here(taught(name, length={"epochs": 2}), tmp_path))) > 8


@pytest.mark.parametrize("name", ["CrossEntropy, weighted", "Exponential, summed"])
def test_a_loss_that_is_told_the_whole_is_judged_in_pieces_alike(name: str, tmp_path: Path):
    document = to_json(taught(name, batch={"size": 50}, length={"epochs": 2}))
    source = {"type": "Gauss", "params": {"samples": 4_000, "noise": 0.4}}
    document["data"] = {"source": source, "split": {"train": 0.3, "validation": 0.6}}
    document["recipe"]["objectives"][0]["weight"] = 0.5
    repeats_here(Experiment.model_validate(document), tmp_path)


def test_the_program_of_every_loss_is_formatted(tmp_path: Path):
    for at, name in enumerate(PICKS):
        (tmp_path / f"program{at}.py").write_text(program(taught(name)))
    for command in (["check", "--select", "E,F,W"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--line-length", str(WIDTH), "--isolated", tmp_path]
        found = subprocess.run(ruff, capture_output=True, text=True)
        assert found.returncode == 0, found.stdout


def test_an_isolated_program_brings_its_weighted_loss_along(tmp_path: Path):
    repeats(taught("CrossEntropy, weighted", length={"epochs": 2}), tmp_path / "alone")


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_narrow_products_repeat_too(precision: str, tmp_path: Path):
    experiment = changed(quick("digits-cnn"), length={"epochs": 3}, batch={"size": 50, "accumulation": 2})
    narrow = repeats(experiment, tmp_path / "narrow", {"precision": precision})
    assert narrow != repeats(experiment, tmp_path / "full")


def test_averaged_weights_and_early_stopping_repeat_too(tmp_path: Path):
    """It stops after the same epoch: one step more or less would be another curve."""
    for at, monitor in enumerate(("loss", "accuracy")):
        rule = {"monitor": monitor, "patience": 2, "min_delta": 0.01}
        experiment = changed(
            example("digits-mlp"), ema=0.9, early_stopping=rule, length={"epochs": 40}, batch={"size": 200}
        )
        curve = repeats(experiment, tmp_path / str(at))
        assert len(curve) < 40 * 7


@pytest.mark.parametrize("scores", [(math.nan, 0.9, math.nan, 0.8, math.nan, math.nan), (math.nan, math.nan)], ids=str)
@pytest.mark.parametrize("monitor", ["loss", "accuracy"])
def test_scores_that_are_no_numbers_are_waited_for_alike(tmp_path: Path, monitor: str, scores: tuple[float, ...]):
    signed = [score if monitor == "loss" else 1 - score for score in scores]
    rule = {"monitor": monitor, "patience": 2}
    experiment = changed(example("digits-mlp"), early_stopping=rule, batch={"size": None}, length={"epochs": 9})
    patience = Patience(experiment.recipe.early_stopping or EarlyStopping())
    over = [patience.is_over(1, {f"validation/{monitor}": score}, nn.Linear(1, 1)) for score in signed]
    assert over == [False] * (len(scores) - 1) + [True]
    alone = loaded(tmp_path, experiment)
    alone["report"] = lambda when, *_: {monitor: signed.pop(0)} if when.startswith("epoch") else {}
    assert len(alone["train"]()) == len(scores)


def test_a_part_with_more_samples_than_are_judged_at_once_stops_at_the_same_epoch(tmp_path: Path):
    document = example("playground").model_dump(mode="json")
    document["data"]["source"] |= {"params": {"samples": 4000}}
    document["data"]["split"] = {"train": 0.4, "validation": 0.5}
    rule = {"monitor": "loss", "patience": 1}
    experiment = changed(
        Experiment.model_validate(document), early_stopping=rule, batch={"size": 100}, length={"epochs": 60}
    )
    assert len(repeats(experiment, tmp_path / "alone")) < 60 * 16
