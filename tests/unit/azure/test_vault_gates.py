from __future__ import annotations

import json
from typing import Any

import pytest

from difyaction.azure.vault_gates import Gate, gate, seen_address, vault_refused
from difyaction.azure.wire import Answer
from tests.shared import shared_root
from tests.unit.azure.scripted import ok

FIREWALL = (
    "Client address is not authorized and caller is not a trusted service.\r\nClient address: {address}\r\nCaller: x"
)


def forbidden(inner: str, message: str = "", **headers: str) -> Answer:
    record = {"error": {"code": "Forbidden", "message": message, "innererror": {"code": inner}}}
    return Answer(403, {name.replace("_", "-"): value for name, value in headers.items()}, record)


@pytest.mark.parametrize(
    ("inner", "expected", "id_"),
    [
        ("ForbiddenByFirewall", Gate.FIREWALL, "vault-firewall"),
        ("ForbiddenByConnection", Gate.PRIVATE, "vault-private"),
        ("ForbiddenByRbac", Gate.ROLE, "vault-role"),
        ("AccessDenied", Gate.POLICY, "vault-policy"),
        ("ForbiddenByPolicy", Gate.POLICY, "vault-policy"),
        ("SecretDisabled", Gate.DISABLED, "vault-secret-disabled"),
        ("SomethingNew", Gate.OTHER, "vault-refused"),
    ],
)
def test_each_gate_is_told_by_the_inner_code_and_has_its_own_fix(inner: str, expected: Gate, id_: str) -> None:
    answer = forbidden(inner)
    assert gate(answer) is expected
    found = vault_refused(expected, answer, "kv", "ssh-key")
    assert found.id == id_
    assert "{" not in str(found)


def test_other_answers_are_told_apart() -> None:
    assert gate(ok({"value": "x"})) is Gate.NONE
    assert gate(Answer(0)) is Gate.UNREACHABLE
    assert gate(Answer(404, {}, {"error": {"code": "SecretNotFound"}})) is Gate.NO_SECRET
    assert gate(Answer(500)) is Gate.OTHER


@pytest.mark.parametrize("address", ["203.0.113.10", "203.0.113.10 from unknown subnet"])
def test_the_firewall_names_the_address_that_it_saw(address: str) -> None:
    assert seen_address(forbidden("ForbiddenByFirewall", FIREWALL.format(address=address))) == "203.0.113.10"


def test_every_answer_carries_the_address_in_a_header() -> None:
    info = "conn_type=Ipv4;addr=203.0.113.12;act_addr_fam=InterNetwork;"
    assert seen_address(ok(status=401, x_ms_keyvault_network_info=info)) == "203.0.113.12"
    private = "conn_type=PrivateLink;private_endpoint=/x;addr=10.10.1.5;act_addr_fam=InterNetworkV6;"
    assert seen_address(ok(status=403, x_ms_keyvault_network_info=private)) == ""


def recorded() -> list[dict[str, Any]]:
    text = (shared_root() / "azure" / "recordings" / "keyvault-403.json").read_text("utf-8")
    found: list[dict[str, Any]] = [each["response"] for each in json.loads(text)["exchanges"]]
    return found


def test_recorded_refusals_are_understood() -> None:
    expected = {"Rbac": Gate.ROLE, "Firewall": Gate.FIREWALL, "Connection": Gate.PRIVATE, "AccessDenied": Gate.POLICY}
    refusals = [each for each in recorded() if each["status"] == 403]
    assert refusals
    for each in refusals:
        answer = Answer(403, each.get("headers", {}), each["body"])
        inner = each["body"]["error"]["innererror"]["code"]
        assert gate(answer) is next(found for word, found in expected.items() if word in inner)
        if gate(answer) is Gate.FIREWALL:
            assert seen_address(answer) == "203.0.113.10"
