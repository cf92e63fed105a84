"""GraphQL's mutations on the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.emulators.github import arming, history, merging, opening, pushing
from tests.emulators.github.commits import Draft, read_commit, write_commit
from tests.emulators.github.git import REGULAR, ZERO, Found
from tests.emulators.github.graph_nodes import (
    Context,
    Node,
    commit_node,
    decoded,
    oid_of,
    ref_node,
    ref_of,
)
from tests.emulators.github.graph_pulls import pull_node, pull_of
from tests.emulators.github.problems import Problem, invalid
from tests.emulators.github.pulls import AutoMerge, Comment, Pull, stamp
from tests.emulators.github.repository import Repository
from tests.emulators.github.rest_git import people

Given = Mapping[str, Any]
HEADS = "refs/heads/"


def _own_repository(context: Context, given: Given, *needs: str) -> Repository:
    return context.repository(context.find("R", given["repositoryId"]), *needs)


def create_ref(context: Context, given: Given) -> Node:
    repo, name = _own_repository(context, given, "contents:write"), given["name"]
    if not name.startswith(HEADS) and not name.startswith("refs/tags/"):
        raise invalid(f"{name} is not a valid ref name.")
    pushing.create_ref(repo, name, given["oid"], context.credential)
    return {"ref": ref_node(context, repo, name)}


def delete_ref(context: Context, given: Given) -> Node:
    repo, name = ref_of(context, given["refId"], "contents:write")
    pushing.delete_ref(repo, name, context.credential)
    return {}


def update_refs(context: Context, given: Given) -> Node:
    """Move several refs, all or none; ``beforeOid`` is compared first, zeros mean that there is none."""
    repo = _own_repository(context, given, "contents:write")
    steps = [(step["name"], repo.git.find(step["name"]), step) for step in given["refUpdates"]]
    for name, found, step in steps:
        _check_step(repo, name, found, step)
    for name, found, step in steps:
        if step["afterOid"] == ZERO:
            pushing.delete_ref(repo, name, context.credential)
        elif found is None:
            pushing.create_ref(repo, name, step["afterOid"], context.credential)
        else:
            pushing.update_ref(repo, name, step["afterOid"], context.credential, force=bool(step.get("force")))
    return {}


def _check_step(repo: Repository, name: str, found: Found | None, step: Given) -> None:
    before, after = step.get("beforeOid"), step["afterOid"]
    if before is not None and before != (found.oid if found else ZERO):
        raise invalid(f"Reference update failed: expected {name} to be at {before}")
    if after != ZERO and repo.git.find(f"{after}^{{commit}}") is None:
        raise invalid("Object does not exist")
    if found and after != ZERO and not step.get("force") and not history.is_ancestor(repo.git, found.oid, after):
        raise invalid("Update is not a fast forward")


def create_commit(context: Context, given: Given) -> Node:
    repo, branch = _branch(context, given["branch"])
    changes = given.get("fileChanges") or {}
    if changes.get("additions", ()) is None or changes.get("deletions", ()) is None:
        raise Problem(200, "Something went wrong while executing your query.", "")
    head = oid_of(repo, given["expectedHeadOid"], branch)
    known = repo.git.leaves(head)
    leaves: dict[str, tuple[str, str] | None] = {}
    for one in changes.get("deletions") or ():
        if one["path"] not in known:
            raise invalid(f"A path was requested for deletion which does not exist as of commit oid `{head}`")
        leaves[one["path"]] = None
    for one in changes.get("additions") or ():
        leaves[one["path"]] = (REGULAR, repo.git.write("blob", decoded(one["contents"])))
    me, github = people(context.credential, int(repo.clock()))
    message = "\n\n".join(part for part in (given["message"]["headline"], given["message"].get("body")) if part)
    tree = repo.git.write_tree(repo.git.changed_leaves(head, leaves))
    oid = write_commit(repo.git, Draft(tree, [head], me, github, message, signed=True))
    pushing.update_ref(repo, HEADS + branch, oid, context.credential)
    commit = read_commit(repo.git, oid)
    return {
        "commit": commit_node(context, repo, commit) if commit else None,
        "ref": ref_node(context, repo, HEADS + branch),
    }


def _branch(context: Context, given: Given) -> tuple[Repository, str]:
    if given.get("id"):
        repo, name = ref_of(context, given["id"], "contents:write")
        return repo, name.removeprefix(HEADS)
    repo = context.repository(given.get("repositoryNameWithOwner") or "", "contents:write")
    return repo, (given.get("branchName") or "").removeprefix(HEADS)


def create_pull(context: Context, given: Given) -> Node:
    repo = _own_repository(context, given, "pull_requests:write")
    proposal = opening.Proposal(
        given["title"], given["headRefName"], given["baseRefName"], given.get("body") or "", draft=bool(given["draft"])
    )
    return {"pullRequest": pull_node(context, repo, opening.open_pull(repo, proposal, context.credential))}


def _changed(context: Context, given: Given, change: Callable[[Repository, Pull], None]) -> Node:
    """Do something to the pull request of ``pullRequestId`` and show it."""
    repo, pull = pull_of(context, given["pullRequestId"], "pull_requests:write")
    change(repo, pull)
    return {"pullRequest": pull_node(context, repo, pull)}


def update_pull(context: Context, given: Given) -> Node:
    names = {"title": "title", "body": "body", "baseRefName": "base", "state": "state"}
    changes = {names[name]: str(value) for name, value in given.items() if name in names and value is not None}
    if "state" in changes:
        changes["state"] = changes["state"].lower()
    return _changed(context, given, lambda repo, pull: opening.edit(repo, pull, changes))


def close_pull(context: Context, given: Given) -> Node:
    return _changed(context, given, lambda repo, pull: opening.edit(repo, pull, {"state": "closed"}))


def ready(context: Context, given: Given) -> Node:
    return _changed(context, given, lambda repo, pull: opening.set_draft(repo, pull, draft=False))


def to_draft(context: Context, given: Given) -> Node:
    return _changed(context, given, lambda repo, pull: opening.set_draft(repo, pull, draft=True))


def add_labels(context: Context, given: Given) -> Node:
    repo, pull = pull_of(context, given["labelableId"], "pull_requests:write")
    names = [context.find("LA", identifier).partition(":")[2] for identifier in given["labelIds"]]
    opening.add_labels(repo, pull, names)
    return {"labelable": pull_node(context, repo, pull)}


def add_comment(context: Context, given: Given) -> Node:
    repo, pull = pull_of(context, given["subjectId"], "pull_requests:write")
    if context.credential.actor is None:
        raise context.credential.refusal()
    pull.comments.append(Comment(context.credential.actor, given["body"]))
    return {"subject": pull_node(context, repo, pull)}


def enable_auto_merge(context: Context, given: Given) -> Node:
    repo, pull = pull_of(context, given["pullRequestId"], "pull_requests:write", "contents:write")
    if context.credential.actor is None:
        raise context.credential.refusal()
    request = AutoMerge(
        method=given["mergeMethod"].lower(),
        by=context.credential.actor,
        when=stamp(repo.clock()),
        headline=given.get("commitHeadline") or "",
        body=given.get("commitBody") or "",
        email=given.get("authorEmail") or "",
    )
    arming.arm(repo, pull, request, given.get("expectedHeadOid"))
    return {"pullRequest": pull_node(context, repo, pull)}


def disable_auto_merge(context: Context, given: Given) -> Node:
    return _changed(context, given, lambda _repo, pull: arming.disarm(pull))


def enqueue(context: Context, given: Given) -> Node:
    repo, pull = pull_of(context, given["pullRequestId"], "pull_requests:write", "contents:write")
    arming.enqueue(repo, pull, given.get("expectedHeadOid"))
    return {"mergeQueueEntry": pull_node(context, repo, pull)["mergeQueueEntry"]}


def dequeue(context: Context, given: Given) -> Node:
    repo, pull = pull_of(context, given["id"], "pull_requests:write")
    entry = pull_node(context, repo, pull)["mergeQueueEntry"]
    arming.dequeue(pull)
    return {"mergeQueueEntry": entry}


def merge(context: Context, given: Given) -> Node:
    repo, pull = pull_of(context, given["pullRequestId"], "contents:write")
    if given.get("expectedHeadOid") not in (None, pull.head_oid):
        raise invalid("Head branch was modified. Review and try the merge again.")
    if context.credential.actor is None:
        raise context.credential.refusal()
    wish = merging.Merge(
        method=given["mergeMethod"].lower(),
        by=context.credential.actor,
        headline=given.get("commitHeadline") or "",
        body=given.get("commitBody") or "",
    )
    merging.merge_now(repo, pull, wish)
    return {"pullRequest": pull_node(context, repo, pull)}


MUTATIONS: Mapping[str, Callable[[Context, Given], Node]] = {
    "createRef": create_ref,
    "deleteRef": delete_ref,
    "updateRefs": update_refs,
    "createCommitOnBranch": create_commit,
    "createPullRequest": create_pull,
    "updatePullRequest": update_pull,
    "closePullRequest": close_pull,
    "markPullRequestReadyForReview": ready,
    "convertPullRequestToDraft": to_draft,
    "addLabelsToLabelable": add_labels,
    "addComment": add_comment,
    "enablePullRequestAutoMerge": enable_auto_merge,
    "disablePullRequestAutoMerge": disable_auto_merge,
    "enqueuePullRequest": enqueue,
    "dequeuePullRequest": dequeue,
    "mergePullRequest": merge,
}
