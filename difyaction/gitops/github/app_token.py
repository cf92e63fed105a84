"""A GitHub App's token for one repository and no more permissions than this run needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from difyaction.errors import Complaint, Failed, Invalid
from difyaction.gitops.github.answers import Reply, server_time
from difyaction.gitops.github.calls import Calls, Purpose
from difyaction.gitops.github.client import connect_as, refusal
from difyaction.gitops.github.pace import Pace
from difyaction.gitops.github.private_key import mend
from difyaction.gitops.github.signing import signed
from difyaction.secret import Secret

BACKDATED: Final = 60  # seconds; a runner's clock may be ahead of GitHub's
LIFE: Final = 540  # seconds; GitHub takes ten minutes at most
WORKFLOWS: Final = ".github/workflows"


@dataclass(frozen=True)
class App:
    """A GitHub App: its client id (or the older app id) and its private key."""

    client_id: str
    private_key: Secret


@dataclass(frozen=True)
class Minted:
    """A token of an hour. Mask it before anything else is printed, and save it for the post step."""

    token: Secret
    app_slug: str
    expires_at: str
    permissions: Mapping[str, str]


def permissions_for(*, writes: bool, paths: Iterable[str] = (), team_reviewers: Iterable[str] = ()) -> dict[str, str]:
    """Return the permissions that a run needs. ``paths``: what it may change, as files or as globs."""
    level = "write" if writes else "read"
    wanted = {"contents": level, "pull_requests": level}
    if writes and any(path.lstrip("./").startswith(WORKFLOWS.lstrip(".")) for path in paths):
        wanted["workflows"] = "write"
    if writes and any(team_reviewers):
        wanted["members"] = "read"
    return wanted


@dataclass(frozen=True)
class Mint:
    """Where tokens come from: one server, one App, one repository (``owner/name``)."""

    api_url: str
    repository: str
    app: App
    pace: Pace
    calls: Calls

    def mint(self, permissions: Mapping[str, str]) -> Minted:
        """Return a token for the repository alone with these permissions. Two requests, signed once: that is slow."""
        statement = assertion(self.app, self.pace.clock())
        found = self._ask(statement, "GET", f"/repos/{self.repository}/installation", None)
        theirs = server_time(found)
        if (
            found.status == HTTPStatus.UNAUTHORIZED
            and theirs is not None
            and found.says("issued at", "expiration time")
        ):
            statement = assertion(self.app, theirs)  # our clock is wrong; theirs is the one that counts
            found = self._ask(statement, "GET", f"/repos/{self.repository}/installation", None)
        if found.status == HTTPStatus.NOT_FOUND and not found.says("integration not found"):
            raise _not_installed(self.repository)
        if not found.ok:
            raise self._refused(found, permissions)
        if found.data.get("suspended_at"):
            raise _suspended(self.repository, "")
        wish = {"repositories": [self.repository.partition("/")[2]], "permissions": dict(permissions)}
        made = self._ask(statement, "POST", f"/app/installations/{found.data['id']}/access_tokens", wish)
        if not made.ok:
            raise self._refused(made, permissions)
        return Minted(
            token=Secret(made.data["token"]),
            app_slug=str(found.data.get("app_slug", "")),
            expires_at=str(made.data.get("expires_at", "")),
            permissions=made.data.get("permissions") or {},
        )

    def _ask(self, statement: str, verb: str, path: str, body: object | None) -> Reply:
        from github.Auth import AppAuthToken  # noqa: PLC0415 - only Apps pay for it

        auth = AppAuthToken(statement)
        client = connect_as(self.api_url, auth, pace=self.pace, calls=self.calls, patience=60.0)
        try:
            return client.ask(verb, path, body, Purpose.MINTING)
        finally:
            client.requester.close()

    def _refused(self, reply: Reply, permissions: Mapping[str, str]) -> Failed:
        if reply.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND}:
            return _key_rejected(reply, self.app)
        if reply.status == HTTPStatus.FORBIDDEN and reply.says("suspended"):
            return _suspended(self.repository, reply.message)
        if reply.status == HTTPStatus.UNPROCESSABLE_ENTITY:
            return _not_granted(self.repository, reply, permissions)
        return refusal(reply, "minting the App's token")


def assertion(app: App, now: float) -> str:
    """Return the App's signed statement of who it is, valid from a minute before ``now`` on."""
    key = mend(app.private_key)
    claims = {"iat": int(now) - BACKDATED, "exp": int(now) + LIFE, "iss": app.client_id}
    try:
        return signed(claims, key)
    except Exception as error:  # noqa: BLE001 - whatever the library dislikes about the key, the key is at fault
        # Its own words may quote from the key, so only the kind is told.
        text = f"app-private-key: the App's private key cannot sign ({type(error).__name__})"
        complaint = Complaint(id="app-private-key-unreadable", text=text, input="app-private-key")
        raise Invalid([complaint]) from None


def _not_installed(repository: str) -> Failed:
    return Failed(
        "app-not-installed",
        "The GitHub App is not installed on {repository}.",
        next_step="Install it there: the App's settings, Install App, and select this repository.",
        repository=repository,
    )


def _suspended(repository: str, says: str) -> Failed:
    return Failed(
        "app-suspended",
        "The GitHub App's installation on {repository} is suspended. {says}",
        next_step="Let an owner unsuspend it under Settings, GitHub Apps.",
        repository=repository,
        says=says,
    )


def _not_granted(repository: str, reply: Reply, permissions: Mapping[str, str]) -> Failed:
    return Failed(
        "app-permissions",
        "The installation on {repository} does not grant what this run needs ({wanted}): {says}.",
        next_step="Add these permissions in the App's settings, and let an owner accept them for the installation.",
        repository=repository,
        wanted=", ".join(f"{name}: {level}" for name, level in permissions.items()),
        says=reply.message,
    )


def _key_rejected(reply: Reply, app: App) -> Failed:
    return Failed(
        "app-key-rejected",
        "GitHub does not know the App {client_id}, or not by this private key: {says}.",
        next_step="Check app-client-id, and generate a new private key in the settings of that very App.",
        client_id=app.client_id,
        says=reply.message,
    )
