"""An App's private key in the shapes that secret stores leave it in."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from difyaction.errors import Invalid
from difyaction.gitops.github.app_token import App, assertion, permissions_for
from difyaction.gitops.github.private_key import mend
from difyaction.secret import Secret
from tests.emulators.github.credentials import pem, rsa_key

PEM = pem(rsa_key("dify-upgrader"))


@pytest.mark.parametrize(
    "given",
    [
        PEM,
        PEM.replace("\n", "\\n"),
        PEM.replace("\n", "\\r\\n"),
        PEM.replace("\n", "\r\n"),
        PEM.replace("\n", " "),
        PEM.replace("\n", ""),
        f'"{PEM}"',
        f"\ufeff  {PEM}  ",
    ],
)
def test_a_key_whose_newlines_were_lost_is_mended(given: str) -> None:
    mended = mend(Secret(given)).reveal()
    assert mended == PEM
    assert load_pem_private_key(mended.encode(), None)


@pytest.mark.parametrize(
    "given",
    ["", "not a key", PEM + PEM, PEM[:400], PEM.replace("-----END RSA", "-----END"), PEM.replace("M", "*", 1)],
)
def test_what_is_no_key_is_refused_without_repeating_it(given: str) -> None:
    with pytest.raises(Invalid) as caught:
        mend(Secret(given))
    assert caught.value.complaints[0].id == "app-private-key-unreadable"
    assert "MII" not in str(caught.value)


def test_a_key_that_cannot_sign_is_refused_without_repeating_it() -> None:
    broken = "-----BEGIN RSA PRIVATE KEY-----\nMIIBroken\n-----END RSA PRIVATE KEY-----"
    with pytest.raises(Invalid) as caught:
        assertion(App("Iv1.x", Secret(broken)), 0.0)
    assert "MIIBroken" not in str(caught.value)


def test_a_token_gets_no_more_than_the_run_needs() -> None:
    assert permissions_for(writes=False) == {"contents": "read", "pull_requests": "read"}
    assert permissions_for(writes=True, paths=["a/values.yaml"]) == {"contents": "write", "pull_requests": "write"}
    assert permissions_for(writes=True, paths=["./.github/workflows/x.yml"])["workflows"] == "write"
    assert permissions_for(writes=True, team_reviewers=["acme/platform"])["members"] == "read"
    assert "members" not in permissions_for(writes=True, team_reviewers=[])
