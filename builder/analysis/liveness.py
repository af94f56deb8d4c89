"""What a pass through a network holds in memory at its fullest moment, followed tensor by tensor from shapes alone.

Forward, an output lives until its last reader is done, or until the way back has used it, where a layer or one of its
readers saves it (`Layer.saved`). On the way back a gradient lives from its first part until the layer that gave the
output has used it. Views share the memory of what they show; the gradient of a sum is that of each of its parts.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

from builder.analysis.network import Row
from builder.catalog.layers.base import Saved

NUMBER = 4
"""Bytes of a float32."""
WEIGHED = frozenset({"dense", "convolution"})
"""Families whose inputs are saved for the gradient of their weights alone, so that frozen ones save nothing."""
PASSING = frozenset({"Add", "Concat"})
"""Layers whose inputs get the memory of their own gradient, or a part of it, as it is."""

Memory = str
"""What names a tensor's memory: the layer that made it, and its port."""


@dataclass(slots=True)
class Fullest:
    """Bytes that are held, and the most that there were."""

    now: int = 0
    most: int = 0
    sizes: dict[Memory, int] = field(default_factory=dict)
    holders: Counter[Memory] = field(default_factory=Counter)

    def add(self, amount: int) -> None:
        self.now += amount
        self.most = max(self.most, self.now)

    def make(self, memory: Memory, size: int, holders: int) -> None:
        self.add(size)
        self.sizes[memory], self.holders[memory] = size, holders
        self._drop_unheld(memory)

    def hold(self, memory: Memory) -> None:
        self.holders[memory] += 1

    def release(self, memory: Memory) -> None:
        self.holders[memory] -= 1
        self._drop_unheld(memory)

    def _drop_unheld(self, memory: Memory) -> None:
        if self.holders[memory] <= 0:
            self.now -= self.sizes.pop(memory, 0)


def most_of_answering(rows: Sequence[Row], outputs: Iterable[str | None]) -> int:
    """Bytes of one sample in a forward pass of which nothing is kept."""
    return _Pass(rows, [output for output in outputs if output]).forward(learning=False)


def most_of_learning(rows: Sequence[Row], outputs: Iterable[str | None]) -> int:
    """Bytes of one sample from its forward pass to its last gradient, those of weights left out."""
    there_and_back = _Pass(rows, [output for output in outputs if output])
    there_and_back.forward(learning=True)
    return there_and_back.backward()


