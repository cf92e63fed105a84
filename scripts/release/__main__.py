"""The steps of a release that are not a call of somebody's program: ``python -m scripts.release STEP``.

Standard library only, so that what publishes installs nothing. docs/releasing.md tells the whole story.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from scripts.release import pin
from scripts.release.refusal import Refused
from scripts.release.repository import Repository, bound
from scripts.release.tags import TagPlan, plan
from scripts.release.tree import ACTION, Tree
from scripts.release.version import Version

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Release:
    """One release: its checkout, its clone, and what it publishes."""

    tree: Tree
    repository: Repository
    version: Version

    def check(self) -> None:
        """Refuse when something does not agree, or the tag is taken."""
        self.tree.notes(self.version)
        standing = self.repository.tags()
        if self.version.tag in standing:
            raise Refused(f"{self.version.tag} is released already, at {standing[self.version.tag]}.")

    def pinned(self, action: bytes, image: str, digest: str) -> bytes:
        """Return the released action.yml."""
        return pin.pinned(action, image=image, digest=digest, version=self.version)

    def planned(self, image: str, digest: str, parent: str) -> TagPlan:
        """Make the release's commit, in the clone only, and decide on the tags."""
        self.tree.notes(self.version)
        message = f"Release {self.version.tag}\n\nThe image is {pin.reference(image, digest)}.\n"
        action = self.pinned(self.repository.blob(parent, ACTION), image, digest)
        commit = self.repository.release_commit(parent, action, message)
        return plan(self.version, commit, self.repository.tags())


def _arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.release")
    steps = parser.add_subparsers(dest="step", required=True)
    for name, meaning in (
        ("prepare", "write the version into package and changelog"),
        ("check", "package, changelog, action.yml and the image's name are as they must be, and the version is free"),
        ("notes", "print the version's part of the changelog"),
        ("pin", "rewrite `image:` of action.yml in this checkout"),
        ("plan", "say which tags would be made and moved"),
        ("tag", "push the immutable tag"),
        ("move", "move the moving tags"),
    ):
        step = steps.add_parser(name, help=meaning)
        step.add_argument("version", type=str)
        if name not in {"prepare", "notes"}:
            step.add_argument("--image", required=True)
        if name in {"pin", "plan", "tag", "move"}:
            step.add_argument("--digest", required=True)
            step.add_argument("--parent", default="HEAD")
    return parser.parse_args(given)


def run(given: list[str], *, root: Path, environ: Mapping[str, str], today: date) -> None:
    """Take one step. Every one can be repeated."""
    arguments = _arguments(given)
    version = Version.parse(arguments.version)
    tree = Tree(root)
    server = environ.get("GITHUB_SERVER_URL", "https://github.com")
    repository = Repository(root, bound(environ.get("RELEASE_TOKEN", ""), server))
    release = Release(tree, repository, version)
    match arguments.step:
        case "prepare":
            tree.prepare(version, today)
        case "check":
            registry = pin.registry_of(arguments.image)
            release.check()
            _tell(environ, registry=registry)
        case "notes":
            print(tree.notes(version), end="")
        case "pin":
            (root / ACTION).write_bytes(release.pinned(tree.action(), arguments.image, arguments.digest))
        case _:
            _tags(release, arguments, environ)


def _tags(release: Release, arguments: argparse.Namespace, environ: Mapping[str, str]) -> None:
    repository = release.repository
    parent = repository.git("rev-parse", "--verify", f"{arguments.parent}^{{commit}}")
    decided = release.planned(arguments.image, arguments.digest, parent)
    print("\n".join(decided.sentences()))
    if arguments.step == "tag":
        repository.create(decided)
    if arguments.step == "move":
        if not decided.standing:
            raise Refused(f"{decided.tag} does not stand yet; nothing moves before it does.")
        repository.move(decided)
    _tell(environ, latest=str(decided.latest).lower(), commit=decided.commit)


def _tell(environ: Mapping[str, str], **outputs: str) -> None:
    """Tell later steps of the workflow."""
    if path := environ.get("GITHUB_OUTPUT"):
        with Path(path).open("a", encoding="utf-8") as stream:
            stream.writelines(f"{name}={value}\n" for name, value in outputs.items())


def main() -> int:
    """Take the step that the command line names; return the exit code."""
    try:
        run(sys.argv[1:], root=ROOT, environ=os.environ, today=datetime.now(UTC).date())
    except Refused as refusal:
        print(f"{'::error::' if os.environ.get('GITHUB_ACTIONS') else 'refused: '}{refusal}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
