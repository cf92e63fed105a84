"""The subject of GitHub's token in both its forms, and the command that makes Azure trust it. Pure.

Repositories made, renamed or moved after 15 July 2026 are named with their ids (``repo:acme@1/infra@2:...``), older
ones without, until they opt in. Azure compares the whole text, case included.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

ISSUER: Final = "https://token.actions.githubusercontent.com"
_SUBJECT = re.compile(r"repo:(?P<owner>[^/@:]+)(?:@\d+)?/(?P<name>[^/@:]+)(?:@\d+)?(?P<rest>:.*)?")


@dataclass(frozen=True)
class Subject:
    """``actual`` is what the token says now; ``old`` and ``immutable`` are its two forms, empty where unknown."""

    actual: str
    old: str = ""
    immutable: str = ""

    @property
    def other(self) -> str:
        """The form that the token does not have now."""
        return self.old if self.actual == self.immutable else self.immutable


def subject(claims: Mapping[str, Any]) -> Subject:
    """Return the subject of a token in both forms. One that was customised beyond the prefix has only itself."""
    actual = str(claims.get("sub", ""))
    found = _SUBJECT.fullmatch(actual)
    if not found:
        return Subject(actual)
    rest, owner, name = found["rest"] or "", found["owner"], found["name"]
    owner_id, repository_id = claims.get("repository_owner_id"), claims.get("repository_id")
    immutable = f"repo:{owner}@{owner_id}/{name}@{repository_id}{rest}" if owner_id and repository_id else ""
    return Subject(actual, f"repo:{owner}/{name}{rest}", immutable)


def credential_command(client_id: str, subject: str, *, issuer: str = ISSUER, audience: str) -> str:
    """Return the command that lets tokens with this subject log in as the application."""
    name = re.sub(r"[^A-Za-z0-9-]+", "-", subject.removeprefix("repo:")).strip("-")[:100]
    parameters = {"name": name, "issuer": issuer, "subject": subject, "audiences": [audience]}
    text = shlex.quote(json.dumps(parameters, separators=(",", ":")))
    return f"az ad app federated-credential create --id {client_id} --parameters {text}"
