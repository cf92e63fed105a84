"""GraphQL over the model: the repository and its git objects. A node is a dict; costly fields are functions."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.emulators.github import history
from tests.emulators.github.commits import Commit, Person, read_commit
from tests.emulators.github.credentials import Actor, Credential
from tests.emulators.github.git import Entry, Found
from tests.emulators.github.hub import Hub
from tests.emulators.github.problems import Problem, invalid, unresolved
from tests.emulators.github.repository import Repository, node_id
from tests.emulators.github.shapes import author_login

Node = dict[str, Any]
TEXT_LIMIT = 512 * 1024
SNIFFED = 8000
MOST_AT_ONCE = 100


@dataclass
class Context:
    """Who asks; ``looked`` keeps a merge state for the length of one request."""

    hub: Hub
    credential: Credential
    looked: dict[str, tuple[str, str]] = field(default_factory=dict)

    def repository(self, full_name: str, *needs: str) -> Repository:
        try:
            repo = self.hub.visible(full_name, self.credential)
        except Problem as problem:
            raise unresolved("a Repository", f"the name '{full_name}'") from problem
        self.hub.require(repo, self.credential, *needs)
        return repo

    def find(self, kind: str, identifier: str) -> str:
        """Return what an opaque id stands for."""
        prefix, _, text = identifier.partition("_")
        if prefix == kind:
            try:
                return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
            except (binascii.Error, UnicodeDecodeError):
                pass
        raise Problem(404, f"Could not resolve to a node with the global id of '{identifier}'", "NOT_FOUND")


def connection(name: str, items: Sequence[Any], given: Mapping[str, Any], show: Callable[[Any], Any]) -> Node:
    """Return one page of items, with GitHub's insistence on ``first`` or ``last``."""
    first, last = given.get("first"), given.get("last")
    if first is None and last is None:
        raise Problem(
            200,
            f"You must provide a `first` or `last` value to properly paginate the `{name}` connection.",
            "MISSING_PAGINATION_BOUNDARIES",
        )
    size = first if first is not None else last
    if size is None or not 0 <= size <= MOST_AT_ONCE:
        raise Problem(
            200,
            f"Requesting {size} records on the `{name}` connection exceeds the `first` limit of 100 records.",
            "EXCESSIVE_PAGINATION",
        )
    start = int(given.get("after") or 0) if first is not None else max(len(items) - size, 0)
    page = items[start : start + size]
    more = start + size < len(items)
    return {
        "nodes": [show(item) for item in page],
        "totalCount": len(items),
        "pageInfo": {"hasNextPage": more, "endCursor": str(start + len(page)) if page else None},
    }


def actor_node(actor: Actor) -> Node:
    """Show an actor; a bot's login has no ``[bot]`` here, unlike in REST."""
    return {"__typename": actor.kind, "login": actor.login.removesuffix("[bot]"), "id": node_id("U", actor.login)}


def user_node(actor: Actor) -> Node:
    return {"__typename": "User", "login": actor.login, "id": node_id("U", actor.login)}


def repository_node(context: Context, repo: Repository) -> Node:
    settings = repo.settings
    return {
        "__typename": "Repository",
        "id": node_id("R", repo.full_name),
        "databaseId": repo.id,
        "name": repo.name,
        "nameWithOwner": repo.full_name,
        "owner": {"__typename": "Organization", "login": repo.owner, "id": node_id("O", repo.owner)},
        "isPrivate": settings.private,
        "isArchived": settings.archived,
        "url": f"{context.hub.origin}/{repo.full_name}",
        "autoMergeAllowed": settings.allow_auto_merge,
        "mergeCommitAllowed": settings.allow_merge_commit,
        "squashMergeAllowed": settings.allow_squash_merge,
        "rebaseMergeAllowed": settings.allow_rebase_merge,
        "deleteBranchOnMerge": settings.delete_branch_on_merge,
        "viewerPermission": "WRITE" if context.credential.has("contents:write") else "READ",
        "mergeQueue": lambda _info, branch=None: _queue_node(context, repo, branch or repo.default_branch),
        "defaultBranchRef": lambda _info: ref_node(context, repo, f"refs/heads/{repo.default_branch}"),
        "ref": lambda _info, **given: ref_node(context, repo, _qualified(repo, given["qualifiedName"])),
        "refs": lambda _info, **given: _refs(context, repo, given),
        "object": lambda _info, expression=None, oid=None: object_node(context, repo, expression or oid or ""),
        "label": lambda _info, name: label_node(repo, name) if name in repo.labels else None,
    }


def _queue_node(context: Context, repo: Repository, branch: str) -> Node | None:
    if not any(rule.merge_queue for rule in repo.rules_of(branch)):
        return None
    return {"id": node_id("MQ", f"{repo.full_name}:{branch}"), "url": f"{context.hub.origin}/{repo.full_name}/queue"}


def label_node(repo: Repository, name: str) -> Node:
    return {"__typename": "Label", "id": node_id("LA", f"{repo.full_name}:{name}"), "name": name}


def _qualified(repo: Repository, name: str) -> str:
    candidates = [name] if name.startswith("refs/") else [f"refs/heads/{name}", f"refs/tags/{name}", f"refs/{name}"]
    return next((one for one in candidates if repo.git.find(one)), candidates[0])


def _refs(context: Context, repo: Repository, given: Mapping[str, Any]) -> Node:
    names = [
        name for name in repo.git.refs(given["refPrefix"].rstrip("/")) if (given.get("query") or "").lower() in name
    ]
    return connection("refs", names, given, lambda name: ref_node(context, repo, name))


