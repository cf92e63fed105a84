"""Connections to what DB_* and the brokers' addresses name: PostgreSQL, or MySQL spoken to as if it were the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg2
import redis
from standin.settings import given

if TYPE_CHECKING:
    from standin.mysql import Cursor, MySql

    Connection = psycopg2.extensions.connection | MySql
    AnyCursor = psycopg2.extensions.cursor | Cursor

IS_MYSQL = given("DB_TYPE") == "mysql"
NAME = "MySQLImpl" if IS_MYSQL else "PostgresqlImpl"


def connect(database: str = "") -> Connection:
    database = database or given("DB_DATABASE", "dify")
    if not IS_MYSQL:
        return _postgresql(database)
    from standin.mysql import MySql  # noqa: PLC0415 -- see there

    return MySql(database)


def errors() -> tuple[type[Exception], ...]:
    if not IS_MYSQL:
        return (psycopg2.Error,)
    from pymysql import MySQLError  # noqa: PLC0415 -- see mysql.py

    return (MySQLError,)


def has_table(cursor: AnyCursor, name: str) -> bool:
    here = "database()" if IS_MYSQL else "current_schema()"
    cursor.execute(
        f"SELECT count(*) FROM information_schema.tables WHERE table_schema = {here} AND table_name = %s",  # noqa: S608
        (name,),
    )
    return bool(cursor.fetchone()[0])


def _postgresql(database: str) -> psycopg2.extensions.connection:
    return psycopg2.connect(
        host=given("DB_HOST", "localhost"),
        port=given("DB_PORT", "5432"),
        user=given("DB_USERNAME", "postgres"),
        password=given("DB_PASSWORD"),
        dbname=database,
        connect_timeout=5,
    )


def broker() -> redis.Redis:
    return redis.Redis.from_url(given("CELERY_BROKER_URL", "redis://localhost:6379/1"), decode_responses=True)


def locks() -> redis.Redis:
    return redis.Redis(
        host=given("REDIS_HOST", "localhost"),
        port=int(given("REDIS_PORT", "6379")),
        password=given("REDIS_PASSWORD") or None,
        decode_responses=True,
    )
