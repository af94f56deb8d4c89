"""The estimate of what training takes, beside the most that PyTorch had allocated at once while it trained."""

from collections.abc import Callable

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from builder.analysis.memory import estimate
from builder.catalog import Augmentation
from builder.compile.build import build
from builder.compile.eager import leave_compiler_alone
from builder.data import load
from builder.design import read
from builder.design.experiment import Experiment, Wish
from builder.design.network import to_json
from builder.train.execution import choose
from builder.train.learner import Learner, learning_step
from builder.train.recorder import Silent
from builder.train.run import train
from builder.train.task import batches, task_of
from tests.variants import changed, inputs_of, narrow, quick

SHARE = 0.1
SMALL = 2**19
"""Bytes that are not counted: the picture of a boundary, indices, scores."""

FAMILIES = {
    name: quick(name)
    for name in (
        "digits-mlp", "digits-cnn", "digits-resnet", "lenet5", "lenet5-1998", "alexnet", "vgg11", "vgg16-bn",
        "inception", "googlenet", "resnet50", "densenet121", "squeezenet", "unet-small", "autoencoder-dense",
        "autoencoder-conv", "rnn-sequence", "lstm-sequence", "gru-sequence", "sequence-lstm", "bidirectional-sequence",
        "deep-sequence", "vit-small", "transformer-small",
    )
} | {"mobilenet-v2": narrow("mobilenet-v2", side=64, divisor=1)}  # fmt: skip
"""One or two of each family. Where channels are few, oneDNN fills them up, and depthwise convolutions are all of a MobileNet."""


def most_allocated(run: Callable[[], object]) -> int:
    """Bytes of tensors that come to be while something runs, at once."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        run()
    changes = [event for event in seen.profiler.kineto_results.events() if event.name() == "[memory]"]
    now = most = 0
    for change in sorted(changes, key=lambda event: event.start_ns()):
        now += change.nbytes()
        most = max(most, now)
    return most


@pytest.mark.parametrize("name", FAMILIES)
def test_the_estimate_is_what_is_allocated(name: str) -> None:
    leave_compiler_alone()
    experiment = changed(FAMILIES[name], length={"epochs": 1})
    execution, told = choose(experiment, Wish(device="cpu")), Silent()
    most = most_allocated(lambda: train(experiment, execution, load(experiment.data), told, told))
    assert estimate(experiment).tensors == pytest.approx(most, rel=SHARE, abs=SMALL)


@pytest.mark.parametrize("name", ["lenet5", "digits-resnet", "vit-small"])
def test_a_sample_more_takes_as_much_more_as_is_said(name: str) -> None:
    """In a step alone: of a whole run, judging may take the most."""
    takes = [most_of_a_step(changed(quick(name), batch={"size": size})) for size in (5, 25)]
    assert takes[1] - takes[0] == pytest.approx(20 * estimate(quick(name)).sample, rel=SHARE)


def most_of_a_step(experiment: Experiment) -> int:
    """Bytes that the second step adds to what is there before it."""
    leave_compiler_alone()
    execution = choose(experiment, Wish(device="cpu"))
    task = task_of(experiment, execution, load(experiment.data))
    learner = Learner.of(experiment, execution, per_epoch=2)
    learn = learning_step(learner, task)
    training = task.parts["train"]
    first, second = batches(training, experiment.recipe.batch.per_step(len(training)), 2, learner.order)
    learn(*first)
    for parameter in learner.network.parameters():
        parameter.grad = None
    return most_allocated(lambda: learn(*second))


@pytest.mark.parametrize("name", ["mlp-784", "vgg11", "vit-small", "deep-sequence"])
def test_one_answer_takes_what_is_said(name: str) -> None:
    """Weights, and what one sample leaves in memory on its way through, where nothing is kept for a way back."""
    experiment = FAMILIES.get(name) or quick(name)
    sample = inputs_of(experiment.network, batch=1)

    network = build(experiment.network, experiment.recipe.init).eval()
    held = sum(each.nbytes for each in (*network.parameters(), *network.buffers()))
    with torch.no_grad():
        most = most_allocated(lambda: network(*sample))
    assert estimate(experiment).answering == pytest.approx(held + most, rel=SHARE, abs=64)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", Augmentation.shelf)
def test_what_augmentation_takes_of_a_whole_set_is_in_the_estimate(kind: str, channels: int) -> None:
    """Of a network that is nearly nothing beside its pictures: they are there as they are, and as they are changed."""
    leave_compiler_alone()
    nodes = [
        {"id": "image", "type": "Input", "params": {"shape": [channels, 64, 64]}},
        {"id": "flat", "type": "Flatten", "inputs": ["image"]},
        {"id": "scores", "type": "Linear", "params": {"out_features": 10}, "inputs": ["flat"]},
    ]
    document = to_json(changed(quick("digits-mlp"), length={"epochs": 1}, batch={"size": None}))
    document["network"] = {"nodes": nodes, "outputs": ["scores"]}
    document["data"] = {
        "source": {"type": "Shapes", "params": {"samples": 200, "size": 64, "channels": channels}}, "split": {"train": 0.8, "validation": 0.0}
    }  # fmt: skip
    plain = read.experiment(document)
    experiment = changed(plain, augment=[{"type": kind}])
    part = load(experiment.data).parts["train"]["image"]
    execution, told = choose(experiment, Wish(device="cpu")), Silent()
    most = most_allocated(lambda: train(experiment, execution, load(experiment.data), told, told))
    assert estimate(plain).tensors < most < estimate(experiment).tensors + SMALL
    assert estimate(experiment).tensors < most + 5 * part.nbytes  # some changes take less than others
