"""What is said when a host cannot be reached, or is not the one that was pinned."""

from __future__ import annotations

import base64
import getpass
import hashlib
import hmac
import shutil
import socket
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from difyaction.connections import Lost
from difyaction.connections.handshake import Hop, Timeouts
from difyaction.connections.ssh import Ssh
from difyaction.errors import ActionError, Invalid
from difyaction.secret import Secret
from tests.e2e.connections.sshd import Sshd, free_port, make_key, private_text, public_line

PATIENT, IMPATIENT = Timeouts(), Timeouts(connect=1, banner=1)


def refusal(hop: Hop, known_hosts: str, jump: Hop | None = None, timeouts: Timeouts = PATIENT) -> ActionError:
    with closing(Ssh(hop, known_hosts, jump=jump, timeouts=timeouts)) as connection:
        with pytest.raises(ActionError) as caught:
            connection.run("true", timeout=30)
        return caught.value


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_the_server_is_asked_for_the_kind_that_is_pinned(sshd: Sshd, kind: str) -> None:
    pinned = f"{sshd.name} {public_line(sshd.host_keys[kind])}"
    with closing(Ssh(sshd.hop(), pinned)) as connection:
        assert connection.run("echo in", timeout=10).out == b"in\n"


def test_a_hashed_line_pins_as_well(sshd: Sshd) -> None:
    salt = b"0123456789abcdefghij"
    digest = hmac.new(salt, sshd.name.encode(), hashlib.sha1).digest()
    hashed = f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"
    with closing(Ssh(sshd.hop(), f"{hashed} {public_line(sshd.host_keys['ed25519'])}")) as connection:
        assert connection.run("echo in", timeout=10).out == b"in\n"


def test_an_unknown_host_is_refused_and_its_fingerprint_told(sshd: Sshd) -> None:
    error = refusal(sshd.hop(), f"elsewhere {public_line(sshd.host_keys['ed25519'])}")
    assert (error.id, error.status) == ("ssh-host-key-unknown", "refused")
    assert "shows ssh-ed25519 SHA256:" in str(error)
    assert sshd.name in str(error)
    assert "ssh_host_ed25519_key.pub" in str(error)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_another_key_than_the_pinned_is_refused_with_both_fingerprints(own_sshd: Sshd, kind: str) -> None:
    error = refusal(own_sshd.hop(), f"{own_sshd.name} {public_line(make_key(kind))}")
    assert error.id == "ssh-host-key-changed"
    assert not isinstance(error, Lost)
    assert str(error).count("SHA256:") == 2


def test_a_revoked_key_is_refused(own_sshd: Sshd) -> None:
    error = refusal(own_sshd.hop(), own_sshd.known_hosts + f"@revoked * {own_sshd.known_hosts.split(' ', 1)[1]}")
    assert (error.id, error.status) == ("ssh-host-key-revoked", "refused")
    assert "which a line of `ssh-known-hosts` revokes" in str(error)


def test_a_certificate_authority_alone_is_refused_clearly(own_sshd: Sshd) -> None:
    with closing(Ssh(own_sshd.hop(), f"@cert-authority {own_sshd.known_hosts}")) as connection:
        with pytest.raises(Invalid) as caught:
            connection.run("true", timeout=30)
        assert "@cert-authority" in str(caught.value)


def test_a_key_that_is_not_let_in_is_told_with_its_fingerprint(sshd: Sshd) -> None:
    error = refusal(sshd.hop(key=Secret(private_text(make_key("ed25519")))), sshd.known_hosts)
    assert error.id == "ssh-auth-refused"
    assert "authorized_keys" in str(error)
    assert "SHA256:" in str(error)


def test_a_server_that_wants_more_than_a_key_is_told(own_sshd: Sshd) -> None:
    own_sshd.stop()
    own_sshd.more = ["AuthenticationMethods publickey,publickey"]
    own_sshd.start()
    assert refusal(own_sshd.hop(), own_sshd.known_hosts).id == "ssh-key-not-enough"


def test_nobody_listening_a_name_of_nobody_and_silence_are_told_apart(sshd: Sshd) -> None:
    known = "* " + public_line(sshd.host_keys["ed25519"])
    assert refusal(sshd.hop(port=free_port()), known).id == "ssh-refused"
    assert refusal(sshd.hop(host="nobody.invalid"), known).id == "ssh-name-unknown"
    with socket.create_server(("127.0.0.1", 0)) as mute:
        error = refusal(sshd.hop(port=mute.getsockname()[1]), known, timeouts=IMPATIENT)
    assert error.id == "ssh-no-banner"
    assert all(word in str(error) for word in ("port", "sshd"))


