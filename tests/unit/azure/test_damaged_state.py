"""The post step names the doors whatever of its state is damaged."""

from __future__ import annotations

import io

import pytest

from difyaction import post
from difyaction.azure.clouds import PUBLIC
from difyaction.azure.doors import STATE, RuleDoor, written
from difyaction.azure.identity import Identity
from difyaction.azure.leases import Lease, Run

RULE = RuleDoor("/g/networkSecurityGroups/nsg/securityRules/ours", Lease(Run(1, 1, "ab", "acme/infra"), 1))
ODD = Identity("oidc", "t", "c", PUBLIC, audience=7)  # type: ignore[arg-type]  # a state that somebody damaged


@pytest.mark.parametrize("identity", ["", "@@", "NQ==", ODD.state()])
def test_doors_are_named_whatever_became_of_the_identity(identity: str) -> None:
    environ = {
        "STATE_azure_identity": identity,
        f"STATE_{STATE}": written((RULE,)),
        "ACTIONS_ID_TOKEN_REQUEST_URL": "nonsense",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x",
    }
    out = io.StringIO()
    assert post.main(environ, out, pause=lambda _: None) == 9
    assert f"az network nsg rule delete --ids {RULE.rule}" in out.getvalue()
