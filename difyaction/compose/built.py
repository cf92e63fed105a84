"""Services that the host builds for itself, instead of pulling an image. Pure.

The runbook builds nothing: what it starts is pulled and proved beforehand. Compose names no image where there is only
``build:``, and gives it one by its own rule, which changed with Compose 2: the container says which.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from difyaction.compose.composed_facts import Composed, Service
from difyaction.compose.facts import Container


def with_images(composed: Composed, containers: Iterable[Container]) -> Composed:
    """Return what Compose said, with the images of services that are only built.

    One that nobody has built and started yet is left out: an upgrade is no occasion to do so.
    """
    images = {c.service: c.image for c in containers if not c.one_off}
    named = (replace(s, image=s.image or images.get(s.name, "")) for s in composed.services.values())
    return replace(composed, services={s.name: s for s in named if s.image})


def fetched(services: Mapping[str, Service], untouched: Collection[str]) -> Iterator[str]:
    """Yield the images that have to be there. What was built here and goes on as it is can be had from nowhere."""
    for name, service in services.items():
        if not (service.builds and name in untouched):
            yield service.image


def bypassed(services: Mapping[str, Service], images_before: Mapping[str, str]) -> Iterator[Service]:
    """Yield the services that are built on the host and would get another image than they have."""
    for name, service in services.items():
        if service.builds and images_before.get(name) != service.image:
            yield service
