"""How the model looks in REST's JSON: the fields that clients read, named and typed as GitHub does."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from tests.emulators.github import history, merging
from tests.emulators.github.commits import SIGNATURE, Commit, Person
from tests.emulators.github.credentials import Actor
from tests.emulators.github.hub import Hub
from tests.emulators.github.pulls import Pull
from tests.emulators.github.repository import Repository, node_id
from tests.emulators.github.routing import Json


def user(actor: Actor) -> Json:
    return {"login": actor.login, "id": actor.id, "type": actor.kind, "node_id": node_id("U", actor.login)}


def repository(hub: Hub, repo: Repository) -> Json:
    settings = repo.settings
    return {
        "id": repo.id,
        "node_id": node_id("R", repo.full_name),
        "name": repo.name,
        "full_name": repo.full_name,
        "private": settings.private,
        "visibility": "private" if settings.private else "public",
        "owner": {**user(repo.credentials.actor(repo.owner)), "type": "Organization"},
        "html_url": f"{hub.origin}/{repo.full_name}",
        "url": f"{hub.api}/repos/{repo.full_name}",
        "fork": False,
        "archived": settings.archived,
        "default_branch": repo.default_branch,
        "allow_auto_merge": settings.allow_auto_merge,
        "allow_merge_commit": settings.allow_merge_commit,
        "allow_squash_merge": settings.allow_squash_merge,
        "allow_rebase_merge": settings.allow_rebase_merge,
        "delete_branch_on_merge": settings.delete_branch_on_merge,
    }


def person(who: Person) -> Json:
    return {"name": who.name, "email": who.email, "date": who.date}


def verification(commit: Commit) -> Json:
    return {
        "verified": commit.signed,
        "reason": "valid" if commit.signed else "unsigned",
        "signature": SIGNATURE if commit.signed else None,
        "payload": f"tree {commit.tree}\n" if commit.signed else None,
    }


def git_commit(hub: Hub, repo: Repository, commit: Commit) -> Json:
    api = f"{hub.api}/repos/{repo.full_name}/git"
    return {
        "sha": commit.oid,
        "node_id": node_id("C", f"{repo.full_name}@{commit.oid}"),
        "url": f"{api}/commits/{commit.oid}",
        "html_url": f"{hub.origin}/{repo.full_name}/commit/{commit.oid}",
        "author": person(commit.author),
        "committer": person(commit.committer),
        "message": commit.message,
        "tree": {"sha": commit.tree, "url": f"{api}/trees/{commit.tree}"},
        "parents": [{"sha": parent, "url": f"{api}/commits/{parent}"} for parent in commit.parents],
        "verification": verification(commit),
    }


def author_login(repo: Repository, who: Person) -> Actor | None:
    """Return the account that an author's or committer's e-mail address belongs to."""
    if who.email == "noreply@github.com":
        return repo.credentials.actor("web-flow")
    number, plus, rest = who.email.partition("+")
    if plus and number.isdigit() and rest.endswith("@users.noreply.github.com"):
        return repo.credentials.actor(rest.removesuffix("@users.noreply.github.com"))
    return None


def commit(hub: Hub, repo: Repository, found: Commit) -> Json:
    inner = git_commit(hub, repo, found)
    author, committer = author_login(repo, found.author), author_login(repo, found.committer)
    return {
        "sha": found.oid,
        "node_id": inner["node_id"],
        "url": f"{hub.api}/repos/{repo.full_name}/commits/{found.oid}",
        "html_url": inner["html_url"],
        "commit": {name: inner[name] for name in ("author", "committer", "message", "tree", "verification")},
        "author": user(author) if author else None,
        "committer": user(committer) if committer else None,
        "parents": inner["parents"],
    }


def files(repo: Repository, base: str | None, head: str) -> Json:
    return [
        {
            "sha": change.oid,
            "filename": change.path,
            "status": change.status,
            "additions": change.additions,
            "deletions": change.deletions,
            "changes": change.additions + change.deletions,
        }
        for change in history.changes(repo.git, base, head)
    ]


def ref(hub: Hub, repo: Repository, name: str, oid: str, kind: str) -> Json:
    api = f"{hub.api}/repos/{repo.full_name}/git"
    return {
        "ref": name,
        "node_id": node_id("REF", f"{repo.full_name}:{name}"),
        "url": f"{api}/{name}",
        "object": {"sha": oid, "type": kind, "url": f"{api}/{kind}s/{oid}"},
    }


def blob(hub: Hub, repo: Repository, oid: str, content: bytes) -> Json:
    return {
        "sha": oid,
        "node_id": node_id("B", f"{repo.full_name}:{oid}"),
        "size": len(content),
        "url": f"{hub.api}/repos/{repo.full_name}/git/blobs/{oid}",
        "content": base64.encodebytes(content).decode(),
        "encoding": "base64",
    }


def label(name: str) -> Json:
    return {"name": name, "color": "ededed", "description": None, "node_id": node_id("LA", name)}


def team(slug: str) -> Json:
    return {"slug": slug, "name": slug, "node_id": node_id("T", slug)}


def _armed(pull: Pull) -> Mapping[str, Json] | None:
    armed = pull.auto_merge
    if armed is None:
        return None
    return {
        "enabled_by": user(armed.by),
        "merge_method": armed.method,
        "commit_title": armed.headline or None,
        "commit_message": armed.body or None,
    }


def pull(hub: Hub, repo: Repository, record: Pull, *, whole: bool = True) -> Json:
    """Show a pull request; lists leave out what a single one has (``whole``), its merge state above all."""
    html = f"{hub.origin}/{repo.full_name}/pull/{record.number}"
    shown = {
        "id": repo.id * 1000 + record.number,
        "node_id": node_id("PR", f"{repo.full_name}#{record.number}"),
        "number": record.number,
        "url": f"{hub.api}/repos/{repo.full_name}/pulls/{record.number}",
        "html_url": html,
        "issue_url": f"{hub.api}/repos/{repo.full_name}/issues/{record.number}",
        "state": record.state,
        "draft": record.draft,
        "locked": False,
        "title": record.title,
        "body": record.body,
        "user": user(record.author),
        "created_at": record.created,
        "updated_at": record.created,
        "closed_at": record.closed,
        "merged_at": record.closed if record.merged else None,
        "merge_commit_sha": record.merge_commit,
        "labels": [label(name) for name in record.labels],
        "assignees": [user(repo.credentials.actor(login)) for login in record.assignees],
        "requested_reviewers": [user(repo.credentials.actor(login)) for login in record.reviewers],
        "requested_teams": [team(slug) for slug in record.team_reviewers],
        "head": _end(hub, repo, record.head, record.head_oid, record.head_owner),
        "base": _end(hub, repo, record.base, repo.find_head(record.base) or "", repo.owner),
        "auto_merge": _armed(record),
    }
    if whole:
        shown |= _merge_facts(repo, record)
    return shown


def _end(hub: Hub, repo: Repository, branch: str, oid: str, owner: str) -> Json:
    mine = repository(hub, repo) if owner == repo.owner else None
    return {"label": f"{owner}:{branch}", "ref": branch, "sha": oid, "repo": mine, "user": {"login": owner}}


def _merge_facts(repo: Repository, record: Pull) -> Mapping[str, Json]:
    mergeable, state = merging.look(repo, record)
    changes = []
    if repo.find_head(record.base):
        fork = history.merge_base(repo.git, repo.head(record.base), record.head_oid)
        changes = history.changes(repo.git, fork, record.head_oid)
    return {
        "merged": record.merged,
        "mergeable": {"UNKNOWN": None, "CONFLICTING": False}.get(mergeable, True),
        "mergeable_state": state.lower(),
        "merged_by": user(record.merged_by) if record.merged_by else None,
        "comments": len(record.comments),
        "commits": history.counts(repo.git, repo.head(record.base), record.head_oid)[1] if changes else 0,
        "additions": sum(change.additions for change in changes),
        "deletions": sum(change.deletions for change in changes),
        "changed_files": len(changes),
        "maintainer_can_modify": True,
    }
