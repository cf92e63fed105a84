"""GitHub's token service as a workflow meets it: a signed statement of who runs, for five minutes."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jwt
from jwt.algorithms import RSAAlgorithm

from tests.emulators.github.credentials import rsa_key
from tests.emulators.request import Request, Response

AZURE = "api://AzureADTokenExchange"
REQUEST_PATH = "/idtoken/run/job"
JWKS_PATH = "/.well-known/jwks"
DISCOVERY_PATH = "/.well-known/openid-configuration"


@dataclass
class GitHubOidc:
    """One job. ``immutable`` puts the ids into the subject; ``lifetime`` is in seconds."""

    clock: Callable[[], float]
    repository: str = "acme/infra"
    repository_id: int = 2002
    owner_id: int = 1001
    environment: str | None = "prod"
    ref: str = "refs/heads/main"
    immutable: bool = False
    lifetime: float = 300
    issuer: str = "https://token.actions.githubusercontent.com"
    request_token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    origin: str = ""
    minted: list[str] = field(default_factory=list)
    _key: str = "github-oidc-1"

    @property
    def request_url(self) -> str:
        return f"{self.origin}{REQUEST_PATH}?api-version=2.0"

    @property
    def subject(self) -> str:
        owner, name = self.repository.split("/")
        who = f"{owner}@{self.owner_id}/{name}@{self.repository_id}" if self.immutable else self.repository
        if self.environment is None:
            return f"repo:{who}:ref:{self.ref}"
        return f"repo:{who}:environment:{self.environment.replace(':', '%3A')}"

    def token(self, audience: str = AZURE, **claims: Any) -> str:  # noqa: ANN401 - claims are what a test needs
        """Mint a token; ``claims`` replace what GitHub would say."""
        now = int(self.clock())
        said = {
            "jti": str(uuid.uuid4()),
            "sub": self.subject,
            "aud": audience,
            "ref": self.ref,
            "repository": self.repository,
            "repository_id": str(self.repository_id),
            "repository_owner": self.repository.split("/")[0],
            "repository_owner_id": str(self.owner_id),
            "run_id": "123",
            "run_attempt": "1",
            "iss": self.issuer,
            "nbf": now - 5,
            "iat": now,
            "exp": now + int(self.lifetime),
        }
        if self.environment is not None:
            said["environment"] = self.environment
        self.minted.append(audience)
        return jwt.encode({**said, **claims}, rsa_key(self._key), algorithm="RS256", headers={"kid": self._key})

    def rotate(self) -> None:
        """Sign with a key that the served set does not hold."""
        self._key = "github-oidc-unknown"

    def key_set(self) -> dict[str, Any]:
        """Return the key set as it is served."""
        public = json.loads(RSAAlgorithm.to_jwk(rsa_key("github-oidc-1").public_key()))
        return {"keys": [{**public, "kid": "github-oidc-1", "alg": "RS256", "use": "sig"}]}

    def answer(self, request: Request) -> Response | None:
        """Answer what GitHub answers; None is for the others."""
        if request.path == JWKS_PATH:
            return Response(200, self.key_set())
        if request.path == DISCOVERY_PATH:
            return Response(200, {"issuer": self.issuer, "jwks_uri": f"{self.origin}{JWKS_PATH}"})
        if request.path != REQUEST_PATH:
            return None
        scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
        if request.method != "GET" or scheme.lower() != "bearer" or shown != self.request_token:
            return Response(401, {"message": "the token that asks is not this job's"})
        owner = self.repository.split("/")[0]
        return Response(200, {"value": self.token(request.query.get("audience", f"https://github.com/{owner}"))})
