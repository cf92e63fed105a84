"""Who GitHub says that we are, and what is said when Azure does not believe it."""

from __future__ import annotations

import json
import shlex

import pytest

from difyaction.azure.clouds import CHINA, PUBLIC, US_GOVERNMENT, cloud
from difyaction.azure.identity import Identity, claims
from difyaction.azure.refusals import login_refused
from difyaction.azure.subjects import credential_command, subject
from difyaction.errors import Invalid
from difyaction.secret import Secret

IDENTITY = Identity("oidc", "11111111-tenant", "33333333-client", PUBLIC)
OLD = {"sub": "repo:acme/infra:environment:prod", "repository_owner_id": "1", "repository_id": "2"}
NEW = "repo:acme@1/infra@2:environment:prod"


def test_both_forms_of_a_subject_are_known_from_either() -> None:
    for actual in (OLD["sub"], NEW):
        found = subject({**OLD, "sub": actual})
        assert (found.old, found.immutable) == (OLD["sub"], NEW)
        assert found.other == (NEW if actual == OLD["sub"] else OLD["sub"])


def test_a_customised_subject_has_one_form() -> None:
    found = subject({"sub": "repository_owner:acme:job_workflow_ref:x"})
    assert (found.old, found.immutable, found.other) == ("", "", "")


def test_the_command_makes_exactly_the_credential_that_is_missing() -> None:
    words = shlex.split(credential_command("client", NEW, audience=PUBLIC.audience))
    assert words[:6] == ["az", "ad", "app", "federated-credential", "create", "--id"]
    assert json.loads(words[-1]) == {
        "name": "acme-1-infra-2-environment-prod",
        "issuer": "https://token.actions.githubusercontent.com",
        "subject": NEW,
        "audiences": ["api://AzureADTokenExchange"],
    }


@pytest.mark.parametrize("code", ["70021", "70025", "700211", "700212", "700213", "700223", "7002138"])
def test_a_missing_trust_names_the_real_subject_in_both_forms(code: str) -> None:
    text = str(login_refused(IDENTITY, f"AADSTS{code}: No matching federated identity record found", OLD))
    for part in (OLD["sub"], NEW, "az ad app federated-credential create --id 33333333-client"):
        assert part in text


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ("AADSTS700016: Application not found", "azure-client-unknown"),
        ("AADSTS90002: Tenant not found", "azure-tenant-unknown"),
        ("AADSTS7000215: Invalid client secret", "azure-secret-wrong"),
        ("AADSTS700024: Client assertion is not within its valid time range", "azure-assertion-expired"),
        ("AADSTS53003: blocked by Conditional Access", "azure-login-refused"),
    ],
)
def test_each_refusal_of_a_login_has_its_own_next_step(says: str, expected: str) -> None:
    assert login_refused(IDENTITY, says, OLD).id == expected


def test_a_machine_without_an_identity_is_said() -> None:
    found = login_refused(Identity("managed-identity", "", "", PUBLIC), "timed out", {})
    assert found.id == "azure-identity-absent"


def test_a_token_that_is_none_has_no_claims() -> None:
    assert claims("x") == {}
    assert claims("a.!!.c") == {}


def test_the_post_step_gets_an_identity_without_its_secret() -> None:
    identity = Identity("client-secret", "t", "c", CHINA, secret=Secret("do-not-write"))
    state = identity.state("INPUT_AZURE-CLIENT-SECRET")
    assert "do-not-write" not in state
    assert Identity.of_state(state, {"INPUT_AZURE-CLIENT-SECRET": "do-not-write"}) == identity
    with pytest.raises(ValueError, match=r".*"):
        Identity.of_state("e30=", {})


def test_sovereign_clouds_have_their_own_audience() -> None:
    assert cloud("us-government") == US_GOVERNMENT
    assert US_GOVERNMENT.audience == "api://AzureADTokenExchangeUSGov"
    assert cloud(arm="127.0.0.1:8443").arm == "https://127.0.0.1:8443"


@pytest.mark.parametrize(("name", "arm"), [("moon", ""), ("public", "http://x"), ("public", "https://x/y")])
def test_a_cloud_that_is_none_is_a_complaint(name: str, arm: str) -> None:
    with pytest.raises(Invalid):
        cloud(name, arm=arm)
