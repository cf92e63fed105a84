"""How a registry wants to be asked: its challenge read, a token fetched, a password shown only to its own host."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode, urlsplit

from difyaction.secret import Secret
from difyaction.web import Credential, Reads, host_of

DOCKER_HUB = (
    "registry-1.docker.io"  # https://docs.docker.com/reference/api/registry/latest/ : its API, "docker.io" has none
)
HUB_LOGIN = "auth.docker.io"  # https://docs.docker.com/reference/api/registry/auth/ : the realm that it names

_LIMIT = 256 * 1024  # bytes of an answer that holds a token
_PARAMETER = re.compile(r'(?P<name>[A-Za-z]+)\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s,"]+))')
# Names under which strangers get theirs: a neighbour there is no relative.
_SHARED = re.compile(
    r"(?:(?:co|com|net|org|ac|gov|ne|or|edu)\.[a-z]{2}|azurecr\.io|amazonaws\.com|github\.io|pages\.dev)$"
)
_OK = 200


class Account(Protocol):
    """A user of one registry; ``host`` may carry a port."""

    @property
    def host(self) -> str:
        """The registry's own host."""
        ...

    @property
    def user(self) -> str:
        """The user's name."""
        ...

    @property
    def password(self) -> Secret:
        """The password or access token."""
        ...


@dataclass(frozen=True)
class Challenge:
    """What ``WWW-Authenticate`` asks for: the scheme in lower case, and its parameters."""

    scheme: str
    realm: str = ""
    service: str = ""


@dataclass(frozen=True)
class Login:
    """The way in: what to send, or None; ``remark`` says what a reader should know about it."""

    credential: Credential | None
    remark: str = ""


def read_challenge(header: str) -> Challenge | None:
    """Read the challenge of a 401; None if it is none that registries use."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() not in {"basic", "bearer"}:
        return None
    found = {
        match["name"].lower(): match["bare"] or re.sub(r"\\(.)", r"\1", match["quoted"] or "")
        for match in _PARAMETER.finditer(rest)
    }
    return Challenge(scheme.lower(), found.get("realm", ""), found.get("service", ""))


def log_in(challenge: Challenge, *, host: str, repository: str, account: Account | None, web: Reads) -> Login:
    """Answer a challenge of ``host`` for reading one repository. ``errors.Failed`` when the realm cannot be reached."""
    basic = Credential(host, _basic(account)) if account else None
    if challenge.scheme == "basic":
        return Login(basic, "" if basic else f"{host} wants a user and a password")
    realm = host_of(challenge.realm) if urlsplit(challenge.realm).scheme in {"http", "https"} else ""
    if not realm:
        return Login(None, f"{host} names no address where a token can be had")
    shown, remark = None, ""
    if account and _are_one(host, realm):
        shown = Credential(realm, _basic(account))
    elif account:
        remark = f"asked without the password: {host} wants it sent to {realm}, which is another host"
    query = urlencode({"service": challenge.service, "scope": f"repository:{repository}:pull"})
    joint = "&" if urlsplit(challenge.realm).query else "?"
    reply = web.get(f"{challenge.realm}{joint}{query}", credential=shown, limit=_LIMIT)
    if reply.status != _OK:
        return Login(None, remark or f"{realm} gave no token (HTTP {reply.status})")
    token = _token(reply.json())
    return Login(Credential(host, Secret(f"Bearer {token}")) if token else None, remark)


def _basic(account: Account) -> Secret:
    pair = f"{account.user}:{account.password.reveal()}".encode()
    return Secret(f"Basic {base64.b64encode(pair).decode()}")


def _token(answer: object) -> str:
    if not isinstance(answer, Mapping):
        return ""
    token = answer.get("token") or answer.get("access_token")
    return token if isinstance(token, str) and token.isprintable() else ""


def _are_one(host: str, realm: str) -> bool:
    """Whether a registry and its realm belong to one owner, so that the password may go to the realm."""
    registry, login = (name.partition(":")[0] for name in (host.lower(), realm.lower()))
    if registry == login or (registry, login) == (DOCKER_HUB, HUB_LOGIN):
        return True
    if login.endswith(f".{registry}"):
        return True
    parent = registry.partition(".")[2]
    if "." not in parent or _SHARED.search(parent) or registry.replace(".", "").isdecimal():
        return False
    return login == parent or login.partition(".")[2] == parent
