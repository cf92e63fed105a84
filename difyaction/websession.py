"""Reading from the web: bounded in size and time, tried again where that helps, and discreet.

A credential belongs to one host. It is never sent to another one, also not when the first one
redirects there; nor in the clear, except to this machine itself. What ~/.netrc holds is not sent at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

import requests

from difyaction import errors
from difyaction.events import QUIET, Events
from difyaction.web import DEFAULT_LIMIT, USUAL_PORTS, Credential, Reply, host_of

_TIMEOUTS = (10.0, 30.0)  # seconds to connect, and between two bytes
_MOST_TRIES = 5
_MOST_REDIRECTS = 5
_CHUNK = 64 * 1024
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PASSING = frozenset({429, 500, 502, 503, 504})


class Web:
    """Reads addresses over one session, within ``patience`` seconds for each, tries and pauses included.

    ``clock`` returns seconds that only grow, ``pause`` waits for that many; ``say`` is told before. Proxies are
    those of the environment, as requests finds them.
    """

    def __init__(  # noqa: PLR0913 - what the world gives, each by its name
        self,
        session: requests.Session,
        *,
        clock: Callable[[], float],
        pause: Callable[[float], None],
        patience: float = 90.0,
        say: Callable[[str], None] = lambda _: None,
        events: Events = QUIET,
    ) -> None:
        self._session = session
        self._clock = clock
        self._pause = pause
        self._patience = patience
        self._say = say
        self._events = events

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        credential: Credential | None = None,
        limit: int = DEFAULT_LIMIT,
    ) -> Reply:
        """Read one address; any status is an answer.

        ``limit`` is the size of the longest body accepted, in bytes. ``errors.Failed`` when no
        answer came, or one that is too long or leads nowhere.
        """
        if any(name.lower() == "authorization" for name in headers or {}):
            raise ValueError("an Authorization header is given as a Credential, which knows its host")
        ask = _Ask(url, headers or {}, credential, limit, self._clock() + self._patience)
        sent = 0
        for attempt in range(1, _MOST_TRIES + 1):
            outcome = self._follow(ask)
            sent += outcome.sent
            wait = outcome.wait if outcome.wait is not None else float(2 ** (attempt - 1))
            if outcome.final or attempt == _MOST_TRIES or self._clock() + wait >= ask.deadline:
                return outcome.reply(sent)
            self._say(f"{host_of(outcome.url)} {outcome.trouble}: asking again in {wait:.0f} s")
            self._pause(wait)
        raise AssertionError("the loop returns on its last turn")

    def _follow(self, ask: _Ask) -> _Outcome:
        """Try once, through redirects."""
        url, credential = ask.url, ask.credential
        for sent in range(1, _MOST_REDIRECTS + 2):
            if credential and host_of(url) != credential.host.lower():
                credential = None  # and it stays so, even if the way leads back
            try:
                reply = self._send(url, credential, ask)
            except requests.RequestException as error:
                return _Outcome(sent, error=error, url=url)
            location = reply.headers.get("Location")
            if reply.status not in _REDIRECTS or not location:
                return _Outcome(sent, answer=reply, url=url)
            url = _redirected(url, location)
        raise _misled(ask.url, "it redirects in circles")

    def _send(self, url: str, credential: Credential | None, ask: _Ask) -> Reply:
        headers = dict(ask.headers)
        if credential:
            _must_be_private(url)
            headers["Authorization"] = credential.authorization.reveal()
        request = self._session.prepare_request(requests.Request("GET", url, headers=headers, auth=_as_it_is))
        address = request.url or url
        found = self._session.merge_environment_settings(address, {}, stream=True, verify=None, cert=None)
        verify = True if found["verify"] is None else found["verify"]
        # Not session.send: told not to follow a redirect, it still reads the whole of its body, however long.
        with (
            self._events.request("GET", address) as asked,
            self._session.get_adapter(address).send(
                request, timeout=_TIMEOUTS, stream=True, verify=verify, cert=found["cert"], proxies=found["proxies"]
            ) as response,
        ):
            asked.status = response.status_code
            return Reply(response.status_code, response.headers, self._body(response, ask))

    def _body(self, response: requests.Response, ask: _Ask) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(_CHUNK):
            body += chunk
            if len(body) > ask.limit:
                raise errors.Failed(
                    "web-answer-too-long",
                    "{host} sent more than {limit} bytes.",
                    next_step="Check the address in your inputs: something else than expected answers there.",
                    host=host_of(ask.url),
                    limit=ask.limit,
                )
            if self._clock() > ask.deadline:
                raise requests.Timeout("the answer drips")
        return bytes(body)


@dataclass(frozen=True)
class _Ask:
    """One call of ``get``. ``deadline`` is a time of the clock."""

    url: str
    headers: Mapping[str, str]
    credential: Credential | None
    limit: int
    deadline: float


@dataclass(frozen=True)
class _Outcome:
    """How one try ended: with an answer or an error, after so many requests."""

    sent: int
    url: str
    answer: Reply | None = None
    error: requests.RequestException | None = None

    @property
    def final(self) -> bool:
        """Whether another try could not end otherwise."""
        if self.answer is None:
            broken = isinstance(self.error, requests.ConnectionError | requests.Timeout)
            cut = isinstance(self.error, requests.exceptions.ChunkedEncodingError)
            return isinstance(self.error, requests.exceptions.SSLError) or not (broken or cut)
        if "Retry-After" in self.answer.headers:
            return self.answer.status not in _PASSING | {403}  # GitHub's secondary limit is a 403
        used_up = self.answer.headers.get("X-RateLimit-Remaining") == "0"
        return used_up or self.answer.status not in _PASSING

    @property
    def trouble(self) -> str:
        """Why another try is made, in a few words."""
        return f"answered {self.answer.status}" if self.answer else "did not answer"

    @property
    def wait(self) -> float | None:
        """The seconds that the server asks for, None when it does not say."""
        return _retry_after(self.answer.headers) if self.answer else None

    def reply(self, sent: int) -> Reply:
        """Return the answer, or raise what stands in its place."""
        if self.answer is None:
            raise _unreachable(self.url, self.error) from self.error
        return Reply(self.answer.status, self.answer.headers, self.answer.body, sent)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Stand in for an authentication, so that requests asks neither ~/.netrc nor the address for one."""
    return request


