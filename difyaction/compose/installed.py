"""Which release a machine runs, told by its containers first, then by its files."""

from __future__ import annotations

import contextlib
import posixpath
import re
from collections.abc import Iterator

from difyaction.compose.draft import COMPOSE
from difyaction.compose.facts import Machine
from difyaction.compose.install import Install
from difyaction.errors import Failed
from difyaction.releases.images import API, image_set
from difyaction.releases.version import Version

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}")


def must_be_known(machine: Machine) -> Install:
    """Return the install, when there is one to upgrade.

    :raises Failed: what `_not_there` and `_must_be_upstreams` say, ``api-unknown``, ``dify-never-ran``,
        ``database-unknown``.
    """
    install = machine.install
    if install is None:
        raise _not_there(machine)
    _must_be_upstreams(install, machine.host.user)
    _api_must_be_known(machine, install)
    if machine.api is None or not machine.containers:
        raise Failed(
            "dify-never-ran",
            "Dify in {folder} has no container of its api, so that nobody can say what runs.",
            next_step="Check `project-name` and `dify-folder` first: `docker compose ls -a` shows what runs from which"
            " folder. If nothing of Dify does, start it as it was started before, see that it works, then run again.",
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


def _not_there(machine: Machine) -> Failed:
    """Say where there is no compose file: ``dify-folder-unseen``, ``dify-folder-wrong`` or ``dify-not-found``."""
    user, folder = machine.host.user, machine.sought
    if folder and folder in machine.started:
        return Failed(
            "dify-folder-unseen",
            "The containers of Dify say that they were started in {folder}, and user {user} sees no "
            "docker-compose.yaml there.",
            next_step="Portainer and the like keep it where the host cannot see it: upgrade there. If only another "
            "user may look into that folder, log in as that one; if it was moved, name it in dify-folder.",
            folder=folder,
            user=user,
        )
    if folder:
        return Failed(
            "dify-folder-wrong",
            "User {user} sees no docker-compose.yaml in {folder}, which dify-folder names, nor in a folder docker "
            "there.",
            next_step="Correct dify-folder, or leave it out: then it is the folder that the containers were started "
            "in.",
            folder=folder,
            user=user,
        )
    return Failed(
        "dify-not-found",
        "No Dify was found on the host: user {user} sees no container of it that Compose made, and none of the usual"
        " folders.",
        next_step="Name the folder with docker-compose.yaml in dify-folder, or check host and user.",
        user=user,
    )


def _must_be_upstreams(install: Install, user: str) -> None:
    """Only upstream's file by upstream's name can be merged.

    ``compose-file-other``, ``compose-file-unread``, ``env-file-other``.
    """
    usual = posixpath.join(install.folder, ".env")
    strange = [file for file in install.env_files if posixpath.normpath(posixpath.join(install.folder, file)) != usual]
    if strange:
        raise Failed(
            "env-file-other",
            "Dify in {folder} was started with `--env-file {file}`, and only its .env can be brought to the next "
            "release.",
            next_step="Put those values into {folder}/.env and start it once without that option (`docker compose up "
            "-d`), then run again.",
            folder=install.folder,
            file=strange[0],
        )
    if install.main != COMPOSE:
        raise Failed(
            "compose-file-other",
            "Dify in {folder} is started from {file}, and only upstream's docker-compose.yaml can be brought to the "
            "next release.",
            next_step="Where 1Panel, Coolify or the like wrote it, upgrade there. If it is upstream's file by another "
            "name, give it upstream's: `mv {file} docker-compose.yaml`.",
            folder=install.folder,
            file=install.main,
        )
    if COMPOSE not in install.files:
        raise Failed(
            "compose-file-unread",
            "{file} in {folder} cannot be merged: it is a symbolic link, or user {user} may not read it, or the "
            "folder holds more than can be looked at.",
            next_step="Put the file itself there, readable for that user (`cp --remove-destination`, `chmod`), and "
            "move backups and the like out of the folder.",
            folder=install.folder,
            file=COMPOSE,
            user=user,
        )


def _api_must_be_known(machine: Machine, install: Install) -> None:
    strange = [c for c in machine.containers if c.service == "api" and not c.one_off]
    if machine.api is None and strange:
        raise Failed(
            "api-unknown",
            "The api in {folder} runs {image}, whose name is not Dify's.",
            next_step="If it is a mirror, or a build of your own that has the tags of Dify's releases, say so in "
            "image-map: {image_line}.",
            folder=install.folder,
            image=strange[0].image,
            image_line=f"{API}={strange[0].ref.repository}",
        )


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
            yield image_set(held.content.decode("utf-8", "replace")).tags.get(API, "")
    yield from install.checkout.tags if install.checkout else ()
