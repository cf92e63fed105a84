"""The three-way merge of env files: upstream's before, theirs, upstream's after. Nothing of theirs is ever dropped.

Their lines stay where they are, byte for byte, but for the values that a named rule changes. What is new comes
below, under headings. Merging the result again changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from difyaction.compose.env_amendments import Amendments, Way
from difyaction.compose.env_file import EnvFile, parse_env, read_env
from difyaction.compose.env_records import Added, Changed, Merged, shown
from difyaction.compose.env_remarks import remarks
from difyaction.compose.env_rules import FULL_ENV, EnvRule, crosses, rules_between
from difyaction.compose.env_sections import below, documented, heading
from difyaction.compose.shipped import Shipped
from difyaction.errors import Failed
from difyaction.secret import Secret

_FILE = ".env"
_PROFILES = "COMPOSE_PROFILES"


@dataclass(frozen=True)
class _Drafted:
    """Their file after the rules: ``draft`` has what they added as bare lines at its end."""

    draft: EnvFile
    changed: tuple[Changed, ...]
    added: Mapping[str, EnvRule]


def merge(
    base: Shipped,
    theirs: bytes,
    target: Shipped,
    *,
    secret_key: Secret | None = None,
    env_files: Mapping[str, bytes] | None = None,
) -> Merged:
    """Merge ``theirs``, the ``.env`` that runs with ``base``, for ``target``.

    ``secret_key`` is what the running containers have; ``env_files`` are the optional env files that are there
    (``envs/...``), whose keys a new line in ``.env`` would override. ``Invalid``: a line that Compose cannot read.
    """
    before = read_env(theirs, file=_FILE)
    drafted = _by_rules(base, before, target, secret_key)
    new = _new_keys(base, target, drafted.draft, env_files or {})
    merged = parse_env(_text(base, before, target, drafted=drafted, new=new), file=_FILE)
    by_rule = {change.key for change in drafted.changed} | set(drafted.added)
    _prove_kept(before, merged, {change.key for change in drafted.changed})
    return Merged(
        content=merged.content,
        added=tuple(
            Added(key, _shown(merged, key), drafted.added[key].id if key in drafted.added else "")
            for key in (*drafted.added, *new)
        ),
        changed=drafted.changed,
        kept_own=tuple(key for key in target.homeless(before.last) if key not in base.known),
        remarks=tuple(remarks(base, merged, target, theirs=before, by_rule=by_rule)),
    )


def _by_rules(base: Shipped, before: EnvFile, target: Shipped, secret_key: Secret | None) -> _Drafted:
    draft, changed, added = before, [], dict[str, EnvRule]()
    for rule in rules_between(base.version, target.version):
        amendments = rule.amend(Way(base, target, draft, secret_key))
        if not amendments:
            continue
        after = _amended(draft, amendments)
        for key in amendments:
            if key in before.last:
                changed.append(Changed(key, _shown(draft, key), _shown(after, key), rule.id))
            else:
                added.setdefault(key, rule)
        draft = after
    return _Drafted(draft, tuple(changed), added)


def _amended(draft: EnvFile, amendments: Amendments) -> EnvFile:
    text = draft.replaced({key: raw for key, raw in amendments.items() if key in draft.last})
    lines = [f"{key}={raw}" for key, raw in amendments.items() if key not in draft.last]
    return parse_env(below(text, lines, draft.newline), file=draft.file)


def _new_keys(base: Shipped, target: Shipped, draft: EnvFile, env_files: Mapping[str, bytes]) -> list[str]:
    """Return upstream's keys that have to be added, in upstream's order.

    A key that upstream had before and they do not have was left out on purpose, and the compose file has a default
    for it; not so for whoever crosses to the releases whose compose file has none. Profiles are left to the rules:
    without the key nothing of a profile runs, and a default would start it.
    """
    elsewhere = {key for path, content in env_files.items() for key in read_env(content, file=path).last}
    if not crosses(FULL_ENV, base.version, target.version):
        elsewhere |= set(base.known if base.example is None else base.defaults.last)
    return [key for key in target.defaults.last if key not in draft.last and key not in elsewhere | {_PROFILES}]


def _text(base: Shipped, before: EnvFile, target: Shipped, *, drafted: _Drafted, new: Sequence[str]) -> str:
    draft = drafted.draft
    way = f"Dify {target.version} (from {base.version})"
    lines: list[str] = []
    for rule in dict.fromkeys(drafted.added.values()):
        lines += heading(f"{way}: {rule.id}", rule.reason)
        lines += [f"{key}={draft.raw(draft.last[key])}" for key, by in drafted.added.items() if by == rule]
    if new:
        lines += heading(f"{way}: new keys, with upstream's defaults")
        lines += documented(new, target.defaults)
    changed = {change.key: draft.raw(draft.last[change.key]) for change in drafted.changed}
    return below(before.replaced(changed), lines, before.newline)


def _shown(env: EnvFile, key: str) -> str | Secret:
    return shown(key, env.raw(env.last[key]), env.values.get(key, ""))


def _prove_kept(before: EnvFile, merged: EnvFile, changed: set[str]) -> None:
    """Hold the merged file against theirs: the same keys in the same order, the same texts but where a rule spoke."""
    now = merged.entries[: len(before.entries)]
    for old, new in zip(before.entries, now, strict=False):
        same = before.raw(old) == merged.raw(new) or (new.key in changed and old == before.last[old.key])
        if old.key == new.key and same:
            continue
        raise _lost(old.key, old.line)
    if len(now) < len(before.entries):
        raise _lost(before.entries[len(now)].key, before.entries[len(now)].line)


def _lost(key: str, line: int) -> Failed:
    return Failed(
        "env-merge-lost",
        "Merging .env would not keep {key} of line {number} as it is.",
        next_step="This is a mistake of this project: please report that line's shape, without its value.",
        file=_FILE,
        line=line,
        key=key,
        number=line,
    )
