"""Which containers of Compose's project are none of this Dify's. Nobody touches them. Pure.

A project is called after its folder, and Dify's is called ``docker`` everywhere: another product in a folder of that
name, a second compose file beside Dify's, and a service that was taken out of an override file are in it, too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from difyaction.compose.compose_text import service_names
from difyaction.compose.composed_facts import Composed
from difyaction.compose.draft import COMPOSE, Draft, Way
from difyaction.compose.facts import Backup, Container, Machine
from difyaction.compose.machine_plan import Note
from difyaction.compose.roles import Role, role_of

_ANYBODYS = {Role.DATABASE, Role.PROXY, Role.OTHER}


def without_bystanders(machine: Machine, way: Way, drafted: Draft, composed: Composed) -> Machine:
    """Return the machine with Dify's containers alone; where Compose refused the files, nobody can tell.

    What only a profile would start that is not chosen was started by hand, or by another product under the same name.
    """
    before = named_by_theirs(machine) | _names(way.before)
    gone = before - _names(drafted.files)
    return parted(machine, composed.services, gone) if composed.services else machine


def parted(machine: Machine, starts: Collection[str], gone: Collection[str]) -> Machine:
    """Return the machine with those as its containers that have an image of Dify's, or are of one of these services.

    ``starts`` are those that run after the change, ``gone`` those that Dify's files named before, and not any more.
    """
    ours = [c for c in machine.containers if c.service in starts or c.service in gone or _is_dify(c)]
    others = [c for c in machine.containers if c not in ours]
    return replace(machine, containers=tuple(ours), bystanders=tuple(others))


def brought_since(machine: Machine, backup: Backup) -> frozenset[str]:
    """Return the services that upgrades since a backup have brought, as these have written down."""
    since = (each for each in machine.backups if each.of == backup.of and each.epoch >= backup.epoch)
    told = (each.manifest.get("brought") for each in since)
    return frozenset(name for names in told if isinstance(names, list) for name in names if isinstance(name, str))


def named_by_theirs(machine: Machine) -> frozenset[str]:
    """Return the services of the compose file that stands there now, those under a profile included."""
    return _names({path: held.content for path, held in machine.install.files.items()} if machine.install else {})


def unnamed(machine: Machine, beside: Collection[str]) -> tuple[str, ...]:
    """Return the containers, by id, whose service no file names as these stand now: Compose could not start it anew.

    ``beside`` are services of override files.
    """
    named = {*named_by_theirs(machine), *beside}
    return tuple(c.id for c in machine.containers if c.service not in named and not c.one_off)


def beside_upstreams(drafted: Draft, composed: Composed) -> frozenset[str]:
    """Return the services that come from override files, which are the same before and after."""
    return frozenset(composed.services.keys() - _names(drafted.files))


def left_alone(machine: Machine) -> Iterator[Note]:
    """Yield what a reader should know of them."""
    names = sorted({c.service or c.name for c in machine.bystanders if not c.one_off})
    if names and machine.install:
        yield Note(
            "Dify's files do not start these of project {project}, which are left as they are: {services}.",
            {"services": ", ".join(names), "project": machine.install.project},
        )


def _is_dify(container: Container) -> bool:
    return role_of(container.ref, container.environment) not in _ANYBODYS


def _names(files: Mapping[str, bytes]) -> frozenset[str]:
    return service_names(files.get(COMPOSE, b"").decode("utf-8", "replace"))
