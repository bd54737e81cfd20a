"""Moving what an installation keeps in its database into another, empty one."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from records import copying, db, opening
from records.audit import audit as trail
from records.audit.audit import Event
from records.copying import NotCopiedError
from records.engines import POSTGRESQL
from records.storage import serving_lock
from records.storage.instance_lock import held
from services.audit import audit
from services.audit.check import Verdict, verify
from settings import Settings, place_of

SAME = "{} is the database that this installation uses."
OCCUPIED = "{} is not empty: it has {}. Nothing was copied. Create a new database and move to that."
CANNOT = "The rows cannot be kept in {}: {} Nothing was kept there."
DIFFERENT = (
    "The rows of {} in {} are not those that were copied. Nothing was kept there. Try again."
)

MOST_NAMED = 3
"""Tables that a sentence names, of however many there are."""


class MoveError(Exception):
    """The database cannot be moved; the text is a sentence for the administrator."""


@dataclass(frozen=True)
class Moved:
    """How many rows each table has, and what `audit verify` says of the trail at its new place."""

    rows: dict[str, int]
    verdict: Verdict


def move(settings: Settings, target: URL) -> Moved:
    """Copy all rows into an empty database, which is migrated first, and read them again there.

    Args:
        settings: those of the instance; an application context of its database is needed.
        target: of PostgreSQL, or the SQLite file of the instance.

    Raises:
        MoveError: the target is not empty, or cannot keep the rows; nothing of them is there.
        SettingsError: a server runs on the instance, or one of the databases cannot be used.
    """
    if target == settings.database:
        raise MoveError(SAME.format(place_of(target)))
    there = _with_database(settings, target)
    with held(settings.instance_dir), opening.usable(settings), serving_lock.alone():
        with opening.usable(settings):
            opening.check_finished(settings)
            opening.check_present(settings)
        with opening.usable(there):
            _check_empty(there)
        with opening.usable(settings):
            # First, so that the copy says so as well.
            audit.keep(Event.MOVE, to=target.get_backend_name())
            head = trail.head(db.session())
            # No transaction stays open meanwhile.
            db.session.remove()
        with opening.usable(there), opening.elsewhere(there):
            opening.bring_up_to_date(there)
            db.session.remove()
            rows = _copy(settings.database, target)
            return Moved(rows, verify(head))


def _with_database(settings: Settings, url: URL) -> Settings:
    text = url.render_as_string(hide_password=False)
    kept = SecretStr(text if url.get_backend_name() == POSTGRESQL else "")
    return settings.model_copy(update={"database_url": kept})


def _check_empty(there: Settings) -> None:
    with opening.elsewhere(there), db.engine.connect() as connection:
        tables = copying.occupied(connection)
    if tables:
        more = ", …" if len(tables) > MOST_NAMED else ""
        named = ", ".join(tables[:MOST_NAMED]) + more
        raise MoveError(OCCUPIED.format(place_of(there.database), named))


def _copy(source: URL, target: URL) -> dict[str, int]:
    """Copy and compare in one transaction of each database."""
    place = place_of(target)
    with copying.engine_of(source).connect() as reading:
        if source.get_backend_name() == POSTGRESQL:
            # All tables as they are at one moment.
            reading = reading.execution_options(isolation_level="REPEATABLE READ")
        try:
            with copying.engine_of(target).begin() as writing:
                copied = copying.copy(reading, writing)
                copying.check(writing, copied)
        except NotCopiedError as error:
            raise MoveError(DIFFERENT.format(error, place)) from error
        except DBAPIError as error:
            raise MoveError(CANNOT.format(place, opening.words_of(error))) from error
    return {name: contents.rows for name, contents in copied.items()}
