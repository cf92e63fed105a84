"""Who we are to Azure, as data; and GitHub's token that proves it. Standard library only: the post step logs in too.

GitHub's token lives five minutes, so one is asked for at every login, and never kept.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Final, Literal
from urllib.parse import quote

from difyaction.azure.clouds import Cloud
from difyaction.azure.wire import NO_ANSWER, Answer, Wire, bounded
from difyaction.errors import Failed
from difyaction.secret import Secret

Method = Literal["oidc", "client-secret", "managed-identity"]
REQUEST_URL: Final = "ACTIONS_ID_TOKEN_REQUEST_URL"
REQUEST_TOKEN: Final = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"  # noqa: S105 - the name of a variable
_TRIES: Final = 3


@dataclass(frozen=True)
class Identity:
    """An application, or a managed identity (``client_id`` empty: the machine's own), in one tenant of one cloud.

    ``audience`` overrides the cloud's: what GitHub writes into its token.
    """

    method: Method
    tenant: str
    client_id: str
    cloud: Cloud
    secret: Secret = field(default_factory=lambda: Secret(""))
    audience: str = ""

    @property
    def wanted_audience(self) -> str:
        """The audience that GitHub's token must have."""
        return self.audience or self.cloud.audience

    def state(self, secret_variable: str = "") -> str:
        """Return what the post step needs to log in afresh: no secret, but the variable in which it finds one."""
        cloud = {name: getattr(self.cloud, name) for name in self.cloud.__dataclass_fields__}
        record = {
            "method": self.method,
            "tenant": self.tenant,
            "client_id": self.client_id,
            "cloud": cloud,
            "audience": self.audience,
            "secret_variable": secret_variable,
        }
        return base64.urlsafe_b64encode(json.dumps(record, separators=(",", ":")).encode()).decode()

    @classmethod
    def of_state(cls, text: str, environ: Mapping[str, str]) -> Identity:
        """Return the identity that ``state`` wrote, with its secret from the environment. ``ValueError`` for others."""
        try:
            record: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text))
            secret = Secret(environ.get(record.pop("secret_variable"), ""))
            found = cls(**{**record, "cloud": Cloud(**record["cloud"])})
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no identity: {error}") from error
        return replace(found, secret=secret)


@dataclass
class GithubTokens:
    """GitHub's token service for this job. ``mask`` is told of every token before anybody else sees it.

    ``claims`` are those of the token that was given last: what Azure was shown.
    """

    environ: Mapping[str, str]
    wire: Wire
    audience: str
    mask: Callable[[Secret], None]
    pause: Callable[[float], None]
    claims: Mapping[str, Any] = field(default_factory=dict, init=False)

    def __call__(self) -> str:
        """Return a new token, as azure-identity asks for it."""
        url, key = self.environ.get(REQUEST_URL, ""), self.environ.get(REQUEST_TOKEN, "")
        if not url or not key:
            raise Failed(
                "oidc-not-permitted",
                "GitHub gives this job no identity token.",
                next_step="Add `permissions: id-token: write` (and `contents: read`) to the job; a reusable workflow "
                "needs it in the caller too.",
            )
        joint = "&" if "?" in url else "?"
        headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        answer = Answer(NO_ANSWER)
        for attempt in range(_TRIES):
            answer = self.wire.send(
                "GET", f"{url}{joint}audience={quote(self.audience, safe='')}", headers, timeout=20.0
            )
            token = answer.data.get("value") if isinstance(answer.data, Mapping) else None
            if answer.ok and token:
                self.mask(Secret(str(token)))
                self.claims = claims(str(token))
                return str(token)
            if HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                break
            self.pause(1.0 + attempt)
        raise Failed(
            "oidc-unavailable",
            "GitHub's token service gave no identity token ({status}: {says}).",
            next_step="Run again; see https://www.githubstatus.com if it stays so.",
            status=answer.status or "no answer",
            says=answer.message,
        )


def claims(token: str) -> Mapping[str, Any]:
    """Return what a token says of itself, unverified; nothing when it is no token."""
    try:
        payload = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, IndexError):
        return {}
    return found if isinstance(found, dict) else {}


def told(record: Mapping[str, Any]) -> str:
    """Return the claims that a trust is made of, as one line."""
    return bounded(", ".join(f"{name}: {record[name]}" for name in ("sub", "iss", "aud") if name in record))
