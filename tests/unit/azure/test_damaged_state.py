"""The post step names the doors whatever of its state is damaged."""

from __future__ import annotations

import io

import pytest

from difyaction import post
from difyaction.azure.clouds import PUBLIC
from difyaction.azure.door import Recalled, RuleDoor, written
from difyaction.azure.doors import STATE
from difyaction.azure.identity import Identity
from difyaction.azure.leases import Lease, Run

RULE = RuleDoor("/g/networkSecurityGroups/nsg/securityRules/ours", Lease(Run(1, 1, "ab", "acme/infra"), 1))
ODD = Identity("oidc", "t", "c", PUBLIC, audience=7)  # type: ignore[arg-type]  # a state that somebody damaged


def posted(identity: str, doors: str) -> tuple[int, str]:
    """Run the post step; return its code and its log."""
    environ = {
        "STATE_azure_identity": identity,
        f"STATE_{STATE}": doors,
        "ACTIONS_ID_TOKEN_REQUEST_URL": "nonsense",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x",
    }
    out = io.StringIO()
    return post.main(environ, out, pause=lambda _: None), out.getvalue()


DAMAGED = ["", "@@", "NQ==", ODD.state()]


@pytest.mark.parametrize("identity", DAMAGED)
def test_doors_are_named_whatever_became_of_the_identity(identity: str) -> None:
    code, said = posted(identity, written([Recalled(RULE)]))
    assert code == 9
    assert f"az network nsg rule delete --ids {RULE.rule}" in said


@pytest.mark.parametrize("identity", DAMAGED)
def test_what_the_run_saw_closed_is_not_open_because_nobody_can_look_again(identity: str) -> None:
    code, said = posted(identity, written([Recalled(RULE, shut=True)]))
    assert code == 0
    assert "::error" not in said
    assert "Seen closed by the run itself: NSG rule ours in nsg." in said
    assert "::warning title=Doors were not looked at once more::" in said


@pytest.mark.parametrize("identity", DAMAGED)
def test_of_several_doors_those_that_may_be_open_are_named(identity: str) -> None:
    other = RuleDoor(f"{RULE.rule}-too", RULE.lease)
    code, said = posted(identity, written([Recalled(RULE, shut=True), Recalled(other)]))
    assert code == 9
    assert f"%0Aaz network nsg rule delete --ids {other.rule}\n" in said, "a line of its own"
    assert f"--ids {RULE.rule}\n" not in said
