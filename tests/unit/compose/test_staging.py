from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from difyaction.compose.composed_facts import Composed
from difyaction.compose.facts import Machine
from difyaction.compose.install import Held
from difyaction.compose.staging import ask_compose, script
from difyaction.connections import Ran
from difyaction.errors import Failed
from difyaction.secret import Secret
from tests.unit.compose.machines import FOLDER, machine
from tests.unit.compose.runbooks import SHELLS, shell_words

COMPOSE = """\
#!/bin/sh
{ pwd; ls -ld . | cut -c 1-10; ls -A; } >"$HOME/seen"
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
        compose, home = tmp_path / "compose", tmp_path / "home"
        home.mkdir(exist_ok=True)
        compose.write_text(COMPOSE.replace("CODE", str(code)), "utf-8")
        compose.chmod(0o755)
        known = machine("1.13.3", {"engine": {"compose": (str(compose),)}})
        return replace(known, host=replace(known.host, home=str(home)))

    return with_compose


@pytest.fixture
def dify(tmp_path: Path) -> Path:
    """Return Dify's folder as people have it: files of theirs, links, and secrets beside it."""
    folder = tmp_path / "srv" / "dify of ours" / "docker"
    for each in ("nginx/own", "volumes/db", ".hidden", "envs"):
        (folder / each).mkdir(parents=True)
    (folder.parent / "secrets").mkdir()
    (folder.parent / "secrets" / "prod.env").write_text("FROM=beside\n")
    (folder / "nginx" / "nginx.conf").write_text("theirs\n")
    (folder / "nginx" / "own" / "cert").write_text("theirs\n")
    (folder / "own.env").symlink_to("../secrets/prod.env")
    (folder / ".env").write_text("OLD=1\n")
    return folder


def ask(where: Here, found: Machine, files: Mapping[str, bytes] | None = None) -> Composed:
    assert found.install is not None
    return ask_compose(where, found, found.install, files or {"docker-compose.yaml": b"{}"}, timeout=60)


