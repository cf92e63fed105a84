"""What a reader of a merged env file should know: keys that were kept although upstream moved on."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from difyaction.compose.env_file import EnvFile
from difyaction.compose.env_records import Remark
from difyaction.compose.env_rules import FULL_ENV, crosses
from difyaction.compose.shipped import Shipped
from difyaction.releases.version import Version

_SIGNING_KEY = "SECRET_KEY"
_OLD_DATABASE = re.compile(r"(?:[@/,]|^)db(?::5432|/|,|$)")
_DATABASE_RENAMED = Version.parse("1.10.1")


def remarks(
    base: Shipped, merged: EnvFile, target: Shipped, *, theirs: EnvFile, by_rule: Collection[str]
) -> Iterator[Remark]:
    """Yield what is worth saying about keys of theirs, leaving out those that a rule dealt with."""
    keys = [key for key in theirs.last if key not in by_rule]
    yield from _changed_defaults(base, keys, target, theirs=theirs)
    yield from _retired(base, keys, target)
    if crosses(_DATABASE_RENAMED, base.version, target.version):
        yield from _old_database(keys, theirs)
    if crosses(FULL_ENV, base.version, target.version):
        yield from _now_in_containers(base, keys, target)
        yield from _secret_key(base, merged.values.get(_SIGNING_KEY))


def _changed_defaults(base: Shipped, keys: list[str], target: Shipped, *, theirs: EnvFile) -> Iterator[Remark]:
    for key in keys:
        old, new = base.default(key), target.default(key)
        if key == _SIGNING_KEY:
            continue  # its default went away, which is said where the default ends
        if old is not None and new is not None and theirs.values.get(key) == old != new:
            text = "{key} stays at '{old}', which was upstream's default; in {version} it is '{new}'."
            yield Remark("default-changed", key, text, {"old": old, "new": new, "version": target.version})


def _retired(base: Shipped, keys: list[str], target: Shipped) -> Iterator[Remark]:
    for key in keys:
        if key in base.known and key not in target.known:
            text = "{key} stays, though no file of Dify {version} names it any more."
            yield Remark("key-retired", key, text, {"version": target.version})


def _old_database(keys: list[str], theirs: EnvFile) -> Iterator[Remark]:
    for key in keys:
        if key != "DB_HOST" and _OLD_DATABASE.search(theirs.values.get(key, "")):
            text = "{key} names the host db, which may be the service that is db_postgres from {version} on."
            yield Remark("database-named-elsewhere", key, text, {"version": _DATABASE_RENAMED})


def _now_in_containers(base: Shipped, keys: list[str], target: Shipped) -> Iterator[Remark]:
    for key in target.homeless(keys):
        if key not in base.known:
            text = "{key} is your own; from {version} on Dify's containers are given all of .env, this key too."
            yield Remark("own-key-reaches-containers", key, text, {"version": FULL_ENV})


def _secret_key(base: Shipped, value: str | None) -> Iterator[Remark]:
    published = {base.default(_SIGNING_KEY), base.supplied(_SIGNING_KEY, {})}
    if not value:
        text = "{key} has no value, and what the running containers use is not known: Dify would make a new one."
        yield Remark("secret-key-unknown", _SIGNING_KEY, text)
    elif value in published:
        text = (
            "{key} is the one that upstream published as its default, so anybody can sign with it. It stays, because"
            " a new one ends all sessions and cannot decrypt what this one encrypted; change it when you can."
        )
        yield Remark("secret-key-public", _SIGNING_KEY, text)
