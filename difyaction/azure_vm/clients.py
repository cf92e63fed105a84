"""One run's clients for Azure: who it is, how it asks, and the list of what it opened."""

from __future__ import annotations

import random
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from difyaction.azure import fence
from difyaction.azure.after import IDENTITY
from difyaction.azure.arm import VAULTS, Arm, Unanswered
from difyaction.azure.clouds import cloud
from difyaction.azure.doors import Doors
from difyaction.azure.identity import GithubTokens, Identity, Method
from difyaction.azure.leases import Run
from difyaction.azure.login import Login
from difyaction.azure.management import Management
from difyaction.azure.pace import Pace
from difyaction.azure.wire import Answer, Https, Wire
from difyaction.inputs import Inputs
from difyaction.surroundings import Surroundings

METHODS: Mapping[str, Method] = {
    "oidc": "oidc",
    "client-secret": "client-secret",
    "managed-identity": "managed-identity",
}
SECRET_VARIABLE = "INPUT_AZURE-CLIENT-SECRET"  # noqa: S105 - the name of a variable, which the post step gets too

_NO_STATE = (
    "The runner gives no GITHUB_STATE, so that the post step of this job is told of no door. If the job is cancelled "
    "and cannot close one itself, mode sweep has to."
)


@dataclass(frozen=True)
class Clients:
    """What every part of a run shares. ``doors`` hands what is opened to the post step before it is opened."""

    run: Run
    identity: Identity
    login: Login
    azure: Management
    arm: Arm
    wire: Wire
    pace: Pace
    doors: Doors
    _vaults: dict[str, Mapping[str, Any] | Answer | None] = field(default_factory=dict, init=False, repr=False)

    def vault(self, vault: str, *, until: float | None = None) -> Mapping[str, Any] | None:
        """Return a Key Vault by its id as it was at the first look, None where there is none. Azure is asked once.

        ``until``: as `Arm.look` takes it. ``Unanswered`` as that raises it; that we may not look is not asked again
        either.
        """
        if vault not in self._vaults:
            try:
                self._vaults[vault] = self.arm.look(vault, version=VAULTS, until=until)
            except Unanswered as error:
                if error.answer.status != HTTPStatus.FORBIDDEN:
                    raise
                self._vaults[vault] = error.answer
        found = self._vaults[vault]
        if isinstance(found, Answer):
            raise Unanswered(found, f"GET {vault}")
        return found

    def close(self) -> None:
        """Close all connections."""
        self.azure.close()


def clients_of(inputs: Inputs, surroundings: Surroundings) -> Clients:
    """Make them. Nobody is contacted; the post step is told how to log in, and where the fence stands."""
    environ, runner = surroundings.environ, surroundings.runner
    events = surroundings.runner.events
    pace = Pace(
        lambda: surroundings.now().timestamp(), surroundings.monotonic, surroundings.pause, random.random, events
    )
    run = run_of(environ)
    identity = identity_of(inputs)
    wire = Https(environ, events)
    github = GithubTokens(environ, wire, identity.wanted_audience, runner.mask, pace.pause)
    login = Login(identity, github, lambda: github.claims, runner.mask)
    fenced = fence.place(environ, run.nonce)
    # Whatever is opened later, the post step can close it: this is written down before the first opening.
    handed = runner.state(
        {
            IDENTITY: identity.state(SECRET_VARIABLE if identity.method == "client-secret" else ""),
            fence.FENCE: str(fenced),
            fence.CONTAINER: fence.container_id(environ),
        }
    )
    if runner.is_github and not handed:
        runner.warning(_NO_STATE, title="The post step cannot close a door")
    arm = Arm(identity.cloud.arm, identity.cloud.arm_scope, login, wire, pace)
    return Clients(
        run=run,
        identity=identity,
        login=login,
        azure=Management(identity.cloud, login, pace),
        arm=arm,
        wire=wire,
        pace=pace,
        doors=Doors(runner.state, arm.now, pace.monotonic, Path(fenced).exists),
    )


def identity_of(inputs: Inputs) -> Identity:
    """Return who the run is to Azure."""
    place = cloud(inputs.azure_environment, authority=inputs.azure_authority, arm=inputs.azure_resource_manager)
    return Identity(
        METHODS[inputs.azure_login],
        inputs.azure_tenant_id,
        inputs.azure_client_id,
        place,
        inputs.azure_client_secret,
        inputs.azure_audience,
    )


def run_of(environ: Mapping[str, str]) -> Run:
    """Return this run as leases and snapshots name it; away from GitHub, by its nonce alone."""
    number, attempt = environ.get("GITHUB_RUN_ID", ""), environ.get("GITHUB_RUN_ATTEMPT", "")
    return Run(
        int(number) if number.isdigit() else 0,
        int(attempt) if attempt.isdigit() else 1,
        secrets.token_hex(4),
        environ.get("GITHUB_REPOSITORY", ""),
    )
