"""Scripts on a real sshd: keys in every form, answers of every size, cuts and restarts."""

from __future__ import annotations

import base64
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import paramiko
import pytest

from difyaction.connections import Lost, handshake
from difyaction.connections.handshake import Hop, Timeouts
from difyaction.connections.ssh import Ssh
from difyaction.errors import Failed
from difyaction.secret import Secret
from tests.e2e.connections.sshd import Sshd, make_key, private_text, public_line


@contextmanager
def connected(sshd: Sshd, **hop: object) -> Iterator[Ssh]:
    with closing(Ssh(sshd.hop(**hop), sshd.known_hosts)) as connection:
        yield connection


def test_a_script_runs_and_its_streams_and_exit_code_come_back(sshd: Sshd) -> None:
    with connected(sshd) as connection:
        ran = connection.run('cat; echo "it\'s\n$0" >&2; exit 7', stdin=b"in\0\xff\n", timeout=10)
        assert (ran.exit_code, ran.out, ran.err) == (7, b"in\0\xff\n", b"it's\nsh\n")
        assert connection.run("echo $((6 * 7))", timeout=10).out == b"42\n"


def test_an_sshd_that_has_its_hands_full_is_asked_again(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    dial, hung_up = handshake.dial, []

    def busy(hop: Hop, timeouts: Timeouts) -> socket.socket:
        if len(hung_up) == 2:
            return dial(hop, timeouts)
        ours, theirs = socket.socketpair()
        theirs.close()
        hung_up.append(hop)
        return ours

    monkeypatch.setattr(handshake, "dial", busy)
    with connected(sshd) as connection:
        assert connection.run("echo in", timeout=10).out == b"in\n"
    assert len(hung_up) == 2


def test_an_answer_counts_although_the_connection_is_cut_right_after_it(
    sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(_: paramiko.Channel) -> None:
        raise EOFError  # as paramiko does when it cannot say goodbye

    with connected(sshd) as connection:
        with monkeypatch.context() as patched:
            patched.setattr(paramiko.Channel, "close", cut)
            assert connection.run("echo in", timeout=10).out == b"in\n"
        assert connection.run("echo again", timeout=10).out == b"again\n"


def test_big_streams_in_all_directions_do_not_wait_for_each_other(sshd: Sshd) -> None:
    sent = os.urandom(3_000_000)
    with connected(sshd) as connection:
        ran = connection.run(
            "head -c 3000000 /dev/zero >&2; cat; head -c 3000000 /dev/zero >&2", stdin=sent, timeout=60
        )
    assert ran.out == sent
    assert len(ran.err) == 6_000_000


def test_a_command_that_reads_nothing_of_its_input_is_no_cut(sshd: Sshd) -> None:
    with connected(sshd) as connection:
        assert connection.run("exec <&-; echo x", stdin=bytes(5_000_000), timeout=20).out == b"x\n"


@pytest.mark.parametrize("form", ["openssh", "pem", "pkcs8"])
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_keys_of_every_kind_and_form_log_in(own_sshd: Sshd, kind: str, form: str) -> None:
    if (kind, form) == ("ed25519", "pem"):
        return  # there is no such form
    key = make_key(kind)
    (own_sshd.folder / "authorized_keys").write_text(public_line(key), encoding="ascii")
    with connected(own_sshd, key=Secret(private_text(key, form))) as connection:
        assert connection.run("echo in", timeout=10).out == b"in\n"


@pytest.mark.parametrize("form", ["openssh", "pkcs8", "pem"])
def test_an_encrypted_key_is_opened_by_its_passphrase(own_sshd: Sshd, form: str) -> None:
    key = make_key("rsa")
    (own_sshd.folder / "authorized_keys").write_text(public_line(key), encoding="ascii")
    text = private_text(key, form, "correct horse").replace("\n", " ")
    with connected(own_sshd, key=Secret(text), passphrase=Secret("correct horse")) as connection:
        assert connection.run("echo in", timeout=10).out == b"in\n"


LOSSES: dict[str, Callable[[str], str]] = {
    "blanks": lambda text: text.replace("\n", " "),
    "literal": lambda text: text.replace("\n", "\\n"),
    "crlf": lambda text: text.replace("\n", "\r\n"),
    "one line": lambda text: text.replace("\n", ""),
    "bom": lambda text: f"\ufeff{text}",
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
}


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_a_key_that_lost_its_newlines_logs_in_and_is_told(sshd: Sshd, loss: str) -> None:
    said: list[str] = []
    hop = sshd.hop(key=Secret(LOSSES[loss](private_text(sshd.client))))
    with closing(Ssh(hop, sshd.known_hosts, say=said.append)) as connection:
        assert connection.run("echo in", timeout=10).out == b"in\n"
    assert len(said) == 1
    assert said[0].startswith("ssh-key: mended (")


def test_files_arrive_for_the_user_alone_and_no_content_is_an_argument(sshd: Sshd, tmp_path: Path) -> None:
    folder = tmp_path / "a run's" / "folder"
    files = {"runbook.sh": b"echo\n", "files/new.env": Secret("DB_PASSWORD=hunter2"), "files/deep/er": b"\0"}
    with connected(sshd) as connection:
        connection.put(str(folder), files)
        connection.put(str(folder), {"runbook.sh": b"echo two\n"})
    assert (folder / "files" / "new.env").read_text(encoding="utf-8") == "DB_PASSWORD=hunter2"
    assert (folder / "runbook.sh").read_bytes() == b"echo two\n"
    modes = {path.name: path.stat().st_mode & 0o777 for path in [folder, *folder.rglob("*")]}
    assert modes == {
        "folder": 0o700, "files": 0o700, "deep": 0o700, "er": 0o600, "new.env": 0o600, "runbook.sh": 0o600,
    }  # fmt: skip


def test_a_folder_that_cannot_be_made_is_told(sshd: Sshd) -> None:
    with connected(sshd) as connection, pytest.raises(Failed) as caught:
        connection.put("/proc/nowhere", {"a": b""})
    assert caught.value.id == "host-unwritable"


def test_a_cut_in_the_middle_is_lost_and_the_next_call_connects_anew(own_sshd: Sshd) -> None:
    with connected(own_sshd) as connection:
        assert connection.run("echo one", timeout=10).out == b"one\n"
        threading.Timer(0.3, own_sshd.cut).start()
        with pytest.raises(Lost) as caught:
            connection.run("sleep 20", timeout=30)
        assert caught.value.id == "connection-lost"
        assert connection.run("echo two", timeout=10).out == b"two\n"


def test_a_restart_of_sshd_is_survived(own_sshd: Sshd) -> None:
    with connected(own_sshd) as connection:
        connection.run("true", timeout=10)
        own_sshd.cut()
        own_sshd.stop()
        with pytest.raises(Lost):
            connection.run("true", timeout=10)
        with pytest.raises(Lost) as caught:
            connection.run("true", timeout=10)
        assert caught.value.id == "ssh-refused"
        own_sshd.start()
        assert connection.run("echo back", timeout=10).out == b"back\n"


def test_silence_is_given_up_and_what_was_started_detached_goes_on(sshd: Sshd, tmp_path: Path) -> None:
    with connected(sshd) as connection:
        began = time.monotonic()
        with pytest.raises(Lost) as caught:
            connection.run(
                f"setsid sh -c 'sleep 1.5; touch {tmp_path}/on' </dev/null >/dev/null 2>&1 & sleep 30", timeout=1
            )
        assert caught.value.id == "host-slow"
        assert time.monotonic() - began < 5
        assert connection.run(f"while [ ! -e {tmp_path}/on ]; do sleep 0.1; done; echo on", timeout=10).out == b"on\n"


def test_a_jump_host_is_passed_with_its_own_key(sshd: Sshd, own_sshd: Sshd) -> None:
    known = sshd.known_hosts + own_sshd.known_hosts
    with closing(Ssh(own_sshd.hop(), known, jump=sshd.hop())) as connection:
        assert connection.run("echo $SSH_CONNECTION", timeout=10).out.split()[3] == str(own_sshd.port).encode()
        own_sshd.cut()
        with pytest.raises(Lost):
            connection.run("true", timeout=10)
        assert connection.run("echo again", timeout=10).out == b"again\n"


def test_a_keepalive_is_asked_for(sshd: Sshd) -> None:
    with closing(Ssh(sshd.hop(), sshd.known_hosts, timeouts=Timeouts(keepalive=1))) as connection:
        assert connection.run("sleep 2.2; echo alive", timeout=10).out == b"alive\n"
