"""Which tables and databases are counted, and which are summed up. Rows are the server's own estimates, sizes bytes."""

from __future__ import annotations

from collections.abc import Iterator

from difyaction.compose.facts import Database
from difyaction.releases.version import Version

_COUNTED = 2_000_000  # rows, by the server's own estimate; counting more takes long while nobody is served
_BESIDE = 1024**3  # of a database whose tables nobody estimated: counting that much takes seconds
_SUMMED = 200_000
_SUMMED_TABLES = (
    "tenants", "accounts", "tenant_account_joins", "apps", "app_model_configs", "workflows", "sites", "installed_apps",
    "datasets", "documents", "api_tokens", "providers", "provider_models", "dify_setups",
)  # fmt: skip
# Tables from which a release's own migrations delete rows: twins, of which the newest stays. All migrations of 0.6.0
# to 1.14.1 were read, and many of those after it up to 1.17.1; for what was not, there is `acknowledge`. Source:
# upstream's api/migrations/versions, by revision.
_SHRINKING = (
    (Version.parse("1.13.0"), ("tenant_default_models",)),  # f55813ffe2c8, before it makes them unique
    (
        Version.parse("1.17.0"),  # 5578e028b2f2: old names of model types become the new ones
        (
            "load_balancing_model_configs", "provider_model_credentials", "provider_model_settings",
            "provider_models", "tenant_default_models",
        ),
    ),
)  # fmt: skip


def counted_tables(database: Database) -> tuple[str, ...]:
    """Return the tables whose rows can be counted while nobody is served."""
    return tuple(sorted(name for name, rows in database.tables.items() if rows <= _COUNTED))


def uncounted_tables(database: Database) -> dict[str, int]:
    """Return the others, the largest first, with their rows by the server's own estimate."""
    large = {name: rows for name, rows in database.tables.items() if rows > _COUNTED}
    return dict(sorted(large.items(), key=lambda each: (-each[1], each[0])))


def counted_beside(database: Database) -> tuple[str, ...]:
    """Return the databases beside the api's all of whose rows can be counted while nobody is served."""
    names = (name for name in database.names if name != database.main)
    return tuple(name for name in names if database.sizes.get(name, _BESIDE + 1) <= _BESIDE)


def read_back_whole(database: Database, most: int) -> tuple[str, ...]:
    """Return the databases whose dumps are read back with their rows, each of which is counted.

    One whose size the server did not tell may be large, here and in `counted_beside`.
    """
    return tuple(name for name in database.names if database.sizes.get(name, most + 1) <= most)


def summed_tables(database: Database) -> tuple[str, ...]:
    """Return the tables that a checksum is made over."""
    return tuple(name for name in _SUMMED_TABLES if database.tables.get(name, _SUMMED + 1) <= _SUMMED)


def shrinking_tables(installed: Version, wanted: Version) -> tuple[str, ...]:
    """Return the tables that may have fewer rows after this way, because migrations on it delete twins."""
    return tuple(sorted(set(_shrinking(installed, wanted))))


def _shrinking(installed: Version, wanted: Version) -> Iterator[str]:
    for since, tables in _SHRINKING:
        if installed.numbers < since.numbers <= wanted.numbers:
            yield from tables
