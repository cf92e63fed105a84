"""REST: pull requests, and the issues that they are."""

from __future__ import annotations

from tests.emulators.github import merging, opening, shapes
from tests.emulators.github.problems import Problem
from tests.emulators.github.pulls import Comment, Pull
from tests.emulators.github.routing import Call, Json, Reply, route

PULLS = "/repos/{owner}/{repo}/pulls"
ISSUE = "/repos/{owner}/{repo}/issues/{number}"


def show(call: Call, pull: Pull, status: int = 200) -> Reply:
    return Reply(status, shapes.pull(call.hub, call.repo, pull))


def show_issue(call: Call, pull: Pull) -> Json:
    shown = shapes.pull(call.hub, call.repo, pull, whole=False)
    kept = ("number", "title", "body", "state", "labels", "assignees", "user", "html_url", "node_id", "id")
    return {name: shown[name] for name in kept} | {"url": shown["issue_url"]}


@route("POST", PULLS, "pull_requests:write")
def create(call: Call) -> Reply:
    given = call.given
    proposal = opening.Proposal(
        title=str(given.get("title") or ""),
        head=str(given.get("head") or ""),
        base=str(given.get("base") or ""),
        body=str(given.get("body") or ""),
        draft=bool(given.get("draft")),
    )
    pull = opening.open_pull(call.repo, proposal, call.credential)
    reply = show(call, pull, 201)
    pull.looks = 0  # being shown what one has just made is no look
    return reply


@route("GET", PULLS, "pull_requests:read")
def list_pulls(call: Call) -> Reply:
    state, head, base = call.query.get("state", "open"), call.query.get("head"), call.query.get("base")
    found = [
        pull
        for pull in reversed(call.repo.pulls)
        if state in ("all", pull.state)
        and (not head or ":" not in head or head == f"{pull.head_owner}:{pull.head}")
        and (not base or base == pull.base)
    ]
    return call.paged(found, lambda pull: shapes.pull(call.hub, call.repo, pull, whole=False))


@route("GET", PULLS + "/{number}", "pull_requests:read")
def get(call: Call) -> Reply:
    return show(call, call.repo.pull(call.number))


@route("PATCH", PULLS + "/{number}", "pull_requests:write")
def update(call: Call) -> Reply:
    pull = call.repo.pull(call.number)
    opening.edit(call.repo, pull, {name: str(value) for name, value in call.given.items() if value is not None})
    return show(call, pull)


@route("PUT", PULLS + "/{number}/merge", "contents:write")
def merge(call: Call) -> Reply:
    pull, given = call.repo.pull(call.number), call.given
    if given.get("sha") not in (None, pull.head_oid):
        raise Problem(409, "Head branch was modified. Review and try the merge again.")
    if call.credential.actor is None:
        raise call.credential.refusal()
    wish = merging.Merge(
        method=str(given.get("merge_method") or "merge"),
        by=call.credential.actor,
        headline=str(given.get("commit_title") or ""),
        body=str(given.get("commit_message") or ""),
    )
    oid = merging.merge_now(call.repo, pull, wish)
    return Reply(200, {"sha": oid, "merged": True, "message": "Pull Request successfully merged"})


@route("POST", PULLS + "/{number}/requested_reviewers", "pull_requests:write")
def request_reviewers(call: Call) -> Reply:
    pull = call.repo.pull(call.number)
    people, teams = call.given.get("reviewers") or [], call.given.get("team_reviewers") or []
    opening.ask_reviews(call.repo, pull, list(people), list(teams))
    return Reply(201, shapes.pull(call.hub, call.repo, pull, whole=False))


def _needs_either(call: Call) -> None:
    """A pull request is also an issue: either permission will do."""
    if not (call.credential.has("issues:write") or call.credential.has("pull_requests:write")):
        raise call.credential.refusal()


@route("POST", ISSUE + "/labels", "metadata:read")
def add_labels(call: Call) -> Reply:
    _needs_either(call)
    pull = call.repo.pull(call.number)
    opening.add_labels(call.repo, pull, [str(name) for name in call.given.get("labels", [])])
    return Reply(200, [shapes.label(name) for name in pull.labels])


@route("POST", ISSUE + "/assignees", "metadata:read")
def add_assignees(call: Call) -> Reply:
    _needs_either(call)
    pull = call.repo.pull(call.number)
    opening.assign(call.repo, pull, list(call.given.get("assignees") or []))
    return Reply(201, show_issue(call, pull))


@route("POST", ISSUE + "/comments", "metadata:read")
def add_comment(call: Call) -> Reply:
    _needs_either(call)
    pull = call.repo.pull(call.number)
    if call.credential.actor is None:
        raise call.credential.refusal()
    comment = Comment(call.credential.actor, str(call.given.get("body", "")))
    pull.comments.append(comment)
    return Reply(201, {"id": len(pull.comments), "body": comment.body, "user": shapes.user(comment.author)})


@route("PATCH", ISSUE, "metadata:read")
def update_issue(call: Call) -> Reply:
    """Set labels and assignees (whole lists), title, body, state."""
    _needs_either(call)
    pull, given = call.repo.pull(call.number), call.given
    if "labels" in given:
        pull.labels = []
        opening.add_labels(call.repo, pull, [str(name) for name in given["labels"]])
    if "assignees" in given:
        pull.assignees = []
        opening.assign(call.repo, pull, list(given["assignees"]))
    opening.edit(call.repo, pull, {name: str(given[name]) for name in ("title", "body", "state") if given.get(name)})
    return Reply(200, show_issue(call, pull))
