"""Do the images exist? Asked of the registry itself, for every image and platform, before anything is proposed."""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from difyaction.errors import ActionError
from difyaction.registry_login import DOCKER_HUB, Account, log_in, read_challenge
from difyaction.web import Credential, Reads, Reply

AT_ONCE = 8  # images asked for at the same time

_HUB = frozenset({"", "docker.io", "index.docker.io", DOCKER_HUB})
_LOOPBACK = frozenset({"localhost", "127.0.0.1"})
_INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
_IMAGES = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
_ACCEPT = {"Accept": ", ".join((*_INDEXES, *_IMAGES))}
_LIMIT = 4 * 1024 * 1024  # bytes: no registry takes a larger manifest
_REFERENCE = re.compile(r"[a-z0-9]+(?:[._/-]+[a-z0-9]+)*:(?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|sha256:[0-9a-f]{64})")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_OK, _UNAUTHORISED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY = 200, 401, 403, 404, 429


class State(enum.StrEnum):
    """What the registry said of an image for one platform."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"  # it could not be asked, or would not say


@dataclass(frozen=True)
class Finding:
    """What the registry said of one image and platform.

    ``digest`` is that of what the tag names (the index, where there is one), None when not present.
    ``reason`` is a sentence for a reader, empty when there is nothing to say.
    """

    registry: str
    name: str
    tag: str
    platform: str
    state: State
    digest: str | None = None
    reason: str = ""

    @property
    def image(self) -> str:
        """The image as one writes it, without its tag."""
        return f"{self.registry}/{self.name}" if self.registry else self.name


@dataclass(frozen=True)
class _Answer:
    """One image's manifest as read: its digest and platforms, or why there are none."""

    state: State
    digest: str | None = None
    platforms: frozenset[str] = frozenset()
    reason: str = ""


def check(
    wanted: Iterable[tuple[str, str, str]],
    platforms: Sequence[str],
    *,
    credentials: Sequence[Account] = (),
    web: Reads,
    schemes: Mapping[str, str] | None = None,
) -> tuple[Finding, ...]:
    """Ask for every image, given as (registry, name, tag), and every platform (``linux/amd64``).

    No registry means Docker Hub. A registry on this machine is asked over HTTP; ``schemes`` may say otherwise
    for a host. Each credential is sent to its own host and to nobody else. Nothing is raised for an image that
    cannot be had: that is what a finding says.
    """
    images = tuple(dict.fromkeys(wanted))
    accounts = {_host(account.host): account for account in credentials}
    asked = [_Question(image, accounts, web, schemes or {}) for image in images]
    return tuple(
        finding
        for image, answer in zip(images, _answered(asked), strict=True)
        for finding in _findings(image, answer, platforms or ("",))
    )


def _answered(asked: Sequence[_Question]) -> list[_Answer]:
    """Ask a few at once. Who cancels waits for none of them, as it would for a pool's threads."""
    import threading  # noqa: PLC0415 - `image-check: off` asks nobody

    waiting, answers, broken = iter(range(len(asked))), dict[int, _Answer](), list[Exception]()

    def take() -> None:
        while (number := next(waiting, None)) is not None:
            try:
                answers[number] = asked[number].ask()
            except Exception as why:  # noqa: BLE001 - raised in the thread that asked
                broken.append(why)

    threads = [threading.Thread(target=take, name="registry", daemon=True) for _ in asked[:AT_ONCE]]
    for each in threads:
        each.start()
    for each in threads:
        while each.is_alive():
            each.join(1.0)  # a signal is heard in between, whatever waits longer does not hear one everywhere
    if broken:
        raise broken[0]
    return [answers[number] for number in range(len(asked))]


def _host(registry: str) -> str:
    return DOCKER_HUB if registry.lower() in _HUB else registry.lower()


def _findings(image: tuple[str, str, str], answer: _Answer, platforms: Iterable[str]) -> Iterator[Finding]:
    for platform in platforms:
        state, reason = answer.state, answer.reason
        if state is State.PRESENT and platform and not _has(answer.platforms, platform):
            others = ", ".join(sorted(answer.platforms)) or "no platform at all"
            state, reason = State.ABSENT, f"the image is there for {others}, not for {platform}"
        yield Finding(*image, platform, state, answer.digest if state is State.PRESENT else None, reason)


def _has(platforms: Iterable[str], wanted: str) -> bool:
    """Whether a platform is there; one that is asked for without its variant (``linux/arm64``) takes any."""
    return any(platform == wanted or platform.startswith(f"{wanted}/") for platform in platforms)


