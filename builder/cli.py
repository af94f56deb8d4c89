"""`python -m builder`: the same things without a browser. A user's mistake prints Problems and exits 2; a failed run exits 1."""

import json
import math
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Any, get_args

import click

from builder import engine, limits
from builder.analysis import Analysis, Row, analyze, check, first_step, range_test
from builder.analysis.classic import classic
from builder.analysis.fixes import fitting
from builder.analysis.receptive import in_words, receptive_fields
from builder.blocks import GALLERY, example, readme
from builder.blocks.templates import Template
from builder.catalog import Entry, Layer
from builder.design import edits, read
from builder.design.experiment import Device, Experiment, MemoryFormat, Precision, Wish
from builder.design.network import Network, to_json
from builder.problem import Json, Problem, Refused, Set, say
from builder.store import advice, archive, branching, history, probes, runs
from builder.store.waiting import remaining

OWNER = "local"
"""Whose the runs of the command line are."""
TERMINAL_SECONDS, LINE_SECONDS = 0.2, 10.0
"""Between two words on how far a run is, in a terminal and elsewhere."""
BAR = 20
"""Characters."""
TABLE_EVERY = 5
"""Steps of a range test between two lines of its table."""


def _reports_problems(command: Callable[..., None]) -> Callable[..., None]:
    """Print a user's mistakes instead of raising them, and exit 2."""

    @wraps(command)
    def wrapper(*args: Any, **options: Any) -> None:
        try:
            command(*args, **options)
        except Refused as refused:
            if options.get("as_json"):
                click.echo(json.dumps({"problems": [_problem_json(problem) for problem in refused.problems]}))
            else:
                _print_problems(refused.problems)
            sys.exit(2)

    return wrapper


def _problem_json(problem: Problem) -> dict[str, Json]:
    return problem.model_dump(mode="json") | {"fixes": [fix.label for fix in problem.fixes]}


def _print_problems(problems: list[Problem] | tuple[Problem, ...]) -> None:
    for problem in problems:
        click.echo(f"{problem.severity}: {problem.title}  [{problem.code}]", err=True)
        click.echo(f"  {problem.because}", err=True)
        for fix in problem.fixes:
            click.echo(f"  - {fix.label}", err=True)


def _design(name: str, changes: tuple[str, ...] = ()) -> Experiment | Network:
    """The gallery's experiment of that name, or the design in that file, with `--set` changes made."""
    path = Path(name)
    if name in GALLERY or not (path.suffix or path.exists()):
        document = to_json(example(name))
    else:
        from builder.files import read_limited

        document = read.text(read_limited(path, limits.DESIGN_BYTES))
    return read.any_design(edits.apply(document, [_set(change) for change in changes]))


def _experiment(name: str, changes: tuple[str, ...] = ()) -> Experiment:
    design = _design(name, changes)
    if isinstance(design, Network):
        raise Refused(
            Problem(
                code="file/no-recipe",
                title=say("The file holds a network alone"),
                because=say("Training needs an experiment: network, data and recipe."),
            )
        )
    problems = [problem for problem in check(design)[1] if problem.severity == "error"]
    if problems:
        raise Refused(*problems)
    return design


def _set(change: str) -> Set:
    path, separator, text = change.partition("=")
    if not separator:
        raise Refused(
            Problem(
                code="option/set",
                title=say("--set {change} cannot be read", change=change[:80]),
                because=say("It is written path=value: recipe.batch.size=32."),
            )
        )
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = text
    return Set(path=path, value=value)


@contextmanager
def _writing_into(place: Path) -> Iterator[None]:
    """What cannot be written is a Problem."""
    try:
        yield
    except OSError as error:
        title = say("Nothing can be written to {place}", place=place)
        raise Refused(Problem(code="file/unwritable", title=title, because=f"{error.strerror}.")) from error


