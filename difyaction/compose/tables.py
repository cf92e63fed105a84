"""Which tables are counted, and which are summed up, while nobody writes. Sizes are the server's own estimates."""

from __future__ import annotations

from difyaction.compose.facts import Database

_COUNTED = 2_000_000  # rows, by the server's own estimate; counting more takes long while nobody is served
_SUMMED = 200_000
_SUMMED_TABLES = (
    "tenants", "accounts", "tenant_account_joins", "apps", "app_model_configs", "workflows", "sites", "installed_apps",
    "datasets", "documents", "api_tokens", "providers", "provider_models", "dify_setups",
)  # fmt: skip


def counted_tables(database: Database) -> tuple[str, ...]:
    """Return the tables whose rows can be counted while nobody is served."""
    return tuple(sorted(name for name, rows in database.tables.items() if rows <= _COUNTED))


def summed_tables(database: Database) -> tuple[str, ...]:
    """Return the tables that a checksum is made over."""
    return tuple(name for name in _SUMMED_TABLES if database.tables.get(name, _SUMMED + 1) <= _SUMMED)
