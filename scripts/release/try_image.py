"""Run an image by its digest as GitHub's runner does, and hold what it leaves against what it must.

``python -m scripts.release.try_image IMAGE@DIGEST``. Nothing is asked over the network: wrong inputs end with 2, an
explicit edit changes the bytes that had to change, the post step starts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.release.refusal import Refused

VALUES = """\
# 本番と同じにすること\r
image:\r
  api:\r
    repository: langgenius/dify-api\r
    tag: "1.13.3" # keep\r
""".encode()
EDIT = {
    "target": "gitops",
    "delivery": "files",
    "image-check": "off",
    "set": "values.yaml#image.api.tag=1.14.1",
}
_COMMAND_FILES = ("GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY")
_TIMEOUT = 120


@dataclass(frozen=True)
class Left:
    """What a run left: its exit code, its log, its outputs as the runner's file holds them."""

    exit_code: int
    log: str
    outputs: str
    summary: str


@dataclass(frozen=True)
class Container:
    """The image and the folder that takes the place of the runner's ``_temp`` and workspace."""

    image: str
    folder: Path

    def run(self, inputs: Mapping[str, str], *, entrypoint: str = "") -> Left:
        """Run it once, with the mounts, variables and working directory of actions/runner 2.336."""
        for name in _COMMAND_FILES:
            path = self._made("_runner_file_commands") / name
            path.write_bytes(b"")
        values = dict(self._environment(inputs))
        entry = ["--entrypoint", entrypoint] if entrypoint else []
        names = [part for name in values for part in ("-e", name)]  # the values ride in the client's environment
        mounts = [part for mount in self._mounts() for part in ("-v", mount)]
        done = subprocess.run(  # noqa: S603 - the arguments are ours
            ["docker", "run", "--name", f"try_{uuid.uuid4().hex}", "--workdir", "/github/workspace", "--rm",  # noqa: S607
             *names, *entry, *mounts, self.image],
            env={**os.environ, **values}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=_TIMEOUT, check=False,
        )  # fmt: skip
        return Left(done.returncode, done.stdout, self._command_file("OUTPUT"), self._command_file("STEP_SUMMARY"))

    @property
    def workspace(self) -> Path:
        """The folder that the container sees as ``/github/workspace``."""
        return self._made("workspace")

    def _environment(self, inputs: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        yield from {"HOME": "/github/home", "GITHUB_ACTIONS": "true", "CI": "true"}.items()
        yield from {"GITHUB_WORKSPACE": "/github/workspace", "GITHUB_REPOSITORY": "acme/gitops"}.items()
        yield from ((name, f"/github/file_commands/{name}") for name in _COMMAND_FILES)
        yield from ((f"INPUT_{name.upper()}", value) for name, value in inputs.items())

    def _mounts(self) -> Iterator[str]:
        yield f"{self._made('home')}:/github/home"
        yield f"{self._made('_runner_file_commands')}:/github/file_commands"
        yield f"{self.workspace}:/github/workspace"

    def _made(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir(exist_ok=True)
        return path

    def _command_file(self, name: str) -> str:
        return (self._made("_runner_file_commands") / f"GITHUB_{name}").read_text("utf-8")


def complaints(image: str, folder: Path) -> Iterator[str]:
    """Yield what is not as it must be."""
    container = Container(image, folder)
    wrong = container.run({"target": "nowhere"})
    yield from _unless(wrong.exit_code == 2 and "\ninvalid\n" in wrong.outputs, "wrong inputs are not told", wrong)  # noqa: PLR2004 - the code of `invalid`
    values = container.workspace / "values.yaml"
    values.write_bytes(VALUES)
    edit = container.run(EDIT)
    yield from _unless(edit.exit_code == 0 and "\nproposed\n" in edit.outputs, "an edit does not end well", edit)
    exact = values.read_bytes() == VALUES.replace(b"1.13.3", b"1.14.1")
    yield from _unless(exact, "an edit is not exactly the edit", edit)
    yield from _unless(bool(edit.summary.strip()), "there is no job summary", edit)
    post = container.run({}, entrypoint="/app/post.py")
    yield from _unless(post.exit_code == 0, "the post step fails", post)


def _unless(good: bool, text: str, left: Left) -> Iterator[str]:  # noqa: FBT001 - reads as a sentence
    if not good:
        yield f"{text} (exit code {left.exit_code}):\n{left.log}"


def try_it(image: str) -> None:
    """Raise `Refused` with everything that is wrong."""
    # What the container made is root's, and may not be ours to remove.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if found := list(complaints(image, Path(folder))):
            raise Refused("\n".join(found))


if __name__ == "__main__":
    try:
        try_it(sys.argv[1])
    except Refused as refusal:
        sys.exit(str(refusal))
    print(f"{sys.argv[1]} runs as it must")
