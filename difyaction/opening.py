"""The log's first line: who does what, and where. A log that is passed on says what it is of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from difyaction import __version__
from difyaction.input_table import SSH_PORT

if TYPE_CHECKING:
    from difyaction.inputs import Inputs


def opening(asked: Inputs) -> str:
    """Return it, in the inputs' own names; what was not given is left out."""
    return f"dify-upgrade-action {__version__}: {', '.join(_words(asked))}"


def _words(asked: Inputs) -> Iterator[str]:
    yield f"mode {asked.mode}"
    if asked.target and asked.mode != "matrix":
        yield f"target {asked.target}"
    if told := place(asked):
        yield told
    for name, given in (
        ("repository", asked.repository if asked.target == "gitops" else ""),
        ("environment", asked.environment),
        ("dify-version", asked.dify_version),
        ("rollback-to", asked.rollback_to),
        ("plan-id", asked.plan_id[:12]),
    ):
        if given:
            yield f"{name} {given}"


def place(asked: Inputs) -> str:
    """Say which machine it is about; nothing where it is about none."""
    if asked.target == "gitops" or asked.mode == "matrix":
        return ""
    if asked.target == "azure-vm":
        return f"vm {'/'.join(part for part in (asked.resource_group, asked.vm_name) if part)}"
    if asked.host == "local" or not asked.host:
        return "this machine"
    port = f":{asked.port}" if asked.port not in {None, SSH_PORT} else ""
    return f"host {asked.user}@{asked.host}{port}"
