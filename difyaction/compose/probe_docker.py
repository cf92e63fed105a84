"""Containers and images, as the probe's answer has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from difyaction.compose.answers import Answers, mapping, number, records, sequence, string, text
from difyaction.compose.facts import Container, Mount
from difyaction.secret import Secret

_LABEL = "com.docker.compose."


def containers(answers: Answers) -> tuple[Container, ...]:
    """Return the containers of the project, by service and name."""
    sizes = _sizes(answers)
    digests = {string(image, "id"): _digest(image) for image in records(answers, "images")}
    found = [_container(record, sizes, digests) for record in records(answers, "containers") if string(record, "id")]
    return tuple(sorted(found, key=lambda container: (container.service, container.name)))


def local_images(answers: Answers) -> dict[str, int]:
    """Return the images that are there already, by tag, with their sizes in bytes."""
    return {
        tag: number(str(image.get("size", 0)))
        for image in records(answers, "images")
        for tag in sequence(image, "tags")
        if isinstance(tag, str)
    }


def config_files(answers: Answers, api: Container | None) -> tuple[str, ...]:
    """Return the compose files that Dify was started from, as the containers' labels say."""
    return _given(answers, api, "config_files")


def env_files(answers: Answers, api: Container | None) -> tuple[str, ...]:
    """Return the files that ``--env-file`` named, likewise; Compose may name its usual one."""
    return _given(answers, api, "environment_file")


def _given(answers: Answers, api: Container | None, label: str) -> tuple[str, ...]:
    """Return what the API's container was made with, and what containers that were made later were given besides.

    Compose makes anew only what changes: an override for the proxy alone leaves the API's container and its label.
    Whose first file is another one was started beside Dify.
    """
    made = list(records(answers, "containers"))
    own = next((record for record in made if api is not None and string(record, "id") == api.id), {})
    given = _named(own, label)
    for record in sorted(made, key=_created):
        if _created(record) > _created(own) and _first(record) == _first(own) and not _one_off(record):
            named = _named(record, label)
            more = tuple(file for file in named if file not in given)
            given = named if {*given} <= {*named} else (*given, *more)
    return given


def _named(record: Mapping[str, Any], label: str) -> tuple[str, ...]:
    named = string(mapping(record, "labels"), f"{_LABEL}project.{label}")
    return tuple(file for file in named.split(",") if file)


def _first(record: Mapping[str, Any]) -> tuple[str, ...]:
    return _named(record, "config_files")[:1]


def _created(record: Mapping[str, Any]) -> str:
    """Return when a container was made, to the second: Docker's fractions are of any length, and do not sort."""
    return string(record, "created")[:19]


def _one_off(record: Mapping[str, Any]) -> bool:
    return string(mapping(record, "labels"), f"{_LABEL}oneoff").lower() == "true"


def _container(record: Mapping[str, Any], sizes: Mapping[str, int], digests: Mapping[str, str]) -> Container:
    labels = mapping(record, "labels")
    return Container(
        id=string(record, "id"),
        name=string(record, "name").removeprefix("/"),
        service=string(labels, f"{_LABEL}service"),
        image=string(record, "image"),
        image_id=string(record, "image_id"),
        digest=digests.get(string(record, "image_id"), ""),
        state=string(record, "state"),
        health=string(record, "health"),
        exit_code=number(str(record.get("exit", 0))),
        restarts=number(str(record.get("restarts", 0))),
        started=string(record, "started"),
        one_off=_one_off(record),
        networks=tuple(sorted(str(name) for name in mapping(record, "networks"))),
        mounts=tuple(_mounts(record, sizes)),
        ports=tuple(_ports(mapping(record, "ports"))),
        command=tuple(word for word in sequence(record, "command") if isinstance(word, str)),
        environment=environment(sequence(record, "env")),
    )


def environment(pairs: list[Any]) -> dict[str, Secret]:
    """Read ``KEY=value`` lines. Any value may be a password, so that all of them are secrets."""
    split = (pair.partition("=") for pair in pairs if isinstance(pair, str))
    return {key: Secret(value) for key, _, value in split}


def _mounts(record: Mapping[str, Any], sizes: Mapping[str, int]) -> Iterator[Mount]:
    for mount in sequence(record, "mounts"):
        if isinstance(mount, dict) and string(mount, "Source"):
            source = string(mount, "Source")
            kind = string(mount, "Type")
            name = string(mount, "Name") if kind == "volume" else source
            yield Mount(
                kind=kind,
                source=name or source,
                target=string(mount, "Destination"),
                size=sizes.get(source),
                writable=mount.get("RW") is not False,
            )


def _ports(ports: Mapping[str, Any]) -> Iterator[tuple[int, str, int]]:
    for inner in ports:
        for binding in sequence(ports, inner):
            if isinstance(binding, dict):
                yield number(inner.partition("/")[0]), string(binding, "HostIp"), number(string(binding, "HostPort"))


def _sizes(answers: Answers) -> dict[str, int]:
    split = (line.partition(" ") for line in text(answers, "sizes").splitlines())
    return {source: number(size) for size, _, source in split}


def _digest(image: Mapping[str, Any]) -> str:
    named = (name.rpartition("@")[2] for name in sequence(image, "digests") if isinstance(name, str))
    return next(iter(named), "")
