"""What every augmentation does to pictures: closed forms for single draws, and statistics of many. PyTorch is the judge."""

import math
from typing import Any

import kornia
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from random_entries import entries, name_of
from torch import Tensor, nn

from builder.catalog import Augmentation, Signal
from builder.compile.augmenting import augmented, mixed
from builder.compile.build import resolve
from builder.source.program import made

PICTURE = Signal((2, 9, 9), "CHW")
KORNIAS = [kind for kind in Augmentation.shelf.values() if kind.__name__ != "Mixup"]
MANY = 4_000
"""Draws of which statistics are taken. Means of so many are off by less than five of their deviations, whatever the seed."""


def change_of(kind: str, picture: Signal = PICTURE, **params: Any) -> nn.Module:
    entry = Augmentation.pick(kind, params)
    made: nn.Module = resolve(entry.target)(**entry.args(picture))
    return made


def changed(kind: str, x: Tensor, **params: Any) -> Tensor:
    """Pictures after one change."""
    return augmented([change_of(kind, Signal(tuple(x.shape[1:]), "CHW"), **params)], [x], [0], [])[0]


def drawn(kind: str, x: Tensor, override: dict[str, float], **params: Any) -> Tensor:
    """Pictures after a change whose draws are these."""
    change = change_of(kind, Signal(tuple(x.shape[1:]), "CHW"), **params)
    change(x)
    values = {name: torch.full_like(change._params[name], value) for name, value in override.items()}
    return change(x, params={**change._params, **values})


def assert_mean(values: Tensor, mean: float, deviation: float) -> None:
    """The mean of independent draws is that of their distribution, within five of its own deviations."""
    assert abs(values.mean().item() - mean) < 5 * deviation / math.sqrt(len(values))


# Every one of them ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KORNIAS, ids=name_of)
@given(data=st.data())
def test_whatever_is_set_gives_as_many_finite_pictures_and_the_source_says_the_same(
    kind: type[Augmentation], data: st.DataObject
):
    entry = data.draw(entries(kind))
    if entry.unfit(PICTURE):
        assert kind.__name__ == "Crop" and entry.padding >= 9
        return
    built = resolve(entry.target)(**entry.args(PICTURE))
    written = eval(made(entry, PICTURE), {"kornia": kornia})
    assert type(written) is type(built) and repr(written) == repr(built)
    x = torch.randn(3, *PICTURE.shape)
    results = []
    for change in (built, written):
        torch.manual_seed(3)
        results.append(augmented([change], [x.clone()], [0], [])[0])
    assert results[0].shape == x.shape and bool(results[0].isfinite().all())
    assert torch.equal(*results)


@pytest.mark.parametrize("kind", KORNIAS, ids=name_of)
def test_pictures_that_came_are_not_written_over_and_keep_their_order_in_memory(kind: type[Augmentation]):
    """Channels last, as convolutions like them."""
    for layout in (torch.contiguous_format, torch.channels_last):
        x = torch.rand(5, 3, 16, 16).to(memory_format=layout)
        before = x.clone()
        y = changed(kind.__name__, x)
        assert torch.equal(x, before) and y.is_contiguous(memory_format=layout)


@pytest.mark.parametrize("kind", [kind.__name__ for kind in KORNIAS if "p" in kind.model_fields])
@pytest.mark.parametrize("p", [0.3, 1.0])
def test_the_share_of_pictures_that_are_changed_is_the_probability(kind: str, p: float):
    x = torch.rand(MANY, 1, 6, 6) + 0.1
    moved = (changed(kind, x, p=p) != x).flatten(1).any(1).float()
    if p == 1:
        assert moved.mean() > 0.999
    else:
        assert_mean(moved, p, math.sqrt(p * (1 - p)))


@pytest.mark.parametrize("kind", [kind.__name__ for kind in KORNIAS])
def test_every_picture_of_a_batch_has_draws_of_its_own(kind: str):
    x = torch.arange(1.0, 65).reshape(1, 1, 8, 8).repeat(64, 1, 1, 1)
    assert len(changed(kind, x).flatten(1).unique(dim=0)) >= 2


def test_several_columns_are_changed_by_the_same_draws():
    x = torch.rand(20, 2, 8, 8)
    changes = [change_of(kind.__name__, Signal((2, 8, 8), "CHW")) for kind in KORNIAS if kind.__name__ != "Crop"]
    first, label, second = augmented(changes, [x, torch.arange(20), x.clone()], [0, 2], [])
    assert torch.equal(first, second) and not torch.equal(first, x) and torch.equal(label, torch.arange(20))


# Places --------------------------------------------------------------------------------------------------------------


