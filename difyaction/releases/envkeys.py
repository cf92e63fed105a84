"""How the keys of upstream's env examples differ between two releases."""

from __future__ import annotations

import re

from difyaction.releases.catalogue import EnvKeys

_ASSIGNMENT = re.compile(r"(?:export\s+)?(?P<key>[A-Za-z_][A-Za-z0-9_]*)\s*=(?P<value>.*)")


def env_keys(old_example: str, new_example: str) -> EnvKeys:
    """Compare two examples. Keys that are commented out there are no keys; values are compared as written."""
    old = _defaults(old_example)
    new = _defaults(new_example)
    return EnvKeys(
        added=tuple(key for key in new if key not in old),
        removed=tuple(key for key in old if key not in new),
        changed=tuple((key, old[key], new[key]) for key in new if key in old and old[key] != new[key]),
    )


def _defaults(example: str) -> dict[str, str]:
    """Return key and default, in the order of the file. Of a repeated key the last one counts, as Compose has it."""
    found = (_ASSIGNMENT.fullmatch(line.strip()) for line in example.removeprefix("\ufeff").splitlines())
    return {line["key"]: line["value"].strip() for line in found if line}
