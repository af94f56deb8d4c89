"""What holds a network back while it learns: a price of its weights, bounds of its gradients and of what comes into a unit."""

from collections.abc import Callable

from torch import Tensor, nn

from builder.compile.build import resolve
from builder.compile.modules import weights_of_units, weights_that_learn
from builder.design.recipe import Recipe


def penalty(recipe: Recipe, network: nn.Module) -> Callable[[], Tensor] | None:
    """What the weights cost as they are; None where they cost nothing."""
    weights = weights_that_learn(network)
    prices = [(price.strength, resolve(price.target)) for price in recipe.penalties]
    if not prices or not weights:
        return None
    return lambda: sum(strength * size(weights) for strength, size in prices)


def clipping(recipe: Recipe, network: nn.Module) -> Callable[[], object] | None:
    """Cuts the gradients that are there; None where none are cut."""
    clip = recipe.clip
    if clip is None:
        return None
    cut, bounds = resolve(clip.target), clip.args()
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return lambda: cut(learning, **bounds)


def shortening(recipe: Recipe, network: nn.Module) -> Callable[[], object] | None:
    """Scales what comes into a unit back to the largest norm; None where there is no such norm."""
    limit = recipe.max_norm
    if limit is None:
        return None
    units = weights_of_units(network)

    def shorten() -> None:
        for weights, side in units:
            weights.renorm_(2, side, limit)

    return shorten
