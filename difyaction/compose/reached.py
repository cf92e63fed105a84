"""The ways on which users would reach a new release before the proxy opens. Pure.

The held proxy is made from the proxy's own service. No port leads to it, and it is kept from Traefik and nginx-proxy,
which look for containers by label and environment (`hold_proxy`): others may still find it. Api and web start before
they are proven; whoever reaches them past the proxy is let in at that moment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from difyaction.compose.composed_facts import Composed, Service
from difyaction.compose.roles import Role

_FACED = {Role.API, Role.SOCKET, Role.WEB}
_TRAEFIK = re.compile(r"traefik\..+")
_CADDY = re.compile(r"caddy(_[0-9]+)?(\..+)?")  # of caddy-docker-proxy, which knows no label to be left alone by
_NGINX_PROXY = ("VIRTUAL_HOST", "VIRTUAL_HOST_MULTIPORTS")


def reached_early(composed: Composed, roles: Mapping[str, Role]) -> tuple[str, ...]:
    """Return them as words for people; none where only a proxy of the project faces users."""
    return tuple(_ways(composed, roles))


def _ways(composed: Composed, roles: Mapping[str, Role]) -> Iterator[str]:
    for name, service in composed.services.items():
        if roles[name] in _FACED:
            yield from (f"{name} publishes port {inner}" for _, outer, inner in service.ports if outer or inner)
            if _labelled(service, _TRAEFIK) and service.labels.get("traefik.enable", "").lower() != "false":
                yield f"{name} has labels of Traefik"
            if any(_given(service, key) for key in _NGINX_PROXY):
                yield f"{name} has VIRTUAL_HOST of nginx-proxy"
        if (roles[name] in _FACED or roles[name] is Role.PROXY) and _labelled(service, _CADDY):
            yield f"{name} has labels of Caddy"
    if Role.PROXY not in roles.values():
        yield "no service of it is the proxy (nginx)"


def _labelled(service: Service, label: re.Pattern[str]) -> bool:
    return any(label.fullmatch(key) for key in service.labels)


def _given(service: Service, key: str) -> bool:
    found = service.environment.get(key)
    return found is not None and bool(found.reveal())
