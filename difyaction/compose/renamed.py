"""Where services go by the old name that upstream changed: in override files, and in services of their own. Pure.

Compose joins an override's `db` with nothing when upstream's is `db_postgres`, and refuses it, or runs it beside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from difyaction.compose.blocks import RENAMED
from difyaction.compose.machine_plan import Note
from difyaction.secret import Secret

_ADDRESS = re.compile("HOST|SERVER|ADDR|URL|URI|DSN|CONNECTION|ENDPOINT", re.IGNORECASE)
_CALLS = "{service} finds {old} by {keys}, and {old} is called {new} from now on: correct it, or it finds nothing."


def renames(before: bytes, after: bytes) -> dict[str, str]:
    """Return which services go on under another name: old -> new, between two compose files of upstream's."""
    return {old: new for old, new in RENAMED.items() if _has(before, old) and _has(after, new) and not _has(after, old)}


def renamed(content: bytes, names: Mapping[str, str]) -> bytes:
    """Return a compose file that knows services by their new names: as keys, and in `depends_on`.

    One that cannot be read, or has a service of either name, stays as it is: Compose says what it thinks of it.
    """
    try:
        text = content.decode("utf-8")
        services = _at(YAML(typ="safe", pure=True).compose(text), "services") if names else None
    except (UnicodeDecodeError, YAMLError):
        return content
    if not isinstance(services, MappingNode) or any(_at(services, a) and _at(services, b) for a, b in names.items()):
        return content
    places = {(key.start_mark.index, key.end_mark.index, key.value) for key in _names(services) if key.value in names}
    for start, end, name in sorted(places, reverse=True):  # an alias names the place of its anchor once more
        text = text[:start] + text[start:end].replace(name, names[name]) + text[end:]
    return text.encode("utf-8")


def calling(environments: Mapping[str, Mapping[str, Secret]], old: str, new: str) -> Iterator[Note]:
    """Yield who is told by a variable to find ``old``, which goes by the name ``new``: nobody corrects that for them.

    ``environments`` are those of services, by their names.
    """
    host = re.compile(rf"(?:^|@|//){re.escape(old)}(?=:\d|/|\Z)")
    for service, environment in sorted(environments.items()):
        keys = sorted(key for key, value in environment.items() if _is_host(key) and host.search(value.reveal()))
        if keys:
            yield Note(_CALLS, {"service": service, "keys": ", ".join(keys), "old": old, "new": new})


def _is_host(key: str) -> bool:
    """Whether a variable is likely to hold an address, and not a database's or a user's name."""
    return _ADDRESS.search(key) is not None


def _names(services: MappingNode) -> Iterator[ScalarNode]:
    """Yield where services are named."""
    for key, service in services.value:
        if isinstance(key, ScalarNode):
            yield key
        depends = _at(service, "depends_on")
        if isinstance(depends, MappingNode):
            yield from (name for name, _ in depends.value if isinstance(name, ScalarNode))
        elif isinstance(depends, SequenceNode):
            yield from (name for name in depends.value if isinstance(name, ScalarNode))


def _at(node: Node | None, key: str) -> Node | None:
    if not isinstance(node, MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _has(compose: bytes, service: str) -> bool:
    return re.search(rb"(?m)^  %b:\s*$" % re.escape(service.encode()), compose) is not None
