"""Which service does what. Services are known by their images, because people rename them."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from difyaction.compose.facts import is_image
from difyaction.releases.images import DIFY, ImageRef
from difyaction.secret import Secret


class Role(enum.StrEnum):
    """What a service is to the upgrade."""

    API = "api"
    SOCKET = "socket"  # the API once more, for the websocket
    WORKER = "worker"
    BEAT = "beat"
    WEB = "web"
    DAEMON = "daemon"
    SANDBOX = "sandbox"
    AGENT = "agent"
    PROXY = "proxy"
    DOOR = "door"  # an nginx of their own beside it, which may lead to Dify, too: it is open when the proxy is
    DATABASE = "database"
    OTHER = "other"


_OF_DIFY = {"dify-web": Role.WEB, "dify-plugin-daemon": Role.DAEMON, "dify-sandbox": Role.SANDBOX}
_OF_PROXY = "NGINX_HTTPS_ENABLED"  # upstream's compose file gives it to its nginx, and the image does not have it
_DATABASES = ("postgres", "mysql", "mariadb")


def role_of(ref: ImageRef, environment: Mapping[str, Secret]) -> Role:
    """Return what a container or a service with this image and environment is."""
    if is_image(ref, "dify-api"):
        return _api_role(environment)
    for image, role in _OF_DIFY.items():
        if is_image(ref, image):
            return role
    if ref.dify_name is not None and ref.dify_name.startswith(DIFY):
        return Role.AGENT
    name = ref.known_name.rpartition("/")[2]
    if name == "nginx":
        return Role.PROXY
    return Role.DATABASE if name in _DATABASES else Role.OTHER


def roles_of(services: Mapping[str, tuple[ImageRef, Mapping[str, Secret]]]) -> dict[str, Role]:
    """Return what services are, by name; of several nginx only Dify's own is the proxy."""
    found = {name: role_of(*service) for name, service in services.items()}
    proxies = [name for name, role in found.items() if role is Role.PROXY]
    if proxies:
        own = min(proxies, key=lambda name: (_OF_PROXY not in services[name][1], name != "nginx"))
        found |= {name: Role.DOOR for name in proxies if name != own}
    return found


def _api_role(environment: Mapping[str, Secret]) -> Role:
    mode = _value(environment, "MODE")
    if mode in {"worker", "beat"}:
        return Role(mode)
    return Role.SOCKET if "geventwebsocket" in _value(environment, "SERVER_WORKER_CLASS") else Role.API


def _value(environment: Mapping[str, Secret], key: str) -> str:
    found = environment.get(key)
    return found.reveal() if found is not None else ""
