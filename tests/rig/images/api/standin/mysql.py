"""MySQL, spoken to as if it were PostgreSQL. Imported only where it is: each process compiles the driver anew."""

from __future__ import annotations

import re
from typing import Self

import pymysql
from standin.settings import given

# what the migrations say in PostgreSQL's words, in MySQL's: as the real ones do with types of their own
WORDS = (
    (r"uuid PRIMARY KEY DEFAULT gen_random_uuid\(\)", "char(36) PRIMARY KEY DEFAULT (uuid())"),
    (r"\buuid\b(?!\()", "char(36)"),
    (r"\btext (PRIMARY KEY|NOT NULL UNIQUE|NOT NULL DEFAULT)", r"varchar(255) \1"),
    (r"ALTER COLUMN (\w+) SET NOT NULL", r"MODIFY \1 varchar(255) NOT NULL"),
    (r"\bkey\b", "`key`"),
    (r"pg_sleep", "sleep"),
)


class MySql:
    """A connection that is used as psycopg2's: `with` ends a transaction, several statements are one text."""

    def __init__(self, database: str) -> None:
        self._real = pymysql.connect(
            host=given("DB_HOST", "localhost"),
            port=int(given("DB_PORT", "3306")),
            user=given("DB_USERNAME", "root"),
            password=given("DB_PASSWORD"),
            database=database,
            connect_timeout=5,
            charset="utf8mb4",
            ssl_disabled=True,
            cursorclass=Cursor,
        )
        self.cursor, self.commit, self.close = self._real.cursor, self._real.commit, self._real.close

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._real.commit()
        else:
            self._real.rollback()


class Cursor(pymysql.cursors.Cursor):
    def execute(self, text: str, given_values: object = None) -> int:
        for pattern, word in WORDS:
            text = re.sub(pattern, word, text)
        done = 0
        for statement in re.sub(r"^--.*$", "", text, flags=re.MULTILINE).split(";\n"):
            if statement.strip(" ;\n"):
                done = super().execute(statement.strip(" ;\n"), given_values)
        return done
