"""What Compose itself makes of a set of files: its answer to ``config``, read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from difyaction.compose.answers import mapping, number, sequence, string
from difyaction.compose.composed_facts import Composed, Service
from difyaction.compose.facts import Mount
from difyaction.secret import Secret


def read_composed(said: bytes, complaint: bytes) -> Composed:
    """Read the services of ``config``, JSON or (from Compose 1) YAML. ``complaint`` is what it said besides.

    A service of which there shall be no container is none, like one whose profile is off.
    """
    services = mapping(_content(said.decode("utf-8", "replace")), "services")
    if not services:
        why = " ".join(complaint.decode("utf-8", "replace").split())[:600]
        return Composed(why_not=why or "it names no services")
    records = {name: record for name, record in services.items() if isinstance(record, dict)}
    found = {name: _service(name, record) for name, record in records.items() if not _is_off(record)}
    return Composed(services=dict(sorted(found.items())))


def _content(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        try:
            found = YAML(typ="safe", pure=True).load(text)
        except (YAMLError, RecursionError, ValueError):
            return {}
    return found if isinstance(found, dict) else {}


def _is_off(record: Mapping[str, Any]) -> bool:
    """Whether somebody switched a service off by `scale`, or by `deploy: {replicas: 0}`."""
    return str(record.get("scale", mapping(record, "deploy").get("replicas"))) == "0"


def _service(name: str, record: Mapping[str, Any]) -> Service:
    return Service(
        name=name,
        image=string(record, "image"),
        builds=bool(record.get("build")),
        ports=tuple(_ports(record)),
        mounts=tuple(_mounts(record)),
        restart=string(record, "restart"),
        awaits=tuple(_awaits(mapping(record, "depends_on"))),
        depends=tuple(map(str, mapping(record, "depends_on") or sequence(record, "depends_on"))),
        networks=tuple(sorted(mapping(record, "networks"))),
        command=tuple(_command(record)),
        labels=_pairs(record, "labels"),
        environment=_environment(record),
    )


def _awaits(depends: Mapping[str, Any]) -> Iterator[str]:
    for name in depends:
        if string(mapping(depends, name), "condition") == "service_completed_successfully":
            yield name


def _command(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield the words that a container is started with; one text is one word here, as a shell would get it."""
    for key in ("entrypoint", "command"):
        yield from ([string(record, key)] if string(record, key) else map(str, sequence(record, key)))


def _environment(record: Mapping[str, Any]) -> dict[str, Secret]:
    return {key: Secret(value) for key, value in _pairs(record, "environment").items()}


def _pairs(record: Mapping[str, Any], key: str) -> dict[str, str]:
    """Read what stands there as a mapping, or as lines ``NAME=value``. Compose writes ``$$`` for each ``$`` of it."""
    pairs = mapping(record, key).items() or (str(line).partition("=")[::2] for line in sequence(record, key))
    return {str(name): "" if value is None else str(value).replace("$$", "$") for name, value in pairs}


def _ports(record: Mapping[str, Any]) -> Iterator[tuple[str, int, int]]:
    for port in sequence(record, "ports"):
        if isinstance(port, dict):
            yield string(port, "host_ip"), number(str(port.get("published") or 0)), number(str(port.get("target") or 0))
        elif isinstance(port, str):
            outer, _, inner = port.partition("/")[0].rpartition(":")
            address, _, published = outer.rpartition(":")
            yield address, number(published or "0"), number(inner or "0")


def _mounts(record: Mapping[str, Any]) -> Iterator[Mount]:
    for mount in sequence(record, "volumes"):
        if isinstance(mount, dict):
            yield Mount(kind=string(mount, "type"), source=string(mount, "source"), target=string(mount, "target"))
        elif isinstance(mount, str):
            source, _, target = mount.partition(":")
            yield Mount(kind="bind" if "/" in source else "volume", source=source, target=target.partition(":")[0])