def test_a_listener_whose_queue_is_full_times_out(sshd: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        try:
            for each in waiting:
                each.setblocking(False)  # noqa: FBT003 - the library's own way
                each.connect_ex(("127.0.0.1", port))
            error = refusal(sshd.hop(port=port), "* " + public_line(sshd.host_keys["ed25519"]), timeouts=IMPATIENT)
        finally:
            for each in waiting:
                each.close()
    assert error.id == "ssh-timeout"


def test_a_jump_host_that_does_not_forward_is_told(own_sshd: Sshd, sshd: Sshd) -> None:
    own_sshd.stop()
    own_sshd.more = ["AllowTcpForwarding no"]
    own_sshd.start()
    error = refusal(sshd.hop(), sshd.known_hosts + own_sshd.known_hosts, jump=own_sshd.hop())
    assert error.id == "ssh-jump-forbids"


def test_a_host_that_the_jump_host_cannot_reach_is_told(own_sshd: Sshd, sshd: Sshd) -> None:
    error = refusal(own_sshd.hop(port=free_port()), sshd.known_hosts + own_sshd.known_hosts, jump=sshd.hop())
    assert error.id == "ssh-refused"
    assert f"from 127.0.0.1:{sshd.port}" in str(error)


def test_a_host_that_boots_may_refuse_the_key_for_a_while(own_sshd: Sshd, tmp_path: Path) -> None:
    del tmp_path
    keys = own_sshd.folder / "authorized_keys"
    let_in = keys.read_text(encoding="ascii")
    with closing(Ssh(own_sshd.hop(), own_sshd.known_hosts)) as connection:
        connection.run("true", timeout=30)
        own_sshd.cut()
        keys.write_text("", encoding="ascii")
        told = []
        for _ in range(5):
            with pytest.raises(ActionError) as caught:
                connection.run("true", timeout=30)
            told.append((caught.value.id, isinstance(caught.value, Lost)))
        assert told[-4:] == [("ssh-auth-refused", True)] * 2 + [("ssh-auth-refused", False)] * 2 or told == [
            ("connection-lost", True), *[("ssh-auth-refused", True)] * 3, ("ssh-auth-refused", False),
        ]  # fmt: skip
        keys.write_text(let_in, encoding="ascii")
        assert connection.run("echo in", timeout=30).out == b"in\n"


def configured(own_sshd: Sshd, *lines: str) -> None:
    own_sshd.stop()
    own_sshd.more = list(lines)
    own_sshd.start()


def test_a_host_whose_only_key_is_used_with_sha_1_is_told_as_that(own_sshd: Sshd) -> None:
    own_sshd.host_keys = {"rsa": make_key("rsa")}
    configured(own_sshd, "HostKeyAlgorithms ssh-rsa")
    error = refusal(own_sshd.hop(), own_sshd.known_hosts)
    assert error.id == "ssh-no-agreement"
    assert "SHA-1" in str(error)


def slow_at_keys(grace: int) -> list[str]:
    sleeps = shutil.which("sleep")
    command = [f"AuthorizedKeysCommand {sleeps} 20", f"AuthorizedKeysCommandUser {getpass.getuser()}"]
    return [*command, f"LoginGraceTime {grace}"]


def test_a_host_that_does_not_decide_about_a_login_is_no_host_that_refuses_it(own_sshd: Sshd) -> None:
    configured(own_sshd, *slow_at_keys(grace=60))
    other = own_sshd.hop(key=Secret(private_text(make_key("ed25519"))))
    assert refusal(other, own_sshd.known_hosts, timeouts=Timeouts(auth=1)).id == "ssh-login-slow"


def test_a_host_that_hangs_up_during_a_login_has_nothing_that_goes_on(own_sshd: Sshd) -> None:
    configured(own_sshd, *slow_at_keys(grace=1))
    other = own_sshd.hop(key=Secret(private_text(make_key("ed25519"))))
    error = refusal(other, own_sshd.known_hosts)
    assert (error.id, isinstance(error, Lost)) == ("ssh-login-cut", True)
    assert "goes on" not in str(error)


def test_a_wrong_passphrase_of_an_authenticated_cipher_is_told_as_that(own_sshd: Sshd, tmp_path: Path) -> None:
    made = tmp_path / "key"
    cipher = ["-Z", "aes256-gcm@openssh.com", "-N", "right"]
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", *cipher, "-f", str(made)], check=True)
    with pytest.raises(Invalid) as caught:
        own_sshd.hop(key=Secret(made.read_text()), passphrase=Secret("wrong")).loaded()
    assert caught.value.complaints[0].id == "ssh-key-passphrase"
