"""The pictures of a preview: what is shown is what the recipe does, and nothing of a run moves."""

import base64
from typing import Any

import numpy as np
import pytest
import torch
from variants import changed, quick

from builder.data import load
from builder.design.experiment import Experiment, Wish
from builder.problem import Refused
from builder.train.examples import MOST_PIXELS
from builder.train.execution import choose
from builder.train.probes import look


def shown(experiment: Experiment) -> np.ndarray:
    """Pixels (rows, columns, height, width, channels)."""
    told: list[float] = []
    execution = choose(experiment, Wish(device="cpu"))
    seen: Any = look("augmented", experiment, execution, load(experiment.data), told.append, lambda: False)
    assert told[-1] == 1
    return np.frombuffer(base64.b64decode(seen["pixels"]), np.uint8).reshape(seen["shape"])


def augmented(name: str, *kinds: str, **recipe: Any) -> Experiment:
    params: dict[str, Any] = {"HorizontalFlip": {"p": 1}, "Crop": {"padding": 2}}
    return changed(quick(name), augment=[{"type": kind, "params": params.get(kind, {})} for kind in kinds], **recipe)


def test_the_first_row_is_the_first_training_pictures_and_the_others_are_changed():
    experiment = augmented("digits-cnn", "HorizontalFlip")
    pixels = shown(experiment)
    x = load(experiment.data).parts["train"]["image"][:8]
    expected = np.round(255 * (x - x.min()) / (x.max() - x.min())).transpose(0, 2, 3, 1)
    assert pixels.shape == (4, 8, 8, 8, 1)
    np.testing.assert_allclose(pixels[0], expected, atol=1)
    for row in pixels[1:]:
        assert np.array_equal(row, pixels[0][:, :, ::-1])


def test_what_is_lighter_or_darker_than_any_picture_is_white_or_black():
    noisy = [{"type": "Noise", "params": {"std": 100}}]
    pixels = shown(changed(quick("digits-cnn"), augment=noisy))[1:]
    assert np.isin(pixels, (0, 255)).mean() > 0.95


def test_every_row_is_drawn_anew_and_the_same_seed_shows_the_same():
    experiment = augmented("digits-cnn", "Crop", "Cutout", "Mixup")
    pixels = shown(experiment)
    assert len({row.tobytes() for row in pixels}) == 4
    assert np.array_equal(pixels, shown(experiment))
    assert not np.array_equal(pixels, shown(changed(experiment, seed=experiment.recipe.seed + 1)))


def test_a_preview_moves_no_stream():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    shown(augmented("digits-cnn", "Noise", "Mixup"))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("size", "side"), [(32, 32), (128, 64), (200, 50)])
def test_large_pictures_are_shown_smaller_and_colours_stay(size: int, side: int):
    document = augmented("googlenet", "Noise").model_dump(mode="json")
    document["data"]["source"]["params"]["size"] = size
    node = next(node for node in document["network"]["nodes"] if node["type"] == "Input")
    node["params"]["shape"] = [3, size, size]
    pixels = shown(Experiment.model_validate(document))
    assert pixels.shape == (4, 8, side, side, 3) and side <= MOST_PIXELS
    assert pixels[0].std(axis=-1).max() > 20, "what was coloured is grey"


def test_where_nothing_is_changed_there_is_nothing_to_see():
    with pytest.raises(Refused) as refused:
        shown(quick("digits-cnn"))
    assert refused.value.problems[0].code == "augment/nothing"
