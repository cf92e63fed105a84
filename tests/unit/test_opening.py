"""The first line of the log."""

from __future__ import annotations

import pytest

from difyaction import __version__
from difyaction.inputs import read
from difyaction.opening import opening, place
from tests.unit.azure_vm.test_roads import HOST_KEY, KEY, SSH

BY_SSH = {
    "target": "server",
    "host": "10.1.0.4",
    "user": "dify",
    "ssh-key": KEY,
    "ssh-known-hosts": f"10.1.0.4 {HOST_KEY}",
}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"dify-version": "1.14.1"}, "mode apply, target server, host dify@10.1.0.4, dify-version 1.14.1"),
        (
            {"dify-version": "latest", "port": "2222"},
            "mode apply, target server, host dify@10.1.0.4:2222, dify-version latest",
        ),
        ({"mode": "rollback", "rollback-to": "b1"}, "mode rollback, target server, host dify@10.1.0.4, rollback-to b1"),
    ],
)
def test_the_first_line_says_who_does_what_where(given: dict[str, str], told: str) -> None:
    assert opening(read(BY_SSH | given)) == f"dify-upgrade-action {__version__}: {told}"


def test_this_machine_a_machine_in_azure_and_a_repository_have_no_host_to_name() -> None:
    local = {"target": "server", "host": "local", "dify-version": "1.14.1", "plan-id": "a" * 64}
    assert opening(read(local)).endswith(
        ": mode apply, target server, this machine, dify-version 1.14.1, plan-id " + "a" * 12
    )
    azure = SSH | {"mode": "plan"}
    assert f": mode plan, target azure-vm, vm {SSH['resource-group']}/{SSH['vm-name']}, dify-version" in opening(
        read(azure)
    )
    gitops = {"target": "gitops", "dify-version": "1.14.1", "token": "ghs_secret", "repository": "acme/gitops"}
    told = opening(read(gitops | {"environment": "prod"}))
    assert told.endswith(": mode apply, target gitops, repository acme/gitops, environment prod, dify-version 1.14.1")
    assert "ghs_secret" not in told


def test_a_matrix_has_no_place() -> None:
    given = {"mode": "matrix", "dify-version": "latest", "token": "ghs_secret", "repository": "acme/gitops"}
    assert opening(read(given)).endswith(": mode matrix, dify-version latest")
    assert place(read(given)) == ""
