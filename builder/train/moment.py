"""A moment of a run, from which it goes on as if nothing had been, and the bytes in which it is kept.

The bytes are a safetensors file: tensors by name, and everything else as JSON in its header. Nothing in it is code.
"""

import json
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

VERSION = "1"


def random_state(device: str) -> list[Tensor]:
    """Of PyTorch's own random streams: the CPU's, and that of the device where it is another."""
    return [torch.get_rng_state(), *([torch.cuda.get_rng_state()] if device == "cuda" else [])]


def set_random_state(states: list[Tensor], device: str) -> None:
    """Put the streams back. A run that moves to another kind of device has none kept for it, and draws as its seed says."""
    torch.set_rng_state(states[0])
    if device == "cuda" and len(states) > 1:
        torch.cuda.set_rng_state(states[1])


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
