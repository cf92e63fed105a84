"""The release that is asked for, where `dify-version` names a file: read in the checkout, else on GitHub."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from difyaction.errors import Complaint, Failed, Invalid
from difyaction.language import N_
from difyaction.releases.request import Request, first_version_line, version_file
from difyaction.secret import Secret
from difyaction.web import Credential, Reads, host_of

if TYPE_CHECKING:
    from difyaction.inputs import Inputs

_LIMIT = 64 * 1024
_ABSENT = N_("The repository has no file {path}, where dify-version says that the version stands.")
_UNREAD = N_("The file {path}, which dify-version names, cannot be read: GitHub answers {status}.")


def asked_version(inputs: Inputs, environ: Mapping[str, str], web: Reads) -> str:
    """Return the version or range that is asked for, out of its file if the input names one.

    A checkout of this job comes first; without one the workflow's own commit is asked for the file.

    :raises Failed: ``version-file-missing``.
    :raises Invalid: ``version-file-empty``.
    """
    path = version_file(inputs.dify_version)
    if path is None:
        return inputs.dify_version
    content = _in_checkout(Path(environ.get("GITHUB_WORKSPACE") or "."), path)
    if content is None and inputs.repository:
        content = _on_github(inputs, environ, web, path)
    if content is None:
        raise missing(path)
    return version_in(path, content)


def version_in(path: str, content: bytes) -> str:
    """Return what a version file says. ``Invalid``: it says nothing, or nothing that is a version."""
    try:
        text = content.decode("utf-8")
        said = first_version_line(text)
    except ValueError as why:
        complaint = Complaint(id="version-file-empty", text=f"{path}: {why}", input="dify-version", file=path)
        raise Invalid([complaint]) from why
    try:
        Request.parse(said)
    except ValueError as why:
        line = next(number for number, each in enumerate(text.splitlines(), 1) if said in each.partition("#")[0])
        told = f"dify-version: {path}, line {line}: {why}."
        raise Invalid([Complaint(id="input-invalid", text=told, input="dify-version", file=path, line=line)]) from why
    return said


def missing(path: str, status: int = 0) -> Failed:
    """Return the error for a version file that is not there, or that GitHub answers with ``status``."""
    return Failed(
        "version-file-missing",
        _UNREAD if status else _ABSENT,
        next_step="Correct the input dify-version, or add the file with one line such as 1.14.1.",
        path=path,
        status=status,
    )


def _in_checkout(root: Path, path: str) -> bytes | None:
    """Return the file's beginning, None when there is none, or when it is a link that leads out of the checkout."""
    try:
        file = (root / path).resolve(strict=True)
        if not file.is_relative_to(root.resolve()) or not file.is_file():
            return None
        with file.open("rb") as opened:
            return opened.read(_LIMIT)
    except OSError:
        return None


def _on_github(inputs: Inputs, environ: Mapping[str, str], web: Reads, path: str) -> bytes | None:
    same = inputs.repository == environ.get("GITHUB_REPOSITORY")
    commit = environ.get("GITHUB_SHA", "") if same else ""
    token = inputs.token
    credential = Credential(host_of(inputs.api_url), Secret(f"Bearer {token.reveal()}")) if token else None
    address = f"{inputs.api_url.rstrip('/')}/repos/{inputs.repository}/contents/{quote(path)}"
    reply = web.get(
        f"{address}?ref={commit}" if commit else address,
        headers={
            "Accept": "application/vnd.github.raw+json",
            "User-Agent": "dify-upgrade-action",
            "X-GitHub-Api-Version": "2022-11-28",
        },
        credential=credential,
        limit=_LIMIT,
    )
    if reply.status == HTTPStatus.OK:
        return reply.body
    if reply.status == HTTPStatus.NOT_FOUND:
        return None
    raise missing(path, reply.status)
