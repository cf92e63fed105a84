from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.emulators.azure.gate import Gate
from tests.emulators.azure_setting import Setting

BANNER = b"SSH-2.0-test\r\n"
Address = tuple[str, int]


@pytest.fixture
def banner() -> Iterator[Address]:
    """A server that says a banner and then echoes."""
    server = socket.create_server(("127.0.0.1", 0))

    def echo(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.sendall(BANNER)
            while chunk := client.recv(100):
                client.sendall(chunk)

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=echo, args=(client,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def hears(gate: Gate, timeout: float = 0.3) -> bool:
    try:
        with socket.create_connection((gate.host, gate.port), timeout=timeout) as client:
            return client.recv(100) == BANNER
    except OSError:
        return False


def hears_soon(gate: Gate) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if hears(gate):
            return True
    return False


def allow(at: Setting, gate: Gate, **changed: object) -> None:
    at.open_rule(destinationPortRange=str(gate.port), **changed).result()


def test_the_port_is_there_while_a_rule_stands(at: Setting, banner: Address) -> None:
    gate = at.azure.gate(at.vm, to=banner)
    assert not hears(gate)
    with pytest.raises(TimeoutError):
        socket.create_connection((gate.host, gate.port), timeout=0.2)
    allow(at, gate)
    assert hears_soon(gate)
    at.network.security_rules.begin_delete("rg", "nsg", "door").result()
    time.sleep(0.05)
    assert not hears(gate)
    assert len(gate.openings) == 1
    assert 0 < gate.exposure < 5


def test_a_refusal_may_be_a_reset(at: Setting, banner: Address) -> None:
    gate = at.azure.gate(at.vm, to=banner, refusal="reset")
    with (
        pytest.raises(ConnectionResetError),
        socket.create_connection((gate.host, gate.port), timeout=1) as client,
    ):
        client.recv(1)
    allow(at, gate)
    assert hears_soon(gate)


@pytest.mark.parametrize(
    "changed",
    [
        {"sourceAddressPrefix": "203.0.113.11/32"},
        {"destinationAddressPrefix": "10.0.0.5"},
        {"destinationPortRange": "1"},
        {"protocol": "Udp"},
        {"direction": "Outbound"},
        {"access": "Deny"},
        {"sourceAddressPrefix": "VirtualNetwork"},
    ],
)
def test_a_rule_for_something_else_does_not_open(at: Setting, banner: Address, changed: dict[str, str]) -> None:
    gate = at.azure.gate(at.vm, to=banner)
    at.open_rule(**{"destinationPortRange": str(gate.port), **changed}).result()
    assert not gate.is_open


def test_a_deny_of_lower_number_wins(at: Setting, banner: Address) -> None:
    gate = at.azure.gate(at.vm, to=banner)
    allow(at, gate, priority=200, sourceAddressPrefix="Internet")
    assert gate.is_open
    at.nsg.rule("never", priority=150, access="Deny")
    assert not gate.is_open


def test_subnet_and_nic_must_both_let_in(at: Setting, banner: Address) -> None:
    subnet = at.group.security_group("subnet-nsg")
    both = at.group.machine("both", nic_group=at.nsg, subnet_group=subnet)
    bare = at.group.machine("bare")
    gate, closed = at.azure.gate(both, to=banner), at.azure.gate(bare, to=banner)
    at.nsg.rule("door", priority=100, destinationPortRange=str(gate.port))
    assert not gate.is_open
    subnet.rule("door", priority=100, destinationPortRanges=["1-2", str(gate.port)], destinationPortRange="")
    assert gate.is_open
    assert not closed.is_open
    both.power = "deallocated"
    assert not gate.is_open


def test_a_jump_host_comes_from_inside(at: Setting, banner: Address) -> None:
    inner = at.group.machine("inner", nic_group=at.nsg, public_address=None, private_address="127.0.0.1")
    gate = at.azure.gate(inner, to=banner, source=at.vm.private_address)
    assert gate.is_open
    at.nsg.rule("nobody", priority=100, access="Deny")
    assert not gate.is_open


def test_a_rule_takes_its_time_and_flaps(at: Setting, banner: Address) -> None:
    gate = at.azure.gate(at.vm, to=banner)
    at.azure.timing.propagation, at.azure.timing.flapping = 60, 30
    allow(at, gate)
    assert not gate.is_open
    at.azure.pass_time(61)
    seen = set()
    for _ in range(30):
        seen.add(gate.is_open)
        time.sleep(0.01)
    assert seen == {True, False}
    at.azure.pass_time(30)
    assert gate.is_open
    at.network.security_rules.begin_delete("rg", "nsg", "door").result()
    assert gate.is_open
    at.azure.pass_time(91)
    assert not gate.is_open


def test_a_connection_outlives_its_rule_until_it_is_cut(at: Setting, banner: Address) -> None:
    gate = at.azure.gate(at.vm, to=banner)
    allow(at, gate)
    assert hears_soon(gate)
    with socket.create_connection((gate.host, gate.port), timeout=5) as client:
        assert client.recv(100) == BANNER
        at.network.security_rules.begin_delete("rg", "nsg", "door").result()
        time.sleep(0.05)
        assert not hears(gate)
        client.sendall(b"still here")
        assert client.recv(100) == b"still here"
        gate.cut()
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_a_connection_begun_too_early_succeeds_when_the_door_opens(at: Setting, banner: Address) -> None:
    gate = at.azure.gate(at.vm, to=banner)
    heard: list[bool] = []
    waiting = threading.Thread(target=lambda: heard.append(hears(gate, timeout=5)))
    waiting.start()
    time.sleep(0.1)
    allow(at, gate)
    waiting.join()
    assert heard == [True]  # the kernel sends its SYN again, as it would to Azure
