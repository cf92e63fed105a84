"""Upstream's env examples at two releases, compared as far as requests are left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from difyaction.releases.catalogue import EnvKeys
from difyaction.releases.envkeys import env_keys
from difyaction.releases.version import Version
from difyaction.upstream_source import Source

ENV_EXAMPLE = "docker/.env.example"
OTHER_EXAMPLES = "docker/envs/"
SHARED_EXAMPLE = "docker/envs/core-services/shared.env.example"
_SPLIT_SINCE = (1, 14, 1)

_NOT_COMPARED = EnvKeys(unread=(ENV_EXAMPLE,))


@dataclass(frozen=True)
class Side:
    """One of the two releases: its tag as upstream wrote it, and its version."""

    tag: str
    version: Version

    @property
    def is_split(self) -> bool:
        """Whether most keys stand in docker/envs/**, not in .env.example, as they do from 1.14.1 on."""
        return self.version.numbers >= _SPLIT_SINCE

    @property
    def examples(self) -> tuple[str, ...]:
        """The examples that are worth a request; what is read last counts."""
        return (SHARED_EXAMPLE, ENV_EXAMPLE) if self.is_split else (ENV_EXAMPLE,)


def compare_examples(source: Source, old: Side, new: Side, *, most_calls: int) -> EnvKeys:
    """Compare the examples of two releases without going over ``most_calls`` requests in all.

    What did not take part stands in ``unread``. Across the split of 1.14.1 nobody can say which keys
    went: those that moved to files which are not read would look the same.
    """
    wanted = [(side, path) for side in (old, new) for path in side.examples]
    if old.is_split and new.is_split and not _is_affordable(source, wanted, most_calls):
        wanted = [(old, ENV_EXAMPLE), (new, ENV_EXAMPLE)]
    if not _is_affordable(source, wanted, most_calls):
        return _NOT_COMPARED
    texts = [(side, source.file(side.tag, path)) for side, path in wanted]
    if any(text is None for _, text in texts):
        return _NOT_COMPARED
    keys = env_keys(*("\n".join(text or "" for at, text in texts if at is side) for side in (old, new)))
    if not (old.is_split or new.is_split):
        return keys
    return EnvKeys(
        added=keys.added if old.is_split <= new.is_split else (),
        removed=keys.removed if old.is_split >= new.is_split else (),
        changed=keys.changed,
        unread=(OTHER_EXAMPLES,),
    )


def _is_affordable(source: Source, wanted: Sequence[tuple[Side, str]], most_calls: int) -> bool:
    return source.calls + sum(not source.has_read(side.tag, path) for side, path in wanted) <= most_calls
