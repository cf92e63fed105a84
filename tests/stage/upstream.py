"""A small upstream: four releases of Dify as upstream's repository shows them, in miniature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Dify's own tags, and those of sandbox and plugin daemon that each release runs.
SETS: Mapping[str, Mapping[str, str]] = {
    "1.13.2": {"sandbox": "0.2.12", "plugin-daemon": "0.5.4-local"},
    "1.13.3": {"sandbox": "0.2.14", "plugin-daemon": "0.5.3-local"},
    "1.14.0": {"sandbox": "0.2.15", "plugin-daemon": "0.6.0-local"},
    "1.14.1": {"sandbox": "0.2.15", "plugin-daemon": "0.6.0-local"},
}

NOTES: Mapping[str, str] = {
    "1.13.3": "## What's Changed\n\n* fix: a worker that forgot its queue by @someone in #33001\n",
    "1.14.0": (
        "## Highlights\n\nWorkflows start faster.\n\n"
        "## ⚠️ Breaking changes\n\nCELERY_WORKER_AMOUNT is 4 by default; watch the database's connections.\n\n"
        "## What's Changed\n\n* feat: more of it by @somebody in https://github.com/langgenius/dify/pull/34000\n"
    ),
    "1.14.1": (
        "## Upgrade Guide\n\n1. Compare `.env.example` with your `.env`.\n2. `docker compose up -d`\n\n"
        "## What's Changed\n\n* chore: split the environment files, fixes #35000\n"
    ),
}

PUBLISHED: Mapping[str, str] = {
    "1.13.2": "2026-03-18T09:00:00Z",
    "1.13.3": "2026-03-25T09:00:00Z",
    "1.14.0": "2026-04-29T09:00:00Z",
    "1.14.1": "2026-05-12T09:00:00Z",
}


def compose(version: str) -> str:
    """Return a compose file of that release: its services, and nothing that no test looks at."""
    tags = SETS[version]
    images = {
        "api": f"langgenius/dify-api:{version}",
        "worker": f"langgenius/dify-api:{version}",
        "worker_beat": f"langgenius/dify-api:{version}",
        "web": f"langgenius/dify-web:{version}",
        "sandbox": f"langgenius/dify-sandbox:{tags['sandbox']}",
        "plugin_daemon": f"langgenius/dify-plugin-daemon:{tags['plugin-daemon']}",
        "db_postgres": "postgres:15-alpine",
        "redis": "redis:6-alpine",
        "weaviate": "semitechnologies/weaviate:1.27.0",
    }
    services = "".join(f"  {name}:\n    image: {image}\n" for name, image in images.items())
    return f"services:\n{services}"


def env_example(version: str) -> str:
    """Return an env example of that release."""
    amount = "4" if version.startswith("1.14") else ""
    lines = ["MIGRATION_ENABLED=true", "DB_HOST=db_postgres", f"CELERY_WORKER_AMOUNT={amount}"]
    return "\n".join([*lines, *(["ENABLE_COLLABORATION_MODE=true"] if version == "1.14.1" else []), ""])


def releases() -> list[dict[str, Any]]:
    """Return upstream's releases as GitHub's API lists them, newest first."""
    return [
        {"tag_name": version, "body": NOTES.get(version, ""), "published_at": when}
        for version, when in reversed(PUBLISHED.items())
    ]


def files() -> dict[str, dict[str, str]]:
    """Return the files of each tag."""
    return {
        version: {"docker/docker-compose.yaml": compose(version), "docker/.env.example": env_example(version)}
        for version in SETS
    }
