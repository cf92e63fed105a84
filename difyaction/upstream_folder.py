"""Upstream's ``docker`` folder at a release, and its schema: from the archive that GitHub makes of a tag."""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from difyaction import errors
from difyaction.releases import migrations
from difyaction.secret import Secret
from difyaction.web import Credential, Reads, host_of

ARCHIVE_LIMIT = 256 * 1024 * 1024  # bytes; an archive of Dify is about thirty million
_FILE_LIMIT = 1024 * 1024
_OK = 200


_MIGRATIONS = tuple(migrations.FOLDER.split("/"))


@dataclass(frozen=True)
class Archive:
    """What a release is made of: the files below ``docker/`` by their path in it, and the schema that it migrates to.

    ``head`` is empty when its migrations do not say it.
    """

    files: Mapping[str, bytes] = field(repr=False)
    head: str


def release_archive(web: Reads, api_url: str, repository: str, tag: str, token: Secret | None) -> Archive:
    """Return what the archive of a tag holds.

    :raises Failed: ``upstream-archive``, when there is no such archive, or none of Dify.
    """
    credential = Credential(host_of(api_url), Secret(f"Bearer {token.reveal()}")) if token else None
    reply = web.get(
        f"{api_url.rstrip('/')}/repos/{repository}/tarball/{tag}",
        headers={"User-Agent": "dify-upgrade-action", "X-GitHub-Api-Version": "2022-11-28"},
        credential=credential,
        limit=ARCHIVE_LIMIT,
    )
    if reply.status != _OK:
        raise _unusable(repository, tag, f"it answers {reply.status}")
    try:
        members = dict(_members(reply.body))
    except (tarfile.TarError, zlib.error, EOFError, OSError) as why:
        raise _unusable(repository, tag, "it cannot be unpacked") from why
    files = {"/".join(parts[1:]): content for parts, content in members.items() if parts[0] == "docker"}
    if "docker-compose.yaml" not in files:
        raise _unusable(repository, tag, "there is no docker/docker-compose.yaml in it")
    lines = [
        line
        for parts, content in members.items()
        if parts[0] != "docker"
        for line in content.decode("utf-8", "replace").splitlines()
    ]
    return Archive(files, migrations.head_of_migrations(lines) or "")


def _members(packed: bytes) -> Iterator[tuple[tuple[str, ...], bytes]]:
    """Yield the files that matter, by the parts of their path in the repository."""
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r|gz") as archive:
        for member in archive:
            parts = PurePosixPath(member.name).parts[1:]
            wanted = parts[:1] == ("docker",) or parts[:-1] == _MIGRATIONS
            if wanted and member.isfile() and ".." not in parts and member.size <= _FILE_LIMIT:
                content = archive.extractfile(member)
                if content is not None:
                    yield parts, content.read()


def _unusable(repository: str, tag: str, why: str) -> errors.Failed:
    return errors.Failed(
        "upstream-archive",
        "The archive of {repository} at {tag} is of no use: {why}.",
        next_step="Check dify-repository and dify-token: GitHub has to give out Dify's own files at that tag.",
        repository=repository,
        tag=tag,
        why=why,
    )
