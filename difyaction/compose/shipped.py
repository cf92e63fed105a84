"""Upstream's files of one release, as far as an env file is judged by them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from difyaction.compose import interpolation
from difyaction.compose.compose_text import env_files, service_names, shared_environment
from difyaction.compose.env_file import EnvFile, read_env
from difyaction.releases.version import Version

EXAMPLE = ".env.example"
_SUFFIX = ".example"


@dataclass(frozen=True)
class Shipped:
    """One release's ``docker`` folder. Paths are relative to it: ``envs/security.env.example``.

    ``compose`` is the compose file: of the release that runs, the very file that runs, edited or not, because
    its defaults are in effect. ``example`` is ``.env.example``, None when nobody has it any more. ``envs`` are
    the examples of the optional env files, which exist from 1.14.1 on.
    """

    version: Version
    compose: str = field(repr=False)
    example: bytes | None = field(repr=False)
    envs: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @cached_property
    def defaults(self) -> EnvFile:
        """``.env.example``, read; empty when it is not there."""
        return read_env(self.example or b"", file=EXAMPLE)

    @cached_property
    def services(self) -> frozenset[str]:
        """The services of the compose file."""
        return service_names(self.compose)

    @cached_property
    def shared(self) -> Mapping[str, str]:
        """What the compose file itself gives to every Dify container: key to text with variables."""
        return shared_environment(self.compose)

    @cached_property
    def optional(self) -> Mapping[str, EnvFile]:
        """The examples of the optional env files that the compose file reads, by path, in its order."""
        files = (f"{path}{_SUFFIX}" for path in env_files(self.compose))
        return {path: read_env(self.envs[path], file=path) for path in files if path in self.envs}

    @cached_property
    def homes(self) -> Mapping[str, tuple[str, ...]]:
        """The examples that have each key: ``.env.example`` first, then optional ones."""
        homes: dict[str, tuple[str, ...]] = dict.fromkeys(self.defaults.last, (EXAMPLE,))
        for path, example in self.optional.items():
            for key in example.last:
                homes[key] = (*homes.get(key, ()), path)
        return homes

    @cached_property
    def known(self) -> frozenset[str]:
        """Every key that means something to this release's files."""
        return frozenset(self.homes) | frozenset(self.shared) | interpolation.names(self.compose)

    def supplied(self, key: str, values: Mapping[str, str]) -> str:
        """Return what the compose file itself gives containers for a key, ``values`` being set in ``.env``.

        A default may name another key (``${PGUSER:-${DB_USERNAME}}``); one that is not set counts with its own default.
        """

        def lookup(name: str) -> str | None:
            if name == key or name in values:
                return values.get(name)
            return interpolation.interpolate(self.shared.get(name, ""), values.get)

        return interpolation.interpolate(self.shared.get(key, ""), lookup)

    def default(self, key: str) -> str | None:
        """Return a key's default as the examples give it; None when none does, or when they disagree."""
        homes = self.homes.get(key, ())
        if EXAMPLE in homes:
            return self.defaults.values.get(key)
        values = {self.optional[path].values.get(key) for path in homes}
        return values.pop() if len(values) == 1 else None

    def homeless(self, keys: Iterable[str]) -> tuple[str, ...]:
        """Return the keys that no file of this release knows. They stay in ``.env``."""
        return tuple(key for key in keys if key not in self.known)
