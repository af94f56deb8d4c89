"""From a Data to numpy arrays: loaded, split, and prepared with the statistics of the training part."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from builder.analysis.data import problems
from builder.catalog.signal import Signal
from builder.data import loaders
from builder.data.split import rows_of_parts
from builder.design.data import Data
from builder.problem import Refused

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Arrays:
    """Prepared data. It is shared, so arrays and mappings are read-only.

    `parts`: train, validation and test, each with an array (samples, ...) per column, float32 or int64; the samples of
    a part are in random order, and a part without a share has none. `features` and `targets` say what one sample of a
    column is. `statistics`: what each preparation learned from the training part, in the order of `Data.prepare`.
    """

    parts: Mapping[str, Mapping[str, Array]]
    features: Mapping[str, Signal]
    targets: Mapping[str, Signal]
    labels: tuple[str, ...]
    statistics: tuple[Mapping[str, Array], ...]

    @property
    def columns(self) -> dict[str, Signal]:
        """What one sample of every column is."""
        return {**self.features, **self.targets}

    def save_npz(self) -> bytes:
        """A `.npz` file with `train_image`, `train_digit`, ... Same arrays, same bytes; it loads without pickle."""
        file = BytesIO()
        columns = {f"{part}_{name}": array for part, arrays in self.parts.items() for name, array in arrays.items()}
        np.savez(file, allow_pickle=False, **columns)
        return file.getvalue()


def load(data: Data) -> Arrays:
    """The arrays that `data` describes; the last few are kept. Raises `Refused` with every Problem found."""
    return _load(data.model_dump_json())


@lru_cache(maxsize=4)
def _load(document: str) -> Arrays:
    # By its JSON text, because a Data holds a dictionary and has no hash.
    data = Data.model_validate_json(document)
    found = problems(data)
    if found:
        raise Refused(*found)
    source = data.source
    columns: dict[str, Array] = getattr(loaders, source.target)(source)
    rows = rows_of_parts(data.split, source.samples_total(), _classes(data, columns), source.labels())
    parts = {part: {name: array[taken] for name, array in columns.items()} for part, taken in rows.items()}
    statistics = _prepare(data, parts)
    return Arrays(
        parts=MappingProxyType({part: _read_only(arrays) for part, arrays in parts.items()}),
        features=MappingProxyType(source.features()),
        targets=MappingProxyType(source.targets()),
        labels=source.labels(),
        statistics=tuple(map(_read_only, statistics)),
    )


def _classes(data: Data, columns: dict[str, Array]) -> Array | None:
    """The classes (samples,) of the first target; null where it has none."""
    target = data.bind.targets[0] if data.bind.targets else next(iter(data.source.targets()))
    signal = data.source.targets()[target]
    return columns[target] if signal.classes and not signal.shape else None


def _prepare(data: Data, parts: dict[str, dict[str, Array]]) -> list[dict[str, Array]]:
    """Carry out the preparations in order, each fitted on the training part as the one before left it."""
    statistics = []
    for preparation in data.prepare:
        column = preparation.column
        fitted = preparation.fit(parts["train"][column])
        for arrays in parts.values():
            arrays[column] = preparation.apply(arrays[column], fitted)
        statistics.append(fitted)
    return statistics


def _read_only(arrays: dict[str, Array]) -> Mapping[str, Array]:
    for array in arrays.values():
        array.setflags(write=False)
    return MappingProxyType(arrays)
