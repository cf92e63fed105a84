"""Which services run once and exit, and which of them have done so and need not run again. Pure.

Compose restarts nothing that does not ask for it, and says nothing of ``restart`` then. So a service without that key
may be one that has to stand, or one that prepares something: what waits for it, or how its container is, tells which.
"""

from __future__ import annotations

from collections.abc import Mapping

from difyaction.compose.composed_facts import Composed, Service
from difyaction.compose.facts import Machine
from difyaction.compose.roles import Role


def once_services(machine: Machine, composed: Composed, roles: Mapping[str, Role]) -> tuple[str, ...]:
    """Return the services that run once and exit, also those of `ended_services`."""
    awaited, ended = _awaited(composed), ended_services(machine, composed, roles)
    running = {c.service for c in machine.containers if c.state == "running" and not c.one_off}
    return tuple(
        name
        for name, service in composed.services.items()
        if name in ended
        or (name in awaited and not _stands(service))
        or (service.restart == "no" and name not in running)
    )


def ended_services(machine: Machine, composed: Composed, roles: Mapping[str, Role]) -> tuple[str, ...]:
    """Return the services beside Dify that ended well and that nobody waits for.

    Their containers may have been stopped by hand, too. Either way nothing is lost by leaving them as they are, while
    running one again waits for an end that may not come, and not everything can be done twice.
    """
    awaited = _awaited(composed)
    well = {c.service for c in machine.containers if c.state == "exited" and c.exit_code == 0 and not c.one_off}
    return tuple(
        name
        for name, service in composed.services.items()
        if name in well - awaited
        and roles[name] is Role.OTHER
        and service.restart != "no"  # says so itself, and runs at every upgrade, as with Compose
        and not _stands(service)
    )


def _awaited(composed: Composed) -> set[str]:
    return {name for service in composed.services.values() for name in service.awaits}


def _stands(service: Service) -> bool:
    """Whether its container is started again however it ended."""
    return service.restart not in {"", "no"} and not service.restart.startswith("on-failure")
