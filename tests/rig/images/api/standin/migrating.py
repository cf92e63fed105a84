"""`flask db ...`: real statements, a real transaction, a real exit code; and the ways in which it was asked to fail."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from standin import revisions
from standin.database import IS_MYSQL, NAME, connect, errors, has_table
from standin.revisions import Revision
from standin.settings import FAULT, complain, fault, say

if TYPE_CHECKING:
    from standin.database import AnyCursor, Connection

TABLE = "CREATE TABLE IF NOT EXISTS alembic_version (version_num varchar(32) PRIMARY KEY)"


class MigrationError(Exception):
    pass


def head() -> str:
    return revisions.known()[-1].name


def current() -> str:
    """Return the revision that the database says it has; empty when it says nothing."""
    connection = connect()
    try:
        with connection.cursor() as cursor:
            return _current(cursor)
    finally:
        connection.close()


def upgrade() -> None:
    """Bring the database to the head; raise when that fails. PostgreSQL does it in one transaction, MySQL cannot."""
    info(f"Context impl {NAME}.")
    info(f"Will assume {'non-' if IS_MYSQL else ''}transactional DDL.")
    if fault("200-unmigrated"):
        return
    connection = connect()
    try:
        with connection.cursor() as cursor:
            cursor.execute(TABLE)
            todo = _after(_current(cursor))
            for number, revision in enumerate(todo):
                if number == len(todo) - 1:
                    _stumble(connection, cursor)
                _apply(cursor, revision)
        connection.commit()
    except errors() as error:
        raise MigrationError(str(error).strip()) from error
    finally:
        connection.close()


def info(text: str) -> None:
    complain(f"INFO  [alembic.runtime.migration] {text}")


def _current(cursor: AnyCursor) -> str:
    if not has_table(cursor, "alembic_version"):
        return ""
    cursor.execute("SELECT version_num FROM alembic_version")
    row = cursor.fetchone()
    return row[0] if row else ""


def _after(name: str) -> list[Revision]:
    chain = revisions.known()
    names = [revision.name for revision in chain]
    if not name:
        return chain
    if name not in names:
        raise MigrationError(f"Can't locate revision identified by '{name}'")
    return chain[names.index(name) + 1 :]


def _apply(cursor: AnyCursor, revision: Revision) -> None:
    info(f"Running upgrade {revision.revises} -> {revision.name}, {revision.title}")
    cursor.execute(revision.sql)
    cursor.execute("DELETE FROM alembic_version")
    cursor.execute("INSERT INTO alembic_version VALUES (%s)", (revision.name,))


def _stumble(connection: Connection, cursor: AnyCursor) -> None:
    """Fail before the last revision in the way that was asked for."""
    if fault("migration-half"):
        # what came before stays: a database without transactional DDL, or a migration that commits by itself
        connection.commit()
    if fault("migration-slow"):
        cursor.execute("SELECT pg_sleep(%s)", (FAULT.get("seconds", 5),))
    if fault("migration-hang"):
        cursor.execute("LOCK TABLE apps IN ACCESS EXCLUSIVE MODE")
        say("waiting for something that never comes")
        time.sleep(float(FAULT.get("seconds", 86400)))
    if fault("migration-fails") or fault("migration-exit0") or fault("migration-half"):
        cursor.execute("ALTER TABLE no_such_table ADD COLUMN asked_for_by_the_test text")