class _Question:
    """One image asked of its registry, from the first knock to its platforms."""

    def __init__(
        self, image: tuple[str, str, str], accounts: Mapping[str, Account], web: Reads, schemes: Mapping[str, str]
    ) -> None:
        registry, name, self._tag = image
        self._host = _host(registry)
        self._name = f"library/{name}" if self._host == DOCKER_HUB and "/" not in name else name
        self._account = accounts.get(self._host)
        self._web = web
        usual = "http" if self._host.partition(":")[0] in _LOOPBACK else "https"
        self._base = f"{schemes.get(self._host, usual)}://{self._host}/v2/{self._name}"
        self._credential: Credential | None = None
        self._remark = ""

    def ask(self) -> _Answer:
        """Ask, and make an answer of whatever comes back."""
        if not _REFERENCE.fullmatch(f"{self._name}:{self._tag}"):
            return _Answer(State.ABSENT, reason="no registry can hold an image of this name")
        try:
            reply = self._get(f"/manifests/{self._tag}")
            if reply.status != _OK:
                return self._refused(reply)
            return self._read(reply)
        except ActionError as error:
            return _Answer(State.UNKNOWN, reason=error.what.format(**error.facts))
        except (ValueError, KeyError, TypeError, AttributeError):  # a foreign answer of any shape
            return _Answer(State.UNKNOWN, reason=f"{self._host} sent something that is no manifest")

    def _get(self, path: str) -> Reply:
        reply = self._knock(path)
        challenge = read_challenge(reply.headers.get("WWW-Authenticate", "")) if reply.status == _UNAUTHORISED else None
        if challenge is None or self._credential is not None:
            return reply
        login = log_in(challenge, host=self._host, repository=self._name, account=self._account, web=self._web)
        self._credential, self._remark = login.credential, login.remark
        return self._knock(path) if self._credential else reply

    def _knock(self, path: str) -> Reply:
        return self._web.get(self._base + path, headers=_ACCEPT, credential=self._credential, limit=_LIMIT)

    def _refused(self, reply: Reply) -> _Answer:
        why = {
            _NOT_FOUND: f"{self._host} has no such tag",
            _UNAUTHORISED: f"{self._host} does not show it: it is private, or does not exist",
            _FORBIDDEN: f"{self._host} denies access to it",
            _TOO_MANY: f"{self._host} asks for a slower pace; `registry-credentials` of a user lift its limit",
        }.get(reply.status, f"{self._host} answered with HTTP {reply.status}")
        state = State.ABSENT if reply.status == _NOT_FOUND else State.UNKNOWN
        return _Answer(state, reason=f"{why} ({self._remark})" if self._remark else why)

    def _read(self, reply: Reply) -> _Answer:
        digest = f"sha256:{hashlib.sha256(reply.body).hexdigest()}"
        promised = reply.headers.get("Docker-Content-Digest", digest)
        if promised.startswith("sha256:") and promised != digest:
            return _Answer(State.UNKNOWN, reason=f"{self._host} sent a manifest that does not match its own digest")
        manifest: Any = reply.json()
        kind = manifest.get("mediaType") or reply.headers.get("Content-Type", "").partition(";")[0].strip()
        if kind in _INDEXES or "manifests" in manifest:
            platforms = frozenset(_platform(each.get("platform") or {}) for each in manifest["manifests"])
        elif kind in _IMAGES or "config" in manifest:
            if not _DIGEST.fullmatch(manifest["config"]["digest"]):
                raise ValueError("the configuration has no address")
            reply = self._get(f"/blobs/{manifest['config']['digest']}")
            if reply.status != _OK:
                return self._refused(reply)
            config: Any = reply.json()
            platforms = frozenset({_platform(config)})
        else:
            form = _shown(kind) or "that it does not name"
            return _Answer(State.UNKNOWN, reason=f"{self._host} keeps it in a form unknown here, {form}")
        known = frozenset(platform for platform in platforms if "unknown" not in platform)  # attestations
        return _Answer(State.PRESENT, digest, known, self._remark)


def _platform(described: Mapping[str, Any]) -> str:
    parts = (described.get("os") or "unknown", described.get("architecture") or "unknown", described.get("variant"))
    return _shown("/".join(part for part in parts if part))


def _shown(foreign: str) -> str:
    """Bring a foreign word into a shape that may stand in a sentence and in a log."""
    return re.sub(r"[^A-Za-z0-9./+-]", "?", foreign)[:100]