_changes = click.option(
    "--set", "changes", multiple=True, metavar="PATH=VALUE", help="Change the design: recipe.optimizer.params.lr=0.01."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")


@click.group()
def main() -> None:
    """Layerlab without a browser."""


@main.command()
def examples() -> None:
    """Names of the gallery."""
    for exhibit in GALLERY.values():
        click.echo(f"{exhibit.name:16} {exhibit.story}")


@main.command()
@click.option("--write", "file", type=click.Path(path_type=Path), help="Put the tables into that README instead.")
@_reports_problems
def gallery(file: Path | None) -> None:
    """The gallery's networks, our sizes beside published ones, and the catalog blocks, as Markdown."""
    sizes = {name: analyze(example(name).network) for name in GALLERY}
    if file is None:
        click.echo(readme.tables(sizes), nl=False)
        return
    from builder.files import read_limited, write

    text = read_limited(file, limits.DESIGN_BYTES).decode(errors="surrogateescape")
    with _writing_into(file):
        write(file, readme.with_tables(text, sizes).encode(errors="surrogateescape"))


@main.command()
@click.argument("word", default="")
def catalog(word: str) -> None:
    """Layers and catalog blocks by family, with what they do; those that have WORD in them, if one is given.

    The name of one of them shows its inputs, outputs, fields and formula.
    """
    shelf: dict[str, type[Entry]] = {**Layer.shelf, **Template.shelf}
    named = next((entry for name, entry in shelf.items() if name.lower() == word.lower()), None)
    if named is not None:
        click.echo("\n".join(_details(named)))
        return
    entries: list[tuple[str, type[Entry]]] = [(entry.group, entry) for entry in Layer.shelf.values()]
    entries += [(f"Blocks: {entry.group}", entry) for entry in Template.shelf.values()]
    family = ""
    for group, entry in sorted(entries, key=lambda pair: (pair[0], pair[1].__name__)):
        if word.lower() not in " ".join([group, entry.__name__, entry.about(), *entry.aliases]).lower():
            continue
        if group != family:
            family = group
            click.echo(family)
        click.echo(f"  {entry.__name__:24} {entry.about()}")
    if not family:
        click.echo(f"Nothing in the catalog has {word!r} in it.", err=True)
        sys.exit(2)


def _details(entry: type[Entry]) -> Iterator[str]:
    """All that there is to know of an entry, line by line."""
    yield f"{entry.__name__} ({entry.group})"
    yield entry.about()
    if issubclass(entry, Layer):
        yield f"reads {', '.join(entry.inputs) or 'the data'}; gives {', '.join(entry.outputs)}   (* any number, ? may stay open)"
    yield f"formula   {entry.formula}"
    for name, field in entry.model_fields.items():
        default = "needed" if field.is_required() else repr(field.get_default())
        yield f"  {name:20} {default:14} {field.description or ''}"


@main.command()
@click.argument("design")
@click.option("--closed", is_flag=True, help="Show a block as one row, as it is drawn.")
@click.option("--classic", "as_in_1998", is_flag=True, help="Count neurons and connections as LeCun et al. 1998 did.")
@click.option("--arithmetic", is_flag=True, help="Show how each number comes about.")
@as_json
@_reports_problems
def describe(design: str, closed: bool, as_in_1998: bool, arithmetic: bool, as_json: bool) -> None:
    """The layer table of a gallery name or a file: shapes, parameters, MACs, memory, problems."""
    found = _design(design)
    network = found if isinstance(found, Network) else found.network
    analysis, problems = check(found)
    rows = list(analysis.rows if closed else analysis.expanded())
    fields = receptive_fields(analysis.expanded())
    if as_json:
        summary = {
            "name": found.name or network.name,
            "parameters": analysis.parameters,
            "trainable_parameters": analysis.trainable,
            "buffers": analysis.buffers,
            "macs": analysis.macs,
            "flops": analysis.flops,
            "operations": analysis.operations,
            "activation_bytes": analysis.activation_bytes,
            "layers": [
                {
                    "id": row.id,
                    "type": row.type,
                    "inputs": list(row.inputs),
                    "output_shape": list(row.outputs[0].shape) if row.outputs else None,
                    "parameters": row.parameters,
                    "trainable_parameters": row.trainable,
                    "buffers": row.buffers,
                    "macs": row.macs,
                    "flops": row.flops,
                    "operations": dict(row.operations),
                    "activation_bytes": row.activation_bytes,
                    "receptive_field": fields[row.id].sides if row.id in fields else None,
                    "stride": fields[row.id].stride if row.id in fields else None,
                    **({"arithmetic": _arithmetic(row)} if arithmetic else {}),
                }
                for row in rows
            ],
            **({"classic": [count._asdict() for count in classic(analysis)]} if as_in_1998 else {}),
            "problems": [_problem_json(problem) for problem in problems],
        }
        click.echo(json.dumps(summary))
    elif as_in_1998:
        _print_classic(analysis)
        _print_problems(problems)
    else:
        head = f"{'node':24} {'type':20} {'output':>16} {'parameters':>14} {'MACs':>16} {'memory':>12}"
        click.echo(head + (f" {'sees':>10} {'stride':>8}" if fields else ""))
        for row in rows:
            shape = str(row.outputs[0]) if row.outputs else "?"
            click.echo(
                f"{row.id:24} {row.type:20} {shape:>16} {row.parameters:>14,} {row.macs:>16,} {row.activation_bytes:>10,} B"
                + (
                    f" {in_words(fields[row.id].sides):>10} {in_words(fields[row.id].stride):>8}"
                    if row.id in fields
                    else ""
                )
            )
            for line in _arithmetic(row) if arithmetic else ():
                click.echo(f"{'':24} {line}")
        click.echo(
            f"{'total':24} {'':20} {'':>16} {analysis.parameters:>14,} {analysis.macs:>16,} {analysis.activation_bytes:>10,} B"
        )
        learn = f"{analysis.trainable:,} of the parameters learn" if analysis.parameters else "nothing learns"
        kinds = ", ".join(f"{number:,} {kind}" for kind, number in analysis.operations.items())
        click.echo(f"{analysis.flops:,} FLOPs{f' and {kinds}' if kinds else ''}; {learn}; {analysis.buffers:,} buffers")
        _print_problems(problems)
    if any(problem.severity == "error" for problem in problems):
        sys.exit(2)


def _arithmetic(row: Row) -> list[str]:
    worked = row.layer.worked(row.given_signals, row.outputs) if row.layer and row.outputs else ()
    return [f"{work.what}: {work}" for work in worked]


def _print_classic(analysis: Analysis) -> None:
    counts = classic(analysis)
    click.echo(f"{'node':24} {'neurons':>12} {'parameters':>12} {'connections':>12}")
    for count in counts:
        click.echo(f"{count.id:24} {count.neurons:>12,} {count.parameters:>12,} {count.connections:>12,}")
    totals = (sum(getattr(count, name) for count in counts) for name in ("neurons", "parameters", "connections"))
    click.echo(f"{'total':24} " + " ".join(f"{total:>12,}" for total in totals))


@main.command()
@click.argument("design")
@click.option("--epochs", type=click.IntRange(1, limits.EPOCHS), help="Instead of the recipe's.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Instead of the recipe's.")
@click.option("--device", type=click.Choice(get_args(Device)), default="auto", show_default=True)
@click.option(
    "--precision", type=click.Choice(get_args(Precision)), default="float32", show_default=True, help="Of products."
)
@click.option("--threads", type=click.IntRange(1, limits.THREADS), default=1, show_default=True, help="Of the CPU.")
@click.option(
    "--memory-format", type=click.Choice(["auto", *get_args(MemoryFormat)]), default="auto", show_default=True
)
@_changes
@as_json
@_reports_problems
def train(
    design: str, epochs: int | None, seed: int | None, changes: tuple[str, ...], as_json: bool, **wish: Any
) -> None:
    """Train a gallery name or a file, through the engine. Progress goes to stderr; Ctrl-C stops the run."""
    more = [f"recipe.length.epochs={epochs}"] if epochs is not None else []
    more += [f"recipe.seed={seed}"] if seed is not None else []
    experiment = _experiment(design, (*changes, *more))
    runs.app_alive()
    run = runs.submit(OWNER, experiment.name or Path(design).stem, to_json(experiment), wish=Wish(**wish))
    engine.ensure()
    _to_its_end(run.id, as_json)


@main.command("range-test")
@click.argument("design")
@_changes
@as_json
@_reports_problems
def find_rate(design: str, changes: tuple[str, ...], as_json: bool) -> None:
    """Losses of a hundred steps while the learning rate rises, of a gallery name or a file, and which rate that suggests."""
    seen = _looked_at("rates", _experiment(design, changes))
    if as_json:
        click.echo(json.dumps(seen))
        return
    click.echo(f"{'rate':>10} {'loss':>12} {'at':>10} {'smoothed':>12}")
    rows = zip(seen["rates"], seen["losses"], seen["smooth_rates"], seen["smooth_losses"], strict=True)
    for rate, loss, at, smooth in list(rows)[::TABLE_EVERY]:
        click.echo(f"{rate:10.2e} {loss:12.4g} {at:10.2e} {smooth:12.4g}")
    click.echo(range_test.in_words(seen))


@main.command("first-step")
@click.argument("design")
@_changes
@as_json
@_reports_problems
def first_step_of(design: str, changes: tuple[str, ...], as_json: bool) -> None:
    """How activations and gradients spread by depth before anything is learned, of a gallery name or a file.

    The table is of the first weights as they are; the lines below it are of other ways to begin, too.
    """
    seen = _looked_at("spread", _experiment(design, changes))
    if as_json:
        click.echo(json.dumps(seen))
        return
    own = seen["schemes"][0]
    measures = {
        "activation": "activations",
        "mean": "mean",
        "zeros": "zeros",
        "gradient": "gradients",
        "weights": "of weights",
    }
    click.echo(f"{'node':24} {'type':20} " + " ".join(f"{title:>12}" for title in measures.values()))
    for at, node in enumerate(seen["nodes"]):
        click.echo(
            f"{node['id']:24} {node['type']:20} " + " ".join(_measured(own[measure][at]) for measure in measures)
        )
    click.echo(
        f"Standard deviations over {seen['samples']} samples and all units; zeros is the share that is exactly 0."
    )
    for scheme in seen["schemes"]:
        click.echo(first_step.in_words(scheme))


def _measured(number: float | None) -> str:
    return f"{'-' if number is None else f'{number:.3g}':>12}"


def _looked_at(kind: probes.Kind, experiment: Experiment) -> dict[str, Json]:
    """What a probe sees, through the engine. Raises Refused where something was in the way."""
    runs.app_alive()
    probe = probes.submit(OWNER, kind, to_json(experiment))
    engine.ensure()
    looked, bar = time.monotonic(), sys.stderr.isatty()
    while probe.status in probes.ALIVE:
        if bar:
            click.echo(f"\r{probe.status}: {probe.progress:.0%} ", nl=False, err=True)
        if time.monotonic() - looked > 1:
            looked = time.monotonic()
            runs.app_alive()
            engine.ensure()  # one that died is followed by another
        time.sleep(0.05)
        found = probes.find(OWNER, probe.id)
        if found is None:
            raise Refused(
                Problem(
                    code="probe/unknown",
                    title=say("The test is gone"),
                    because=say("Somebody cleared it out. Try again."),
                )
            )
        probe = found
    if bar:
        click.echo("\r" + " " * BAR + "\r", nl=False, err=True)
    if probe.problem:
        raise Refused(Problem.model_validate(probe.problem))
    return probe.result or {}


def _to_its_end(run_id: str, as_json: bool) -> None:
    """Follow a run, tell how it ended, and exit with what that means."""
    try:
        run = _follow(run_id)
    except KeyboardInterrupt:
        runs.command(OWNER, run_id, "stop")
        run = _follow(run_id)
    found = _advice(run)
    if as_json:
        summary: dict[str, Json] = {
            "run": run.id,
            "status": run.status,
            "steps": run.step,
            "seconds": run.seconds,
            "device": run.execution.get("device"),
            "precision": run.execution.get("precision"),
            "threads": run.execution.get("threads"),
            "metrics": _finite(run.summary),
        }
        if run.problem:
            summary["problems"] = [_problem_json(Problem.model_validate(run.problem))]
        summary["advice"] = [_problem_json(problem) for problem in found]
        click.echo(json.dumps(summary))
    else:
        click.echo(f"run {run.id} {run.status} after {run.step:,} steps, {run.seconds:.1f} s")
        for name, value in sorted(run.summary.items()):
            click.echo(f"  {name:24} {value:.4f}")
        if run.problem:
            _print_problems([Problem.model_validate(run.problem)])
        _print_problems(found)
    sys.exit(0 if run.status in ("finished", "stopped") else 1)


def _advice(run: runs.Run) -> list[Problem]:
    """What was measured and is doubtful, with those fixes that bring no Problem into the run's design."""
    design = run.experiment
    return fitting(advice.told(run.id), design, design, lambda document: check(read.any_design(document))[1])


def _finite(numbers: dict[str, float]) -> dict[str, float | None]:
    """JSON has no word for what is no number: null stands for it."""
    return {name: value if math.isfinite(value) else None for name, value in numbers.items()}


def _follow(run_id: str) -> runs.Run:
    """Wait for the end of a run, telling how far it is."""
    looked, progress = 0.0, _Progress()
    while True:
        run = runs.get(OWNER, run_id)
        if run is None:  # somebody deleted it
            raise runs.unknown()
        progress.tell(run)
        if run.status not in runs.ALIVE:
            return run
        if time.monotonic() - looked > 1:
            looked = time.monotonic()
            runs.app_alive()
            engine.ensure()  # one that died is followed by another
        time.sleep(0.05)


class _Progress:
    """Tells how far a run is: in a terminal on one line that is written over, elsewhere on another one now and then."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._every = TERMINAL_SECONDS if self._terminal else LINE_SECONDS
        self._told_at = -self._every
        self._cursor = 0
        self._loss: float | None = None

    def tell(self, run: runs.Run) -> None:
        """Write down how far it is, if it is time to, or the end."""
        ended = run.status not in runs.ALIVE
        if not ended and time.monotonic() - self._told_at < self._every:
            return
        self._told_at = time.monotonic()
        line = _waits(run) if run.status == "queued" else self._how_far(run)
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            click.echo("\r" + line[:width].ljust(width), nl=ended, err=True)
        else:
            click.echo(line, err=True)

    def _how_far(self, run: runs.Run) -> str:
        if run.status == "starting":
            return run.status
        words = [f"{run.status}: epoch {run.epoch}/{run.epochs}", f"step {run.step:,}/{run.total_steps:,}"]
        if self._terminal and run.total_steps:
            done = round(BAR * min(1.0, run.step / run.total_steps))
            words.insert(0, "#" * done + "." * (BAR - done))
        loss = self._newest_loss(run)
        words += [f"loss {loss:.4g}"] if loss is not None else []
        words += [f"{run.samples_per_second:,.0f} samples/s"] if run.samples_per_second else []
        left = remaining(run.seconds, run.step, run.total_steps, math.inf)
        words += [f"{_duration(left)} left"] if math.isfinite(left) and run.status in runs.GOING else []
        return ", ".join(words)

    def _newest_loss(self, run: runs.Run) -> float | None:
        """The mean of the newest bucket of the training loss."""
        self._cursor, closed, still_open = history.read(run.id, self._cursor)
        if "train/loss" in run.series:
            buckets = history.decode(closed + still_open)
            mine = buckets["mean"][buckets["series"] == run.series.index("train/loss")]
            self._loss = float(mine[-1]) if len(mine) else self._loss
        return self._loss


def _waits(run: runs.Run) -> str:
    left = runs.expected_start(run.id)
    return f"queued: place {run.place}" + ("" if left is None else f", starts in about {_duration(left)}")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


@main.command()
@click.argument("design")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for program.py and data.npz.")
@_reports_problems
def source(design: str, out: Path | None) -> None:
    """The PyTorch program of a gallery name or a file."""
    from builder.source import program

    experiment = _experiment(design)
    text = program(experiment)
    if out is None:
        click.echo(text, nl=False)
        return
    from builder.data import load
    from builder.files import write

    with _writing_into(out):
        out.mkdir(parents=True, exist_ok=True)
        write(out / "program.py", text.encode())
        write(out / "data.npz", load(experiment.data).save_npz())
    click.echo(f"{out / 'program.py'}\n{out / 'data.npz'}")


@main.command()
@click.argument("run")
@as_json
@_reports_problems
def resume(run: str, as_json: bool) -> None:
    """Let a RUN go on that was stopped or interrupted, or failed: from its newest checkpoint, to the bit."""
    runs.app_alive()
    runs.resume(OWNER, run)
    engine.ensure()
    _to_its_end(run, as_json)


@main.command()
@click.argument("run")
@click.option("--step", type=click.IntRange(0), help="Of which a checkpoint is kept; the newest, if left out.")
@click.option("--epochs", type=click.IntRange(1, limits.EPOCHS), help="In all, instead of the run's.")
@click.option("--rate", type=float, help="The learning rate, instead of the run's.")
@as_json
@_reports_problems
def branch(run: str, step: int | None, epochs: int | None, rate: float | None, as_json: bool) -> None:
    """Let a new run go on from what RUN was at a step, with its weights and its place in the data."""
    changes: dict[str, Json] = {"recipe.length.epochs": epochs, "recipe.optimizer.params.lr": rate}
    asked = {path: value for path, value in changes.items() if value is not None}
    _go(branching.branch(OWNER, run, step, changes=asked), as_json)


@main.command()
@click.argument("run")
@click.option("--epochs", type=click.IntRange(1, limits.EPOCHS), required=True, help="More than RUN had.")
@click.option("--rate", type=float, help="The learning rate, instead of the last one of RUN.")
@as_json
@_reports_problems
def extend(run: str, epochs: int, rate: float | None, as_json: bool) -> None:
    """Let a new run go on from the end of RUN for more epochs, at the rate with which it ended."""
    _go(branching.extend(OWNER, run, epochs, rate=rate), as_json)


@main.command()
@click.argument("run")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Instead of the run's.")
@as_json
@_reports_problems
def restart(run: str, seed: int | None, as_json: bool) -> None:
    """Run the experiment of RUN again from the beginning, carried out alike."""
    _go(branching.restart(OWNER, run, seed), as_json)


def _go(run: runs.Run, as_json: bool) -> None:
    """See that somebody carries out a run that waits, and follow it to its end."""
    runs.app_alive()
    engine.ensure()
    _to_its_end(run.id, as_json)


@main.command(name="delete-run")
@click.argument("run")
@click.option("--for-good", is_flag=True, help="With its checkpoints, and not into the bin.")
@_reports_problems
def delete_run(run: str, for_good: bool) -> None:
    """Throw a RUN away that has ended: into the bin, which is emptied after a month."""
    runs.throw_away(OWNER, run)
    if for_good:
        runs.delete(OWNER, run)
    click.echo(say("run {run} is deleted", run=run) if for_good else say("run {run} is in the bin", run=run))


@main.command(name="export-run")
@click.argument("run")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The zip to be written.")
@_reports_problems
def export_run(run: str, out: Path) -> None:
    """Everything of a RUN as one zip: experiment, curves, pictures, checkpoints."""
    with _writing_into(out):
        archive.save(OWNER, run, out)
    click.echo(out)


@main.command(name="import-run")
@click.argument("file", type=click.Path(path_type=Path))
@as_json
@_reports_problems
def import_run(file: Path, as_json: bool) -> None:
    """Take a run in that was exported, here or elsewhere."""
    run = archive.unpack(OWNER, file)
    click.echo(json.dumps({"run": run.id, "name": run.name, "status": run.status}) if as_json else run.id)


@main.command(name="runs")
@click.option("--bin", "binned", is_flag=True, help="Those that were thrown away instead.")
@as_json
@_reports_problems
def list_runs(binned: bool, as_json: bool) -> None:
    """Runs of the command line, newest first."""
    found = runs.listing(OWNER, binned=binned)
    if as_json:
        click.echo(json.dumps({"runs": [_run_json(run) for run in found]}))
        return
    for run in found:
        score = run.summary.get("test/accuracy", run.summary.get("test/loss"))
        words = [f"{run.id}  {run.name:20} {run.status:12} {run.step:>9,} steps"]
        words += [f"{score:.4f}"] if score is not None else []
        click.echo(" ".join([*words, *(f"[{tag}]" for tag in run.tags)]))


def _run_json(run: runs.Run) -> dict[str, Json]:
    numbers: dict[str, Json] = {"steps": run.step, "seconds": run.seconds, "metrics": _finite(run.summary)}
    words: dict[str, Json] = {"tags": list(run.tags), "notes": run.notes}
    return {"run": run.id, "name": run.name, "status": run.status} | numbers | words | {"parent": run.parent, "parent_step": run.parent_step}  # fmt: skip


@main.group(name="engine")
def engine_group() -> None:
    """The process that runs what is queued."""


@engine_group.command(name="status")
@as_json
@_reports_problems
def engine_status(as_json: bool) -> None:
    """Whether an engine is alive, and what it does."""
    status = asdict(engine.status())
    click.echo(json.dumps(status) if as_json else "\n".join(f"{name:12} {value}" for name, value in status.items()))


@engine_group.command(name="stop")
@_reports_problems
def engine_stop() -> None:
    """End the engine; its runs are interrupted."""
    click.echo(say("The engine has ended.") if engine.stop() else say("No engine is alive."))
