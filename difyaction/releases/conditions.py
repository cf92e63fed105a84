"""The conditions of rules.toml: whether a rule applies to a situation, and what its text may name.

A function is named like its rule, with ``_`` for ``-``. It returns None when the rule does not
apply, otherwise the facts of its text beyond those that every text has (``unit``, ``installed``,
``wanted``). A version that the rule names in ``since`` is checked by the caller, not here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from difyaction.releases.situation import Facts, Situation
from difyaction.releases.version import Version

APPLIES: Facts = {}

_API = "langgenius/dify-api"
# The release that each image first ran with. A unit that has lived without one since then lives without it by choice.
_FIRST_RAN = {
    "langgenius/dify-plugin-daemon": Version.parse("1.0.0"),
    "langgenius/dify-agent-backend": Version.parse("1.16.0"),
    "langgenius/dify-agent-local-sandbox": Version.parse("1.16.0"),
}
# What any release has: where the unit lacks one of these, it stands in another file or chart.
_ALWAYS_THERE = frozenset({_API, "langgenius/dify-web", "langgenius/dify-sandbox"})
_CHARTS_WITHOUT_MIGRATION = frozenset({"douban", "magicsong"})
_OWN_MANIFESTS = frozenset({"compose", "manifest", "kustomize"})


def plugin_migration(situation: Situation) -> Facts | None:  # noqa: ARG001 - crossing the version is all there is to it
    """0.x keeps tools and models in its own tables; 1.0 wants them as plugins."""
    return APPLIES


def datasource_credentials(situation: Situation) -> Facts | None:  # noqa: ARG001 - as above
    """1.9 moves the credentials of data sources by a command that nobody runs but the operator."""
    return APPLIES


def weaviate_client_v4(situation: Situation) -> Facts | None:
    """From 1.9.2 the client speaks only to Weaviate 1.27 and later."""
    return _weaviate_before(situation, (1, 27))


def weaviate_builtin(situation: Situation) -> Facts | None:
    """From 1.17.1 upstream runs Weaviate 1.39, and Weaviate itself moves a volume by one minor at a time."""
    theirs = _minor(_weaviate(situation.upstream.others) or "")
    return _weaviate_before(situation, theirs or (1, 39))


def database_service(situation: Situation) -> Facts | None:
    """1.10.1 renamed the compose service ``db``; files of one's own keep theirs."""
    return APPLIES if "compose" in situation.layouts else None


def storage_owner(situation: Situation) -> Facts | None:
    """1.10.1 runs as uid 1001; manifests of one's own have nobody else to change the owner."""
    return APPLIES if situation.layouts & _OWN_MANIFESTS and _API in situation.own_images else None


def env_layout(situation: Situation) -> Facts | None:
    """1.14.1 took the defaults out of upstream's compose file; files of one's own keep theirs."""
    return APPLIES if "compose" in situation.layouts else None


def chart_lacks_service(situation: Situation) -> Facts | None:
    """Upstream's set has images that this unit has nowhere, though it runs the API."""
    if _API not in situation.own_images or situation.goes_back:
        return None
    missing = [image for image in situation.upstream.tags if _is_missing(image, situation)]
    return {"images": ", ".join(sorted(missing))} if missing else None


def chart_never_migrates(situation: Situation) -> Facts | None:
    """Nothing in these files runs the migrations that lie on the way."""
    if situation.goes_back or situation.same_schema or situation.installed == situation.wanted:
        return None
    silent = situation.migrates is None and bool(situation.layouts & _CHARTS_WITHOUT_MIGRATION)
    if situation.migrates is not False and not silent:
        return None
    return _heads(situation)


def downgrade(situation: Situation) -> Facts | None:
    """Older, with the same schema: possible, and asked for by name only."""
    newest, head = situation.newest
    same = head is not None and head == situation.wanted_head
    return {"installed": newest} if situation.goes_back and same and not situation.allow_downgrade else None


def schema_downgrade(situation: Situation) -> Facts | None:
    """Older, with another schema, or with one that nobody knows."""
    newest, head = situation.newest
    if not situation.goes_back or (head is not None and head == situation.wanted_head):
        return None
    return _heads(situation) | {"installed": newest, "installed_head": head or "unknown"}


def abandoned_line(situation: Situation) -> Facts | None:
    """To 2.0.0-beta or away from it: no migration leads either way."""
    newest, _ = situation.newest
    installed_abandoned = newest is not None and newest.is_abandoned
    if situation.wanted.is_abandoned == installed_abandoned:
        return None
    return {"installed": newest} if newest else APPLIES


def unknown_release(situation: Situation) -> Facts | None:
    """Newer than all that this project has data on."""
    return None if situation.wanted_known else APPLIES


def installed_unknown(situation: Situation) -> Facts | None:
    """No version stands in the API's tag, so that nobody can say which breaks lie on the way."""
    tag = situation.own_images.get(_API)
    return {"tag": tag or "(none)"} if tag is not None and situation.installed is None else None


def _is_missing(image: str, situation: Situation) -> bool:
    if image in situation.own_images or image in _ALWAYS_THERE:
        return False
    first = _FIRST_RAN.get(image)
    return first is None or situation.installed is None or situation.installed.numbers < first.numbers


def _weaviate_before(situation: Situation, needed: tuple[int, int]) -> Facts | None:
    tag = _weaviate(situation.other_images)
    if tag is None:
        return None
    found = _minor(tag)
    if found is not None and found >= needed:
        return None
    return {"tag": tag or "(none)", "needed": f"{needed[0]}.{needed[1]}"}


def _weaviate(images: Mapping[str, str]) -> str | None:
    """Return the tag of the Weaviate server among these images, None when there is none."""
    return next((tag for name, tag in images.items() if name.endswith("semitechnologies/weaviate")), None)


def _minor(tag: str) -> tuple[int, int] | None:
    found = re.match(r"v?([0-9]+)\.([0-9]+)", tag)
    return (int(found[1]), int(found[2])) if found else None


def _heads(situation: Situation) -> dict[str, object]:
    return {
        "installed_head": situation.installed_head or "unknown",
        "wanted_head": situation.wanted_head or "unknown",
    }
