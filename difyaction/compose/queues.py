"""The queues that workers take from, as far as somebody named them by hand. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from difyaction.compose.composed_facts import Service
from difyaction.compose.facts import Container
from difyaction.compose.roles import Role, role_of

_KEYS = ("CELERY_QUEUES", "CELERY_WORKER_QUEUES")
_OPTION = re.compile(r"(?:^|\s)(?:-Q|--queues)[\s=]+([\w,.-]+)")


def named_queues(started: Iterable[Container | Service]) -> tuple[str, ...]:
    """Return what all workers together take from; empty when there is none, or one takes whatever its release has."""
    found: set[str] = set()
    for each in started:
        if role_of(each.ref, each.environment) is not Role.WORKER:
            continue
        named = _queues_of(each)
        if not named:
            return ()
        found.update(named)
    return tuple(sorted(found))


def _queues_of(started: Container | Service) -> Sequence[str]:
    option = _OPTION.search(" ".join(started.command))
    named = option[1] if option else ""
    for key in _KEYS:
        given = started.environment.get(key)
        named = named or (given.reveal() if given is not None else "")
    return [queue.strip() for queue in named.split(",") if queue.strip()]
