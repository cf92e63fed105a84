from __future__ import annotations

import pytest

from difyaction.azure.whereabouts import source_address
from difyaction.azure.wire import Answer
from difyaction.errors import Failed
from tests.unit.azure.scripted import ScriptedWire, ok

INFO = "conn_type=Ipv4;addr=203.0.113.12;act_addr_fam=InterNetwork;"
PLAIN = Answer(200, {}, {"message": "203.0.113.13"})


def test_the_vault_tells_it_without_a_token() -> None:
    wire = ScriptedWire([ok(status=401, x_ms_keyvault_network_info=INFO)])
    assert source_address(wire, vault="https://kv.example/", probes=["https://probe.example"]) == "203.0.113.12"
    assert "Authorization" not in wire.sent[0].headers


def test_without_a_vault_a_server_that_was_named_tells_it() -> None:
    wire = ScriptedWire([Answer(0), PLAIN])
    assert source_address(wire, probes=["https://one.example", "https://two.example"]) == "203.0.113.13"


def test_nobody_who_knows_is_an_error() -> None:
    wire = ScriptedWire([Answer(200, {}, {"message": "<html>"}), Answer(200, {}, {"message": "2001:db8::1"})])
    with pytest.raises(Failed) as raised:
        source_address(wire, probes=["https://one.example", "https://two.example"])
    assert raised.value.id == "azure-source-unknown"


def test_a_vault_that_cannot_be_reached_is_the_error_when_nobody_else_tells() -> None:
    wire = ScriptedWire([Answer(0, {}, {"message": "Name or service not known"})])
    with pytest.raises(Failed, match=r"kv\.example cannot be reached: Name or service") as raised:
        source_address(wire, vault="https://kv.example/")
    assert raised.value.id == "vault-unreachable"
