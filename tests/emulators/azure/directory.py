"""Entra: applications, the statements that it trusts in place of their passwords, and the tokens that it gives."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt

from tests.emulators.azure.clock import Timing, stamp
from tests.emulators.azure.github_oidc import AZURE, GitHubOidc

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LEARN = "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
CHECK = (
    f"Check your federated identity credential Subject, Audience and Issuer against the presented assertion. {LEARN}"
)
UNMATCHED = "No matching federated identity record found for presented assertion"


@dataclass
class LoginProblem(Exception):
    """A refusal of the token endpoint: OAuth's ``error``, the number of AADSTS, its text."""

    status: int
    error: str
    number: int
    text: str


@dataclass(frozen=True)
class Federation:
    """A federated credential."""

    subject: str
    issuer: str
    audience: str


@dataclass
class Application:
    """An app registration with its service principal."""

    client_id: str
    object_id: str
    secret: str | None = None
    federations: list[Federation] = field(default_factory=list)

    def federate(self, subject: str, *, issuer: str = GitHubOidc.issuer, audience: str = AZURE) -> None:
        self.federations.append(Federation(subject, issuer, audience))


@dataclass(frozen=True)
class Token:
    """An access token: whose, for which resource, until when."""

    application: Application
    resource: str
    expires: float


class Directory:
    """One tenant."""

    def __init__(self, tenant_id: str, clock: Callable[[], float], timing: Timing, github: GitHubOidc) -> None:
        self.tenant_id = tenant_id
        self.applications: dict[str, Application] = {}
        self.resources: set[str] = {"https://management.azure.com", "https://vault.azure.net"}
        self.tokens: dict[str, Token] = {}
        self._clock, self._timing, self._github = clock, timing, github

    def add(self, secret: str | None) -> Application:
        application = Application(str(uuid.uuid4()), str(uuid.uuid4()), secret)
        self.applications[application.client_id] = application
        return application

    def grant(self, tenant: str, form: Mapping[str, str]) -> dict[str, Any]:
        """Return the token endpoint's answer to a request for client credentials."""
        if tenant != self.tenant_id:
            raise LoginProblem(
                400,
                "invalid_request",
                90002,
                f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into"
                " the correct cloud. Check with your subscription administrator, this may happen if there are no active"
                " subscriptions for the tenant.",
            )
        application = self._application(form.get("client_id", ""))
        if form.get("client_assertion_type") == ASSERTION:
            self._check_assertion(application, form.get("client_assertion", ""))
        else:
            _check_secret(application, form.get("client_secret", ""))
        return self.give(application, form.get("scope", ""))

    def give(self, application: Application, scope: str) -> dict[str, Any]:
        """Return a token for somebody who has proved who it is, as the token endpoint answers it."""
        resource = self._resource(scope)
        text = f"eyJ0eXAiOiJKV1Qi.{secrets.token_urlsafe(48)}"
        life = self._timing.token_life
        self.tokens[text] = Token(application, resource, self._clock() + life)
        return {"token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": text}

    def _application(self, client_id: str) -> Application:
        if client_id in self.applications:
            return self.applications[client_id]
        raise LoginProblem(
            400,
            "unauthorized_client",
            700016,
            f"Application with identifier '{client_id}' was not found in the directory '{self.tenant_id}'. This can"
            " happen if the application has not been installed by the administrator of the tenant or consented to by"
            " any user in the tenant. You may have sent your authentication request to the wrong tenant.",
        )

    def _resource(self, scope: str) -> str:
        resource = scope.removesuffix("/.default").rstrip("/")
        if resource in self.resources and scope.endswith("/.default"):
            return resource
        raise LoginProblem(
            400,
            "invalid_resource",
            500011,
            f"The resource principal named {resource} was not found in the tenant named {self.tenant_id}. This can"
            " happen if the application has not been installed by the administrator of the tenant or consented to by"
            " any user in the tenant. You might have sent your authentication request to the wrong tenant.",
        )

    def _check_assertion(self, application: Application, assertion: str) -> None:
        try:
            claims = jwt.decode(assertion, options={"verify_signature": False})
        except jwt.PyJWTError as error:
            raise LoginProblem(401, "invalid_client", 50027, "JWT token is invalid or malformed.") from error
        _match(application, claims)
        self._check_signature(assertion, str(claims["iss"]))
        now = self._clock()
        begins, ends = float(claims.get("nbf", 0)), float(claims.get("exp", 0))
        if not begins <= now < ends:
            raise LoginProblem(
                401,
                "invalid_client",
                700024,
                f"Client assertion is not within its valid time range. Current time: {stamp(now, 'Z')}, assertion valid"
                f" from {stamp(begins, 'Z')}, expiry time of assertion {stamp(ends, 'Z')}. Review the documentation at"
                " https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
            )

    def _check_signature(self, assertion: str, issuer: str) -> None:
        """Verify against the key set that the issuer serves."""
        served = self._github.key_set() if issuer == self._github.issuer else {"keys": []}
        keys = {key["kid"]: key for key in served["keys"]}
        try:
            key = jwt.PyJWK(keys[jwt.get_unverified_header(assertion)["kid"]])
            jwt.api_jws.decode_complete(assertion, key, algorithms=["RS256"])
        except (KeyError, jwt.PyJWTError) as error:
            text = "Client assertion failed signature validation."
            raise LoginProblem(401, "invalid_client", 700027, text) from error


def _match(application: Application, claims: Mapping[str, Any]) -> None:
    """Compare the statement with the federated credentials: issuer, subject (case counts), audience."""
    issuer, subject, audience = (str(claims.get(name, "")) for name in ("iss", "sub", "aud"))
    left = [one for one in application.federations if one.issuer == issuer]
    if not left:
        raise LoginProblem(401, "invalid_client", 700211, f"{UNMATCHED} issuer '{issuer}'. {CHECK}")
    if not any(one.subject == subject for one in left):
        if any(one.subject.lower() == subject.lower() for one in left):
            raise LoginProblem(
                401,
                "invalid_client",
                7002138,
                f"{UNMATCHED} subject '{subject}'. The subject matches with case-insensitive comparison, but not with"
                f" case-sensitive comparison. {CHECK}",
            )
        raise LoginProblem(401, "invalid_client", 700213, f"{UNMATCHED} subject '{subject}'. {CHECK}")
    if not any(one.subject == subject and one.audience == audience for one in left):
        raise LoginProblem(401, "invalid_client", 700212, f"{UNMATCHED} audience '{audience}'. {CHECK}")


def _check_secret(application: Application, shown: str) -> None:
    if not shown:
        text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
        raise LoginProblem(401, "invalid_client", 7000218, text)
    if application.secret is None or not secrets.compare_digest(shown, application.secret):
        raise LoginProblem(
            401,
            "invalid_client",
            7000215,
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value,"
            f" not the client secret ID, for a secret added to app '{application.client_id}'.",
        )
