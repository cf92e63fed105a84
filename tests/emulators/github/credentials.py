"""Who asks: tokens of every kind, Apps with their keys, and what each may do where."""

from __future__ import annotations

import functools
import secrets
import string
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.emulators.github.problems import Problem, invalid, not_found

LEVELS = ("none", "read", "write", "admin")
EVERYTHING = {
    "contents": "write",
    "pull_requests": "write",
    "issues": "write",
    "metadata": "read",
    "workflows": "write",
    "members": "read",
    "checks": "read",
    "statuses": "read",
    "administration": "read",
}
# A workflow's own token can be given no more than this, whatever its permissions block says.
ACTIONS = {name: level for name, level in EVERYTHING.items() if name not in ("workflows", "members", "administration")}
PREFIXES = {"actions": "ghs_", "app": "ghs_", "fine-grained": "github_pat_", "classic": "ghp_"}
TOKEN_LIFE = 3600
LONGEST_ASSERTION = 600


@dataclass(frozen=True)
class Actor:
    """Somebody with a name on GitHub. ``name`` and ``email`` are what commits carry."""

    login: str
    id: int
    kind: str = "User"

    @property
    def email(self) -> str:
        return f"{self.id}+{self.login}@users.noreply.github.com"


@dataclass
class App:
    """An installed GitHub App. ``repositories`` are full names; ``permissions`` what the installation granted."""

    slug: str
    app_id: int
    client_id: str
    installation_id: int
    private_key: str = field(repr=False)
    repositories: set[str]
    permissions: dict[str, str]
    suspended: bool = False

    @property
    def login(self) -> str:
        return f"{self.slug}[bot]"


@dataclass
class Credential:
    """What a request showed. ``repositories`` is None for whoever may see all that there is."""

    text: str
    kind: str
    actor: Actor | None
    repositories: frozenset[str] | None = frozenset()
    permissions: Mapping[str, str] = field(default_factory=dict)
    expires: float | None = None
    revoked: bool = False
    app: App | None = None

    @property
    def is_integration(self) -> bool:
        return self.kind in ("app", "actions")

    @property
    def signs(self) -> bool:
        """Whether GitHub signs a commit of the Git Data API for this token."""
        return self.is_integration

    def has_expired(self, now: float) -> bool:
        return self.expires is not None and self.expires < now

    def covers(self, full_name: str) -> bool:
        return self.repositories is None or full_name.lower() in {name.lower() for name in self.repositories}

    def has(self, needed: str) -> bool:
        """Tell whether ``contents:write`` was given."""
        name, _, level = needed.partition(":")
        return LEVELS.index(self.permissions.get(name, "none")) >= LEVELS.index(level)

    def refusal(self) -> Problem:
        """Return GitHub's words for a permission that is missing."""
        whom = "integration" if self.is_integration else "personal access token"
        return Problem(403, f"Resource not accessible by {whom}", "FORBIDDEN")


ANONYMOUS = Credential("", "anonymous", None, permissions={"metadata": "read", "contents": "read"})


