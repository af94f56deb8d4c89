"""Files cut short or with a bit flipped: refused, never misread, and never in the way of others (SAFETY 7)."""

import logging
from pathlib import Path

import pytest

from builder.problem import Refused
from builder.store import database, documents, runs, secret
from tests.hostile import damage

TIMES = {"a design": 200, "a checkpoint": 200, "the database": 5}
"""The database takes longer: `thousandfold` damages it 200 times too."""


@pytest.mark.parametrize("kind", damage.KINDS)
def test_damaged_files_are_refused_or_read_as_what_they_say(kind: str, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.CRITICAL)
    damage.damages(kind, TIMES[kind])


@pytest.mark.parametrize(
    ("column", "rubbish"),
    [
        ("experiment", "{"),
        ("execution", "[]"),
        ("summary", '{"test/loss": "low"}'),
        ("series", "nothing"),
        ("problem", "12"),
        ("tags", "\x00"),
        ("status", "runnjng"),
        ("step", "many"),
        ("created", "yesterday"),
    ],
)
@pytest.mark.usefixtures("home")
def test_a_damaged_run_hides_no_other(column: str, rubbish: str):
    before, damaged, after = (runs.submit("ada", name, {}) for name in ("Before", "Damaged", "After"))
    with database.writing() as connection:
        connection.exec_driver_sql(f"UPDATE run SET {column} = ? WHERE id = ?", (rubbish, damaged.id))
    assert {run.id for run in runs.listing("ada")} == {before.id, after.id}
    assert len(runs.listing("ada", 2)) == 2, "as many as asked for, where there are so many"
    assert runs.get("ada", damaged.id) is None
    with pytest.raises(Refused) as refused:
        runs.resume("ada", damaged.id)
    assert refused.value.problems[0].code == "run/damaged" and column in refused.value.problems[0].because
    claimed = [runs.claim() for _ in range(4)]
    assert {run.id for run in claimed if run} == {before.id, after.id}, "it does not stand before them for ever"


@pytest.mark.usefixtures("home")
def test_a_damaged_design_hides_no_other():
    whole = documents.create("ada", "Whole", {"name": "Whole"})
    damaged = documents.create("ada", "Damaged", {"name": "Damaged"})
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE draft SET document = '{' WHERE id = ?", (damaged.id,))
    assert documents.latest("ada") == whole
    assert documents.get("ada", damaged.id) is None
    assert {line.id for line in documents.listing("ada")} == {whole.id, damaged.id}


def test_a_database_that_is_none_is_a_problem(home: Path):
    home.mkdir()
    (home / "layerlab.db").write_bytes(b"This is not a database. " * 500)
    with pytest.raises(Refused) as refused:
        runs.listing("ada")
    assert refused.value.problems[0].code == "store/damaged"


@pytest.mark.parametrize("kept", [b"", b"0" * 40, b"\xff" * 64])
def test_nobody_signs_with_a_secret_that_was_damaged(home: Path, kept: bytes):
    secret()
    (home / "secret").write_bytes(kept)
    with pytest.raises(Refused) as refused:
        secret()
    assert refused.value.problems[0].code == "store/secret"
