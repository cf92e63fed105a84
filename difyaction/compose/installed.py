"""Which release a machine runs, told by its containers first, then by its files."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from difyaction.compose.draft import COMPOSE
from difyaction.compose.facts import Install, Machine
from difyaction.errors import Failed
from difyaction.releases.images import image_set
from difyaction.releases.version import Version

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}")


def must_be_known(machine: Machine) -> Install:
    """Return the install, when there is one to upgrade.

    :raises Failed: ``dify-not-found``, ``dify-never-ran``, ``database-unknown``.
    """
    install = machine.install
    if install is None:
        raise Failed(
            "dify-not-found",
            "No Dify was found on the host: user {user} sees no container of it, and none of the usual folders.",
            next_step="Name the folder with docker-compose.yaml in dify-folder, or check host and user.",
            user=machine.host.user,
        )
    if machine.api is None or not machine.containers:
        raise Failed(
            "dify-never-ran",
            "Dify in {folder} has no container of its api, so that nobody can say what runs.",
            next_step="Start it once (`docker compose up -d`), see that it works, then run again; check project-name.",
            folder=install.folder,
        )
    if machine.database is None or not machine.database.host:
        raise Failed(
            "database-unknown",
            "The api in {folder} does not say where its database is.",
            next_step="Look for DB_HOST in the api container's environment; only PostgreSQL and MySQL are supported.",
            folder=install.folder,
        )
    odd = [name for name in (machine.database.main, machine.database.plugin) if name and not _NAME.fullmatch(name)]
    if odd:
        raise Failed(
            "database-name-odd",
            "The database is called {name}, which cannot be written in SQL and shell without care.",
            next_step="Rename it to letters, digits, dashes and underscores.",
            name=repr(odd[0]),
        )
    return install


def installed_version(machine: Machine) -> Version:
    """Return the version that runs.

    :raises Failed: ``installed-unknown``.
    """
    for tag in _tags(machine):
        try:
            return Version.parse(tag)
        except ValueError:
            continue
    raise Failed(
        "installed-unknown",
        "The running api's image {image} names no version of Dify, nor do the files.",
        next_step="Run an image with a version in its tag first.",
        image=machine.api.image if machine.api else "(none)",
    )


def _tags(machine: Machine) -> Iterator[str]:
    if machine.api is not None:
        yield machine.api.ref.tag
    install = machine.install
    if install is None:
        return
    held = install.files.get(COMPOSE)
    if held is not None:
        with contextlib.suppress(ValueError):
            yield image_set(held.content.decode("utf-8", "replace")).tags.get("langgenius/dify-api", "")
    yield from install.checkout.tags if install.checkout else ()
