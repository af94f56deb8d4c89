"""A moment of a run, from which it goes on as if nothing had been, and the bytes in which it is kept.

The bytes are a safetensors file: tensors by name, and everything else as JSON in its header. Nothing in it is code.
"""

import json
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

VERSION = "1"


def moment(
    network: nn.Module, optimizer: torch.optim.Optimizer, order: Tensor, device: str, **where: Any
) -> dict[str, Any]:
    """Everything that decides what comes next; `order` is the state of the data's random stream at the epoch's start."""
    return {
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "order": order,
        "random": torch.get_rng_state(),
        "random_cuda": torch.cuda.get_rng_state() if device == "cuda" else None,
        **where,
    }


def restore(
    moment: dict[str, Any], network: nn.Module, optimizer: torch.optim.Optimizer, order: torch.Generator
) -> None:
    """Put network, optimizer and random streams back to where they were."""
    network.load_state_dict(moment["network"])
    optimizer.load_state_dict(moment["optimizer"])
    order.set_state(moment["order"])
    torch.set_rng_state(moment["random"])
    if moment["random_cuda"] is not None:
        torch.cuda.set_rng_state(moment["random_cuda"])


def pack(moment: dict[str, Any]) -> bytes:
    """The moment as bytes. Tensors are copied to the CPU; floats keep every bit."""
    tensors: dict[str, Tensor] = {}
    words = json.dumps(_without_tensors(moment, tensors))
    return safetensors.torch.save(tensors, {"layerlab.moment": VERSION, "values": words})


def unpack(data: bytes) -> dict[str, Any]:
    """The moment that `pack` was given, on the CPU. Raises ValueError for bytes that are none."""
    try:
        tensors = safetensors.torch.load(data)
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])["__metadata__"]
        if header["layerlab.moment"] != VERSION:
            raise ValueError(f"a moment of version {header['layerlab.moment']}")
        return _with_tensors(json.loads(header["values"]), tensors)  # type: ignore[no-any-return]
    except (safetensors.SafetensorError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a moment of a run: {error!r}") from error


def _without_tensors(value: Any, tensors: dict[str, Tensor]) -> Any:
    """The value as JSON: a tensor becomes its name, a dictionary without words for keys a list of pairs."""
    if isinstance(value, Tensor):
        name = f"{len(tensors):06d}"
        tensors[name] = value.detach().cpu().contiguous().clone()
        return {"$tensor": name}
    if isinstance(value, dict):
        if all(isinstance(key, str) for key in value):
            return {key: _without_tensors(inner, tensors) for key, inner in value.items()}
        return {"$pairs": [[key, _without_tensors(inner, tensors)] for key, inner in value.items()]}
    if isinstance(value, tuple):
        return {"$tuple": [_without_tensors(inner, tensors) for inner in value]}
    if isinstance(value, list):
        return [_without_tensors(inner, tensors) for inner in value]
    return value


def _with_tensors(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, dict):
        match value:
            case {"$tensor": name}:
                return tensors[name]
            case {"$pairs": pairs}:
                return {key: _with_tensors(inner, tensors) for key, inner in pairs}
            case {"$tuple": values}:
                return tuple(_with_tensors(inner, tensors) for inner in values)
        return {key: _with_tensors(inner, tensors) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_tensors(inner, tensors) for inner in value]
    return value