def test_flips_are_those_of_pytorch():
    x = torch.rand(4, 2, 5, 7)
    assert torch.equal(changed("HorizontalFlip", x, p=1.0), x.flip(3))
    assert torch.equal(changed("VerticalFlip", x, p=1.0), x.flip(2))


def test_a_shift_moves_right_and_down_and_fills_with_zeros():
    x = torch.rand(3, 2, 6, 8)
    expected = torch.zeros_like(x)
    expected[:, :, 1:, 2:] = x[:, :, :-1, :-2]
    moved = drawn("Shift", x, {"translate_x": 2.0, "translate_y": 1.0}, translate_x=0.5, translate_y=0.5)
    torch.testing.assert_close(moved, expected)


def test_shifts_are_even_up_to_shares_of_the_sides():
    change = change_of("Shift", Signal((1, 10, 20), "CHW"), translate_x=0.2, translate_y=0.3)
    change(torch.zeros(MANY, 1, 10, 20))
    for name, most in (("translate_x", 4.0), ("translate_y", 3.0)):
        found = change._params[name]
        assert 0.95 * most < found.abs().max() <= most
        assert_mean(found, 0, most / math.sqrt(3))
        assert_mean(found**2, most**2 / 3, most**2 * math.sqrt(4 / 45))


def test_a_turn_by_ninety_degrees_is_that_of_pytorch():
    x = torch.rand(3, 2, 7, 7)
    torch.testing.assert_close(drawn("Rotate", x, {"degrees": 90.0}), x.rot90(1, (2, 3)), atol=1e-4, rtol=1e-4)


def test_turns_are_even_either_way():
    change = change_of("Rotate", degrees=30.0)
    change(torch.zeros(MANY, *PICTURE.shape))
    found = change._params["degrees"]
    assert 28 < found.abs().max() <= 30
    assert_mean(found, 0, 30 / math.sqrt(3))


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_a_scale_stretches_around_the_middle(factor: float):
    """Of a ramp whose number is how far right a pixel lies: what was there before is found nearer to the middle."""
    x = torch.arange(9.0).expand(2, 1, 9, 9).contiguous()
    y = drawn("Scale", x, {"scale": factor})
    came_from = 4 + (torch.arange(9.0) - 4) / factor
    inside = (came_from >= 0) & (came_from <= 8)
    assert inside.sum() == {0.5: 5, 1.0: 9, 2.0: 9}[factor]
    torch.testing.assert_close(y[0, 0, 4][inside], came_from[inside])


def test_scales_are_even_between_the_two_factors_and_alike_both_ways():
    change = change_of("Scale", scale=(0.5, 1.5))
    change(torch.zeros(MANY, *PICTURE.shape))
    found = change._params["scale"]
    assert torch.equal(found[:, 0], found[:, 1])
    assert 0.5 <= found.min() < 0.52 and 1.48 < found.max() <= 1.5
    assert_mean(found[:, 0], 1, 0.5 / math.sqrt(3))


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate"])
def test_a_crop_is_every_window_of_the_bordered_picture_alike_often(mode: str):
    x = torch.rand(1, 2, 4, 5)
    bordered = nn.functional.pad(x, (1, 1, 1, 1), mode=mode)
    windows = torch.stack([bordered[0, :, i : i + 4, j : j + 5] for i in range(3) for j in range(3)]).flatten(1)
    cut = changed("Crop", x.repeat(MANY, 1, 1, 1), padding=1, padding_mode=mode).flatten(1)
    hits = (cut[:, None] == windows[None]).all(2)
    assert bool((hits.sum(1) == 1).all()), "what is no window, or two of them"
    for window in range(9):
        assert_mean(hits[:, window].float(), 1 / 9, math.sqrt(8) / 9)


# Values --------------------------------------------------------------------------------------------------------------


def test_noise_is_normal_with_its_deviation():
    noise = (changed("Noise", torch.full((100, 1, 20, 20), 3.0), std=0.5) - 3).flatten()
    assert_mean(noise, 0, 0.5)
    assert_mean(noise**2, 0.25, 0.25 * math.sqrt(2))
    assert_mean(noise**4, 3 * 0.0625, 0.0625 * math.sqrt(96))


def test_brightness_adds_one_number_to_a_picture_and_cuts_nothing_off():
    x = torch.randn(MANY, 1, 3, 3) * 5
    added = (changed("Brightness", x, brightness=0.4) - x).flatten(1)
    torch.testing.assert_close(added, added[:, :1].expand_as(added), atol=2e-6, rtol=0)
    assert 0.38 < added.abs().max() < 0.4001
    assert_mean(added[:, 0], 0, 0.4 / math.sqrt(3))


