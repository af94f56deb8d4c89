"""Brings the tables up to date. The only importer of Alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine

from builder.problem import Problem, Refused, say
from builder.store import database


def config() -> Config:
    """Alembic's configuration, without a file."""
    made = Config()
    folder = str(Path(__file__).parent / "migrations")
    made.set_main_option("script_location", folder.replace("%", "%%"))  # a percent sign is the parser's own
    return made


def to_head(engine: Engine) -> None:
    """Run every migration that the database has not seen, all or none; Refused if a newer Layerlab wrote it."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            driver = connection.connection.dbapi_connection
            assert driver is not None
            driver.execute("PRAGMA journal_mode=WAL")  # kept in the file; not inside BEGIN
    steps = config()
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        database.one_at_a_time(connection, "upgrade")
        _refuse_newer(steps, database.version(connection))
        steps.attributes["connection"] = connection
        command.upgrade(steps, "head")


def _refuse_newer(steps: Config, version: str | None) -> None:
    if version is None:
        return
    try:
        ScriptDirectory.from_config(steps).get_revision(version)
    except CommandError as error:
        because = say(
            "The store is at version {version}, which this Layerlab does not know. Update it.", version=version
        )
        title = say("The store was written by a newer Layerlab")
        raise Refused(Problem(code="store/newer", title=title, because=because)) from error