def _must_be_private(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise errors.Failed(
            "web-not-private",
            "A credential would have been sent to {host} unencrypted.",
            next_step="Write the address with https://.",
            host=host_of(url),
        )


def _redirected(url: str, location: str) -> str:
    try:
        target = urljoin(url, location)
        host_of(target)
    except ValueError:
        raise _misled(url, "it redirects to something that is no address") from None
    scheme = urlsplit(target).scheme
    if scheme not in USUAL_PORTS or (scheme == "http" and urlsplit(url).scheme == "https"):
        raise _misled(url, f"it redirects to {scheme or 'an unknown scheme'}")
    return target


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After: seconds, or a date, which is compared with the server's own."""
    value = headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        later = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("Date", ""))
    except (TypeError, ValueError):
        return None
    return max(0.0, later.total_seconds())


def _misled(url: str, why: str) -> errors.Failed:
    return errors.Failed(
        "web-redirect-refused",
        "{host} cannot be read: {why}.",
        next_step="Check the address in your inputs.",
        host=host_of(url),
        why=why,
    )


def _unreachable(url: str, error: Exception | None) -> errors.Failed:
    return errors.Failed(
        "web-unreachable",
        "{host} could not be reached: {why}.",
        next_step="Check the address, and that this runner may connect to it (proxy, firewall); then run again.",
        host=host_of(url),
        why=_reason(error),
    )


def _reason(error: Exception | None) -> str:
    """Say what broke without quoting the library, whose texts may hold a proxy's password."""
    match error:
        case requests.exceptions.SSLError():
            return "its certificate is not trusted here"
        case requests.exceptions.ProxyError():
            return "the proxy does not connect to it"
        case requests.Timeout():
            return "it did not answer in time"
        case requests.ConnectionError():
            return "the connection failed"
        case _:
            return f"the exchange failed ({type(error).__name__})"
