"""Opening and editing a pull request on behalf of a token."""

from __future__ import annotations

from dataclasses import dataclass

from tests.emulators.github import history, merging, pushing
from tests.emulators.github.credentials import Credential
from tests.emulators.github.problems import Problem, invalid, validation_failed
from tests.emulators.github.pulls import Pull
from tests.emulators.github.repository import Repository

LONGEST_BODY = 65536


@dataclass(frozen=True)
class Proposal:
    """What a client sends to open a pull request."""

    title: str
    head: str
    base: str
    body: str = ""
    draft: bool = False


def open_pull(repo: Repository, proposal: Proposal, by: Credential) -> Pull:
    """Open a pull request, or raise what GitHub raises."""
    if by.kind == "actions" and not repo.settings.actions_can_create_pulls:
        raise Problem(403, "GitHub Actions is not permitted to create or approve pull requests.", "FORBIDDEN")
    if not proposal.title:
        raise validation_failed("Title can't be blank", field="title", code="missing_field")
    head = proposal.head.removeprefix(f"{repo.owner}:")
    _check_ends(repo, head, proposal.base)
    if proposal.draft and not repo.settings.drafts_supported:
        raise invalid("Draft pull requests are not supported in this repository.")
    _check_length(proposal.body)
    if by.actor is None:
        raise by.refusal()
    return repo.open_pull(
        head, base=proposal.base, title=proposal.title, body=proposal.body, author=by.actor, draft=proposal.draft
    )


def _check_ends(repo: Repository, head: str, base: str) -> None:
    head_oid, base_oid = repo.find_head(head), repo.find_head(base)
    blank = f"Head sha can't be blank, Base sha can't be blank, No commits between {base} and {head}"
    if head_oid is None:
        raise validation_failed(f"{blank}, Head ref must be a branch", field="head", code="invalid")
    if base_oid is None:
        raise validation_failed(f"{blank}, Base ref must be a branch", field="base", code="invalid")
    for pull in repo.pulls:
        if pull.state == "open" and (pull.head, pull.base) == (head, base) and not pull.is_fork:
            raise validation_failed(f"A pull request already exists for {repo.owner}:{head}.")
    if history.is_ancestor(repo.git, head_oid, base_oid):
        raise validation_failed(f"No commits between {base} and {head}")


def _check_length(body: str) -> None:
    if len(body) > LONGEST_BODY:
        raise validation_failed(f"Body is too long (maximum is {LONGEST_BODY} characters)", field="body")


def edit(repo: Repository, pull: Pull, changes: dict[str, str]) -> None:
    """Change title, body, base or state (``open``, ``closed``)."""
    pull.title = changes.get("title", pull.title)
    if "body" in changes:
        _check_length(changes["body"])
        pull.body = changes["body"]
    if "base" in changes:
        if repo.find_head(changes["base"]) is None:
            raise validation_failed("Base ref must be a branch", field="base", code="invalid")
        pull.base = changes["base"]
    if changes.get("state") == "closed" and pull.state == "open":
        pushing.close(repo, pull)
    elif changes.get("state") == "open" and pull.state == "closed":
        if pull.merged or repo.find_head(pull.head) is None:
            raise validation_failed("state cannot be changed. The pull request cannot be reopened.", field="state")
        pull.state, pull.closed = "open", None
        pull.head_oid = repo.head(pull.head)
    merging.settle(repo)


def set_draft(repo: Repository, pull: Pull, *, draft: bool) -> None:
    if draft and not repo.settings.drafts_supported:
        raise invalid("Draft pull requests are not supported in this repository.")
    pull.draft = draft
    if draft:
        pull.auto_merge, pull.queued = None, False
    merging.settle(repo)


def ask_reviews(repo: Repository, pull: Pull, people: list[str], teams: list[str]) -> None:
    if pull.author.login in people:
        raise invalid("Review cannot be requested from pull request author.")
    if not set(people) <= repo.collaborators or not set(teams) <= repo.teams:
        raise invalid(
            "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not"
            f" a collaborator of the {repo.full_name} repository."
        )
    pull.reviewers += [login for login in people if login not in pull.reviewers]
    pull.team_reviewers += [slug for slug in teams if slug not in pull.team_reviewers]


def add_labels(repo: Repository, pull: Pull, names: list[str]) -> None:
    """Put labels on; REST makes those that the repository does not have."""
    repo.labels.update(names)
    pull.labels += [name for name in names if name not in pull.labels]


def assign(repo: Repository, pull: Pull, logins: list[str]) -> None:
    """Assign people; whoever has no access is left out without a word, as on GitHub."""
    pull.assignees += [login for login in logins if login in repo.collaborators and login not in pull.assignees]
