"""The folder of the install and its files, as the probe's answer has them."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from difyaction.compose.answers import Answers, number, text, unpacked
from difyaction.compose.facts import Container, is_image
from difyaction.compose.install import ORDINARY, Checkout, Held, Install
from difyaction.compose.probe_docker import config_files, env_files

_FILE_LIMIT = 1024 * 1024


def install(answers: Answers, containers: Sequence[Container]) -> Install | None:
    """Return the install, None when there is no folder with a compose file."""
    folder = text(answers, "folder")
    files, cut = _files(answers.get("files", b""))
    there = [name for name in ORDINARY if name in {*files, *text(answers, "compose-files").splitlines()}]
    if not folder or not there:
        return None
    api = next((c for c in containers if is_image(c.ref, "dify-api") and not c.one_off), None)
    given = config_files(answers, api)
    return Install(
        folder=folder,
        project=text(answers, "project") or _project(folder),
        compose_files=given,
        env_files=env_files(answers, api),
        main=_main([file.removeprefix(f"{folder}/") for file in given], there, files),
        files=files,
        checkout=_checkout(answers, folder),
        others=tuple(line for line in text(answers, "folders").splitlines()[1:] if line),
        cut=cut,
        unseen=tuple(line.removeprefix("./") for line in text(answers, "unseen").splitlines() if line),
        writable="writable" in answers,
        links=tuple(line.removeprefix("./") for line in text(answers, "links").splitlines() if line),
        size=number(weight) if (weight := text(answers, "folder-size").strip()) else None,
    )


def _main(given: Sequence[str], there: Sequence[str], files: Mapping[str, Held]) -> str:
    """Return the compose file that the others stand over; upstream's, where it is there and nothing else is said."""
    first = next(iter(given), "")
    return first if there[0] not in given and (first in there or first in files) else there[0]


def _project(folder: str) -> str:
    """Return the name that Compose gives to a folder's project."""
    name = re.sub(r"[^a-z0-9_-]", "", PurePosixPath(folder).name.lower())
    return name.lstrip("_-")


def _files(packed: bytes) -> tuple[dict[str, Held], bool]:
    """Unpack in memory; whatever is no small ordinary file below the folder is passed over."""
    found: dict[str, Held] = {}
    try:
        plain, whole = unpacked(packed)
        with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as archive:
            found.update(_members(archive))
    except (tarfile.TarError, EOFError, OSError, ValueError):
        return found, True
    return found, not whole


def _members(archive: tarfile.TarFile) -> Iterator[tuple[str, Held]]:
    for member in archive:
        path = PurePosixPath(member.name)
        if not member.isfile() or member.size > _FILE_LIMIT or path.is_absolute() or ".." in path.parts:
            continue
        content = archive.extractfile(member)
        if content is not None:
            yield str(path), Held(content=content.read(), mode=member.mode & 0o777)


def _checkout(answers: Answers, folder: str) -> Checkout | None:
    commit, top = text(answers, "git-commit"), text(answers, "git-top")
    if not re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", commit) or not top:
        return None
    below = (text(answers, "git-folder") or folder).removeprefix(top).strip("/")
    raw = answers.get("git-status", b"").decode("utf-8", "surrogateescape")
    lines = [line for line in raw.splitlines() if len(line) > 3]  # noqa: PLR2004 - XY and a blank
    changed = {line[3:].partition(" -> ")[2] or line[3:]: line[:2] for line in lines}
    inside = {
        name.removeprefix(f"{below}/"): how
        for name, how in changed.items()
        if not below or name.startswith(f"{below}/")
    }
    return Checkout(
        top=top,
        commit=commit,
        branch=text(answers, "git-branch"),
        tags=tuple(text(answers, "git-tags").split()),
        edited=tuple(inside),
        outside=tuple(name for name in changed if below and not name.startswith(f"{below}/")),
        deleted=tuple(name for name, how in inside.items() if "D" in how),
        tracked=tuple(answers.get("git-tracked", b"").decode("utf-8", "surrogateescape").split("\0")[:-1]),
        remote=text(answers, "git-remote"),
    )
