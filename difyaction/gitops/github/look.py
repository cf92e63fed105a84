"""What one look at a repository says. Pure: from GraphQL's answer to records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

METHODS: Final = {"squash": "squashMergeAllowed", "merge": "mergeCommitAllowed", "rebase": "rebaseMergeAllowed"}


@dataclass(frozen=True)
class OpenPull:
    """A row of the list of open pull requests. ``author`` is a login, a bot's without its suffix."""

    id: str
    number: int
    url: str
    head: str
    base: str
    head_oid: str
    is_draft: bool
    is_fork: bool
    author: str


@dataclass(frozen=True)
class Look:
    """A repository at one moment.

    ``base`` is a branch, ``base_oid`` its commit, ``base_tree`` that commit's tree. ``branches`` maps the branches
    under our prefix to their commits; ``all_branches`` tells whether that list is complete, ``all_pulls`` the same of
    ``pulls``. ``named`` is the one branch that was asked for by its whole name: about that one, nothing is left out.
    ``methods`` are the merge methods of the repository's settings, in the order of our preference. ``temporary`` are
    branches that an interrupted run may have left.
    """

    id: str
    full_name: str
    url: str
    login: str
    is_archived: bool
    base: str
    base_oid: str
    base_tree: str
    auto_merge_allowed: bool
    methods: tuple[str, ...]
    prefix: str
    branches: Mapping[str, str]
    all_branches: bool
    pulls: tuple[OpenPull, ...]
    all_pulls: bool = True
    named: str = ""
    temporary: tuple[str, ...] = ()

    def pull_of(self, branch: str) -> OpenPull | None:
        """Return the open pull request from ``branch`` of this repository into the base, if there is one."""
        same = (pull for pull in self.pulls if (pull.head, pull.base) == (branch, self.base) and not pull.is_fork)
        return next(same, None)

    def knows(self, branch: str) -> bool:
        """Whether the look can tell if ``branch`` exists."""
        listed = self.all_branches and branch.startswith(self.prefix)
        return branch in self.branches or branch == self.named or listed

    def knows_pull_of(self, branch: str) -> bool:
        """Whether the look can tell if ``branch`` has an open pull request."""
        return self.all_pulls or branch == self.named

    @property
    def bot(self) -> str:
        """Our login without the suffix of bots, which GraphQL leaves out for authors."""
        return plain_login(self.login)


def plain_login(login: str) -> str:
    """Return a login without ``[bot]``."""
    return login.removesuffix("[bot]")


def branch_prefix(prefix: str) -> str:
    """Return the part of a branch prefix that GitHub can list: whole path components."""
    return prefix[: prefix.rfind("/") + 1]


def read_look(data: Mapping[str, Any], prefix: str, named: str = "") -> Look | None:
    """Return the look that an answer holds; nothing if the base branch does not exist (or the repository is empty)."""
    found = data["repository"]
    base = found["base"]
    if not base or not base.get("target"):
        return None
    refs = found["refs"] or {"nodes": [], "pageInfo": {"hasNextPage": False}}
    branches = [*refs["nodes"], found.get("branch")]
    pulls = [*found["pullRequests"]["nodes"], *(found.get("mine") or {"nodes": []})["nodes"]]
    return Look(
        id=found["id"],
        full_name=found["nameWithOwner"],
        url=found["url"],
        login=(data.get("viewer") or {}).get("login", ""),
        is_archived=found["isArchived"],
        base=base["name"],
        base_oid=base["target"]["oid"],
        base_tree=base["target"]["tree"]["oid"],
        auto_merge_allowed=found["autoMergeAllowed"],
        methods=tuple(method for method, setting in METHODS.items() if found[setting]),
        prefix=prefix,
        branches={_full_name(node): node["target"]["oid"] for node in branches if node and node["target"]},
        all_branches=not refs["pageInfo"]["hasNextPage"],
        pulls=tuple({node["number"]: _open_pull(node) for node in pulls if node}.values()),
        all_pulls=not found["pullRequests"]["pageInfo"]["hasNextPage"],
        named=named,
        temporary=tuple(_full_name(node) for node in (found.get("temporary") or {"nodes": []})["nodes"] if node),
    )


def _full_name(node: Mapping[str, Any]) -> str:
    # Which part of the name counts as the prefix depends on what was asked for; together they are the whole.
    return str(node["prefix"] + node["name"]).removeprefix("refs/heads/")


def _open_pull(node: Mapping[str, Any]) -> OpenPull:
    return OpenPull(
        id=node["id"],
        number=node["number"],
        url=node["url"],
        head=node["headRefName"],
        base=node["baseRefName"],
        head_oid=node["headRefOid"],
        is_draft=node["isDraft"],
        is_fork=node["isCrossRepository"],
        author=plain_login((node.get("author") or {}).get("login", "")),
    )