def standing(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Return everything below a folder: kind, time of the last change, content or where it leads."""
    found = {}
    for path in (folder, *sorted(folder.rglob("*"))):
        about = path.lstat()
        content = str(path.readlink()) if path.is_symlink() else path.read_text("utf-8") if path.is_file() else ""
        found[str(path)] = (about.st_mode, about.st_mtime_ns, content)
    return found


@pytest.mark.parametrize("shell", sorted(SHELLS))
@pytest.mark.parametrize("code", [0, 1], ids=["well", "badly"])
def test_files_lie_aside_for_their_owner_alone_where_a_snap_can_read_them_and_are_gone_however_compose_ends(
    tmp_path: Path, found: Callable[[int], Machine], code: int, shell: str
) -> None:
    made = ask(Here(tmp_path, shell=shell), found(code))
    place, mode, *files = (tmp_path / "seen").read_text("utf-8").splitlines()
    aside = place.removeprefix(f"{tmp_path}/home/").split("/", 1)
    assert not aside[0].startswith(".")  # Docker from a snap may not read what is hidden in a home
    assert f"/{aside[1]}" == FOLDER
    assert mode == "drwx------"
    assert files == ["docker-compose.yaml"]
    assert made.services["api"].mounts[0].source == f"{FOLDER}/volumes"
    assert {path.name for path in tmp_path.iterdir()} == {"compose", "home", "seen"}
    assert not list((tmp_path / "home").iterdir())


LOOKING = """\
#!/bin/sh
image=$(cat .env ../secrets/prod.env own.env nginx/nginx.conf nginx/own/cert envs/new | tr '\\n' ' ')
cat <<END
services:
  api:
    image: "$image"
    volumes: ["$PWD/volumes:/a", "$PWD/../secrets:/b", "${PWD%/*}/beside:/c", "${PWD%%/srv*}:/d"]
END
"""


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_compose_sees_what_will_be_written_and_around_it_what_is_there_and_writes_neither(
    tmp_path: Path, found: Callable[[int], Machine], dify: Path, shell: str
) -> None:
    known = found(0)
    assert known.install is not None
    (tmp_path / "compose").write_text(LOOKING, "utf-8")
    here = replace(known, install=replace(known.install, folder=str(dify), files={}))
    before = standing(tmp_path / "srv")
    written = {".env": b"NEW=1\n", "nginx/nginx.conf": b"merged\n", "envs/new": b"new\n"}
    api = ask(Here(tmp_path / "home", shell=shell), here, written).services["api"]
    assert api.image == "NEW=1 FROM=beside FROM=beside merged theirs new "
    assert [mount.source for mount in api.mounts] == [
        f"{dify}/volumes",
        f"{dify}/../secrets",
        f"{dify.parent}/beside",
        f"{tmp_path}",
    ]
    assert standing(tmp_path / "srv") == before
    assert not list((tmp_path / "home").iterdir())


def test_the_question_passes_shellcheck() -> None:
    known = machine("1.13.3", {})
    assert known.install is not None
    question = script(known, replace(known.install, folder="/opt/dify of ours/docker"), "/home/dify/aside")
    program = str(Path(sys.executable).with_name("shellcheck"))
    checked = subprocess.run([program, "-s", "sh", "-"], input=question.encode(), capture_output=True, check=False)
    assert checked.stdout.decode() == ""


def test_an_install_in_the_home_itself_is_not_written_to_either(
    tmp_path: Path, found: Callable[[int], Machine], dify: Path
) -> None:
    known = found(0)
    assert known.install is not None
    at_home = replace(known, host=replace(known.host, home=str(dify), nonce=str(os.getpid())))
    before = standing(dify)
    ask(Here(tmp_path), replace(at_home, install=replace(known.install, folder=str(dify))))
    place = Path((tmp_path / "seen").read_text("utf-8").splitlines()[0])
    assert not place.is_relative_to(dify)
    assert standing(dify) == before
    assert not Path("/", *place.parts[1:3]).exists()


def test_a_file_that_names_the_folder_by_its_whole_path_means_what_will_stand_there(
    tmp_path: Path, found: Callable[[int], Machine], dify: Path
) -> None:
    known = found(0)
    assert known.install is not None
    (tmp_path / "compose").write_text('#!/bin/sh\ncat "$4/own.yaml"\n', "utf-8")
    own = (
        f"services: {{api: {{image: 'a:1', volumes: ['{dify}:/a', '{dify}/x:/b', '/mnt{dify}:/c', '{dify}-2:/d']}}}}\n"
    )
    (dify / "own.yaml").write_text(own)
    install = replace(known.install, folder=str(dify), files={"own.yaml": Held(content=own.encode())})
    install = replace(install, compose_files=(f"{dify}/docker-compose.yaml", f"{dify}/own.yaml"))
    made = ask(Here(tmp_path), replace(known, install=install))
    sources = [mount.source for mount in made.services["api"].mounts]
    assert sources == [f"{dify}", f"{dify}/x", f"/mnt{dify}", f"{dify}-2"]


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
    nowhere = replace(known, host=replace(known.host, home=str(tmp_path / "compose")))
    with pytest.raises(Failed) as caught:
        ask(Here(tmp_path, chatty=True), nowhere)
    assert caught.value.id == "staging-unwritable"
    assert "Not a directory" in str(caught.value.facts["says"])


def test_an_answer_of_composes_that_broke_off_is_no_word_about_the_files(
    tmp_path: Path, found: Callable[[int], Machine]
) -> None:
    dies = replace(found(0), engine=replace(found(0).engine, compose=("sh", "-c", "echo '{'; kill -9 $PPID")))
    with pytest.raises(Failed) as caught:
        ask(Here(tmp_path), dies)
    assert caught.value.id == "staging-cut"
