"""REST: what can be read of a repository, and the App's own calls."""

from __future__ import annotations

import base64

from tests.emulators.github import history, rules, shapes
from tests.emulators.github.commits import Commit, read_commit
from tests.emulators.github.credentials import TOKEN_LIFE, installation_for, narrowed
from tests.emulators.github.problems import Problem, not_found
from tests.emulators.github.pulls import stamp
from tests.emulators.github.repository import Repository, node_id
from tests.emulators.github.routing import Call, Json, Reply, route

REPO = "/repos/{owner}/{repo}"
LARGEST_INLINE = 1024 * 1024


@route("GET", "/meta")
def meta(call: Call) -> Reply:
    version = {"installed_version": call.hub.ghes} if call.hub.ghes else {}
    return Reply(200, {"verifiable_password_authentication": False, **version})


@route("GET", REPO + "/installation", "app")
def installation(call: Call) -> Reply:
    full_name = f"{call.arguments['owner']}/{call.arguments['repo']}"
    app = installation_for(call.hub.credentials, call.credential.app, full_name)
    return Reply(
        200,
        {
            "id": app.installation_id,
            "app_id": app.app_id,
            "app_slug": app.slug,
            "client_id": app.client_id,
            "account": {"login": call.arguments["owner"]},
            "permissions": app.permissions,
            "repository_selection": "selected",
            "suspended_at": stamp(call.hub.clock()) if app.suspended else None,
        },
    )


@route("POST", "/app/installations/{id}/access_tokens", "app")
def access_token(call: Call) -> Reply:
    app = call.credential.app
    if app is None or str(app.installation_id) != call.arguments["id"]:
        raise not_found()
    wish = narrowed(app, call.given.get("repositories"), call.given.get("permissions"))
    repositories = wish["repositories"]
    token = call.hub.credentials.issue("app", app.login, app=app, **wish)  # type: ignore[arg-type]
    shown = [shapes.repository(call.hub, call.hub.repositories[name.lower()]) for name in sorted(repositories)]  # type: ignore[call-overload]
    body = {
        "token": token.text,
        "expires_at": stamp(call.hub.clock() + TOKEN_LIFE),
        "permissions": dict(token.permissions),
        "repository_selection": "selected",
    }
    return Reply(201, body | ({"repositories": shown} if "repositories" in call.given else {}))


@route("DELETE", "/installation/token")
def revoke(call: Call) -> Reply:
    if call.credential.kind != "app":
        raise Problem(403, "Resource not accessible by integration", "FORBIDDEN")
    call.hub.credentials.revoke(call.credential.text)
    return Reply(204)


@route("GET", "/user")
def viewer(call: Call) -> Reply:
    if call.credential.actor is None:
        raise Problem(401, "Requires authentication", "UNAUTHENTICATED")
    if call.credential.is_integration:
        raise call.credential.refusal()
    return Reply(200, shapes.user(call.credential.actor))


@route("GET", REPO, "metadata:read")
def repository(call: Call) -> Reply:
    return Reply(200, shapes.repository(call.hub, call.repo))


def _named(repo: Repository, revision: str) -> Commit:
    commit = read_commit(repo.git, revision)
    if commit is None:
        raise Problem(422, f"No commit found for SHA: {revision}")
    return commit


@route("GET", REPO + "/commits", "contents:read")
def commits(call: Call) -> Reply:
    repo = call.repo
    revision = call.query.get("sha") or repo.default_branch
    if not repo.branches:
        raise Problem(409, "Git Repository is empty.")
    if read_commit(repo.git, revision) is None:
        raise not_found()
    found = history.log(repo.git, revision, call.query.get("path", ""))
    return call.paged(found, lambda oid: shapes.commit(call.hub, repo, _named(repo, oid)))


@route("GET", REPO + "/commits/{ref...}", "contents:read")
def commit(call: Call) -> Reply:
    repo = call.repo
    found = _named(repo, call.arguments["ref"])
    files = shapes.files(repo, found.parents[0] if found.parents else None, found.oid)
    return Reply(200, shapes.commit(call.hub, repo, found) | {"files": files})


@route("GET", REPO + "/branches/{branch...}", "contents:read")
def branch(call: Call) -> Reply:
    name = call.arguments["branch"]
    head = call.repo.find_head(name)
    if head is None:
        raise Problem(404, "Branch not found", "NOT_FOUND")
    protected = any(not rule.is_ruleset for rule in call.repo.rules_of(name))
    shown = shapes.commit(call.hub, call.repo, _named(call.repo, head))
    return Reply(200, {"name": name, "commit": shown, "protected": protected})


