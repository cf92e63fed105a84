"""One repository: its git, its settings, its pull requests, and what people and CI do to it."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.emulators.github import merging, pushing
from tests.emulators.github.commits import Draft, split_author, write_commit
from tests.emulators.github.content import Content
from tests.emulators.github.credentials import Actor, Credentials
from tests.emulators.github.git import REGULAR, ZERO, Git
from tests.emulators.github.problems import not_found
from tests.emulators.github.pulls import Pull, stamp
from tests.emulators.github.rules import Requirements

SOMEBODY = "Jane Doe <jane@example.com>"


@dataclass
class Settings:
    """What the settings page of a repository says. The defaults are GitHub's, auto-merge apart."""

    private: bool = True
    archived: bool = False
    allow_auto_merge: bool = True
    allow_merge_commit: bool = True
    allow_squash_merge: bool = True
    allow_rebase_merge: bool = True
    delete_branch_on_merge: bool = False
    actions_can_create_pulls: bool = False
    drafts_supported: bool = True
    has_hooks: bool = False  # pre-receive hooks, a GHES thing
    push_disarms: bool = False  # a push to the head branch switches auto-merge off
    unknown_looks: int = 1  # how often the merge state is UNKNOWN after head or base moved
    tree_limit: int = 100_000  # entries of one listing; more of them come truncated
    ref_lag: int = 0  # how many reads of a ref answer 404 after it was created

    def allows(self, method: str) -> bool:
        return {
            "merge": self.allow_merge_commit,
            "squash": self.allow_squash_merge,
            "rebase": self.allow_rebase_merge,
        }[method]


class Repository(Content):
    """The methods are what happens beside our client: no token, no rule, no permission counts for them."""

    def __init__(  # noqa: PLR0913 - keywords all but two
        self,
        full_name: str,
        directory: Path,
        *,
        number: int,
        credentials: Credentials,
        clock: Callable[[], float],
        settings: Settings,
        default_branch: str = "main",
    ) -> None:
        super().__init__(Git(directory, default_branch))
        self.full_name = full_name
        self.owner, self.name = full_name.split("/")
        self.id = 700000 + number
        self.default_branch = default_branch
        self.settings = settings
        self.credentials = credentials
        self.clock = clock
        self.lock = threading.RLock()
        self.rules: list[Requirements] = []
        self.pull_numbers: dict[int, Pull] = {}
        self.checks: dict[str, dict[str, str]] = {}
        self.collaborators: set[str] = set()
        self.teams: set[str] = set()
        self.code_owners: set[str] = set()
        self.labels: set[str] = {"bug", "dependencies"}
        self.releases: list[Mapping[str, object]] = []
        self.lagging: dict[str, int] = {}

    def push(  # noqa: PLR0913 - a push has these parts; all but the files have defaults
        self,
        files: Mapping[str, bytes | None],
        *,
        message: str = "Change something",
        author: str = SOMEBODY,
        branch: str = "main",
        modes: Mapping[str, str] | None = None,
        signed: bool = False,
    ) -> str:
        """Commit on top of a branch, which is made from the default branch when it is not there; None deletes."""
        with self.lock:
            old = self.find_head(branch)
            parent = old or self.find_head(self.default_branch)
            person = split_author(author, self.clock())
            known = self.git.leaves(parent) if parent else {}
            changes: dict[str, tuple[str, str] | None] = {}
            for path, content in files.items():
                mode = (modes or {}).get(path) or known.get(path, (REGULAR, ""))[0]
                changes[path] = None if content is None else (mode, self.git.write("blob", content))
            leaves = self.git.changed_leaves(parent, changes)
            parents = [parent] if parent else []
            draft = Draft(self.git.write_tree(leaves), parents, person, person, message, signed)
            new = write_commit(self.git, draft)
            pushing.move(self, f"refs/heads/{branch}", new, old)
            return new

    def branch(self, name: str, at: str = "main") -> str:
        """Create or force-move a branch."""
        with self.lock:
            oid = self.commit(at).oid
            pushing.move(self, f"refs/heads/{name}", oid, self.find_head(name))
            return oid

    def tag(self, name: str, at: str = "main") -> None:
        self.git.move_ref(f"refs/tags/{name}", self.commit(at).oid)

    def delete_branch(self, name: str) -> None:
        with self.lock:
            pushing.move(self, f"refs/heads/{name}", ZERO, self.find_head(name))

    # -- rules and people -------------------------------------------------------------------------------------

    def protect(self, branch: str, **requirements: object) -> None:
        self.rules.append(Requirements(branch, **requirements))  # type: ignore[arg-type]

    def ruleset(self, branch: str, **requirements: object) -> None:
        self.rules.append(Requirements(branch, is_ruleset=True, **requirements))  # type: ignore[arg-type]

    def rules_of(self, branch: str) -> list[Requirements]:
        return [rule for rule in self.rules if rule.covers(branch)]

    def check(self, revision: str, name: str, state: str = "success") -> None:
        """Report a check: success, pending or failure."""
        with self.lock:
            self.checks.setdefault(self.commit(revision).oid, {})[name] = state
            merging.settle(self)

    def approve(self, number: int, by: str = "reviewer") -> None:
        with self.lock:
            self.pull(number).approvals.append(by)
            merging.settle(self)

    def run_queue(self) -> None:
        """Let the merge queue merge what waits in it."""
        with self.lock:
            merging.run_queue(self)

    # -- pull requests ----------------------------------------------------------------------------------------

    def pull(self, number: int) -> Pull:
        if number not in self.pull_numbers:
            raise not_found()
        return self.pull_numbers[number]

    @property
    def pulls(self) -> list[Pull]:
        return list(self.pull_numbers.values())

    def open_pull(  # noqa: PLR0913 - a pull request has these parts; all but the head have defaults
        self,
        head: str,
        *,
        base: str = "main",
        title: str = "Something",
        body: str = "",
        author: str | Actor = "stranger",
        draft: bool = False,
        fork_of: str = "",
    ) -> Pull:
        """Open a pull request as ``author``; ``fork_of`` names the owner of a fork whose branch has this head."""
        number = max(self.pull_numbers, default=0) + 1
        pull = Pull(
            number=number,
            repository=self.full_name,
            title=title,
            body=body,
            head=head,
            base=base,
            head_oid=self.head(head),
            author=self.credentials.actor(author) if isinstance(author, str) else author,
            created=stamp(self.clock()),
            head_owner=fork_of or self.owner,
            draft=draft,
        )
        self.pull_numbers[number] = pull
        return pull


def node_id(kind: str, text: str) -> str:
    """Make an opaque id as GraphQL has them."""
    return f"{kind}_{base64.urlsafe_b64encode(text.encode()).decode().rstrip('=')}"
