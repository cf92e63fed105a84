"""Logs in by the standard library alone, for the post step: one POST, or one GET to the machine's own identity."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from difyaction.azure.identity import Identity
from difyaction.azure.wire import PASSING_STATUS, Answer, Wire
from difyaction.errors import Failed
from difyaction.secret import Secret

METADATA: Final = "http://169.254.169.254"
_METADATA_HOST: Final = "AZURE_POD_IDENTITY_AUTHORITY_HOST"
_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_TRIES: Final = 3


def metadata(environ: Mapping[str, str]) -> str:
    """Return the address of the machine's metadata service: the one that azure-identity asks in the main step."""
    return environ.get(_METADATA_HOST, METADATA).strip("/")


@dataclass
class PlainTokens:
    """Tokens for one identity. ``assertion`` gives GitHub's token, ``mask`` is told of what Azure gives."""

    identity: Identity
    wire: Wire
    assertion: Callable[[], str]
    mask: Callable[[Secret], None] = lambda _: None
    pause: Callable[[float], None] = time.sleep
    claims: Callable[[], Mapping[str, Any]] = dict
    metadata: str = METADATA
    _kept: dict[str, Secret] = field(default_factory=dict)

    def token(self, scope: str, *, fresh: bool = False) -> Secret:
        """Return a token; it is kept for as long as this object lives, which is short."""
        if fresh or scope not in self._kept:
            self._kept[scope] = self._login(scope)
        return self._kept[scope]

    def _login(self, scope: str) -> Secret:
        answer = Answer(0)
        for attempt in range(_TRIES):
            answer = self._ask(scope)
            token = answer.data.get("access_token") if isinstance(answer.data, Mapping) else None
            if answer.ok and token:
                secret = Secret(str(token))
                self.mask(secret)
                return secret
            if answer.status not in PASSING_STATUS:
                break
            self.pause(0.5 + attempt)
        raise self._refused(answer)

    def _ask(self, scope: str) -> Answer:
        identity = self.identity
        if identity.method == "managed-identity":
            query = {"api-version": "2018-02-01", "resource": scope.removesuffix("/.default")}
            query |= {"client_id": identity.client_id} if identity.client_id else {}
            url = f"{self.metadata}/metadata/identity/oauth2/token?{urlencode(query)}"
            return self.wire.send("GET", url, {"Metadata": "true"}, timeout=5.0)
        form = {"grant_type": "client_credentials", "client_id": identity.client_id, "scope": scope}
        if identity.method == "client-secret":
            form["client_secret"] = identity.secret.reveal()
        else:
            form |= {"client_assertion_type": _ASSERTION, "client_assertion": self.assertion()}
        return self.wire.send(
            "POST",
            f"{identity.cloud.authority}/{identity.tenant}/oauth2/v2.0/token",
            {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            urlencode(form).encode(),
            timeout=15.0,
        )

    def _refused(self, answer: Answer) -> Failed:
        from difyaction.azure.refusals import login_refused  # noqa: PLC0415 - the post step seldom has to explain

        data = answer.data if isinstance(answer.data, Mapping) else {}
        says = str(data.get("error_description") or answer.message)
        return login_refused(self.identity, says, self.claims())