def ref_node(context: Context, repo: Repository, name: str) -> Node | None:
    found = repo.git.find(name)
    if found is None:
        return None
    prefix = "/".join(name.split("/")[:2]) + "/"
    return {
        "__typename": "Ref",
        "id": node_id("REF", f"{repo.full_name}:{name}"),
        "name": name.removeprefix(prefix),
        "prefix": prefix,
        "target": lambda _info: object_node(context, repo, found.oid),
        "refUpdateRule": lambda _info: _update_rule(repo, name.removeprefix(prefix)),
    }


def _update_rule(repo: Repository, branch: str) -> Node | None:
    """Show branch protection as everybody may see it; rulesets are not part of it."""
    rule = next((rule for rule in repo.rules_of(branch) if not rule.is_ruleset), None)
    return rule and {
        "pattern": rule.branch,
        "requiredApprovingReviewCount": rule.approvals or None,
        "requiredStatusCheckContexts": list(rule.required_checks),
        "requiresCodeOwnerReviews": rule.code_owners,
        "requiresLinearHistory": rule.linear_history,
        "requiresSignatures": rule.signatures,
    }


def object_node(context: Context, repo: Repository, expression: str) -> Node | None:
    """Return the git object that an expression (``main:a/b``) or oid names, or nothing."""
    context.hub.require(repo, context.credential, "contents:read")
    found = repo.git.find(expression)
    if found is None:
        return None
    if found.kind == "blob":
        return _blob_node(repo, found)
    if found.kind == "tree":
        return _tree_node(context, repo, found.oid)
    commit = read_commit(repo.git, found.oid)
    if commit is None:
        return None
    if found.kind == "tag":
        name = found.content.decode().partition("\ntag ")[2].partition("\n")[0]
        target = commit_node(context, repo, commit)
        return {"__typename": "Tag", **_identity("TA", repo, found.oid), "name": name, "target": target}
    return commit_node(context, repo, commit)


def _identity(kind: str, repo: Repository, oid: str) -> Node:
    return {"id": node_id(kind, f"{repo.full_name}@{oid}"), "oid": oid, "abbreviatedOid": oid[:7]}


def _blob_node(repo: Repository, found: Found) -> Node:
    binary = b"\0" in found.content[:SNIFFED]
    cut = len(found.content) > TEXT_LIMIT
    return {
        "__typename": "Blob",
        **_identity("B", repo, found.oid),
        "byteSize": len(found.content),
        "isBinary": binary,
        "isTruncated": cut,
        "text": None if binary else found.content[:TEXT_LIMIT].decode(errors="replace"),
    }


def _tree_node(context: Context, repo: Repository, oid: str) -> Node:
    return {
        "__typename": "Tree",
        **_identity("T", repo, oid),
        "entries": lambda _info: [
            _entry_node(context, repo, path, entry) for path, entry in repo.git.tree(oid).items() if "/" not in path
        ],
    }


def _entry_node(context: Context, repo: Repository, path: str, entry: Entry) -> Node:
    name = path.rsplit("/", maxsplit=1)[-1]
    return {
        "name": name,
        "path": path,
        "mode": int(entry.mode, 8),
        "type": entry.kind,
        "oid": entry.oid,
        "size": entry.size,
        "extension": f".{name.rpartition('.')[2]}" if "." in name else "",
        "object": lambda _info: object_node(context, repo, entry.oid),
    }


def commit_node(context: Context, repo: Repository, commit: Commit) -> Node:
    def others(oids: Sequence[str], name: str, given: Mapping[str, Any]) -> Node:
        return connection(name, oids, given, lambda oid: object_node(context, repo, oid))

    def one_file(path: str) -> Node | None:
        entry = repo.git.tree(commit.tree).get(path)
        return _entry_node(context, repo, path, entry) if entry else None

    return {
        "__typename": "Commit",
        **_identity("C", repo, commit.oid),
        "url": f"{context.hub.origin}/{repo.full_name}/commit/{commit.oid}",
        "message": commit.message,
        "messageHeadline": commit.headline,
        "messageBody": commit.body,
        "committedDate": commit.committer.date,
        "authoredDate": commit.author.date,
        "author": _person_node(repo, commit.author),
        "committer": _person_node(repo, commit.committer),
        "signature": _SIGNED if commit.signed else None,
        "tree": lambda _info: _tree_node(context, repo, commit.tree),
        "parents": lambda _info, **given: others(commit.parents, "parents", given),
        "history": lambda _info, **given: others(
            history.log(repo.git, commit.oid, given.get("path") or ""), "history", given
        ),
        "file": lambda _info, path: one_file(path),
    }


_SIGNED = {"__typename": "GpgSignature", "isValid": True, "state": "VALID", "signer": None, "wasSignedByGitHub": True}


def _person_node(repo: Repository, person: Person) -> Node:
    account = author_login(repo, person)
    return {
        "name": person.name,
        "email": person.email,
        "date": person.date,
        "user": user_node(account) if account else None,
    }


def ref_of(context: Context, identifier: str, *needs: str) -> tuple[Repository, str]:
    """Return repository and full name of the ref that an id stands for."""
    full_name, _, name = context.find("REF", identifier).partition(":")
    return context.repository(full_name, *needs), name


def oid_of(repo: Repository, expected: str, branch: str) -> str:
    """Return the head of ``branch`` if it is the expected one, else raise STALE_DATA."""
    head = repo.find_head(branch)
    if head is None:
        raise Problem(404, f"Could not resolve to a Ref with the name '{branch}'.", "NOT_FOUND")
    if head != expected:
        text = f'Expected branch to point to "{expected}" but it did not.  Pull and try again.'
        raise Problem(409, text, "STALE_DATA")
    return head


def decoded(contents: str) -> bytes:
    try:
        return base64.b64decode(contents, validate=True)
    except binascii.Error as error:
        raise invalid("A file addition's contents are not valid Base64") from error
