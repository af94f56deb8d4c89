"""The whole experiment as one program: its constants on top, one visible loop, and the app's loss curve bit for bit."""

from collections.abc import Iterable

from builder.analysis import analyze
from builder.analysis.experiment import augmented_columns, input_columns, output_references, target_columns
from builder.analysis.layout import usual_memory_format
from builder.analysis.memory import judged_at_once
from builder.catalog.augmentations import Augmentation, Mixup
from builder.catalog.schedules import Constant, ReduceOnPlateau
from builder.catalog.signal import Signal
from builder.design.experiment import Execution, Experiment
from builder.design.recipe import EarlyStopping, Objective
from builder.design.streams import STREAMS
from builder.source.call import call, literal, wrapped
from builder.source.modules import carried, own_modules
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
    return parts.head(body) + "\n\n" + body


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
        self.pictures, self.moving = augmented_columns(experiment)
        self.changes = [change for change in self.recipe.augment if not isinstance(change, Mixup)]
        self.mixup = next((change for change in self.recipe.augment if isinstance(change, Mixup)), None)

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

    def head(self, body: str) -> str:
        """What it is, and the imports that the rest needs."""
        name = one_line(self.experiment.name) or "An experiment"
        mathematics = "import math\n" if "math." in body else ""
        augments = "kornia." in body
        pictures = "import kornia.augmentation\n" if augments else ""
        hints = "Tensor, " if "Tensor" in body else ""
        average = "\nfrom torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn" if self.recipe.ema else ""
        return f'''"""{name}, made with Layerlab.

Reads data.npz beside it, trains, prints the scores of every epoch, and writes the
loss of every step to history.csv. Needs torch{", numpy and kornia" if augments else " and numpy"}. With the same torch on the
same machine it repeats the run bit for bit.
"""

import csv
{mathematics}from pathlib import Path

{pictures}import numpy as np
import torch
from torch import {hints}nn{average}'''

    def constants(self) -> str:
        recipe, execution = self.recipe, self.execution
        fused = execution.optimizer_implementation == "fused" if execution else recipe.optimizer.fused
        layout = execution.memory_format if execution else usual_memory_format(self.experiment)
        size = "None  # the whole training part" if recipe.batch.size is None else recipe.batch.size
        accumulation = recipe.batch.accumulation
        return "\n".join(
            [
                f"SEED = {recipe.seed}",
                f"EPOCHS = {recipe.length.epochs}",
                f"BATCH_SIZE = {size}",
                *(
                    [f"ACCUMULATION = {accumulation}  # batches whose gradients are added up"]
                    if accumulation > 1
                    else []
                ),
                f"DROP_LAST_BATCH = {recipe.batch.last == 'drop'}",
                f"DEVICE = {literal(execution.device if execution else 'cpu')}",
                f"THREADS = {execution.threads if execution else 1}",
                f"MEMORY_FORMAT = torch.{'channels_last' if layout == 'channels_last' else 'contiguous_format'}",
                f"FUSED_OPTIMIZER = {fused}  # PyTorch's fused kernels round differently from its default ones",
                *([f"WARM_UP = {self.warm_up}  # steps in which the rate rises"] if self.warm_up else []),
                *(
                    [f"MAX_NORM = {recipe.max_norm!r}  # of the weights that come into a unit"]
                    if recipe.max_norm
                    else []
                ),
                *self._precision(),
                *self._patience(),
                *self._augment(),
            ]
        )

    def _precision(self) -> list[str]:
        """In what numbers products are worked out, where it is not what PyTorch does by itself."""
        precision = self.execution.precision if self.execution else "float32"
        if self.narrow:
            return [f"PRECISION = torch.{precision}  # of products; weights stay in float32"]
        if self.execution and self.execution.device == "cuda":
            return [f"ALLOW_TF32 = {precision == 'tf32'}  # factors of products rounded to TF32"]
        return []

    def _patience(self) -> list[str]:
        rule = self.recipe.early_stopping
        return [f"PATIENCE = {rule.patience}  # epochs without a better score"] if rule else []

    def _augment(self) -> list[str]:
        """What changes the pictures of a batch."""
        lines = []
        if self.changes:
            picture = self.analysis.signals[self.experiment.network.inputs[self.pictures[0]].id]
            changes = [wrapped(f"    {made(change, picture)},") for change in self.changes]
            lines += ["AUGMENT = [  # how pictures of the training part are changed, in order", *changes, "]"]
        if self.mixup:
            lines.append(f"MIXUP = {self.mixup.alpha!r}  # alpha of the shares by which two pictures are mixed")
        return lines

    @property
    def narrow(self) -> bool:
        """Whether products are worked out in half the bits."""
        return bool(self.execution and self.execution.precision in ("bfloat16", "float16"))

    @property
    def scaled(self) -> bool:
        return bool(self.execution and self.execution.precision == "float16")

    @property
    def of_whole(self) -> bool:
        """Whether a loss has to know of what its samples are a piece."""
        return any(judgement.objective.loss.of_whole for judgement in self.judgements)

    def functions(self) -> list[str]:
        """Losses, their encodings and decisions, rules that fill weights, and of the optimizer what PyTorch has not."""
        own = {name for judgement in self.judgements for name in (judgement.encode, judgement.decide) if name}
        own |= own_rules_used(self.experiment.network, self.recipe.init)
        own |= {self.recipe.schedule.target, "warm_up" if self.warm_up else "", self.recipe.optimizer.grouped()} - {""}
        own |= {judgement.objective.loss.runs() for judgement in self.judgements} & own_modules().keys()
        own |= {self.recipe.optimizer.target} & own_modules().keys()
        own |= {penalty.target for penalty in self.recipe.penalties}
        own |= {"weights_that_learn"} if self.recipe.penalties else set()
        own |= {"weights_of_units"} if self.recipe.max_norm else set()
        own |= {"augmented"} if self.changes else set()
        own |= {"mixed"} if self.mixup else set()
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
        outputs = (
            "outputs = (network(*inputs),)"
            if len(self.experiment.network.outputs) == 1
            else "outputs = network(*inputs)"
        )
        right = " + ".join(judgement.right for judgement in decided)
        share = "" if len(decided) == 1 else f"{len(decided)} / "
        split = self.experiment.data.split.sizes(self.experiment.data.source.samples_total())
        at_once = judged_at_once(self.analysis)  # as in the app: sums over more samples round differently
        loss = self._loss_of("targets", "targets" if max(split) <= at_once else "whole")
        if max(split) <= at_once:
            body = [
                f"    {outputs}",
                f'    scores = {{"loss": {loss}.item()}}',
                *(
                    [f"    right = {right}", f'    scores["accuracy"] = right.item() / {share}len(truth[0])']
                    if decided
                    else []
                ),
            ]
        else:
            body = [
                f"    samples, loss{', right' if decided else ''} = len(truth[0]), 0.0{', 0.0' if decided else ''}",
                f"    starts = range(0, samples, {at_once})",
                f"    pieces = [[[column[at : at + {at_once}] for column in part] for part in (inputs, targets, truth)] for at in starts]",
                *(["    whole = targets"] if self.of_whole else []),
                "    for inputs, targets, truth in pieces:",
                f"        {outputs}",
                f"        loss += {loss}.item() * len(truth[0])",
                *([f"        right += ({right}).item()"] if decided else []),
                '    scores = {"loss": loss / samples}',
                *([f'    scores["accuracy"] = right / {share}samples'] if decided else []),
            ]
        lines = [
            "@torch.no_grad()",
            *(["@torch.autocast(DEVICE, PRECISION)"] if self.narrow else []),
            "def judge(network, inputs, targets, truth):",
            '    """Scores of one part of the data, with dropout off and batch norm at its running statistics."""',
            "    network.eval()",
            *body,
            "    network.train()",
            "    return scores",
        ]
        return self.loss() + "\n\n\n" + "\n".join(lines)

    def loss(self) -> str:
        takes = "outputs, targets, whole" if self.of_whole else "outputs, targets"
        told = "\n    The samples may be a piece of those with the targets `whole`.\n    " if self.of_whole else ""
        return (
            "\n".join(line for judgement in self.judgements for line in judgement.made)
            + f'\n\n\ndef loss_of({takes}):\n    """What is made small.{chr(10) if told else ""}{told}"""\n    return '
            + " + ".join(judgement.term for judgement in self.judgements)
            + self._of_both()
            + self._penalty()
        )

    def _of_both(self) -> str:
        """The function of the loss of mixed samples."""
        if not self.mixup:
            return ""
        takes = "outputs, targets, whole, share" if self.of_whole else "outputs, targets, share"
        first, second = ("targets[:half]", "targets[half:]")
        whole = (", whole[:half]", ", whole[half:]") if self.of_whole else ("", "")
        return f'''


def loss_of_both({takes}):
    """The loss of mixed samples: of the first targets, by their share, and of those behind them."""
    half = len(targets) // 2
    loss = loss_of(outputs, {first}{whole[0]})
    return share * loss + (1 - share) * loss_of(outputs, {second}{whole[1]})'''

    def _penalty(self) -> str:
        """The function of what weights cost."""
        if not self.recipe.penalties:
            return ""
        terms = (f"{penalty.strength!r} * {penalty.target}(weights)" for penalty in self.recipe.penalties)
        return f'''


def penalty(weights):
    """What weights cost besides the loss: it counts for the gradient, and not in the losses that are written down."""
    return {" + ".join(terms)}'''

    def _loss_of(self, targets: str, whole: str) -> str:
        """The loss of samples that may be a piece of others, whose targets are `whole`."""
        return f"loss_of(outputs, {targets}, {whole})" if self.of_whole else f"loss_of(outputs, {targets})"

    def report(self) -> str:
        return '''def report(when, network, parts, *names):
    """Print the scores of some parts of the data; those of the last one."""
    for part in names:
        if len(parts[part][0][0]):
            scores = judge(network, *parts[part])
            print(f"{when}, {part}:", ", ".join(f"{name} {value:.4f}" for name, value in scores.items()))
    return scores'''

    def train(self) -> str:
        optimizer = self.recipe.optimizer
        after = ("fused=FUSED_OPTIMIZER",) if optimizer.fused else ()
        target = optimizer.target if optimizer.target in own_modules() else f"torch.{optimizer.target}"
        build = call(target, optimizer, optimizer.args(), self._learning(), after=after)
        single = len(self.experiment.network.outputs) == 1
        init = "\n    initialize(network)" if self.initialize else ""
        step = self._repeated_step(single) if optimizer.repeats else self._step(single)
        per_step = (
            "BATCH_SIZE * ACCUMULATION if BATCH_SIZE else samples"
            if self.recipe.batch.accumulation > 1
            else "BATCH_SIZE or samples"
        )
        judged = "average.module" if self.recipe.ema else "network"
        before, score, behind = self._watching(judged)
        return f'''def train():
    """Train from the first weights to the last, and return the loss of every step."""
    torch.set_num_threads(THREADS){self._tf32()}
    # Weights, order of the data, and {"dropout and augmentation" if self.recipe.augment else "dropout"} draw from streams of their own.
    torch.manual_seed({len(STREAMS)} * SEED)
    network = Network(){init}
    network = network.to(DEVICE, memory_format=MEMORY_FORMAT)
    optimizer = {build}{self._helpers()}
    order = torch.Generator().manual_seed({len(STREAMS)} * SEED + {STREAMS.index("order")})
    torch.manual_seed({len(STREAMS)} * SEED + {STREAMS.index("training")})

    parts = {{part: load(part) for part in ("train", "validation", "test")}}
    inputs, targets, _ = parts["train"]
    samples = len(inputs[0])
    size = min({per_step}, samples)
    losses = []{before}
    network.train()
    for epoch in range(EPOCHS):
        shuffled = torch.randperm(samples, generator=order).to(DEVICE)
        batches = list(zip(*(column[shuffled].split(size) for column in (*inputs, *targets))))
        if DROP_LAST_BATCH and samples % size:
            batches.pop()
        for batch in batches:{self._augmenting()}
{step}{self._settling()}
            losses.append(loss.detach())
        {score}report(f"epoch {{epoch + 1}}", {judged}, parts, "train", "validation"){behind}
    report("at the end", {judged}, parts, "test")
    losses = torch.stack(losses).tolist()
    with open(Path(__file__).with_name("history.csv"), "w", newline="") as file:
        csv.writer(file).writerows([("step", "train/loss"), *enumerate(losses, start=1)])
    return losses'''

    def _augmenting(self) -> str:
        """What is done with a batch before anything else."""
        lines = []
        if self.changes:
            moving = [len(self.columns) + at for at in self.moving]
            lines.append(f"batch = augmented(AUGMENT, batch, pictures={self.pictures}, moving={moving})")
        if self.mixup:
            lines.append(f"batch, share = mixed(batch, pictures={self.pictures}, inputs=len(inputs), alpha=MIXUP)")
        return _lines(12, lines)

    def _learning(self) -> str:
        """What the optimizer is given."""
        if grouped := self.recipe.optimizer.grouped():
            return f"{grouped}(network)"
        network = self.experiment.network
        if any(node.frozen for graph in (network, *network.blocks.values()) for node in graph.nodes):
            return "(parameter for parameter in network.parameters() if parameter.requires_grad)"
        return "network.parameters()"

    def _tf32(self) -> str:
        """A GPU rounds factors to TF32 only where it may."""
        if not (self.execution and self.execution.device == "cuda") or self.narrow:
            return ""
        return "\n    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = ALLOW_TF32"

    def _helpers(self) -> str:
        """What stands beside the optimizer."""
        lines = (
            ["scaler = torch.amp.GradScaler(DEVICE)  # small gradients would be lost in float16"] if self.scaled else []
        )
        if self.recipe.penalties:
            lines.append("weights = weights_that_learn(network)")
        if self.recipe.max_norm:
            lines.append("units = weights_of_units(network)")
        if self.recipe.ema:
            lines.append(f"average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn({self.recipe.ema!r}))")
        return "".join(f"\n    {line}" for line in lines)

    def _settling(self) -> str:
        """What is done with new weights."""
        lines = []
        if self.recipe.max_norm:
            lines += ["for incoming, side in units:", "    incoming.renorm_(2, side, MAX_NORM)"]
        if self.recipe.ema:
            lines.append("average.update_parameters(network)")
        return _lines(12, lines)

    def _watching(self, judged: str) -> tuple[str, str, str]:
        """What is done about scores: what stands before the epochs, before the scores of an epoch, and behind them."""
        begin, behind = self._plateau()
        best, over, end = self._stopping(judged)
        before = _lines(4, [*begin, *best])
        return before, "score = " if behind or over else "", _lines(8, [*behind, *over]) + _lines(4, end)

    def _stopping(self, judged: str) -> tuple[list[str], list[str], list[str]]:
        """Early stopping: what stands before the epochs, behind the scores of an epoch, and behind the epochs."""
        rule = self.recipe.early_stopping
        if rule is None:
            return [], [], []
        score, is_better, first = _scored(rule, "best")
        begin = [f"best, waited = {first}, 0"]
        better = [f"best, waited = {score}, 0"]
        end = []
        if rule.restore:
            better.append(f"best_weights = {{name: value.clone() for name, value in {judged}.state_dict().items()}}")
            begin.append("best_weights = None")
            end = ["if best_weights is not None:", f"    {judged}.load_state_dict(best_weights)"]
        lines = [
            f"if {is_better}:",
            *(f"    {line}" for line in better),
            "else:",
            "    waited += 1",
            "if waited >= PATIENCE:",
            "    break",
        ]
        return begin, lines, end

    def _looked_at(self, single: bool, batch: str, indent: str) -> str:
        """From a batch to its loss."""
        call = f"network(*{batch}[: len(inputs)])"
        loss = self._loss_of(f"{batch}[len(inputs) :]", "batch[len(inputs) :]")
        if self.mixup:
            loss = f"{loss.replace('loss_of(', 'loss_of_both(', 1)[:-1]}, share)"
        lines = [f"outputs = ({call},)" if single else f"outputs = {call}", f"loss = {loss}"]
        if self.narrow:
            lines = ["with torch.autocast(DEVICE, PRECISION):", *(f"    {line}" for line in lines)]
        return "\n".join(indent + line for line in lines)

    def _slopes(self, single: bool, indent: str) -> str:
        """The loss of a batch, and its gradient."""
        penalized = bool(self.recipe.penalties)
        backward = "scaler.scale({}).backward()" if self.scaled else "({}).backward()" if penalized else "{}.backward()"
        if self.recipe.batch.accumulation == 1:
            ends = ["optimizer.zero_grad()", backward.format("loss + penalty(weights)" if penalized else "loss")]
            return "\n".join([self._looked_at(single, "batch", indent), *(indent + line for line in ends)])
        at_once = "BATCH_SIZE" if self.recipe.batch.size else "-(-samples // ACCUMULATION)"
        begins = [
            "optimizer.zero_grad()",
            "total = 0",
            f"for piece in zip(*(column.split({at_once}) for column in batch)):",
        ]
        share = "len(piece[0]) / len(batch[0])"
        inside = [
            *([f"    share = {share}"] if penalized else []),
            f"    part = {'share' if penalized else share} * loss",
            f"    {backward.format('part + share * penalty(weights)' if penalized else 'part')}",
            "    total = total + part.detach()",
            "loss = total",
        ]
        return "\n".join(
            [
                *(indent + line for line in begins),
                self._looked_at(single, "piece", indent + "    "),
                *(indent + line for line in inside),
            ]
        )

    def _step(self, single: bool) -> str:
        """What is done with one batch."""
        pad = " " * 12
        clip = self.recipe.clip
        steps = ["scaler.step(optimizer)", "scaler.update()"] if self.scaled else ["optimizer.step()"]
        if clip:
            unscaled = ["scaler.unscale_(optimizer)"] if self.scaled else []
            steps = [*unscaled, call(f"torch.{clip.target}", clip, clip.args(), "network.parameters()"), *steps]
        return self._slopes(single, pad) + self._schedule() + "".join(f"\n{pad}{line}" for line in steps)

    def _repeated_step(self, single: bool) -> str:
        """The same for optimizers that look at a batch several times."""
        before, noted, sought, step = "", "", "loss", "loss = optimizer.step(look)"
        if self.recipe.penalties:
            before, noted = "            seen = []\n", "\n                seen.append(loss.detach())"
            sought, step = "loss + penalty(weights)", "optimizer.step(look)\n            loss = seen[0]"
        return f"""{before}
            def look(batch=batch):
{self._slopes(single, " " * 16)}{noted}
                return {sought}
{self._schedule()}
            {step}"""

    @property
    def warm_up(self) -> int:
        """Steps in which the rate rises."""
        data = self.experiment.data
        return round(self.recipe.warm_up * self.recipe.batch.count(data.split.sizes(data.source.samples_total())[0]))

    def _schedule(self) -> str:
        """The lines that set the learning rate of a step."""
        schedule = self.recipe.schedule
        if isinstance(schedule, Constant) and not self.warm_up:
            return ""
        rate = repr(self.recipe.optimizer.args()["lr"])
        if schedule.target:
            step, steps = "len(losses)", "EPOCHS * len(batches)" if schedule.counts == "run" else "len(batches)"
            if self.warm_up:
                step = "max(0, len(losses) - WARM_UP)"
                steps = f"max(1, {steps} - WARM_UP)" if schedule.counts == "run" else steps
            rate = f"{schedule.target}({', '.join([step, steps, rate, *map(literal, schedule.args().values())])})"
        lines = [f"lr = warm_up(len(losses), WARM_UP, {rate})" if self.warm_up else f"lr = {rate}"]
        if isinstance(schedule, ReduceOnPlateau):
            lines.append(f"lr = min(lr, max(lr * {schedule.factor!r}**falls, {schedule.lowest!r}))")
        lines += ["for group in optimizer.param_groups:", '    group["lr"] = lr']
        return _lines(12, lines)

    def _plateau(self) -> tuple[list[str], list[str]]:
        """A rate that falls when scores get no better: what stands before the epochs, and behind the scores of an epoch."""
        rule = self.recipe.schedule
        if not isinstance(rule, ReduceOnPlateau):
            return [], []
        score, is_better, first = _scored(rule, "top")
        lines = [
            f"if {is_better}:",
            f"    top, stale = {score}, 0",
            "else:",
            "    stale += 1",
            f"if stale > {rule.patience}:",
            "    stale, falls = 0, falls + 1",
        ]
        return [f"top, stale, falls = {first}, 0, 0"], lines


