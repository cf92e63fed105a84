"""How Azure's SDKs send: every setting of their transport, in one place. Imported only by those who use an SDK.

Timeouts, repeats, waiting and trust are ours, so that the SDKs and the client that closes doors behave alike. Their
own logging, redirects and registering of resource providers are left out of the pipeline.
"""

from __future__ import annotations

import logging
import ssl
from collections import Counter
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError, IncompleteReadError, ServiceRequestError, ServiceResponseError
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import ContentDecodePolicy, HTTPPolicy, RequestIdPolicy, UserAgentPolicy
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest, HttpResponse
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

from difyaction.azure.answers import Overdue, answer_of
from difyaction.azure.arm import confined
from difyaction.azure.clouds import Cloud
from difyaction.azure.login import Login
from difyaction.azure.pace import Pace
from difyaction.azure.repeats import LONGEST_WAIT, PATIENCE, TIMEOUT, repeated
from difyaction.azure.wire import AGENT, Answer, untrusted

CONNECT: Final = 10.0  # seconds for a connection
POLLING: Final = 2.0  # seconds between two looks at an operation, unless Azure names others; the SDKs take 30
LATE: Final = 5.0  # seconds after a deadline in which a look that was waited for may still begin
LOGIN: Final = {"connection_timeout": CONNECT, "read_timeout": TIMEOUT, "retry_total": 3}  # of azure-identity
_BROKEN: Final = (ServiceRequestError, ServiceResponseError, IncompleteReadError)


class Transport(RequestsTransport):  # type: ignore[misc]  # azure-core loads it by name: it has no type
    """Requests, as the SDKs send them; but they wait on our clock, and a certificate nobody signed is told at once."""

    def __init__(self, pace: Pace, calls: Counter[str], session: requests.Session | None = None) -> None:
        super().__init__(session=session, connection_timeout=CONNECT, read_timeout=TIMEOUT)
        self._pace, self._calls = pace, calls

    def send(self, request: Any, **options: Any) -> Any:  # noqa: ANN401 - one of two generations of requests and answers
        """Send one request, and count it."""
        self._calls[request.method] += 1
        try:
            with self._pace.events.request(request.method, request.url) as asked:
                response = super().send(request, **options)
                asked.status = response.status_code
                return response
        except ServiceRequestError as error:
            reason = _certificate(error)
            if reason is None:
                raise
            raise untrusted(urlsplit(request.url).hostname or "", reason) from error

    def sleep(self, duration: float) -> None:
        """Wait between two looks at an operation, but never for as long as a server may name."""
        self._pace.pause(min(duration, LONGEST_WAIT))


class Repeats(HTTPPolicy[HttpRequest, HttpResponse]):
    """Repeats what may pass until the option ``until`` (a monotonic moment), by the rule that closing has too.

    The option ``again`` is called before a request is repeated, with the answer that makes it so: who opens a door has
    to know of each request whether it may be carried out yet.
    A token that is refused is renewed once, and requests go to one host only: operations name addresses themselves.
    """

    def __init__(self, login: Login, endpoint: str, pace: Pace) -> None:
        super().__init__()
        self._login, self._endpoint, self._pace = login, endpoint, pace

    def send(self, request: PipelineRequest[HttpRequest]) -> PipelineResponse[HttpRequest, HttpResponse]:
        """Send a request until its answer stands. ``Overdue`` for one that begins after its deadline."""
        options = request.context.options
        until = options.pop("until", None) or self._pace.until(PATIENCE)
        again = options.pop("again", None)
        confined(request.http_request.url, self._endpoint)
        if self._pace.monotonic() > until + LATE:
            raise Overdue
        outcome: list[PipelineResponse[HttpRequest, HttpResponse] | AzureError] = []

        def send(fresh: bool) -> Answer:  # noqa: FBT001 - as `repeated` calls it
            if outcome and again:
                again(_answer(outcome[0]))
            if fresh:
                self._login.renew()
            left = max(1.0, until - self._pace.monotonic())
            options.update(connection_timeout=min(CONNECT, left), read_timeout=min(TIMEOUT, left))
            try:
                response = self.next.send(request)
                response.http_response.read()
            except _BROKEN as error:
                outcome[:] = [error]
            else:
                outcome[:] = [response]
            return _answer(outcome[0])

        repeated(send, self._pace, until=until)
        if isinstance(outcome[0], AzureError):
            raise outcome[0]
        return outcome[0]


def _answer(outcome: PipelineResponse[HttpRequest, HttpResponse] | AzureError) -> Answer:
    return answer_of(outcome if isinstance(outcome, AzureError) else outcome.http_response)


def hush() -> None:
    """Let Azure's libraries log nothing: they log refusals by themselves, with texts that belong into our errors."""
    logging.getLogger("azure").setLevel(logging.CRITICAL)


def management_settings(
    cloud: Cloud, login: Login, pace: Pace, *, calls: Counter[str], session: requests.Session | None
) -> dict[str, Any]:
    """Return the keyword arguments of a management client."""
    return {
        "base_url": cloud.arm,
        "credential_scopes": [cloud.arm_scope],
        "polling_interval": POLLING,
        "transport": Transport(pace, calls, session),
        "policies": [
            RequestIdPolicy(),
            UserAgentPolicy(base_user_agent=AGENT, user_agent_use_env=False),
            ContentDecodePolicy(),
            Repeats(login, cloud.arm, pace),
            ARMChallengeAuthenticationPolicy(_credential(login), cloud.arm_scope),
        ],
    }


def vault_settings(pace: Pace, calls: Counter[str], session: requests.Session | None) -> dict[str, Any]:
    """Return the keyword arguments of a client for secrets. It repeats nothing: each refusal may name an address."""
    return {
        "transport": Transport(pace, calls, session),
        "retry_total": 0,
        "permit_redirects": False,
        "logging_enable": False,
    }


def _credential(login: Login) -> TokenCredential:
    return login


def _certificate(error: BaseException) -> ssl.SSLCertVerificationError | None:
    """Return what the TLS library said of a certificate: urllib3 and requests wrap it several times."""
    wrapped: list[object] = [getattr(error, "inner_exception", None)]
    for each in wrapped:
        if isinstance(each, ssl.SSLCertVerificationError):
            return each
        if isinstance(each, Exception):
            wrapped += [getattr(each, "reason", None), *each.args]
    return None
