"""Rehearse a release from the commit that is checked out, with no account: ``make release-dry-run``.

The very steps of the workflow run against a bare git repository in a temporary folder and, where a docker engine
answers, a registry on loopback. What needs an account is named at the end and not tried.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from scripts.release import loopback
from scripts.release.__main__ import ROOT, run
from scripts.release.changelog import UNRELEASED
from scripts.release.refusal import Refused
from scripts.release.repository import Repository
from scripts.release.tree import ACTION, Tree
from scripts.release.try_image import try_it
from scripts.release.version import Version

_PERSON = {
    "GIT_AUTHOR_NAME": "rehearsal",
    "GIT_AUTHOR_EMAIL": "rehearsal@example.invalid",
    "GIT_COMMITTER_NAME": "rehearsal",
    "GIT_COMMITTER_EMAIL": "rehearsal@example.invalid",
}
NOT_TRIED = "Not tried, for it needs an account: attestations, cosign, arm64, the GitHub release."


@dataclass(frozen=True)
class Rehearsal:
    """A clone of this checkout's commit whose ``origin`` is a bare repository beside it."""

    clone: Path
    today: date

    @property
    def repository(self) -> Repository:
        """The clone, for looking at what came out."""
        return Repository(self.clone, _PERSON)

    def prepared(self, version: Version) -> None:
        """Do what people do before a release: write what changed, prepare, commit, push."""
        log = self.clone / "CHANGELOG.md"
        entry = f"{UNRELEASED}\n\n### Changed\n\n- Rehearsed {version}.\n"
        log.write_text(log.read_text("utf-8").replace(f"{UNRELEASED}\n", entry, 1), "utf-8")
        self.step("prepare", version)
        self.repository.git("commit", "--quiet", "--all", "--message", f"Prepare {version}")
        self.repository.git("push", "--quiet", "origin", "HEAD:refs/heads/main")

    def published(self, version: Version, image: str, digest: str) -> None:
        """Do what the workflow does once the image stands."""
        self.step("check", version, "--image", image)
        for step in ("plan", "tag", "move", "tag", "move"):  # twice: a run that was interrupted is started again
            self.step(step, version, "--image", image, "--digest", digest)

    def step(self, name: str, version: Version, *more: str) -> None:
        """Take one step of `scripts.release`."""
        print(f"$ {name} {version}", flush=True)
        run([name, str(version), *more], root=self.clone, environ={}, today=self.today)

    def verify(self, version: Version, image: str, digest: str) -> None:
        """Look at what stands now: tags, and the one line that they add to the commit they come from."""
        git = self.repository.git
        tags = self.repository.tags()
        names = [version.tag, f"v{version.major}", f"v{version.major}.{version.minor}"]
        _must(len({tags[name] for name in names}) == 1, f"{names} do not name one commit: {tags}")
        git("fetch", "--quiet", "--tags", "--force", "origin")
        _must(git("diff", "--name-only", f"{version.tag}^", version.tag) == ACTION, f"more than {ACTION} changed")
        _must(
            git("diff", "--numstat", f"{version.tag}^", version.tag).split()[:2] == ["1", "1"], "not one line changed"
        )
        line = f"  image: docker://{image}@{digest} # {version.tag}"
        _must(line in git("show", f"{version.tag}:{ACTION}").splitlines(), f"{ACTION} does not say {line!r}")


def _must(good: bool, text: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not good:
        raise Refused(text)


@contextlib.contextmanager
def _rehearsal(folder: Path, root: Path, today: date) -> Iterator[Rehearsal]:
    origin, clone = folder / "origin.git", folder / "clone"
    here = Repository(root, {})
    here.git("init", "--quiet", "--bare", str(origin))
    here.git("-C", str(origin), "config", "receive.shallowUpdate", "true")  # CI checks out one commit
    here.git("clone", "--quiet", "--no-tags", str(root), str(clone))
    rehearsal = Rehearsal(clone, today)
    rehearsal.repository.git("checkout", "--quiet", "--detach", here.git("rev-parse", "HEAD"))
    rehearsal.repository.git("remote", "set-url", "origin", str(origin))
    yield rehearsal


def rehearse(root: Path, folder: Path, today: date, *, missing: str, instead: str) -> None:
    """Release the next patch and then the next minor version, and look at the tags after each.

    ``missing`` says why no image can be pushed, or nothing; ``instead`` names one to take instead of building it.
    """
    with _rehearsal(folder, root, today) as rehearsal, contextlib.ExitStack() as stack:
        image, digest = "registry.invalid:5000/org/dify-upgrade-action", f"sha256:{'0' * 64}"
        if missing:
            print(f"The image is not built ({missing}); its digest is made up.")
        else:
            image = f"{stack.enter_context(loopback.registry(folder))}/org/dify-upgrade-action"
            digest = loopback.pushed(image, root=rehearsal.clone, instead=instead)
            stack.callback(loopback.forget, f"{image}@{digest}")
            try_it(f"{image}@{digest}")
            print(f"{image}@{digest} runs as it must")
        now = Tree(rehearsal.clone).version()
        for version in (Version(now.major, now.minor, now.patch + 1), Version(now.major, now.minor + 1, 0)):
            rehearsal.prepared(version)
            rehearsal.published(version, image, digest)
            rehearsal.verify(version, image, digest)
            rehearsal.repository.git("checkout", "--quiet", "--detach", f"{version.tag}^")


def main() -> int:
    """Rehearse; return the exit code. ``RELEASE_IMAGE`` names an image of the engine to take instead of building it."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            instead = os.environ.get("RELEASE_IMAGE", "")
            today = datetime.now(UTC).date()
            rehearse(ROOT, Path(folder), today, missing=loopback.missing(), instead=instead)
    except (Refused, subprocess.TimeoutExpired) as refusal:
        print(f"The rehearsal ended: {refusal}", file=sys.stderr)
        return 1
    print(NOT_TRIED)
    return 0


if __name__ == "__main__":
    sys.exit(main())
