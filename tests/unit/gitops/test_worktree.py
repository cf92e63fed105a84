import os
import shutil
import subprocess
from pathlib import Path

import pytest

from difyaction.errors import Failed, Invalid, Refused, Stranded
from difyaction.gitops.files import ChangedFile, Entry
from difyaction.gitops.worktree import Worktree


def tree(root: Path, **files: str) -> Path:
    for name, content in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def change(path: str, before: str, after: str) -> ChangedFile:
    return ChangedFile(path, "100644", before.encode(), after.encode())


def content(root: Path) -> dict[str, str]:
    return {path.relative_to(root).as_posix(): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}


def test_every_file_is_listed_but_those_of_others(tmp_path: Path) -> None:
    tree(tmp_path, a__values="1", node_modules__x="1", a__node_modules__y="1", **{".git__config": "1", ".venv__z": "1"})
    tree(tmp_path, sub__file="1", **{"sub__.git": "gitdir: elsewhere"})
    (tmp_path / "run.sh").write_text("#!")
    (tmp_path / "run.sh").chmod(0o755)
    (tmp_path / "link").symlink_to("a")

    assert Worktree(tmp_path).entries() == (
        Entry("a/values", "100644", "", 1),
        Entry("link", "120000", ""),
        Entry("run.sh", "100755", "", 2),
        Entry("sub", "160000", ""),
    )


def test_what_nobody_may_look_into_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, docker__volumes__db__data="1", docker__compose="1")
    scandir = os.scandir

    def refusing(folder: Path) -> object:
        if folder.name == "db":  # root may look into everything
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refusing)
    assert [entry.path for entry in Worktree(tmp_path).entries()] == ["docker/compose"]


def test_what_is_gone_while_it_is_looked_at_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{number}.yaml" for number in range(50)]
    for name in names:
        (tmp_path / name).write_text("a: 1\n")
    for name in ("gone", "stays"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "values.yaml").write_text("a: 1\n")

    def lexists(path: Path) -> bool:
        if path.parent.name == "gone":  # somebody tidies up just now
            shutil.rmtree(path.parent)
            for name in names:
                (tmp_path / name).unlink()
        return False

    monkeypatch.setattr(os.path, "lexists", lexists)
    found = {entry.path for entry in Worktree(tmp_path).entries()}
    assert found - set(names) == {"stays/values.yaml"}


def test_a_file_is_read_with_the_name_that_git_gives_to_its_content(tmp_path: Path) -> None:
    tree(tmp_path, a="x\r\n")

    (file,) = Worktree(tmp_path).read([Entry("a", "100644", "")])

    named = subprocess.run(["git", "hash-object", "--no-filters", "a"], cwd=tmp_path, capture_output=True, check=True)
    assert file.content == b"x\r\n"
    assert file.oid == named.stdout.decode().strip()


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("../outside", "file-outside"),
        ("/etc/passwd", "file-outside"),
        ("a/../../x", "file-outside"),
        (".git/config", "file-outside"),
        ("sub/.GIT/config", "file-outside"),
        ("", "file-outside"),
        ("a\0b", "file-outside"),
        ("link", "file-not-regular"),
        ("linked/file", "file-not-regular"),
        ("folder", "file-not-regular"),
        ("missing", "file-unreadable"),
        ("file/below", "file-unreadable"),
        ("large", "file-too-large"),
    ],
)
def test_nothing_outside_the_checkout_is_read_or_written(tmp_path: Path, path: str, complaint: str) -> None:
    root = tmp_path / "root"
    tree(tmp_path, outside="secret", elsewhere__file="x")
    tree(root, file="x", folder__file="x", large="x" * 5_000_001)
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "linked").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(Invalid) as reading:
        Worktree(root).read([Entry(path, "100644", "")])
    with pytest.raises(Invalid) as writing:
        Worktree(root).write([change("file", "x", "y"), change(path, "secret", "public")])

    assert reading.value.id == writing.value.id == complaint
    assert (tmp_path / "outside").read_text() == "secret"
    assert (root / "file").read_text() == "x"
    assert [path.name for path in root.iterdir() if path.name.startswith(".dify")] == []