@route("GET", REPO + "/compare/{basehead...}", "contents:read")
def compare(call: Call) -> Reply:
    repo = call.repo
    names = [name.removeprefix(f"{repo.owner}:") for name in call.arguments["basehead"].split("...")]
    ends = [read_commit(repo.git, name) for name in names]
    if len(ends) != 2 or ends[0] is None or ends[1] is None:
        raise not_found()
    base, head = ends[0], ends[1]
    behind, ahead = history.counts(repo.git, base.oid, head.oid)
    fork = history.merge_base(repo.git, base.oid, head.oid)
    if fork is None:
        raise Problem(404, f"No common ancestor between {names[0]} and {names[1]}.")
    word = {(False, False): "identical", (True, False): "ahead", (False, True): "behind"}.get(
        (ahead > 0, behind > 0), "diverged"
    )
    body = {
        "status": word,
        "ahead_by": ahead,
        "behind_by": behind,
        "total_commits": ahead,
        "base_commit": shapes.commit(call.hub, repo, base),
        "merge_base_commit": shapes.commit(call.hub, repo, _named(repo, fork)),
        "commits": [shapes.commit(call.hub, repo, one) for one in history.between(repo.git, base.oid, head.oid)],
        "files": shapes.files(repo, fork, head.oid),
        "html_url": f"{call.hub.origin}/{repo.full_name}/compare/{names[0]}...{names[1]}",
    }
    return Reply(200, body)


@route("GET", REPO + "/contents/{path...}", "contents:read")
def contents(call: Call) -> Reply:
    repo, path = call.repo, call.arguments["path"]
    revision = call.query.get("ref") or repo.default_branch
    if read_commit(repo.git, revision) is None:
        raise Problem(404, f"No commit found for the ref {revision}")
    found = repo.git.find(f"{revision}:{path}")
    if found is None:
        raise not_found()
    if found.kind == "tree":
        entries = repo.git.tree(found.oid).items()
        return Reply(200, [_entry(f"{path}/{name}", one.kind, one.oid) for name, one in entries if "/" not in name])
    if "raw" in call.accept:
        return Reply(200, raw=found.content)
    fits = len(found.content) <= LARGEST_INLINE
    body = _entry(path, "blob", found.oid) | {
        "size": len(found.content),
        "content": base64.encodebytes(found.content).decode() if fits else "",
        "encoding": "base64" if fits else "none",
    }
    return Reply(200, body)


def _entry(path: str, kind: str, oid: str) -> Json:
    return {
        "name": path.rsplit("/", maxsplit=1)[-1],
        "path": path,
        "type": "dir" if kind == "tree" else "file",
        "sha": oid,
    }


@route("GET", REPO + "/releases", "contents:read")
def releases(call: Call) -> Reply:
    return call.paged(call.repo.releases, dict)


@route("GET", REPO + "/tags", "contents:read")
def tags(call: Call) -> Reply:
    names = call.repo.git.refs("refs/tags")
    return call.paged(
        sorted(names, reverse=True),
        lambda name: {
            "name": name.removeprefix("refs/tags/"),
            "commit": {"sha": names[name], "url": f"{call.hub.api}/repos/{call.repo.full_name}/commits/{names[name]}"},
            "node_id": node_id("REF", f"{call.repo.full_name}:{name}"),
        },
    )


@route("GET", REPO + "/rules/branches/{branch...}", "metadata:read")
def rules_of_branch(call: Call) -> Reply:
    rulesets = [rule for rule in call.repo.rules_of(call.arguments["branch"]) if rule.is_ruleset]
    return call.paged([shown for rule in rulesets for shown in rules.rest_rules(rule)], dict)


@route("GET", REPO + "/tarball/{ref...}", "contents:read")
def tarball(call: Call) -> Reply:
    """Lead to where archives are made. The real one is another host, which sees no token."""
    ref = call.arguments["ref"]
    if read_commit(call.repo.git, ref) is None:
        raise not_found()
    return Reply(302, headers={"Location": f"{call.hub.api}/archives/{call.repo.full_name}/{ref}"})


@route("GET", "/archives/{owner}/{repo}/{ref...}", "contents:read")
def archive(call: Call) -> Reply:
    """Pack a commit's files below one folder, named as GitHub names it."""
    commit = _named(call.repo, call.arguments["ref"])
    folder = f"{call.repo.owner}-{call.repo.name}-{commit.oid[:7]}/"
    _, packed = call.repo.git.run("archive", "--format=tar.gz", "-1", f"--prefix={folder}", commit.oid)
    return Reply(200, raw=packed)
