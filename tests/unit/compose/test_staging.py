from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from difyaction.compose.composed_facts import Composed
from difyaction.compose.facts import Machine
from difyaction.compose.staging import ask_compose
from difyaction.connections import Ran
from difyaction.errors import Failed
from difyaction.secret import Secret
from tests.unit.compose.machines import FOLDER, machine
from tests.unit.compose.runbooks import SHELLS, shell_words

COMPOSE = """\
#!/bin/sh
{ basename "$PWD"; ls -ld . | cut -c 1-10; ls -A; } >"$HOME/seen"
echo "{services: {api: {image: 'a:1', volumes: ['$PWD/volumes:/y']}}}"
exit CODE
"""


NOISE = "echo 'Now using node v18.19.0 (npm v10.2.3)'; printf 'stty: standard input: Inappropriate ioctl' >&2\n"


class Here:
    """This machine, with another home. ``chatty``: its shell prints texts of its own."""

    def __init__(self, home: Path, *, shell: str = "dash", chatty: bool = False) -> None:
        self._home, self._shell, self._noise = home, shell_words(shell), NOISE if chatty else ""

    def run(self, script: str, *, stdin: bytes = b"", timeout: float) -> Ran:
        environ = {**os.environ, "HOME": str(self._home)}
        command = [*self._shell, "-c", f"{self._noise}{script}{self._noise}"]
        ran = subprocess.run(command, input=stdin, env=environ, capture_output=True, timeout=timeout, check=False)
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def put(self, folder: str, files: Mapping[str, bytes | Secret]) -> None:
        raise AssertionError(f"nothing is put into {folder}: {sorted(files)}")

    def close(self) -> None:
        raise AssertionError("whoever opened it closes it")


@pytest.fixture
def found(tmp_path: Path) -> Callable[[int], Machine]:
    """Return a machine whose Compose is a small one, that ends with the code that is asked for."""

    def with_compose(code: int) -> Machine:
        compose = tmp_path / "compose"
        compose.write_text(COMPOSE.replace("CODE", str(code)), "utf-8")
        compose.chmod(0o755)
        known = machine("1.13.3", {"engine": {"compose": (str(compose),)}})
        return replace(known, host=replace(known.host, home=str(tmp_path)))

    return with_compose


def ask(where: Here, found: Machine) -> Composed:
    assert found.install is not None
    return ask_compose(where, found, found.install, {"docker-compose.yaml": b"{}"}, timeout=60)


@pytest.mark.parametrize("shell", sorted(SHELLS))
@pytest.mark.parametrize("code", [0, 1], ids=["well", "badly"])
def test_files_lie_aside_for_their_owner_alone_where_a_snap_can_read_them_and_are_gone_however_compose_ends(
    tmp_path: Path, found: Callable[[int], Machine], code: int, shell: str
) -> None:
    made = ask(Here(tmp_path, shell=shell), found(code))
    name, mode, *files = (tmp_path / "seen").read_text("utf-8").split()
    assert not name.startswith(".")  # Docker from a snap may not read what is hidden in a home
    assert mode == "drwx------"
    assert files == ["docker-compose.yaml"]
    assert made.services["api"].mounts[0].source == f"{FOLDER}/volumes"
    assert {path.name for path in tmp_path.iterdir()} == {"compose", "seen"}


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_what_a_shell_prints_besides_is_no_answer_of_compose(
    tmp_path: Path, found: Callable[[int], Machine], shell: str
) -> None:
    here = Here(tmp_path, shell=shell, chatty=True)
    assert ask(here, found(0)).services["api"].image == "a:1"
    refusing = replace(found(0), engine=replace(found(0).engine, compose=("sh", "-c", "echo no such file >&2; exit 1")))
    assert ask(here, refusing).why_not == "no such file"


def test_a_place_that_cannot_be_written_is_said_and_is_no_word_of_composes(
    tmp_path: Path, found: Callable[[int], Machine]
) -> None:
    known = found(0)
    (tmp_path / "home").write_text("a file\n", "utf-8")
    nowhere = replace(known, host=replace(known.host, home=str(tmp_path / "home")))
    with pytest.raises(Failed) as caught:
        ask(Here(tmp_path, chatty=True), nowhere)
    assert caught.value.id == "staging-unwritable"
    assert "Not a directory" in str(caught.value.facts["says"])