class _Pass:
    """One sample on its way through the opened rows, which stand in the order in which they run."""

    def __init__(self, rows: Sequence[Row], outputs: Sequence[str]) -> None:
        self.rows = [row for row in rows if row.layer]
        self.outputs = outputs
        self.memory: dict[str, Memory] = {}
        self.size: dict[Memory, int] = {}
        self.learns: dict[Memory, bool] = {}
        self.reads: dict[str, list[Memory]] = {}
        self.saves: dict[str, Saved] = {}
        self.readers: Counter[Memory] = Counter()
        for row in self.rows:
            self._place(row)
        self.leaves = self._read_by_blocks()
        for memory in (*(self.memory[output] for output in outputs), *chain.from_iterable(self.leaves.values())):
            self.readers[memory] += 1
        self.held = Fullest()

    def _place(self, row: Row) -> None:
        """Where its outputs lie, and what is saved of it."""
        layer = row.layer
        assert layer
        reads = self.reads[row.id] = [self.memory[source] for source in row.inputs if source]
        self.readers.update(reads)
        learns = row.trainable > 0 or (layer.gradient and any(self.learns[memory] for memory in reads))
        for port, signal in zip(layer.outputs, row.outputs, strict=True):
            name = f"{row.id}:{port}"
            if layer.view and reads:
                memory = reads[0]
            else:
                memory, self.size[name] = name, signal.bytes if layer.target or layer.infix else 0  # inputs are data
            self.memory[name] = memory
            self.memory.setdefault(row.id, memory)
            self.learns[memory] = self.learns.get(memory, False) or learns
        saved = layer.saved(row.given_signals, row.outputs) if learns else Saved()
        is_frozen = row.family in WEIGHED and not row.trainable
        self.saves[row.id] = saved._replace(inputs=saved.inputs and not is_frozen)

    def _read_by_blocks(self) -> dict[str, list[Memory]]:
        """What a block reads is held by who runs it until its last row is done: by that row's id."""
        last: dict[str, str] = {}
        inside: dict[str, set[Memory]] = defaultdict(set)
        read: dict[str, dict[Memory, None]] = defaultdict(dict)
        for row in self.rows:
            parts = row.id.split(".")
            for depth in range(1, len(parts)):
                block = ".".join(parts[:depth])
                last[block] = row.id
                read[block] |= dict.fromkeys(memory for memory in self.reads[row.id] if memory not in inside[block])
                inside[block] |= set(self._made(row))
        leaves: dict[str, list[Memory]] = defaultdict(list)
        for block, row_id in last.items():
            leaves[row_id] += read[block]
        return leaves

    def _made(self, row: Row) -> list[Memory]:
        """What it fills itself: nothing where it is a view."""
        assert row.layer
        names = [f"{row.id}:{port}" for port in row.layer.outputs]
        return [name for name in names if self.memory[name] == name]

    def forward(self, learning: bool) -> int:
        held = self.held
        for row in self.rows:
            saves = self.saves[row.id] if learning else Saved(working=self.saves[row.id].working)
            for memory in self._made(row):
                held.make(memory, self.size[memory], self.readers[memory] + saves.outputs)
            held.add(NUMBER * (saves.besides + saves.working))
            held.add(-NUMBER * saves.working)
            for memory in self.reads[row.id]:
                if saves.inputs:
                    held.hold(memory)
                held.release(memory)
            for memory in self.leaves[row.id]:
                held.release(memory)
        return held.most

    def backward(self) -> int:
        """The way back, behind a loss that holds as much as it looks at."""
        held, gradients = self.held, _Gradients(self.held)
        for output in self.outputs:
            held.add(2 * self.size[self.memory[output]])  # its logarithms, say, and the gradient
        for output in self.outputs:
            held.add(-2 * self.size[self.memory[output]])
            gradients.give(self.memory[output], self.size[self.memory[output]])
            held.release(self.memory[output])
        for row in reversed(self.rows):
            self._back_through(row, gradients)
        return held.most

    def _back_through(self, row: Row, gradients: "_Gradients") -> None:
        saves, made = self.saves[row.id], self._made(row)
        learned = [memory for memory in made if memory in gradients.of]
        if learned:
            shared = gradients.of[learned[0]] if row.type in PASSING else None
            self.held.add(NUMBER * saves.working)
            for memory in self.reads[row.id]:
                if self.learns[memory] and self.size[memory]:
                    gradients.give(memory, self.size[memory], shared)
            self.held.add(-NUMBER * saves.working)
        for memory in learned:
            gradients.use(memory)
        self.held.add(-NUMBER * saves.besides)
        for memory in (*made * saves.outputs, *self.reads[row.id] * saves.inputs):
            self.held.release(memory)


class _Gradients:
    """Gradients by what they are of. One that a sum has passed on lies where another does."""

    def __init__(self, held: Fullest) -> None:
        self.held = held
        self.of: dict[Memory, str] = {}
        self.count = 0

    def give(self, memory: Memory, size: int, shared: str | None = None) -> None:
        """One part of a gradient. Parts are added up in place where nobody else reads the place."""
        name = shared or self._new(size)
        if shared:
            self.held.hold(shared)
        if (before := self.of.get(memory)) is None:
            self.of[memory] = name
            return
        if self.held.holders[before] > 1:
            total = self._new(size)
            self.held.release(before)
            self.held.release(name)
            self.of[memory] = total
        else:
            self.held.release(name)

    def use(self, memory: Memory) -> None:
        self.held.release(self.of.pop(memory))

    def _new(self, size: int) -> str:
        self.count += 1
        name = f"gradient {self.count}"
        self.held.make(name, size, 1)
        return name