@functools.cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:  # noqa: ARG001 - the cache's key
    """Return the key of this name; making one takes a tenth of a second, so a process keeps it."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()


class Credentials:
    """All tokens and Apps of one GitHub."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._tokens: dict[str, Credential] = {}
        self._actors: dict[str, Actor] = {}
        self.apps: list[App] = []

    def actor(self, login: str) -> Actor:
        kind = "Bot" if login.endswith("[bot]") else "User"
        return self._actors.setdefault(login, Actor(login, 1000 + len(self._actors), kind))

    def add_app(self, slug: str, repositories: Collection[str], permissions: Mapping[str, str] | None) -> App:
        number = len(self.apps) + 1
        app = App(
            slug=slug,
            app_id=4200 + number,
            client_id=f"Iv23li{slug[:4]}{number:010d}",
            installation_id=88000 + number,
            private_key=pem(rsa_key(slug)),
            repositories=set(repositories),
            permissions={"metadata": "read", **(EVERYTHING if permissions is None else permissions)},
        )
        self.apps.append(app)
        return app

    def issue(
        self,
        kind: str,
        login: str,
        *,
        repositories: Collection[str] | None,
        permissions: Mapping[str, str] | None = None,
        app: App | None = None,
    ) -> Credential:
        most = ACTIONS if kind == "actions" else EVERYTHING
        granted = most if permissions is None else permissions
        if kind == "actions":
            granted = {name: level for name, level in granted.items() if name in ACTIONS}
        alphabet = string.ascii_letters + string.digits
        text = PREFIXES[kind] + "".join(secrets.choice(alphabet) for _ in range(36))
        credential = Credential(
            text=text,
            kind=kind,
            actor=self.actor(login),
            repositories=None if repositories is None else frozenset(repositories),
            permissions={"metadata": "read", **granted},
            expires=self._clock() + TOKEN_LIFE if kind in ("app", "actions") else None,
            app=app,
        )
        self._tokens[text] = credential
        return credential

    def revoke(self, text: str) -> None:
        self._tokens[text].revoked = True

    def read(self, header: str) -> Credential:
        """Return whose token an Authorization header shows, or raise 401."""
        if not header:
            return ANONYMOUS
        scheme, _, text = header.partition(" ")
        if scheme.lower() not in ("bearer", "token"):
            raise Problem(401, "Bad credentials", "UNAUTHENTICATED")
        if text.count(".") == 2:
            return Credential(text, "jwt", None, app=self._asserted_app(text))
        credential = self._tokens.get(text)
        if credential is None or credential.revoked or credential.has_expired(self._clock()):
            raise Problem(401, "Bad credentials", "UNAUTHENTICATED")
        return credential

    def _asserted_app(self, assertion: str) -> App:
        """Verify an App's assertion: signature, issuer, times, in GitHub's words."""
        try:
            claims = jwt.decode(assertion, options={"verify_signature": False})
        except jwt.PyJWTError as error:
            raise Problem(401, "A JSON web token could not be decoded") from error
        issuer = str(claims.get("iss", ""))
        app = next((app for app in self.apps if issuer in (app.client_id, str(app.app_id))), None)
        if app is None:
            raise Problem(404, "Integration not found", "NOT_FOUND")
        try:
            jwt.decode(
                assertion,
                rsa_key(app.slug).public_key(),
                algorithms=["RS256"],
                options={"verify_exp": False, "verify_iat": False, "verify_iss": False},
            )
        except jwt.PyJWTError as error:
            raise Problem(401, "A JSON web token could not be decoded") from error
        self._check_times(claims)
        return app

    def _check_times(self, claims: Mapping[str, object]) -> None:
        now, issued, expires = self._clock(), claims.get("iat"), claims.get("exp")
        if not isinstance(issued, int) or issued > now:
            raise Problem(
                401,
                "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued.",
            )
        if not isinstance(expires, int) or expires <= now:
            raise Problem(
                401,
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the"
                " assertion expires.",
            )
        if expires - now > LONGEST_ASSERTION:
            raise Problem(401, "'Expiration time' claim ('exp') is too far in the future")


def installation_for(credentials: Credentials, app: App | None, full_name: str) -> App:
    """Return the installation of ``app`` on this repository, or 404."""
    if app is None or full_name not in app.repositories or app not in credentials.apps:
        raise not_found()
    return app


def narrowed(app: App, names: Collection[str] | None, permissions: Mapping[str, str] | None) -> Mapping[str, object]:
    """Return repositories and permissions of a new installation token, or raise what GitHub raises."""
    if app.suspended:
        raise Problem(403, "This installation has been suspended")
    known = {full_name.split("/")[1]: full_name for full_name in app.repositories}
    if names is not None and not set(names) <= set(known):
        raise invalid(
            "There is at least one repository that does not exist or is not accessible to the parent installation."
        )
    for name, level in (permissions or {}).items():
        granted = app.permissions.get(name, "none")
        if level not in LEVELS or LEVELS.index(granted) < LEVELS.index(level):
            raise invalid("The permissions requested are not granted to this installation.")
    return {
        "repositories": app.repositories if names is None else {known[name] for name in names},
        "permissions": dict(app.permissions if permissions is None else permissions),
    }
