"""A small OCI registry: the token dance, manifests by tag and digest, indexes with platforms."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from tests.emulators.loopback import Loopback
from tests.emulators.request import Request, Response

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker.distribution.manifest."
TYPES = {
    True: {"index": f"{DOCKER}list.v2+json", "manifest": f"{DOCKER}v2+json"},
    False: {"index": f"{OCI}index.v1+json", "manifest": f"{OCI}manifest.v1+json"},
}
CONFIG = "application/vnd.oci.image.config.v1+json"
ASKED = re.compile(r"/v2/(?P<name>.+)/(?P<what>manifests|blobs)/(?P<reference>[^/]+)")


@dataclass
class Stored:
    """What one repository of the registry holds: content by digest, digests by tag."""

    private: bool = False
    contents: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def put(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        """Store one document; return its descriptor."""
        content = json.dumps(body).encode()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.contents[digest] = (kind, content)
        return {"mediaType": kind, "digest": digest, "size": len(content)}


class RegistryEmulator:
    """One registry. With ``login`` it wants a name and a password; without, it gives everybody pull tokens.

    ``scheme`` is how it asks: ``bearer`` (the token dance), ``basic``, or ``none``.
    """

    def __init__(self, *, login: tuple[str, str] | None = None, scheme: str = "bearer") -> None:
        self._login, self._scheme = login, scheme
        self._stored: dict[str, Stored] = {}
        self._tokens: dict[str, str] = {}
        self._loopback = Loopback(_read, self._answer)
        self.host = self._loopback.host
        self.url = f"http://{self.host}"
        self.requests = self._loopback.requests
        self.faults = self._loopback.faults

    def __enter__(self) -> Self:
        self._loopback.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loopback.stop()
        if kind is None and self._loopback.surprises:
            raise AssertionError(self._loopback.surprises[0])

    def push(  # noqa: PLR0913 - an image has these traits; all but two have defaults
        self,
        name: str,
        tag: str,
        *,
        platforms: Sequence[str] = ("linux/amd64",),
        index: bool = True,
        docker: bool = False,
        private: bool = False,
    ) -> str:
        """Put an image there; return its digest. Without ``index`` the tag is the one platform's own manifest."""
        stored = self._stored.setdefault(name, Stored(private))
        types = TYPES[docker]
        manifests = []
        for platform in platforms:
            system, architecture, *variant = platform.split("/")
            facts = {"os": system, "architecture": architecture} | ({"variant": variant[0]} if variant else {})
            config = stored.put(CONFIG, {**facts, "made": f"{name}:{tag}"})
            manifest = {"schemaVersion": 2, "mediaType": types["manifest"], "config": config, "layers": []}
            manifests.append(stored.put(types["manifest"], manifest) | {"platform": facts})
        last = manifests[-1]
        if index:
            last = stored.put(types["index"], {"schemaVersion": 2, "mediaType": types["index"], "manifests": manifests})
        stored.tags[tag] = last["digest"]
        return str(last["digest"])

    def _answer(self, request: Request) -> Response:
        if request.path == "/token":
            return self._token(request)
        asked = ASKED.fullmatch(request.path)
        name = asked["name"] if asked else ""
        if not self._admits(request, name):
            return self._challenge(name)
        if asked is None or request.method not in ("GET", "HEAD"):
            return Response(200 if request.path == "/v2/" else 404, {})
        stored = self._stored.get(name)
        if stored is None:
            return _error(404, "NAME_UNKNOWN", "repository name not known to registry")
        return _document(stored, asked["what"], asked["reference"], request.headers.get("Accept", ""))

    def _token(self, request: Request) -> Response:
        if self._login is not None and not self._knows(request):
            return _error(401, "UNAUTHORIZED", "authentication required")
        token = secrets.token_urlsafe(24)
        self._tokens[token] = request.query.get("scope", "")
        return Response(200, {"token": token, "access_token": token, "expires_in": 300})

    def _knows(self, request: Request) -> bool:
        wanted = base64.b64encode(":".join(self._login or ("", "")).encode()).decode()
        return self._login is not None and request.headers.get("Authorization") == f"Basic {wanted}"

    def _admits(self, request: Request, name: str) -> bool:
        if self._scheme == "none":
            return True
        if self._scheme == "basic":
            return self._knows(request)
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer" or token not in self._tokens:
            return False
        hidden = self._login is None and name in self._stored and self._stored[name].private
        return not hidden and (not name or self._tokens[token] == f"repository:{name}:pull")

    def _challenge(self, name: str) -> Response:
        how = 'Basic realm="registry"'
        if self._scheme == "bearer":
            scope = f',scope="repository:{name}:pull"' if name else ""
            how = f'Bearer realm="{self.url}/token",service="{self.host}"{scope}'
        headers = {"WWW-Authenticate": how, "Docker-Distribution-Api-Version": "registry/2.0"}
        return Response(401, _body("UNAUTHORIZED", "authentication required"), headers)


def _read(request: Request) -> None:
    request.credential = request.headers.get("Authorization", "").partition(" ")[0].lower() or "anonymous"


def _document(stored: Stored, what: str, reference: str, accept: str) -> Response:
    digest = stored.tags.get(reference, reference)
    if digest not in stored.contents:
        return _error(404, "MANIFEST_UNKNOWN" if what == "manifests" else "BLOB_UNKNOWN", "manifest unknown")
    kind, content = stored.contents[digest]
    if what == "manifests" and kind not in accept and "*/*" not in accept.split(","):
        return _error(404, "MANIFEST_UNKNOWN", f"{kind} found, but accept header does not support it")
    headers = {"Content-Type": kind, "Docker-Content-Digest": digest}
    return Response(200, headers=headers, raw=content)


def _body(code: str, message: str) -> dict[str, Any]:
    return {"errors": [{"code": code, "message": message, "detail": None}]}


def _error(status: int, code: str, message: str) -> Response:
    return Response(status, _body(code, message))
