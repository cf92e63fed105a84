"""The git side of a release: the commit that pins the image, and the pushing of tags."""

from __future__ import annotations

import base64
import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.release.refusal import Refused
from scripts.release.tags import TagPlan
from scripts.release.tree import ACTION

_AUTHOR = {"NAME": "github-actions[bot]", "EMAIL": "41898282+github-actions[bot]@users.noreply.github.com"}


def bound(token: str, server: str) -> dict[str, str]:
    """Return git's environment that sends the token to this server only, and shows it in no list of processes."""
    if not token:
        return {}
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{server.rstrip('/')}/.extraheader",
        "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {basic}",
        "GIT_TERMINAL_PROMPT": "0",
    }


@dataclass(frozen=True)
class Repository:
    """A clone. ``environment`` is what git gets besides the process's own."""

    root: Path
    environment: Mapping[str, str]
    remote: str = "origin"

    def tags(self) -> dict[str, str]:
        """Return every tag of the remote with the commit that it names, annotated ones looked through."""
        found: dict[str, str] = {}
        for line in self.git("ls-remote", "--tags", self.remote).splitlines():
            commit, _, ref = line.partition("\t")
            name = ref.removeprefix("refs/tags/")
            if name.endswith("^{}") or name not in found:
                found[name.removesuffix("^{}")] = commit
        return found

    def release_commit(self, parent: str, action: bytes, message: str) -> str:
        """Make the commit that differs from its parent in action.yml alone, and return its id.

        The same release makes the same commit: it has its parent's date. So a release that was interrupted is
        taken up where it stopped.
        """
        mode = self.git("ls-tree", parent, "--", ACTION).split(" ", 1)[0]
        blob = self.git("hash-object", "-w", "--stdin", given=action)
        when = self.git("show", "--no-patch", "--format=%cI", parent)
        people = {f"GIT_{who}_{key}": value for who in ("AUTHOR", "COMMITTER") for key, value in _AUTHOR.items()}
        dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
        with tempfile.TemporaryDirectory() as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self.git("read-tree", parent, more=index)
            self.git("update-index", "--cacheinfo", f"{mode},{blob},{ACTION}", more=index)
            tree = self.git("write-tree", more=index)
        return self.git("commit-tree", tree, "-p", parent, "-F", "-", given=message.encode(), more=people | dates)

    def create(self, plan: TagPlan) -> None:
        """Push the immutable tag, unless it stands. Another one's tag of that name is never overwritten."""
        if not plan.standing:
            ref = f"refs/tags/{plan.tag}"
            self.git("push", "--quiet", f"--force-with-lease={ref}:", self.remote, f"{plan.commit}:{ref}")

    def move(self, plan: TagPlan) -> None:
        """Move the moving tags, all or none, and only from where the plan saw them."""
        if plan.moves:
            leases = [f"--force-with-lease=refs/tags/{move.tag}:{move.before}" for move in plan.moves]
            refs = [f"{plan.commit}:refs/tags/{move.tag}" for move in plan.moves]
            self.git("push", "--quiet", "--atomic", *leases, self.remote, *refs)

    def git(self, *arguments: str, given: bytes = b"", more: Mapping[str, str] | None = None) -> str:
        """Run git and return what it prints, stripped; `Refused` with git's own words when it fails."""
        return self._run(arguments, given, more or {}).decode().strip()

    def blob(self, commit: str, path: str) -> bytes:
        """Return a file as it is in a commit."""
        return self._run(("cat-file", "blob", f"{commit}:{path}"), b"", {})

    def _run(self, arguments: tuple[str, ...], given: bytes, more: Mapping[str, str]) -> bytes:
        done = subprocess.run(  # noqa: S603 - the arguments are ours
            ["git", *arguments],  # noqa: S607 - git is where PATH says
            cwd=self.root,
            env={**os.environ, **self.environment, **more},
            input=given,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise Refused(f"git {arguments[0]} failed: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout
