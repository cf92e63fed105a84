"""GraphQL over the model: pull requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.emulators.github import arming, history, merging
from tests.emulators.github.commits import read_commit
from tests.emulators.github.graph_nodes import (
    Context,
    Node,
    actor_node,
    commit_node,
    connection,
    label_node,
    repository_node,
    user_node,
)
from tests.emulators.github.problems import unresolved
from tests.emulators.github.pulls import Comment, Pull
from tests.emulators.github.repository import Repository, node_id

PULL_FIELDS = {"pullRequest", "pullRequests"}


def whole_repository(context: Context, repo: Repository) -> Node:
    """Return a repository with its pull requests."""

    def one(number: int) -> Node:
        context.hub.require(repo, context.credential, "pull_requests:read")
        if number not in repo.pull_numbers:
            raise unresolved("a PullRequest", f"the number of {number}")
        return pull_node(context, repo, repo.pull_numbers[number])

    return repository_node(context, repo) | {
        "pullRequest": lambda _info, number: one(number),
        "pullRequests": lambda _info, **given: _search(context, repo, given),
    }


def _search(context: Context, repo: Repository, given: Mapping[str, Any]) -> Node:
    context.hub.require(repo, context.credential, "pull_requests:read")
    states, labels = given.get("states"), given.get("labels")
    found = [
        pull
        for pull in repo.pulls
        if given.get("headRefName") in (None, pull.head)
        and given.get("baseRefName") in (None, pull.base)
        and (states is None or pull.graph_state in states)
        and (labels is None or set(labels) & set(pull.labels))
    ]
    if (given.get("orderBy") or {}).get("direction") == "DESC":
        found.reverse()
    return connection("pullRequests", found, given, lambda pull: pull_node(context, repo, pull))


def pull_of(context: Context, identifier: str, *needs: str) -> tuple[Repository, Pull]:
    """Return repository and record of the pull request that an id stands for."""
    full_name, _, number = context.find("PR", identifier).partition("#")
    repo = context.repository(full_name, *needs)
    return repo, repo.pull(int(number))


def pull_node(context: Context, repo: Repository, pull: Pull) -> Node:
    identifier = node_id("PR", f"{repo.full_name}#{pull.number}")

    def looked() -> tuple[str, str]:
        if identifier not in context.looked:
            context.looked[identifier] = merging.look(repo, pull)
        return context.looked[identifier]

    return {
        "__typename": "PullRequest",
        "id": identifier,
        "number": pull.number,
        "url": f"{context.hub.origin}/{repo.full_name}/pull/{pull.number}",
        "title": pull.title,
        "body": pull.body,
        "isDraft": pull.draft,
        "state": pull.graph_state,
        "merged": pull.merged,
        "closed": pull.state == "closed",
        "headRefName": pull.head,
        "headRefOid": pull.head_oid,
        "baseRefName": pull.base,
        "baseRefOid": repo.find_head(pull.base) or pull.head_oid,
        "author": actor_node(pull.author),
        "createdAt": pull.created,
        "mergedAt": pull.closed if pull.merged else None,
        "isCrossRepository": pull.is_fork,
        "headRepositoryOwner": {"__typename": "Organization", "login": pull.head_owner, "id": "O_"},
        "repository": lambda _info: whole_repository(context, repo),
        "mergeable": lambda _info: looked()[0],
        "mergeStateStatus": lambda _info: looked()[1],
        **_merge_fields(context, repo, pull),
        **_lists(context, repo, pull),
    }


def _merge_fields(context: Context, repo: Repository, pull: Pull) -> Node:
    queue = merging.needs_queue(repo, pull.base)
    entry = {"id": node_id("MQE", f"{repo.full_name}#{pull.number}"), "position": 1, "state": "QUEUED"}
    return {
        "isInMergeQueue": pull.queued,
        "isMergeQueueEnabled": queue,
        "mergeQueueEntry": entry if pull.queued else None,
        "autoMergeRequest": _armed_node(pull),
        "viewerCanEnableAutoMerge": lambda _info: arming.may_arm(repo, pull, context.credential),
        "viewerCanDisableAutoMerge": pull.auto_merge is not None and context.credential.has("contents:write"),
        "mergeCommit": lambda _info: _merge_commit(context, repo, pull),
        "reviewDecision": lambda _info: _decision(repo, pull),
    }


def _merge_commit(context: Context, repo: Repository, pull: Pull) -> Node | None:
    commit = read_commit(repo.git, pull.merge_commit) if pull.merge_commit else None
    return commit_node(context, repo, commit) if commit else None


def _decision(repo: Repository, pull: Pull) -> str | None:
    wanted = [rule for rule in repo.rules_of(pull.base) if rule.approvals or rule.code_owners]
    if not wanted:
        return None
    words = ("review", "reviews")
    waits = any(any(word in obstacle.reason for word in words) for obstacle in merging.obstacles(repo, pull))
    return "REVIEW_REQUIRED" if waits else "APPROVED"


def _armed_node(pull: Pull) -> Node | None:
    armed = pull.auto_merge
    if armed is None:
        return None
    return {
        "mergeMethod": armed.method.upper(),
        "enabledAt": armed.when,
        "enabledBy": actor_node(armed.by),
        "commitHeadline": armed.headline or None,
        "commitBody": armed.body or None,
        "authorEmail": armed.email or None,
    }


def _lists(context: Context, repo: Repository, pull: Pull) -> Node:
    def commits() -> list[Node]:
        base = repo.find_head(pull.base)
        fork = history.merge_base(repo.git, base, pull.head_oid) if base else None
        return [
            {"id": node_id("PURC", f"{pull.number}:{one.oid}"), "commit": commit_node(context, repo, one)}
            for one in (history.between(repo.git, fork, pull.head_oid) if fork else [])
        ]

    def files() -> list[Node]:
        base = repo.find_head(pull.base)
        fork = history.merge_base(repo.git, base, pull.head_oid) if base else None
        found = history.changes(repo.git, fork, pull.head_oid) if fork else []
        return [{"path": one.path, "additions": one.additions, "deletions": one.deletions} for one in found]

    def reviewers() -> list[Node]:
        people = [user_node(repo.credentials.actor(login)) for login in pull.reviewers]
        teams = [{"__typename": "Team", "slug": slug, "id": node_id("T", slug)} for slug in pull.team_reviewers]
        return [{"id": node_id("RR", str(one["id"])), "requestedReviewer": one} for one in people + teams]

    def comment(index: int, one: Comment) -> Node:
        return {"id": node_id("IC", f"{pull.number}:{index}"), "body": one.body, "author": actor_node(one.author)}

    def shown(name: str, items: list[Any], given: Mapping[str, Any]) -> Node:
        return connection(name, items, given, lambda item: item)

    return {
        "commits": lambda _info, **given: shown("commits", commits(), given),
        "files": lambda _info, **given: shown("files", files(), given),
        "labels": lambda _info, **given: shown("labels", [label_node(repo, name) for name in pull.labels], given),
        "assignees": lambda _info, **given: shown(
            "assignees", [user_node(repo.credentials.actor(login)) for login in pull.assignees], given
        ),
        "reviewRequests": lambda _info, **given: shown("reviewRequests", reviewers(), given),
        "latestReviews": lambda _info, **given: shown(
            "latestReviews",
            [
                {"id": node_id("PRR", f"{pull.number}:{login}"), "author": actor_node(repo.credentials.actor(login))}
                for login in pull.approvals
            ],
            given,
        ),
        "comments": lambda _info, **given: shown(
            "comments", [comment(index, one) for index, one in enumerate(pull.comments)], given
        ),
    }