class _Judgement:
    """One objective, as the program needs it."""

    def __init__(self, at: int, output: int, signal: Signal, target: Signal, objective: Objective) -> None:
        self.at, self.output, self.objective = at, output, objective
        self.classes, self.numbers = target.classes, target.numbers
        self.encode = objective.loss.encode(signal, target)
        self.decide = objective.loss.decide(signal, target)

    @property
    def made(self) -> list[str]:
        """The lines that make its loss."""
        loss, name = self.objective.loss, f"LOSS_{self.at + 1}"
        made = f"{name} = {call(loss.runs(), loss, loss.args())}"
        return [made, f"{name}.to(DEVICE)"] if loss.class_numbers is not None else [made]

    @property
    def term(self) -> str:
        """What it adds to what is made small."""
        weight = f"{self.objective.weight!r} * " if self.objective.weight != 1 else ""
        whole = f", whole[{self.at}]" if self.objective.loss.of_whole else ""
        return f"{weight}LOSS_{self.at + 1}(outputs[{self.output}], targets[{self.at}]{whole})"

    @property
    def right(self) -> str:
        """How many samples are right; of a mask, the share of each."""
        right = f"({self.decide}(outputs[{self.output}]) == truth[{self.at}]).sum()"
        return right if self.numbers == 1 else f"{right} / {self.numbers}"

    def encoded(self, variable: str) -> str:
        return f"{self.encode}({variable}, {self.classes or 0})" if self.encode else variable


def _scored(rule: EarlyStopping | ReduceOnPlateau, best: str) -> tuple[str, str, str]:
    """The score that a rule watches, whether it is better than `best`, and what `best` is before there is a score."""
    score = f"score[{literal(rule.monitor)}]"
    if rule.monitor == "loss":
        return score, f"{score} < {best}" + (f" - {rule.min_delta!r}" if rule.min_delta else ""), "float('inf')"
    return score, f"{score} > {best}" + (f" + {rule.min_delta!r}" if rule.min_delta else ""), "float('-inf')"


def made(change: Augmentation, picture: Signal) -> str:
    """The call that makes a change, with all that it is set to: other defaults of kornia's change nothing."""
    words = ", ".join(f"{name}={literal(value)}" for name, value in change.args(picture).items())
    return f"{change.target}({words})"


def _lines(depth: int, lines: Iterable[str]) -> str:
    return "".join(f"\n{' ' * depth}{line}" for line in lines)


def _tuple(words: list[str]) -> str:
    return f"({words[0]},)" if len(words) == 1 else f"({', '.join(words)})"


def _variable(column: str) -> str:
    return f"{column}_values"
