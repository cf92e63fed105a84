from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from scripts.release.__main__ import run
from scripts.release.refusal import Refused
from scripts.release.repository import Repository, bound
from scripts.release.tree import Tree
from scripts.release.version import Version

TODAY = date(2026, 11, 20)
PERSON = {
    f"GIT_{who}_{what}": "someone@example.invalid" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
}
IMAGE = ("--image", "registry.example:5000/org/x")
PUBLISHED = (*IMAGE, "--digest", "sha256:" + "0" * 64)
FILES = {
    "difyaction/__init__.py": '"""x"""\n\n__version__ = "0.1.0"\n',
    "CHANGELOG.md": "# Changelog\n\n## Unreleased\n\n- Something.\n",
    "action.yml": "runs:\n  using: docker\n  image: Dockerfile\n",
}


@pytest.fixture
def clone(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "clone", PERSON)
    made.root.mkdir()
    made.git("init", "--quiet", "--initial-branch=main")
    made.git("init", "--quiet", "--bare", str(tmp_path / "origin.git"))
    made.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    for path, text in FILES.items():
        (made.root / path).parent.mkdir(exist_ok=True)
        (made.root / path).write_text(text, "utf-8")
    made.git("add", "--all")
    made.git("commit", "--quiet", "--message", "Begin")
    return made


def step(clone: Repository, *arguments: str, environ: Mapping[str, str] | None = None) -> None:
    run(list(arguments), root=clone.root, environ=environ or {}, today=TODAY)


def prepared(clone: Repository, version: str) -> None:
    step(clone, "prepare", version)
    clone.git("commit", "--quiet", "--all", "--message", f"Prepare {version}")


def test_prepare_makes_package_and_changelog_agree(clone: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    prepared(clone, "1.0.0")
    tree = Tree(clone.root)
    assert tree.version() == Version(1, 0, 0)
    assert tree.notes(Version(1, 0, 0)) == "- Something.\n"
    step(clone, "notes", "1.0.0")
    assert capsys.readouterr().out == "- Something.\n"


def test_a_check_tells_the_registry_to_log_in_to(clone: Repository, tmp_path: Path) -> None:
    prepared(clone, "1.0.0")
    output = tmp_path / "output"
    step(clone, "check", "1.0.0", *IMAGE, environ={"GITHUB_OUTPUT": str(output)})
    assert output.read_text() == "registry=registry.example:5000\n"


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        ("difyaction/__init__.py", '__version__ = "1.0.1"\n', r"1\.0\.1"),
        ("difyaction/__init__.py", "", "one line"),
        ("CHANGELOG.md", "# Changelog\n", "headings"),
        ("action.yml", "runs:\n  image: docker://r.example/x@sha256:0\n", "Dockerfile"),
    ],
)
def test_a_checkout_that_does_not_agree_is_refused(clone: Repository, path: str, text: str, told: str) -> None:
    prepared(clone, "1.0.0")
    (clone.root / path).write_text(text, "utf-8")
    with pytest.raises(Refused, match=told):
        step(clone, "check", "1.0.0", *IMAGE)


def test_a_version_that_is_released_is_refused(clone: Repository) -> None:
    prepared(clone, "1.0.0")
    step(clone, "tag", "1.0.0", *PUBLISHED)
    with pytest.raises(Refused, match="already"):
        step(clone, "check", "1.0.0", *IMAGE)


def test_the_released_commit_differs_in_one_file_and_is_the_same_at_every_try(clone: Repository) -> None:
    prepared(clone, "1.0.0")
    head, message = clone.git("rev-parse", "HEAD"), "Release v1.0.0\n"
    made = {clone.release_commit(head, b"runs:\n  image: x\n", message) for _ in range(2)}
    assert len(made) == 1
    assert clone.git("diff", "--name-only", head, made.pop()) == "action.yml"
    assert clone.git("status", "--porcelain") == ""


def test_nothing_moves_before_the_release_stands(clone: Repository) -> None:
    prepared(clone, "1.0.0")
    with pytest.raises(Refused, match="does not stand"):
        step(clone, "move", "1.0.0", *PUBLISHED)
    assert clone.tags() == {}


def test_another_ones_tag_is_not_overwritten(clone: Repository) -> None:
    prepared(clone, "1.0.0")
    clone.git("push", "--quiet", "origin", "HEAD:refs/tags/v1.0.0")
    with pytest.raises(Refused, match="never moves"):
        step(clone, "tag", "1.0.0", *PUBLISHED)


def test_later_steps_are_told_the_commit_and_whether_it_is_the_newest(clone: Repository, tmp_path: Path) -> None:
    prepared(clone, "1.0.0")
    output = tmp_path / "output"
    step(clone, "tag", "1.0.0", *PUBLISHED, environ={"GITHUB_OUTPUT": str(output)})
    assert output.read_text() == f"latest=true\ncommit={clone.tags()['v1.0.0']}\n"


def test_an_annotated_tag_is_looked_through(clone: Repository) -> None:
    clone.git("tag", "--annotate", "--message", "x", "v0.9.0")
    clone.git("push", "--quiet", "origin", "v0.9.0")
    assert clone.tags() == {"v0.9.0": clone.git("rev-parse", "HEAD")}


def test_gits_own_words_are_told(clone: Repository) -> None:
    with pytest.raises(Refused, match="git rev-parse failed: fatal"):
        clone.git("rev-parse", "--verify", "nothing")


def test_the_token_goes_to_one_server_only() -> None:
    assert bound("", "https://github.example") == {}
    environment = {**os.environ, **bound("secret", "https://github.example/")}
    asked = {
        server: subprocess.run(
            ["git", "config", "--get-urlmatch", "http.extraheader", server],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        for server in ("https://github.example/org/x", "https://elsewhere.example/org/x", "http://github.example/org/x")
    }
    sent = asked.pop("https://github.example/org/x")
    assert base64.b64decode(sent.rsplit(" ", 1)[1]) == b"x-access-token:secret"
    assert set(asked.values()) == {""}