def test_all_files_that_cannot_be_read_are_named_together(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        Worktree(tmp_path).read([Entry("a", "100644", ""), Entry("../b", "100644", "")])

    assert [complaint.file for complaint in caught.value.complaints] == ["a", "../b"]


def test_files_keep_their_mode_and_nothing_else_is_left_behind(tmp_path: Path) -> None:
    tree(tmp_path, a="1", b__c="2")
    (tmp_path / "a").chmod(0o640)
    (tmp_path / "b/c").chmod(0o755)

    Worktree(tmp_path).write([change("a", "1", "one"), change("b/c", "2", "two")])

    assert content(tmp_path) == {"a": "one", "b/c": "two"}
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "b/c").stat().st_mode & 0o777 == 0o755


def test_files_keep_their_owner(tmp_path: Path) -> None:
    tree(tmp_path, a="1")
    # Only root may give a file to somebody else; others give it to another group of theirs.
    owner = (1001, 1002) if os.getuid() == 0 else (os.getuid(), (os.getgroups() or [os.getgid()])[-1])
    os.chown(tmp_path / "a", *owner)

    Worktree(tmp_path).write([change("a", "1", "one")])

    status = (tmp_path / "a").stat()
    assert (status.st_uid, status.st_gid) == owner


def test_a_file_that_somebody_changed_meanwhile_stops_everything(tmp_path: Path) -> None:
    tree(tmp_path, a="1", b="changed")

    with pytest.raises(Refused) as caught:
        Worktree(tmp_path).write([change("a", "1", "one"), change("b", "2", "two")])

    assert caught.value.id == "file-changed"
    assert content(tmp_path) == {"a": "1", "b": "changed"}


class Breaking:
    """Replaces files, until it breaks at the one that was told; ``late`` breaks when that one was replaced already."""

    def __init__(self, at: int, error: BaseException, *, late: bool = False) -> None:
        self.left = at
        self.error = error
        self.late = late

    def __call__(self, new: Path, place: Path) -> None:
        self.left -= 1
        if self.left == 0 and not self.late:
            raise self.error
        new.replace(place)
        if self.left == 0:
            raise self.error


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_failure_in_the_middle_puts_everything_back(tmp_path: Path, at: int, late: bool) -> None:  # noqa: FBT001 - parametrized
    tree(tmp_path, a="1", b="2", c="3")
    changes = [change("a", "1", "one"), change("b", "2", "two"), change("c", "3", "three")]

    with pytest.raises(Failed) as caught:
        Worktree(tmp_path, replace=Breaking(at, OSError(28, "No space left on device"), late=late)).write(changes)

    assert (caught.value.id, caught.value.file) == ("file-not-written", "abc"[at - 1])
    assert "No space left" in str(caught.value)
    assert content(tmp_path) == {"a": "1", "b": "2", "c": "3"}


@pytest.mark.parametrize("late", [False, True])
def test_ctrl_c_in_the_middle_puts_everything_back_and_is_still_ctrl_c(tmp_path: Path, late: bool) -> None:  # noqa: FBT001 - parametrized
    tree(tmp_path, a="1", b="2")

    with pytest.raises(KeyboardInterrupt):
        Worktree(tmp_path, replace=Breaking(2, KeyboardInterrupt(), late=late)).write(
            [change("a", "1", "one"), change("b", "2", "two")]
        )

    assert content(tmp_path) == {"a": "1", "b": "2"}


def test_what_cannot_be_put_back_is_said_and_kept(tmp_path: Path) -> None:
    tree(tmp_path, a__file="1", b="2")

    class Vanishing:
        """Replaces the first file by a folder that cannot be written over, then breaks."""

        def __init__(self) -> None:
            self.done = 0

        def __call__(self, new: Path, place: Path) -> None:
            self.done += 1
            if self.done == 2:
                raise OSError(5, "Input/output error")
            new.replace(place)
            place.unlink()
            place.mkdir()

    with pytest.raises(Stranded) as caught:
        Worktree(tmp_path, replace=Vanishing()).write([change("a/file", "1", "one"), change("b", "2", "two")])

    assert "the old content of a/file could not be put back" in str(caught.value)
    (kept,) = (tmp_path / "a").glob(".dify-upgrade-*.old")
    assert kept.read_text() == "1"
    assert (tmp_path / "b").read_text() == "2"
