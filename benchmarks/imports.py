"""How long it takes to import what the pages need, in fresh interpreters, beside what they cannot do without."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np

from benchmarks.measure import machine, table

ROOT = Path(__file__).parents[1]
PROMISED = 1.5
"""Seconds."""


def modules() -> list[str]:
    """The app, and every part of its pages; a page itself runs when it is imported, and adds nothing."""
    return ["app", *(f"pages.parts.{file.stem}" for file in sorted((ROOT / "pages" / "parts").glob("[a-z]*.py")))]


def seconds(imported: Sequence[str]) -> float:
    """Wall time of the imports alone, without the start of the interpreter."""
    program = (
        f"import time\nstart = time.perf_counter()\nimport {', '.join(imported)}\nprint(time.perf_counter() - start)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout)


@click.command()
@click.option("--rounds", default=5)
def main(rounds: int) -> None:
    """Medians over rounds, in which every case has its turn."""
    cases = {
        "what the pages need": modules(),
        "Streamlit, pandas, SQLAlchemy alone": ["streamlit", "pandas", "sqlalchemy"],
        "the builder's parts of it alone": ["builder.blocks", "builder.analysis", "builder.source", "builder.design"],
    }
    for imported in cases.values():
        seconds(imported)  # compiles, and fills the file cache
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, imported in cases.items():
            taken[name].append(seconds(imported))
    click.echo(machine())
    rows = [[name, f"{np.median(times):.2f}", f"{min(times):.2f} - {max(times):.2f}"] for name, times in taken.items()]
    click.echo(table(["imports", "seconds", "least - most"], rows))
    click.echo(f"Medians of {rounds}. Promised: less than {PROMISED} s for what the pages need.")


if __name__ == "__main__":
    main()