def test_contrast_multiplies_a_picture_and_cuts_nothing_off():
    x = torch.randn(MANY, 1, 3, 3) * 5
    factor = (changed("Contrast", x, contrast=0.4) / x).flatten(1)
    torch.testing.assert_close(factor, factor[:, :1].expand_as(factor))
    assert 0.5999 < factor.min() < 0.61 and 1.39 < factor.max() < 1.4001
    assert_mean(factor[:, 0], 1, 0.4 / math.sqrt(3))


def test_cutout_sets_one_rectangle_of_the_wanted_area_to_zero():
    x = torch.rand(500, 3, 40, 40) + 1
    y = changed("Cutout", x, scale=(0.1, 0.3), ratio=(0.5, 2.0), p=1.0)
    gone = (y == 0).all(1)
    assert torch.equal(gone, (y == 0).any(1)), "a pixel is gone in some channels alone"
    assert torch.equal(y, torch.where(gone[:, None], 0.0, x)), "what is outside of the rectangle is another"
    heights, widths = gone.any(2).sum(1), gone.any(1).sum(1)
    assert torch.equal(heights * widths, gone.sum((1, 2))), "what is gone is no rectangle"
    area, ratio = gone.float().mean((1, 2)), heights / widths
    assert area.min() > 0.09 and area.max() < 0.33 and area.max() - area.min() > 0.15
    assert ratio.min() > 0.45 and ratio.max() < 2.2 and ratio.min() < 0.7 and ratio.max() > 1.5


# Several pictures ----------------------------------------------------------------------------------------------------


def test_mixup_lays_another_sample_over_each_and_hands_on_both_targets():
    x, y, z = torch.rand(50, 1, 4, 4), torch.arange(50), torch.rand(50, 3)
    columns, share = mixed((x, z, y, z), [0], 2, 1.0)
    mixture, given, first, first_z, others, others_z = columns
    assert 0 < share < 1 and sorted(others.tolist()) == list(range(50)) != others.tolist()
    torch.testing.assert_close(mixture, share * x + (1 - share) * x[others])
    assert torch.equal(given, z) and torch.equal(first, y) and torch.equal(first_z, z)
    assert torch.equal(others_z, z[others])


@pytest.mark.parametrize("alpha", [0.2, 1.0, 5.0])
def test_shares_of_mixup_are_a_beta_distribution(alpha: float):
    """Its variance is 1 / (4 (2 alpha + 1)), its fourth central moment 3 / (16 (2 alpha + 1) (2 alpha + 3))."""
    x = torch.zeros(2, 1, 1, 1)
    shares = torch.tensor([mixed((x, x), [0], 1, alpha)[1] for _ in range(MANY)])
    variance, fourth = 1 / (4 * (2 * alpha + 1)), 3 / (16 * (2 * alpha + 1) * (2 * alpha + 3))
    assert_mean(shares, 0.5, math.sqrt(variance))
    assert_mean((shares - 0.5) ** 2, variance, math.sqrt(fourth - variance**2))


# Targets that move along ---------------------------------------------------------------------------------------------

GEOMETRIC = {"HorizontalFlip", "VerticalFlip", "Shift", "Scale", "Rotate", "Crop"}


@pytest.mark.parametrize("kind", [kind.__name__ for kind in KORNIAS])
def test_a_target_that_is_the_picture_moves_along_and_stays_clean(kind: str):
    x = torch.rand(30, 2, 9, 9) + 0.1
    picture, target = augmented([change_of(kind)], [x, x.clone()], [0], [1])
    assert not torch.equal(picture, x)
    assert torch.equal(target, picture if kind in GEOMETRIC else x)


@pytest.mark.parametrize("kind", sorted(GEOMETRIC))
def test_classes_of_pixels_move_along_and_none_comes_to_lie_between_two(kind: str):
    """The picture shows the class of each pixel, 0 or 6: where it is one of them still, so is the class."""
    mask = (torch.rand(40, 9, 9) < 0.4).long() * 6
    shown = mask[:, None].repeat(1, 2, 1, 1).float()
    picture, moved = augmented([change_of(kind)], [shown, mask.clone()], [0], [1])
    assert moved.dtype == torch.int64 and set(moved.unique().tolist()) == {0, 6} and moved.shape == mask.shape
    assert not torch.equal(moved, mask)
    sure = (picture[:, 0] < 0.01) | (picture[:, 0] > 5.99)
    assert sure.float().mean() > 0.2
    assert torch.equal(moved[sure].float(), picture[:, 0][sure].round())
