"""The rules of env_rules.toml: what each one writes, given the way from one release to another.

A function is named like its rule, with ``_`` for ``-``. It returns the new texts of values by key, empty when
the rule does not apply. The version that the rule names in ``since`` is checked by the caller, not here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from difyaction.compose.env_file import EnvFile
from difyaction.compose.env_value import quote_of, written
from difyaction.compose.interpolation import interpolate
from difyaction.compose.shipped import Shipped
from difyaction.secret import Secret

Amendments = Mapping[str, str]

NONE: Amendments = {}

_OLD_BUS, _NEW_BUS = "PUBSUB_REDIS_", "EVENT_BUS_REDIS_"
_PROFILES = "COMPOSE_PROFILES"
_ANONYMOUS = re.compile(
    r""" AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED: *["']?(?P<text>\$\{(?P<key>WEAVIATE_\w+)[^}\n]*\})"""
)


@dataclass(frozen=True)
class Way:
    """From which release to which, with which env file, as the rules before this one left it.

    ``secret_key`` is the key that the running containers have, None when nobody could read it.
    """

    base: Shipped
    target: Shipped
    theirs: EnvFile
    secret_key: Secret | None = None

    def supplied(self, key: str) -> str:
        """Return what the running compose file makes of a key of its own, with their values."""
        return self.base.supplied(key, self.theirs.values)

    @cached_property
    def database_is_renamed(self) -> bool:
        """Whether the database's service has another name at the target."""
        before, after = self.base.services, self.target.services
        return "db" in before and "db" not in after and "db_postgres" in after

    @cached_property
    def database_is_ours(self) -> bool:
        """Whether Dify's database is a container of the compose file, not a server elsewhere."""
        host = self.theirs.values.get("DB_HOST") or self.supplied("DB_HOST")
        return host in {"db", "db_postgres"} and bool({"db", "db_postgres"} & self.base.services)


def db_host_renamed(way: Way) -> Amendments:
    """``db`` is a name of the old compose file, unless it is a host of their own."""
    if not way.database_is_renamed or way.theirs.values.get("DB_HOST") != "db":
        return NONE
    quote = quote_of(way.theirs.raw(way.theirs.last["DB_HOST"]))
    return {"DB_HOST": f"{quote}db_postgres{quote}"}


def database_profile(way: Way) -> Amendments:
    """Whoever has the database elsewhere needs no container of it."""
    if not way.database_is_ours:
        return NONE
    return _with_profile(way, "${DB_TYPE:-postgresql}", among={"postgresql", "mysql"})


def collaboration_profile(way: Way) -> Amendments:
    """Upstream runs the websocket service unless its profile is removed."""
    return _with_profile(way, "collaboration", among={"collaboration"})


def event_bus_renamed(way: Way) -> Amendments:
    """Carry the value to the new name; the old line stays, unread."""
    theirs = way.theirs
    carried = {
        key.replace(_OLD_BUS, _NEW_BUS, 1): theirs.raw(entry)
        for key, entry in theirs.last.items()
        if key.startswith(_OLD_BUS) and not entry.inherited
    }
    return {key: raw for key, raw in carried.items() if key not in theirs.last and key in way.target.known}


def secret_key_explicit(way: Way) -> Amendments:
    """Only what the compose file supplied becomes explicit; a key of theirs stays."""
    entry = way.theirs.last.get("SECRET_KEY")
    if way.theirs.values.get("SECRET_KEY"):
        return NONE
    if way.secret_key:
        return {"SECRET_KEY": written(way.secret_key.reveal())}
    if entry is not None and entry.inherited:
        return NONE  # it comes from an environment that we do not see
    supplied = way.supplied("SECRET_KEY")
    return {"SECRET_KEY": written(supplied)} if supplied else NONE


def weaviate_stays_closed(way: Way) -> Amendments:
    """Weaviate's service has another default than the block for Dify's containers, which never read this key."""
    told = _ANONYMOUS.search(way.base.compose)
    entry = way.theirs.last.get(told["key"]) if told else None
    if told is None or way.theirs.values.get(told["key"]) or (entry is not None and entry.inherited):
        return NONE
    supplied = interpolate(told["text"], way.theirs.values.get)
    return {told["key"]: written(supplied)} if supplied else NONE


def empty_took_default(way: Way) -> Amendments:
    """``${KEY:-default}`` gave the default to an empty value too."""
    empty = (key for key in way.base.shared if way.theirs.values.get(key) == "")
    return {key: written(supplied) for key in empty if (supplied := way.supplied(key))}


def compose_default_explicit(way: Way) -> Amendments:
    """Keys of upstream's new example come with its default, where that is what was in effect."""
    defaults = way.target.defaults
    missing = way.base.shared.keys() - way.theirs.last.keys() - {"SECRET_KEY"}  # which has a rule of its own
    supplied = {key: way.supplied(key) for key in way.base.shared if key in missing}
    if way.database_is_renamed and supplied.get("DB_HOST") == "db":
        supplied["DB_HOST"] = "db_postgres"
    return {
        key: written(value)
        for key, value in supplied.items()
        if key not in defaults.last or defaults.values.get(key) != value
    }


def _with_profile(way: Way, profile: str, *, among: set[str]) -> Amendments:
    """Append a profile, unless one of ``among`` is there already."""
    entry = way.theirs.last.get(_PROFILES)
    if entry is None:
        return {_PROFILES: profile}
    active = {name.strip() for name in way.theirs.values.get(_PROFILES, "").split(",")}
    if entry.inherited or active & (among | {"*"}):
        return NONE
    raw = way.theirs.raw(entry)
    quote = quote_of(raw)
    inside = raw[1:-1] if quote else raw
    if quote == "'":  # nothing is replaced between single quotes
        profile = interpolate(profile, way.theirs.values.get)
    comma = "," if inside.strip() and not inside.rstrip().endswith(",") else ""
    return {_PROFILES: f"{quote}{inside}{comma}{profile}{quote}"}
