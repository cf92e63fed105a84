"""The scripts that Run Command is given, run by this machine's own shell with Azure's limits on what comes back."""

from __future__ import annotations

import gzip
import os
import pwd
import secrets
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from difyaction.azure.command_scripts import fetching, unpacked
from difyaction.azure.run_command import RunCommand, parse
from difyaction.azure.wire import Answer
from difyaction.connections import Lost
from difyaction.errors import Failed
from difyaction.secret import Secret
from tests.unit.azure.scripted import ENDPOINT, ScriptedWire, error
from tests.unit.azure.scripted_sdk import management

VM = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm"
KEPT = 4096


@dataclass
class Host(ScriptedWire):
    """Answers a command as Azure does, and runs it; ``trouble`` is answered first."""

    trouble: list[Answer] = field(default_factory=list)
    runs_twice: bool = False

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, *, timeout: float
    ) -> Answer:
        self.answers.append(Answer(0))
        super().send(method, url, headers, body, timeout=timeout)
        if self.trouble:
            return self.trouble.pop(0)
        if method == "POST":
            script = "\n".join(self.sent[-1].body["script"])
            for _ in range(2 if self.runs_twice else 1):
                ran = subprocess.run(["/bin/sh"], input=script.encode(), capture_output=True, check=False)
            out, err = (text.decode()[-KEPT:] for text in (ran.stdout, ran.stderr))
            self.result = f"Enable succeeded: \n[stdout]\n{out}\n[stderr]\n{err}"
            return Answer(202, {"azure-asyncoperation": f"{ENDPOINT}/op"})
        return Answer(200, {}, {"status": "Succeeded", "properties": {"output": {"value": [{"message": self.result}]}}})


def connection(host: Host) -> RunCommand:
    return RunCommand(management(host), VM)


def test_a_script_gives_back_its_code_and_both_streams() -> None:
    ran = connection(Host([])).run("echo out; echo err >&2; exit 7", timeout=10)
    assert (ran.exit_code, ran.out, ran.err) == (7, b"out\n", b"err\n")


def test_a_script_reads_its_input() -> None:
    ran = connection(Host([])).run("cat", stdin=b"a\nb\x00c", timeout=10)
    assert ran.out == b"a\nb\x00c"


def test_an_output_beyond_azures_limit_comes_in_pieces() -> None:
    host = Host([])
    script = "od -An -N40000 -tx1 /dev/urandom"
    with_noise = connection(host).run(script, timeout=10)
    assert len(with_noise.out) > 40_000
    assert len([sent for sent in host.sent if sent.method == "POST"]) > 5


def test_a_large_script_is_sent_in_pieces() -> None:
    noise = bytes(range(33, 38)) + b"x"
    text = "\n".join(f"# {hash((number, noise))}" for number in range(12_000))
    ran = connection(Host([])).run(f"{text}\necho done", timeout=10)
    assert ran.out == b"done\n"


def test_a_command_that_arrives_twice_runs_once() -> None:
    host = Host([], runs_twice=True)
    ran = connection(host).run("echo once", timeout=10)
    assert ran.out == b"once\n"


def test_a_script_that_takes_too_long_is_ended() -> None:
    with pytest.raises(Lost) as raised:
        connection(Host([])).run("sleep 30", timeout=1)
    assert raised.value.id == "azure-command-slow"


def test_files_are_put_whole_and_private(tmp_path: Path) -> None:
    folder = tmp_path / "a run"
    connection(Host([])).put(str(folder), {"env": Secret("KEY=1\n"), "in/raw": b"\x00\x01"})
    assert (folder / "env").read_text() == "KEY=1\n"
    assert (folder / "in" / "raw").read_bytes() == b"\x00\x01"
    assert (folder.stat().st_mode & 0o777, (folder / "env").stat().st_mode & 0o777) == (0o700, 0o600)


def test_while_another_command_runs_ours_waits() -> None:
    host = Host([], trouble=[error(409, "Conflict", "Run command extension execution is in progress.")])
    assert connection(host).run("echo later", timeout=10).out == b"later\n"


