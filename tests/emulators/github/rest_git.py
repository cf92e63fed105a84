"""REST: the Git Data API."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime

from tests.emulators.github import pushing, shapes
from tests.emulators.github.commits import Commit, Draft, Person, read_commit, write_commit
from tests.emulators.github.credentials import Credential
from tests.emulators.github.git import Entry
from tests.emulators.github.problems import Problem, invalid, not_found
from tests.emulators.github.repository import Repository
from tests.emulators.github.routing import Call, Json, Reply, route

GIT = "/repos/{owner}/{repo}/git"
MODES = ("100644", "100755", "040000", "160000", "120000")
PARTS_OF_A_REF = 3


def visible_ref(repo: Repository, name: str) -> tuple[str, str] | None:
    """Return oid and kind of a full ref name, unless it is too new to be seen everywhere."""
    found = repo.git.find(name)
    if found and repo.lagging.get(name, 0) > 0:
        repo.lagging[name] -= 1
        return None
    return (found.oid, found.kind) if found else None


def show_ref(call: Call, name: str) -> Json:
    if not call.repo.branches:
        raise Problem(409, "Git Repository is empty.")
    found = visible_ref(call.repo, name)
    if found is None:
        raise not_found()
    return shapes.ref(call.hub, call.repo, name, *found)


@route("GET", GIT + "/ref/{ref...}", "contents:read")
def get_ref(call: Call) -> Reply:
    return Reply(200, show_ref(call, f"refs/{call.arguments['ref']}"))


@route("GET", GIT + "/refs/{ref...}", "contents:read")
def get_refs(call: Call) -> Reply:
    """Answer the old way: the ref itself, or else all that begin like it."""
    name = f"refs/{call.arguments['ref']}"
    if call.repo.git.find(name):
        return Reply(200, show_ref(call, name))
    return matching_refs(call)


@route("GET", GIT + "/matching-refs/{ref...}", "contents:read")
def matching_refs(call: Call) -> Reply:
    wanted = f"refs/{call.arguments['ref']}"
    names = [name for name in call.repo.git.refs("refs") if name.startswith(wanted)]
    return Reply(200, [show_ref(call, name) for name in names])


@route("POST", GIT + "/refs", "contents:write")
def create_ref(call: Call) -> Reply:
    name, oid = str(call.given.get("ref", "")), str(call.given.get("sha", ""))
    if not name.startswith("refs/") or len(name.split("/")) < PARTS_OF_A_REF:
        raise invalid("Reference name must contain at least three slash-separated components.")
    pushing.create_ref(call.repo, name, oid, call.credential)
    return Reply(201, shapes.ref(call.hub, call.repo, name, oid, "commit"))


@route("PATCH", GIT + "/refs/{ref...}", "contents:write")
def update_ref(call: Call) -> Reply:
    name, oid = f"refs/{call.arguments['ref']}", str(call.given.get("sha", ""))
    pushing.update_ref(call.repo, name, oid, call.credential, force=bool(call.given.get("force")))
    return Reply(200, shapes.ref(call.hub, call.repo, name, oid, "commit"))


@route("DELETE", GIT + "/refs/{ref...}", "contents:write")
def delete_ref(call: Call) -> Reply:
    pushing.delete_ref(call.repo, f"refs/{call.arguments['ref']}", call.credential)
    return Reply(204)


@route("GET", GIT + "/blobs/{sha}", "contents:read")
def get_blob(call: Call) -> Reply:
    found = call.repo.git.find(call.arguments["sha"])
    if found is None or found.kind != "blob":
        raise not_found()
    if "raw" in call.accept:
        return Reply(200, raw=found.content)
    return Reply(200, shapes.blob(call.hub, call.repo, found.oid, found.content))


@route("POST", GIT + "/blobs", "contents:write")
def create_blob(call: Call) -> Reply:
    text = str(call.given.get("content", ""))
    try:
        content = base64.b64decode(text, validate=False) if call.given.get("encoding") == "base64" else text.encode()
    except binascii.Error as error:
        raise invalid("content is not valid Base64") from error
    oid = call.repo.git.write("blob", content)
    return Reply(201, {"sha": oid, "url": f"{call.hub.api}/repos/{call.repo.full_name}/git/blobs/{oid}"})


def show_tree(call: Call, oid: str, *, recursive: bool) -> Json:
    entries = call.repo.git.tree(oid)
    shown = {path: entry for path, entry in entries.items() if recursive or "/" not in path}
    limit = call.repo.settings.tree_limit
    api = f"{call.hub.api}/repos/{call.repo.full_name}/git"

    def line(path: str, entry: Entry) -> Json:
        facts = {"path": path, "mode": entry.mode, "type": entry.kind, "sha": entry.oid}
        sized = {"size": entry.size} if entry.kind == "blob" else {}
        return facts | sized | {"url": f"{api}/{entry.kind}s/{entry.oid}"}

    lines = [line(path, entry) for path, entry in list(shown.items())[:limit]]
    return {"sha": oid, "url": f"{api}/trees/{oid}", "tree": lines, "truncated": len(shown) > limit}


@route("GET", GIT + "/trees/{sha...}", "contents:read")
def get_tree(call: Call) -> Reply:
    found = call.repo.git.find(f"{call.arguments['sha']}^{{tree}}")
    if found is None:
        raise not_found()
    return Reply(200, show_tree(call, found.oid, recursive=bool(call.query.get("recursive"))))


@route("POST", GIT + "/trees", "contents:write")
def create_tree(call: Call) -> Reply:
    git, base = call.repo.git, call.given.get("base_tree")
    if base is not None and git.find(f"{base}^{{tree}}") is None:
        raise invalid("base_tree is not a valid tree oid")
    known = git.leaves(str(base)) if base else {}
    changes: dict[str, tuple[str, str] | None] = {}
    for item in call.given.get("tree") or []:
        path = str(item.get("path", ""))
        if not path or path.startswith("/") or ".git" in path.split("/") or ".." in path.split("/"):
            raise invalid("tree.path contains a malformed path component")
        leaf = _leaf(call.repo, item)
        if leaf is None and path not in known:
            raise invalid("GitRPC::BadObjectState")
        if leaf and leaf[0] == "040000":
            changes |= {f"{path}/{inner}": inner_leaf for inner, inner_leaf in git.leaves(leaf[1]).items()}
        else:
            changes[path] = leaf
    oid = git.write_tree(git.changed_leaves(base and str(base), changes))
    return Reply(201, show_tree(call, oid, recursive=False))


def _leaf(repo: Repository, item: Json) -> tuple[str, str] | None:
    """Return mode and oid of one entry, its inline content stored; None deletes."""
    mode = item.get("mode")
    if mode not in MODES:
        raise invalid("Must supply a valid tree.mode")
    if "content" in item:
        return mode, repo.git.write("blob", str(item["content"]).encode())
    if "sha" not in item:
        raise invalid("Must supply either tree.sha or tree.content")
    oid = item["sha"]
    if oid is None:
        return None
    if mode != "160000" and repo.git.find(str(oid)) is None:
        raise invalid(f"tree.sha {oid} is not a valid {item.get('type', 'blob')}")
    return mode, str(oid)


@route("GET", GIT + "/commits/{sha}", "contents:read")
def get_commit(call: Call) -> Reply:
    found = read_commit(call.repo.git, call.arguments["sha"])
    if found is None:
        raise not_found()
    return Reply(200, shapes.git_commit(call.hub, call.repo, found))


@route("POST", GIT + "/commits", "contents:write")
def create_commit(call: Call) -> Reply:
    repo, given = call.repo, call.given
    tree = repo.git.find(str(given.get("tree", "")))
    if tree is None or tree.kind != "tree":
        raise invalid("Tree SHA does not exist")
    parents = [str(parent) for parent in given.get("parents") or []]
    if any(repo.git.find(f"{parent}^{{commit}}") is None for parent in parents):
        raise invalid("Parent SHA does not exist or is not a commit object")
    named = "author" in given or "committer" in given
    me, github = people(call.credential, int(repo.clock()))
    signed = call.credential.signs and not named
    author = _person(given.get("author"), me)
    committer = github if signed else _person(given.get("committer"), author)
    oid = write_commit(
        repo.git, Draft(tree.oid, parents, author, committer, str(given.get("message", "")), signed=signed)
    )
    return Reply(201, shapes.git_commit(call.hub, repo, _written(repo, oid)))


def _written(repo: Repository, oid: str) -> Commit:
    commit = read_commit(repo.git, oid)
    if commit is None:
        raise not_found()
    return commit


def people(credential: Credential, when: int) -> tuple[Person, Person]:
    """Return who a commit of this token is by, and GitHub itself, which signs."""
    if credential.actor is None:
        raise credential.refusal()
    return Person(credential.actor.login, credential.actor.email, when), Person("GitHub", "noreply@github.com", when)


def _person(given: Json, otherwise: Person) -> Person:
    if not given:
        return otherwise
    date = given.get("date")
    when = int(datetime.fromisoformat(date).timestamp()) if date else otherwise.when
    return Person(given["name"], given["email"], when)
