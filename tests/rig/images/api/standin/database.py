"""Connections to what DB_* and the brokers' addresses name."""

from __future__ import annotations

import psycopg2
import redis
from psycopg2.extensions import connection
from standin.settings import given


def connect(database: str = "") -> connection:
    return psycopg2.connect(
        host=given("DB_HOST", "localhost"),
        port=given("DB_PORT", "5432"),
        user=given("DB_USERNAME", "postgres"),
        password=given("DB_PASSWORD"),
        dbname=database or given("DB_DATABASE", "dify"),
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