def test_a_machine_that_does_not_run_is_out_of_contact_and_may_come_back() -> None:
    stopped = error(409, "OperationNotAllowed", "The operation requires the VM to be running (or set to run).")
    with pytest.raises(Lost) as raised:
        connection(Host([], trouble=[stopped] * 200)).run("true", timeout=5)
    assert raised.value.id == "azure-busy"
    assert "requires the VM to be running" in str(raised.value)


def test_a_right_that_is_missing_is_no_loss_of_contact() -> None:
    forbidden = error(403, "AuthorizationFailed", "does not have authorization to perform action 'a/b' over scope '/s'")
    with pytest.raises(Failed) as raised:
        connection(Host([], trouble=[forbidden])).run("true", timeout=5)
    assert (raised.value.id, isinstance(raised.value, Lost)) == ("azure-right-missing", False)


def test_an_answer_that_is_gone_from_the_machine_is_a_loss_of_contact() -> None:
    word = secrets.token_hex(8)

    class Cleaned(Host):
        def send(self, *asked: object, **more: object) -> Answer:
            answer = super().send(*asked, **more)  # type: ignore[arg-type]
            if asked[0] == "POST":
                subprocess.run(
                    [
                        "sh",
                        "-c",
                        f"rm -rf /run/dify-upgrade-command/{word} ${{TMPDIR:-/tmp}}/dify-upgrade-command-*/{word}",
                    ],
                    check=True,
                )
            return answer

    with pytest.raises(Lost) as raised:
        RunCommand(management(Cleaned([])), VM, name=lambda: word).run("od -An -N20000 -tx1 /dev/urandom", timeout=10)
    assert raised.value.id == "azure-command-lost"


def test_a_script_runs_at_home_and_leaves_nothing_of_what_travelled_in_it() -> None:
    ran = connection(Host([])).run("pwd; echo $HOME; echo $USER", timeout=10)
    home, named, user = ran.out.decode().split()
    assert (home, named) == (str(Path.home()), home)
    assert user == pwd.getpwuid(os.getuid()).pw_name


@pytest.mark.skipif(os.geteuid() != 0 and os.environ.get("CI") != "true", reason="only root becomes somebody else")
def test_a_script_runs_as_the_user_whose_engine_it_is() -> None:
    made = RunCommand(management(Host([])), VM, user="nobody")
    ran = made.run("id -un; cat; echo $USER", stdin=b"in\n", timeout=10)
    assert (ran.exit_code, ran.out, ran.err) == (0, b"nobody\nin\nnobody\n", b"")


def test_the_agents_own_copy_of_a_script_is_removed(tmp_path: Path) -> None:
    kept = tmp_path / "run-command" / "download" / "1" / "script.sh"
    kept.parent.mkdir(parents=True)
    kept.write_text(fetching("word", 0), encoding="ascii")
    ran = subprocess.run(["/bin/sh", str(kept)], capture_output=True, check=True)
    assert ran.stdout == b"@@ word 0 90\n@@\n"
    assert not kept.exists()


def test_an_answer_that_no_patience_would_fetch_is_refused() -> None:
    with pytest.raises(Failed) as raised:
        connection(Host([])).run("head -c 2000000 /dev/urandom", timeout=30)
    assert raised.value.id == "azure-command-too-long"


@pytest.mark.parametrize("data", [b"", b"\x1f\x8bnonsense", b"\xfd7zXZ\x00no", gzip.compress(b"one line", mtime=0)])
def test_an_answer_that_is_not_ours_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpacked(data)


def test_a_result_is_read_from_both_places() -> None:
    bare = {"value": [{"message": "Enable succeeded: \n[stdout]\nhello\n\n[stderr]\noops"}]}
    for data in (bare, {"status": "Succeeded", "properties": {"output": bare}}):
        found = parse(data)
        assert (found.out, found.err) == ("hello\n", "oops")
    assert parse({}).head == ""
