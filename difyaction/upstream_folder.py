"""Upstream's ``docker`` folder at a release, whole: from the archive that GitHub makes of a tag."""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from difyaction import errors
from difyaction.secret import Secret
from difyaction.web import Credential, Reads, host_of

ARCHIVE_LIMIT = 256 * 1024 * 1024  # bytes; an archive of Dify is about thirty million
_FILE_LIMIT = 1024 * 1024
_OK = 200


def docker_folder(web: Reads, api_url: str, repository: str, tag: str, token: Secret | None) -> Mapping[str, bytes]:
    """Return the files below ``docker/`` at a tag, by their path in it.

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
        files = dict(_files(reply.body))
    except (tarfile.TarError, zlib.error, EOFError, OSError) as why:
        raise _unusable(repository, tag, "it cannot be unpacked") from why
    if "docker-compose.yaml" not in files:
        raise _unusable(repository, tag, "there is no docker/docker-compose.yaml in it")
    return files


def _files(packed: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r|gz") as archive:
        for member in archive:
            parts = PurePosixPath(member.name).parts
            if member.isfile() and parts[1:2] == ("docker",) and ".." not in parts and member.size <= _FILE_LIMIT:
                content = archive.extractfile(member)
                if content is not None:
                    yield "/".join(parts[2:]), content.read()


def _unusable(repository: str, tag: str, why: str) -> errors.Failed:
    return errors.Failed(
        "upstream-archive",
        "The archive of {repository} at {tag} is of no use: {why}.",
        next_step="Check dify-repository and dify-token: GitHub has to give out Dify's own files at that tag.",
        repository=repository,
        tag=tag,
        why=why,
    )
