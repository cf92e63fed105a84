"""One credential, one server: requests through PyGithub, repeated under one deadline, counted by purpose."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin

from difyaction.errors import Failed
from difyaction.gitops.github.answers import Answer, Reply, graph_errors, wait_before_repeating
from difyaction.gitops.github.calls import Calls, Purpose
from difyaction.gitops.github.pace import Pace
from difyaction.gitops.github.redirects import redirected
from difyaction.secret import Secret
from difyaction.web import host_of

if TYPE_CHECKING:
    from github.Auth import Auth
    from github.Requester import Requester

API_VERSION: Final = "2022-11-28"
TIMEOUT: Final = 30  # seconds for one answer; GitHub itself gives up after ten
REDIRECTS: Final = range(300, 400)


def connect(api_url: str, token: Secret, *, pace: Pace, calls: Calls, patience: float = 300.0) -> Client:
    """Return a client for one server and one token. ``patience``: seconds for all repeated requests together."""
    from github.Auth import Token  # noqa: PLC0415 - only those who talk to GitHub pay for the library

    return connect_as(api_url, Token(token.reveal()), pace=pace, calls=calls, patience=patience)


def connect_as(api_url: str, auth: Auth, *, pace: Pace, calls: Calls, patience: float = 300.0) -> Client:
    """Return a client that shows ``auth``, whatever its kind."""
    from github import Github  # noqa: PLC0415 - the same

    from difyaction.gitops.github.unredirected import no_redirects  # noqa: PLC0415 - it loads the library, too

    # At the level DEBUG it writes whole answers, a newly minted token among them.
    logging.getLogger("github.Requester").setLevel(logging.WARNING)
    with no_redirects():
        server = Github(
            base_url=api_url.rstrip("/"),
            auth=auth,
            timeout=TIMEOUT,
            user_agent="dify-upgrade-action",
            retry=0,  # the loop below repeats; two loops would multiply
            seconds_between_requests=0,
            seconds_between_writes=0,
            api_version=API_VERSION,
        )
    return Client(server.requester, calls=calls, pace=pace, deadline=pace.clock() + patience)


@dataclass
class Client:
    """Sends requests to the one server that its credential is for. Answers of all statuses come back as records."""

    requester: Requester
    calls: Calls
    pace: Pace
    deadline: float
    enterprise_version: str = field(default="", init=False)

    def rest(self, verb: str, path: str, body: object | None = None, *, purpose: Purpose = Purpose.PROPOSAL) -> Reply:
        """Send one REST request. ``path`` begins with ``/``. A busy server is asked again until the deadline."""
        reply = self.ask(verb, path, body, purpose)
        if reply.status == HTTPStatus.UNAUTHORIZED:
            raise token_rejected(reply)
        return reply

    def graphql(self, document: str, variables: Mapping[str, object], *, purpose: Purpose = Purpose.PROPOSAL) -> Answer:
        """Send one GraphQL document. Its errors come back beside its data."""
        reply = self.rest(
            "POST", self.requester.graphql_url, {"query": document, "variables": variables}, purpose=purpose
        )
        if reply.status != HTTPStatus.OK or not isinstance(reply.data, dict):
            raise refusal(reply, "GraphQL")
        return Answer(reply.data.get("data") or {}, graph_errors(reply))

    def ask(self, verb: str, path: str, body: object | None, purpose: Purpose) -> Reply:
        """Send one request; a rejected credential, too, comes back as a record."""
        reply, attempt = self._send(verb, path, body, purpose), 0
        while (wait := wait_before_repeating(reply, attempt)) is not None:
            if self.pace.clock() + wait > self.deadline:
                raise _out_of_time(reply, wait)
            self.pace.say(f"{host_of(self.requester.base_url)} {_busy(reply)}: asking again in {wait:.0f} s")
            self.pace.pause(wait)
            reply, attempt = self._send(verb, path, body, purpose), attempt + 1
        if reply.status in REDIRECTS:
            raise redirected(self.requester.base_url, path, reply.headers)
        return reply

    def _send(self, verb: str, path: str, body: object | None, purpose: Purpose) -> Reply:
        import requests  # noqa: PLC0415 - PyGithub's own transport, loaded with it

        self.calls.count(purpose)
        try:
            with self.calls.events.request(verb, urljoin(f"{self.requester.base_url}/", path.lstrip("/"))) as asked:
                status, headers, text = self.requester.requestJson(verb, path, input=body)
                asked.status = status
        except requests.exceptions.SSLError as error:
            raise _untrusted(error) from error
        except requests.exceptions.RequestException as error:
            return Reply(0, {}, {"message": type(error).__name__})
        self.enterprise_version = headers.get("x-github-enterprise-version", self.enterprise_version)
        return Reply(status, headers, _json(text))


def _busy(reply: Reply) -> str:
    return f"answered {reply.status}" if reply.status else "did not answer"


def _json(text: str) -> Any:  # noqa: ANN401 - JSON has no other type
    try:
        return json.loads(text) if text else None
    except ValueError:
        return {"message": text}


def refusal(reply: Reply, action: str) -> Failed:
    """Return the error for an answer that nothing better is known about."""
    if reply.status == HTTPStatus.FORBIDDEN:
        return Failed(
            "token-may-not",
            "GitHub does not let this token do that ({action}): {says}.",
            next_step="Give the token the permissions contents: write and pull-requests: write for this repository.",
            action=action,
            says=reply.message,
        )
    return Failed(
        "github-refused",
        "GitHub answered {status} to {action}: {says}.",
        next_step="Look the sentence up in docs/troubleshooting.md, or run again if it names a passing fault.",
        status=reply.status,
        action=action,
        says=reply.message,
    )


def token_rejected(reply: Reply) -> Failed:
    """Return the error for a credential that the server does not know."""
    return Failed(
        "token-rejected",
        "GitHub does not accept the token: {says}.",
        next_step="Give a token that is valid for this server; it may have expired or been revoked.",
        says=reply.message,
    )


def _untrusted(error: Exception) -> Failed:
    return Failed(
        "api-untrusted",
        "The server's certificate is not trusted ({kind}).",
        next_step="Put your authority's certificate where REQUESTS_CA_BUNDLE points.",
        kind=type(error).__name__,
    )


def _out_of_time(reply: Reply, wait: float) -> Failed:
    if reply.status in (200, 403, 429):
        return Failed(
            "rate-limited",
            "GitHub's rate limit is used up; it asks for a wait of {seconds} s, more than this run has.",
            next_step="Run again later, or use a token with a limit of its own.",
            seconds=round(wait),
        )
    return Failed(
        "github-unavailable",
        "GitHub could not be reached or keeps failing ({status}: {says}).",
        next_step="Run again later; see https://www.githubstatus.com.",
        status=reply.status or "no answer",
        says=reply.message,
    )
