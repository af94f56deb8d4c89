"""The whole experiment as one program: its constants on top, one visible loop, and the app's loss curve bit for bit."""

from builder.analysis import analyze
from builder.analysis.experiment import input_columns, output_references, target_columns
from builder.catalog.signal import Signal
from builder.design.experiment import Execution, Experiment
from builder.design.recipe import Objective
from builder.design.streams import STREAMS
from builder.source.call import call, literal, wrapped
from builder.source.modules import carried
from builder.source.network import initialize_source, network_source, one_line, own_rules_used


def program(experiment: Experiment, execution: Execution | None = None) -> str:
    """A program that needs torch, numpy and `data.npz` beside it. With `execution`, that of a run; else the CPU's usual one."""
    parts = _Parts(experiment, execution)
    sections = [
        parts.constants(),
        network_source(experiment.network, parts.analysis),
        *([parts.initialize] if parts.initialize else []),
        *parts.functions(),
        *map(wrapped, (parts.load(), parts.judge(), parts.report(), parts.train())),
        _MAIN,
    ]
    body = "\n\n\n".join(sections) + "\n"
    return parts.head("Tensor" in body, "math." in body) + "\n\n" + body


_MAIN = """if __name__ == "__main__":
    train()"""


class _Parts:
    """The sections of the program."""

    def __init__(self, experiment: Experiment, execution: Execution | None) -> None:
        self.experiment, self.execution = experiment, execution
        self.recipe = experiment.recipe
        self.analysis = analyze(experiment.network)
        self.columns = [column or "" for column in input_columns(experiment).values()]
        self.targets = target_columns(experiment)
        self.initialize = initialize_source(experiment.network, self.recipe.init)
        self.judgements = self._judgements()

    def _judgements(self) -> list["_Judgement"]:
        outputs = list(self.experiment.network.outputs)
        columns = self.experiment.data.source.columns()
        return [
            _Judgement(
                at,
                outputs.index(reference),
                self.analysis.signals[reference],
                columns[column],
                self.recipe.objectives[at],
            )
            for at, (reference, column) in enumerate(zip(output_references(self.experiment), self.targets, strict=True))
        ]

    def head(self, hints: bool, mathematics: bool) -> str:
        name = one_line(self.experiment.name) or "An experiment"
        return f'''"""{name}, made with Layerlab.

Reads data.npz beside it, trains, prints the scores of every epoch, and writes the
loss of every step to history.csv. Needs torch and numpy. With the same torch on the
same machine it repeats the run bit for bit.
"""

import csv
{"import math" + chr(10) if mathematics else ""}from pathlib import Path

import numpy as np
import torch
from torch import {"Tensor, " if hints else ""}nn'''

    def constants(self) -> str:
        recipe, execution = self.recipe, self.execution
        fused = execution.optimizer_implementation == "fused" if execution else recipe.optimizer.fused
        layout = execution.memory_format if execution else "contiguous"
        size = "None  # the whole training part" if recipe.batch.size is None else recipe.batch.size
        return "\n".join(
            [
                f"SEED = {recipe.seed}",
                f"EPOCHS = {recipe.length.epochs}",
                f"BATCH_SIZE = {size}",
                f"DROP_LAST_BATCH = {recipe.batch.last == 'drop'}",
                f"DEVICE = {literal(execution.device if execution else 'cpu')}",
                f"THREADS = {execution.threads if execution else 1}",
                f"MEMORY_FORMAT = torch.{'channels_last' if layout == 'channels_last' else 'contiguous_format'}",
                f"FUSED_OPTIMIZER = {fused}  # PyTorch's fused kernels round differently from its default ones",
            ]
        )

    def functions(self) -> list[str]:
        """Encodings and decisions of the losses, and rules that fill weights, where PyTorch has none."""
        own = {name for judgement in self.judgements for name in (judgement.encode, judgement.decide) if name}
        own |= own_rules_used(self.experiment.network, self.recipe.init)
        own |= {self.recipe.schedule.target} - {""}
        return carried(own)

    def load(self) -> str:
        reads = "\n".join(
            f"        {_variable(column)} = {self._read(column)}"
            for column in dict.fromkeys((*self.columns, *self.targets))
        )
        ins = _tuple([_variable(column) for column in self.columns])
        encoded = _tuple(
            [
                judgement.encoded(_variable(column))
                for judgement, column in zip(self.judgements, self.targets, strict=True)
            ]
        )
        truth = _tuple([_variable(column) for column in self.targets])
        return f'''def load(part):
    """Inputs, targets as the loss compares them, and targets as they are: one tuple of tensors each."""
    with np.load(Path(__file__).with_name("data.npz"), allow_pickle=False) as file:
{reads}
    return {ins}, {encoded}, {truth}'''

    def _read(self, column: str) -> str:
        """The expression that reads a column; images take the memory format of the network."""
        read = f'torch.from_numpy(file[f"{{part}}_{column}"]).to(DEVICE)'
        images = column in self.columns and len(self.experiment.data.source.features()[column].shape) == 3
        return f"{read}.to(memory_format=MEMORY_FORMAT)" if images else read

    def judge(self) -> str:
        decided = [judgement for judgement in self.judgements if judgement.decide]
        result = (
            "outputs = (network(*inputs),)"
            if len(self.experiment.network.outputs) == 1
            else "outputs = network(*inputs)"
        )
        lines = [
            "@torch.no_grad()",
            "def judge(network, inputs, targets, truth):",
            '    """Scores of one part of the data, with dropout off and batch norm at its running statistics."""',
            "    network.eval()",
            f"    {result}",
            '    scores = {"loss": loss_of(outputs, targets).item()}',
        ]
        if decided:
            right = " + ".join(j.right for j in decided)
            lines.append(f"    right = {right}")
            lines.append(
                f'    scores["accuracy"] = right.item() / {"" if len(decided) == 1 else f"{len(decided)} / "}len(truth[0])'
            )
        return self.loss() + "\n\n\n" + "\n".join([*lines, "    network.train()", "    return scores"])

    def loss(self) -> str:
        losses = [
            f"LOSS_{judgement.at + 1} = {call(judgement.objective.loss.target, judgement.objective.loss, judgement.objective.loss.args())}"
            for judgement in self.judgements
        ]
        terms = [
            (f"{j.objective.weight!r} * " if j.objective.weight != 1 else "")
            + f"LOSS_{j.at + 1}(outputs[{j.output}], targets[{j.at}])"
            for j in self.judgements
        ]
        return (
            "\n".join(losses)
            + '\n\n\ndef loss_of(outputs, targets):\n    """What is made small."""\n    return '
            + " + ".join(terms)
        )

    def report(self) -> str:
        return '''def report(when, network, parts, *names):
    """Print the scores of some parts of the data."""
    for part in names:
        if len(parts[part][0][0]):
            scores = judge(network, *parts[part]).items()
            print(f"{when}, {part}:", ", ".join(f"{name} {value:.4f}" for name, value in scores))'''

    def train(self) -> str:
        optimizer = self.recipe.optimizer
        frozen = any(
            node.frozen
            for graph in (self.experiment.network, *self.experiment.network.blocks.values())
            for node in graph.nodes
        )
        learning = (
            "(parameter for parameter in network.parameters() if parameter.requires_grad)"
            if frozen
            else "network.parameters()"
        )
        after = ("fused=FUSED_OPTIMIZER",) if optimizer.fused else ()
        build = call(f"torch.{optimizer.target}", optimizer, optimizer.args(), learning, after=after)
        single = len(self.experiment.network.outputs) == 1
        init = "\n    initialize(network)" if self.initialize else ""
        outputs = "(network(*batch[: len(inputs)]),)" if single else "network(*batch[: len(inputs)])"
        step = self._repeated_step(outputs) if optimizer.repeats else self._step(outputs)
        return f'''def train():
    """Train from the first weights to the last, and return the loss of every step."""
    torch.set_num_threads(THREADS)
    # Weights, order of the data, and dropout draw from streams of their own.
    torch.manual_seed({len(STREAMS)} * SEED)
    network = Network(){init}
    network = network.to(DEVICE, memory_format=MEMORY_FORMAT)
    optimizer = {build}
    order = torch.Generator().manual_seed({len(STREAMS)} * SEED + {STREAMS.index("order")})
    torch.manual_seed({len(STREAMS)} * SEED + {STREAMS.index("training")})

    parts = {{part: load(part) for part in ("train", "validation", "test")}}
    inputs, targets, _ = parts["train"]
    samples = len(inputs[0])
    size = min(BATCH_SIZE or samples, samples)
    losses = []
    network.train()
    for epoch in range(EPOCHS):
        shuffled = torch.randperm(samples, generator=order).to(DEVICE)
        batches = list(zip(*(column[shuffled].split(size) for column in (*inputs, *targets))))
        if DROP_LAST_BATCH and samples % size:
            batches.pop()
        for batch in batches:
{step}
            losses.append(loss.detach())
        report(f"epoch {{epoch + 1}}", network, parts, "train", "validation")
    report("at the end", network, parts, "test")
    losses = torch.stack(losses).tolist()
    with open(Path(__file__).with_name("history.csv"), "w", newline="") as file:
        csv.writer(file).writerows([("step", "train/loss"), *enumerate(losses, start=1)])
    return losses'''

    def _step(self, outputs: str) -> str:
        """What is done with one batch."""
        return f"""            outputs = {outputs}
            loss = loss_of(outputs, batch[len(inputs) :])
            optimizer.zero_grad()
            loss.backward(){self._schedule()}
            optimizer.step()"""

    def _repeated_step(self, outputs: str) -> str:
        """The same for optimizers that look at a batch several times."""
        return f"""
            def look(batch=batch):
                outputs = {outputs}
                loss = loss_of(outputs, batch[len(inputs) :])
                optimizer.zero_grad()
                loss.backward()
                return loss
{self._schedule()}
            loss = optimizer.step(look)"""

    def _schedule(self) -> str:
        """The lines that set the learning rate of a step."""
        schedule = self.recipe.schedule
        if not schedule.target:
            return ""
        numbers = [literal(value) for value in (self.recipe.optimizer.args()["lr"], *schedule.args().values())]
        return f"""
            for group in optimizer.param_groups:
                group["lr"] = {schedule.target}(len(losses), EPOCHS * len(batches), {", ".join(numbers)})"""


class _Judgement:
    """One objective, as the program needs it."""

    def __init__(self, at: int, output: int, signal: Signal, target: Signal, objective: Objective) -> None:
        self.at, self.output, self.objective = at, output, objective
        self.classes, self.numbers = target.classes, target.numbers
        self.encode = objective.loss.encode(signal, target)
        self.decide = objective.loss.decide(signal, target)

    @property
    def right(self) -> str:
        """How many samples are right; of a mask, the share of each."""
        right = f"({self.decide}(outputs[{self.output}]) == truth[{self.at}]).sum()"
        return right if self.numbers == 1 else f"{right} / {self.numbers}"

    def encoded(self, variable: str) -> str:
        return f"{self.encode}({variable}, {self.classes or 0})" if self.encode else variable


def _tuple(words: list[str]) -> str:
    return f"({words[0]},)" if len(words) == 1 else f"({', '.join(words)})"


def _variable(column: str) -> str:
    return f"{column}_values"
