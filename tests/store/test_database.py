"""The home folder, the schema, the secret."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from builder.problem import Refused
from builder.store import database, engine, secret, tables, upgrade


def python(program: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_migrations_make_exactly_the_tables_that_the_code_declares(home: Path) -> None:
    with engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, tables.metadata) == []


def test_the_head_that_the_code_names_is_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(upgrade.config()).get_heads() == [tables.HEAD]


def test_every_table_of_a_persons_things_has_an_owner() -> None:
    without = {name for name, table in tables.metadata.tables.items() if "owner" not in table.columns}
    assert without == {"site"}


def test_home_and_secret_are_for_their_owner_alone(home: Path) -> None:
    home.mkdir(mode=0o755)
    assert database.home() == home
    assert home.stat().st_mode & 0o777 == 0o700
    assert len(secret()) >= 32
    assert (home / "secret").stat().st_mode & 0o777 == 0o600
    assert secret() == secret()


def test_a_secret_that_is_given_is_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAYERLAB_SECRET", "given by the site")
    assert secret() == b"given by the site"
    assert not home.exists()


def test_a_home_that_cannot_be_made_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LAYERLAB_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(Refused) as caught:
        database.home()
    assert caught.value.problems[0].code == "store/home"


def test_a_home_with_odd_characters_works(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("with space", "owl 🦉", "100 %s", "what?mode=ro#no"):
        monkeypatch.setenv("LAYERLAB_HOME", str(tmp_path / name))
        with database.reading() as connection:
            assert connection.execute(sa.select(sa.func.count()).select_from(tables.run)).scalar() == 0
        assert (tmp_path / name / "layerlab.db").exists()


def test_the_database_is_in_wal_mode_with_explicit_transactions(home: Path) -> None:
    with database.writing() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    driver = engine().raw_connection()
    assert driver.dbapi_connection is not None
    assert driver.dbapi_connection.isolation_level is None
    driver.close()


def test_a_store_of_a_newer_layerlab_is_refused_and_left_as_it_is(home: Path) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    with pytest.raises(Refused) as caught:
        engine()
    assert caught.value.problems[0].code == "store/newer"


def test_an_upgrade_that_fails_leaves_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(config: object, _target: str) -> None:
        connection = config.attributes["connection"]  # type: ignore[attr-defined]
        connection.exec_driver_sql("CREATE TABLE run (id TEXT)")
        raise OSError("pulled plug")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="pulled plug"):
        patch.setattr(upgrade.command, "upgrade", half)
        engine()
    with database.reading() as connection:
        assert connection.execute(sa.select(tables.run.c.fingerprint)).all() == []


def test_processes_that_start_at_once_agree_on_schema_and_secret(home: Path) -> None:
    program = (
        "from builder.store import database, secret\n"
        "with database.writing() as connection:\n"
        "    connection.exec_driver_sql('UPDATE site SET beats = beats + 1')\n"
        "print(secret().decode())"
    )
    started = [python(program) for _ in range(8)]
    answers = [process.communicate(timeout=60) for process in started]
    assert [process.returncode for process in started] == [0] * 8, answers
    assert len({out for out, _ in answers}) == 1
    with database.reading() as connection:
        assert connection.execute(sa.select(tables.site.c.beats)).all() == [(8,)]


def test_threads_that_start_at_once_get_one_engine(home: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: engine(), range(8)))) == 1


def test_the_store_imports_neither_alembic_nor_torch_nor_streamlit_once_it_is_up_to_date(home: Path) -> None:
    engine()
    program = (
        "import sys, builder.engine, builder.store.documents, builder.store.views, builder.store.history\n"
        "builder.store.engine()\n"
        "print(sorted({'alembic', 'torch', 'streamlit'} & set(sys.modules)))"
    )
    out, error = python(program).communicate(timeout=60)
    assert (out, error) == ("[]\n", "")
