"""The runbook: the fixed prelude and the steps, as the one shell script that runs on the host. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from difyaction.compose.steps import Step


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """What a run is called and where it lives. All paths are absolute and on the host; times are seconds.

    ``folder`` is the run's own; ``backup`` this run's backup; ``workdir`` where fragments start (Dify's docker folder).
    ``compose`` is what ``dc`` stands for, ``docker`` what ``dk`` does. ``verbs`` are shell functions for the fragments.
    ``lock`` is the directory that is the lock; it counts as held until ``lock_expiry`` where nobody can see whether
    its owner lives. ``owner`` is for people (repository and run). ``audit_log`` gets a line at begin and end.
    """

    run_id: str
    folder: str
    backup: str
    lock: str
    workdir: str = "/"
    docker_env: Mapping[str, str] = field(default_factory=dict)
    docker: Sequence[str] = ("docker",)
    compose: Sequence[str] = ("docker", "compose")
    verbs: str = ""
    owner: str = ""
    summary: str = ""
    audit_log: str = ""
    lock_expiry: int = 6 * 3600
    live_every: int = 10
    grace: int = 10
    shell: Sequence[str] = ("sh",)


def render(steps: Sequence[Step], settings: RunSettings) -> str:
    """Return the script."""
    raise NotImplementedError
