"""The database server, as the probe's answer and the API's environment have it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from ipaddress import ip_address, ip_network

from difyaction.compose.answers import Answers, number, text
from difyaction.compose.facts import CONTROL, Container, Database, is_image
from difyaction.secret import Secret

_PORTS = {"postgresql": 5432, "mysql": 3306}
_USERS = {"postgresql": "postgres", "mysql": "root"}
_REFUSED = re.compile(r"^error\|(.*)|\b(?:ERROR|FATAL): +(.*)", re.MULTILINE)


def database(answers: Answers, containers: Sequence[Container]) -> Database | None:
    """Return what is known of the database, None when no container of the API says where it is."""
    api = next((c for c in containers if is_image(c.ref, "dify-api") and c.environment), None)
    if api is None:
        return None
    kind = "mysql" if api.env("DB_TYPE") == "mysql" else "postgresql"
    holder = next((c for c in containers if c.id == text(answers, "database-container") != ""), None)
    rows = [line.split("|") for line in text(answers, "database").splitlines()]
    version = _said(rows, "version")
    extensions = {row[1] for row in rows if row[0] == "extension" and len(row) > 1}
    return Database(
        kind=kind,
        container=holder.id if holder else "",
        service=holder.service if holder else "",
        host=api.env("DB_HOST"),
        port=number(api.env("DB_PORT")) or _PORTS[kind],
        user=api.env("DB_USERNAME") or _USERS[kind],
        password=api.environment.get("DB_PASSWORD", Secret("")),
        main=api.env("DB_DATABASE") or "dify",
        plugin=_plugin_database(api, containers),
        server=version.split()[0] if version else "",
        client=next(iter(re.findall(r"[0-9]+(?:\.[0-9]+)+", text(answers, "database-client"))), ""),
        sizes=_counted(rows, "size"),
        seen=tuple(row[1] for row in rows if row[0] == "there" and len(row) > 1),
        tables=_counted(rows, "table"),
        heads=tuple(row[1] for row in rows if row[0] == "head" and len(row) > 1),
        client_image=holder.image if holder else client_image(kind, version, extensions),
        network="" if holder else network_to(_said(rows, "address"), text(answers, "networks")),
        creates=_creates(rows, api.env("DB_DATABASE"), _plugin_database(api, containers)),
        refused=_refused(text(answers, "database")),
    )


def _creates(rows: Sequence[Sequence[str]], *names: str) -> bool:
    """Whether databases can be made and renamed: only from CONTROL, which cannot be renamed from itself."""
    return CONTROL not in names and "false" not in {_said(rows, "creates"), _said(rows, "control")}


def _refused(told: str) -> str:
    found = _REFUSED.search(told)
    return (found[1] or found[2]).strip()[:200] if found else ""


def client_image(kind: str, server: str, extensions: Collection[str] = ()) -> str:
    """Return upstream's image with clients of a server's own version: an older pg_dump refuses a newer server.

    Dumps are read back in it, too: where ``extensions`` of the database has ``vector``, it is an image that has it.
    """
    numbers = re.findall(r"[0-9]+", server)
    if kind == "mysql" and "MariaDB" in server:
        return "mariadb:10.11"  # the last line whose clients go by MySQL's names, too
    if kind == "mysql":
        return f"mysql:{'.'.join(numbers[:2]) or '8.0'}"
    major = numbers[0] if numbers else "15"
    return f"pgvector/pgvector:pg{major}" if "vector" in extensions else f"postgres:{major}-alpine"


def client_version(image: str) -> str:
    """Return the version of an image's clients by its tag (`16-alpine`, `0.8.0-pg16`), or nothing."""
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    found = re.search(r"pg([0-9]+)", tag) or re.match(r"([0-9]+(?:\.[0-9]+)*)", tag)
    return found[1] if found else ""


def network_to(address: str, networks: str) -> str:
    """Return the network, of those that the API is in, from which the server at an address can be reached.

    Its own, where it is a container there; else one that leads out. ``networks`` has name, internal, subnets in a line.
    """
    known = [line.split("|") for line in networks.splitlines() if line.count("|") == 2]  # noqa: PLR2004 - three fields
    here = (name for name, _, subnets in known if any(_holds(subnet, address) for subnet in subnets.split()))
    out = (name for name, internal, _ in known if internal != "true")
    return next(here, next(out, ""))


def _holds(subnet: str, address: str) -> bool:
    try:
        return ip_address(address) in ip_network(subnet, strict=False)
    except ValueError:
        return False


def _said(rows: Sequence[Sequence[str]], kind: str) -> str:
    return next((row[1] for row in rows if row[0] == kind and len(row) > 1), "")


def _plugin_database(api: Container, containers: Sequence[Container]) -> str:
    daemon = next((c for c in containers if is_image(c.ref, "dify-plugin-daemon")), None)
    named = daemon.env("DB_DATABASE") if daemon else ""
    return named or (api.env("DB_PLUGIN_DATABASE") or "dify_plugin" if daemon else "")


def _counted(rows: Sequence[Sequence[str]], kind: str) -> dict[str, int]:
    return {row[1]: number(row[2]) for row in rows if row[0] == kind and len(row) > 2}  # noqa: PLR2004 - kind, name, count
