"""The way into a repository on GitHub: whose token, which branches, one look, and the token revoked at the end."""

from __future__ import annotations

import random
from dataclasses import dataclass

from difyaction.errors import ActionError, Complaint, Invalid
from difyaction.gitops.editing.address import file_of
from difyaction.gitops.files import Choose
from difyaction.gitops.github.app_token import App, Mint, permissions_for
from difyaction.gitops.github.calls import Calls, Purpose
from difyaction.gitops.github.client import Client, connect
from difyaction.gitops.github.look import Look
from difyaction.gitops.github.pace import Pace
from difyaction.gitops.github.repository import Repository
from difyaction.gitops.unit_name import unit_of
from difyaction.inputs import Inputs
from difyaction.secret import Secret
from difyaction.surroundings import Surroundings

PREFIX = "dify-upgrade/"


@dataclass
class Session:
    """What is open: the client, the look it took, and whether its token is ours to revoke."""

    client: Client
    repository: Repository
    look: Look
    minted: bool


class Entrance:
    """Opens one session for one run, when it is first asked for. ``calls`` counts what is sent."""

    def __init__(self, inputs: Inputs, surroundings: Surroundings, calls: Calls) -> None:
        self._inputs = inputs
        self._surroundings = surroundings
        self._calls = calls
        self._open: Session | None = None

    def session(self, choose: Choose | None = None, spare: Choose | None = None) -> Session:
        """Return the session. ``choose`` and ``spare`` let the look that opens it read files in the same request."""
        if self._open is None:
            token, minted = self._token()
            client = connect(self._inputs.api_url, token, pace=self._pace, calls=self._calls)
            repository = Repository(client, self._inputs.repository)
            base, prefix = base_of(self._inputs), own_branch(self._inputs)
            try:
                if choose is None:
                    look = repository.look(base, prefix)
                else:
                    look, _ = repository.survey(choose, base=base, prefix=prefix, spare=spare)
            except BaseException:
                if minted:
                    _revoke(client, self._surroundings)
                raise
            self._open = Session(client, repository, look, minted)
            self._check_branch(look)
        return self._open

    def close(self) -> None:
        """Revoke the token that was minted, and let go of the connection."""
        session, self._open = self._open, None
        if session is None:
            return
        if session.minted:
            _revoke(session.client, self._surroundings)
        session.client.requester.close()

    def _check_branch(self, look: Look) -> None:
        """See that a proposal has a branch of its own, also where the base is the default that nobody named."""
        if self._inputs.delivery == "pull-request" and own_branch(self._inputs) == look.base:
            text = f"branch: {look.base} is the branch that would be changed; a pull request needs one of its own."
            raise Invalid([Complaint(id="input-conflict", text=text, input="branch")])

    def _token(self) -> tuple[Secret, bool]:
        inputs, runner = self._inputs, self._surroundings.runner
        if not inputs.app_client_id:
            return inputs.token, False
        app = App(inputs.app_client_id, inputs.app_private_key)
        mint = Mint(inputs.api_url, inputs.repository, app, self._pace, self._calls)
        writes = inputs.mode in {"apply", "rollback"}
        paths = (*inputs.files, *(file_of(line) for line in inputs.set_lines))
        with self._surroundings.hold_signals():
            made = mint.mint(permissions_for(writes=writes, paths=paths, team_reviewers=inputs.team_reviewers))
            runner.mask(made.token)
            runner.state({"app_token": made.token, "api_url": inputs.api_url})
        granted = ", ".join(f"{name}: {level}" for name, level in sorted(made.permissions.items()))
        runner.say(f"token of the App {made.app_slug or inputs.app_client_id} for {inputs.repository} ({granted})")
        return made.token, True

    @property
    def _pace(self) -> Pace:
        # Real time, because tokens are dated with it; chance only spreads retries.
        return Pace(
            lambda: self._surroundings.now().timestamp(),
            self._surroundings.pause,
            random.random,
            self._surroundings.say,
        )


def base_of(inputs: Inputs) -> str:
    """Return the branch that is read; with `delivery: commit` it is the one that is written, by whichever name."""
    return inputs.base or (inputs.branch if inputs.delivery == "commit" else "")


def own_branch(inputs: Inputs) -> str:
    """Return the branch of this run's proposal."""
    name = "shared" if inputs.branch_strategy == "shared" else unit_of(inputs)
    return inputs.branch or f"{PREFIX}{name}"


def _revoke(client: Client, surroundings: Surroundings) -> None:
    try:
        reply = client.rest("DELETE", "/installation/token", purpose=Purpose.MINTING)
    except ActionError as why:
        surroundings.runner.warning(f"The App's token could not be revoked; the post step tries again. {why}")
        return
    if reply.ok:
        surroundings.say("The App's token is revoked.")
