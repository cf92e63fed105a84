"""An App's token: for one repository, with few permissions, and revoked in the end."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from difyaction import post
from difyaction.errors import Failed, Invalid
from difyaction.gitops.github.app_token import App, Mint, Minted, permissions_for
from difyaction.gitops.github.calls import Calls, Purpose
from difyaction.secret import Secret
from tests.contract.github_setting import NAME, FastTime, bench, sample
from tests.emulators.github.credentials import App as HostedApp
from tests.emulators.github.emulator import GitHubEmulator

WRITES = permissions_for(writes=True)


def mint_of(github: GitHubEmulator, app: HostedApp, time: FastTime | None = None) -> Mint:
    ours = App(app.client_id, Secret(app.private_key))
    return Mint(github.url, NAME, ours, (time or FastTime()).pace(), Calls())


def minted(github: GitHubEmulator, **app: object) -> Minted:
    return mint_of(github, github.app(repositories=[NAME], **app)).mint(WRITES)  # type: ignore[arg-type]


def test_a_token_is_for_one_repository_and_what_was_asked(github: GitHubEmulator) -> None:
    sample(github)
    github.repository("acme/other", {"x": b"y"})
    mint = mint_of(github, github.app(repositories=[NAME, "acme/other"]))
    made = mint.mint(WRITES)
    assert github.requests[-1].body == {"repositories": ["gitops"], "permissions": WRITES}
    assert made.app_slug == "dify-upgrader"
    assert made.token.reveal().startswith("ghs_")
    assert "ghs_" not in repr(made)
    assert (mint.calls.of(Purpose.MINTING), mint.calls.of(Purpose.PROPOSAL)) == (2, 0)
    here = bench(github, made.token.reveal())
    assert here.look().login == "dify-upgrader[bot]"
    with pytest.raises(Failed) as caught:
        replace(here.repository, full_name="acme/other").look()
    assert caught.value.id == "repository-not-found"


@pytest.mark.parametrize("skew", [-3600, -120, 300, 86_400])
def test_a_clock_that_is_wrong_is_put_right_by_the_servers(github: GitHubEmulator, skew: int) -> None:
    sample(github)
    time = FastTime()
    time.now += skew
    mint = mint_of(github, github.app(repositories=[NAME]), time)
    assert mint.mint(WRITES).token
    assert mint.calls.of(Purpose.MINTING) <= 4


def test_an_older_app_id_does_as_well(github: GitHubEmulator) -> None:
    sample(github)
    app = github.app(repositories=[NAME])
    mint = mint_of(github, app)
    assert replace(mint, app=App(str(app.app_id), mint.app.private_key)).mint(WRITES).token


def test_each_refusal_has_its_name_and_a_fix(github: GitHubEmulator) -> None:
    sample(github)
    cases = {
        "app-not-installed": mint_of(github, github.app(slug="elsewhere")),
        "app-suspended": mint_of(github, github.app(slug="sleepy", repositories=[NAME], suspended=True)),
        "app-permissions": mint_of(
            github, github.app(slug="weak", repositories=[NAME], permissions={"contents": "read"})
        ),
    }
    stranger = mint_of(github, github.app(slug="stranger", repositories=[NAME]))
    other_key = mint_of(github, github.app(slug="other", repositories=[NAME])).app.private_key
    cases["app-key-rejected"] = replace(stranger, app=App(stranger.app.client_id, other_key))
    for wanted, mint in cases.items():
        with pytest.raises(Failed) as caught:
            mint.mint(WRITES)
        assert caught.value.id == wanted
        assert caught.value.next_step
    with pytest.raises(Failed) as caught:
        replace(stranger, app=App("Iv23unknown", other_key)).mint(WRITES)
    assert caught.value.id == "app-key-rejected"


def test_a_key_that_is_none_never_reaches_the_network(github: GitHubEmulator) -> None:
    mint = mint_of(github, github.app(repositories=[NAME]))
    with pytest.raises(Invalid):
        replace(mint, app=App(mint.app.client_id, Secret("secret text"))).mint(WRITES)
    assert not github.requests


# -- the post step ------------------------------------------------------------------------------------------------


def revoke(github: GitHubEmulator, token: str) -> str:
    out = io.StringIO()
    pauses: list[float] = []
    assert post.main({"STATE_app_token": token, "STATE_api_url": github.url}, out, pauses.append) == 0
    assert token not in out.getvalue()
    return out.getvalue()


def test_the_post_step_revokes_the_token_once(github: GitHubEmulator) -> None:
    sample(github)
    token = minted(github).token.reveal()
    assert revoke(github, token) == "The App's token is revoked.\n"
    with pytest.raises(Failed) as caught:
        bench(github, token).look()
    assert caught.value.id == "token-rejected"
    assert revoke(github, token) == "The App's token is revoked.\n"


def test_the_post_step_knows_an_enterprise_servers_path() -> None:
    with GitHubEmulator(ghes="3.19.0") as github:
        sample(github)
        assert github.url.endswith("/api/v3")
        revoke(github, minted(github).token.reveal())
        assert github.requests[-1].status == 204


def test_the_post_step_tries_again_and_then_warns(github: GitHubEmulator) -> None:
    sample(github)
    token = minted(github).token.reveal()
    github.faults.add("DELETE /installation/token", status=502, message=f"bad\n::error::{token}", times=2)
    assert revoke(github, token) == "The App's token is revoked.\n"
    github.faults.add("DELETE /installation/token", status=502, message=f"bad\n::error::{token}", times=None)
    said = revoke(github, token)
    assert said.startswith("::warning title=A token is still valid::")
    assert said.count("\n") == 1


def test_the_post_step_has_nothing_to_do_without_a_token() -> None:
    out = io.StringIO()
    assert post.main({}, out) == 0
    assert post.main({"STATE_app_token": "ghs_x"}, out) == 0
    assert out.getvalue().startswith("::warning")
    assert "no api_url" in out.getvalue()


def test_a_server_that_is_gone_is_a_warning() -> None:
    out = io.StringIO()
    state = {"STATE_app_token": "ghs_x", "STATE_api_url": "http://127.0.0.1:9"}
    assert post.main(state, out, lambda _: None) == 0
    assert "ConnectionRefusedError" in out.getvalue()
