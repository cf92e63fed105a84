"""What branches hold in the end, whoever else is at work on them."""

from __future__ import annotations

import pytest

from difyaction.errors import Failed
from difyaction.gitops.github.delivery import Order, commit, propose
from difyaction.gitops.github.proposal import Delivered
from tests.contract.github_setting import (
    NEW,
    OTHER,
    VALUES,
    bench,
    bump,
    content,
    order,
    proposal,
    sample,
    squash,
)
from tests.emulators.github.commits import Draft, Person, write_commit
from tests.emulators.github.emulator import GitHubEmulator
from tests.emulators.github.repository import Repository as Hosted

STAGING = "dify-upgrade/staging"


def run(github: GitHubEmulator, *, token: str = "", **how: object) -> Delivered:
    here = bench(github, token)
    look = here.look()
    return propose(here.repository, look, order(here, look, **how))  # type: ignore[arg-type]


def leftovers(hosted: Hosted) -> set[str]:
    return {name for name in hosted.branches if name.startswith("dify-upgrade-temporary")}


def test_a_commit_of_ours_is_signed_and_says_whose_it_is(github: GitHubEmulator) -> None:
    hosted = sample(github)
    delivered = run(github)
    made = hosted.commit(STAGING)
    assert (delivered.head_sha, delivered.verified, made.signed) == (made.oid, True, True)
    assert made.message.endswith("\n\nDify-Upgrade-Action: staging")
    assert made.parents == (hosted.head("main"),)
    assert hosted.read(STAGING, OTHER) == content()


@pytest.mark.parametrize(("kind", "verified"), [("app", True), ("actions", True), ("fine-grained", False)])
def test_an_executable_file_stays_executable(github: GitHubEmulator, kind: str, verified: bool) -> None:  # noqa: FBT001
    hosted = github.repository(
        "acme/gitops", {VALUES: content()}, modes={VALUES: "100755"}, actions_can_create_pulls=True
    )
    delivered = run(github, token=github.token(kind))
    assert hosted.mode(STAGING, VALUES) == "100755"
    assert delivered.verified is verified


def test_require_verified_says_which_token_would_do_and_leaves_nothing(github: GitHubEmulator) -> None:
    hosted = github.repository("acme/gitops", {VALUES: content()}, modes={VALUES: "100755"})
    with pytest.raises(Failed) as caught:
        run(github, token=github.token("fine-grained"), require_verified=True)
    assert caught.value.id == "commit-not-verified"
    assert "GITHUB_TOKEN" in str(caught.value)
    assert set(hosted.branches) == {"main"}


def test_a_file_that_is_no_text_keeps_its_bytes(github: GitHubEmulator) -> None:
    latin = b"# caf\xe9\r\ntag: 1.13.3"
    hosted = github.repository("acme/gitops", {VALUES: latin}, modes={VALUES: "100755"})
    run(github)
    assert hosted.read(STAGING, VALUES) == latin.replace(b"1.13.3", NEW)


def test_a_branch_behind_its_base_is_rebuilt_when_all_of_it_is_ours(github: GitHubEmulator) -> None:
    hosted = sample(github)
    first = run(github)
    hosted.push({"README.md": b"news\n"})
    second = run(github)
    assert (second.operation, second.number) == ("updated", first.number)
    assert hosted.commit(STAGING).parents == (hosted.head("main"),)
    assert hosted.commit(STAGING).signed
    assert hosted.read(STAGING, "README.md") == b"news\n"
    assert not leftovers(hosted)


@pytest.mark.parametrize("ghes", ["3.10.2", "3.19.0"])
def test_it_is_rebuilt_on_every_enterprise_server(ghes: str) -> None:
    with GitHubEmulator(ghes=ghes) as github:
        hosted = sample(github)
        run(github)
        hosted.push({"README.md": b"news\n"})
        assert run(github).operation == "updated"
        assert hosted.commit(STAGING).parents == (hosted.head("main"),)
        assert not leftovers(hosted)
        assert bool(github.calls("GRAPHQL updateRefs")) is (ghes == "3.19.0")


def test_somebody_elses_commits_are_never_lost(github: GitHubEmulator) -> None:
    hosted = sample(github)
    first = run(github, wish=squash())
    theirs = hosted.push({VALUES: b"by hand\n"}, branch=STAGING)
    hosted.push({"README.md": b"news\n"})
    second = run(github, wish=squash())
    assert second.auto_merge_result == "refused:foreign-commits"
    assert (second.operation, second.number) == ("none", first.number)
    assert hosted.head(STAGING) == theirs


def test_a_commit_that_somebody_amended_is_theirs(github: GitHubEmulator) -> None:
    hosted = sample(github)
    run(github)
    ours = hosted.commit(STAGING)
    jane = Person("Jane Doe", "jane@example.com", ours.committer.when + 60)
    tree = hosted.git.write_tree(hosted.git.leaves(ours.oid) | {"HUMAN.md": ("100644", hosted.git.write("blob", b"x"))})
    amended = write_commit(hosted.git, Draft(tree, ours.parents, ours.author, jane, ours.message))
    hosted.branch(STAGING, at=amended)
    assert run(github, wish=squash()).auto_merge_result == "refused:foreign-commits"
    assert hosted.head(STAGING) == amended


def test_a_superseded_branch_whose_commit_somebody_amended_stays(github: GitHubEmulator) -> None:
    hosted = sample(github)
    run(github, asked=proposal(branch="dify-upgrade/older"))
    ours = hosted.commit("dify-upgrade/older")
    jane = Person("Jane Doe", "jane@example.com", ours.committer.when + 60)
    amended = write_commit(hosted.git, Draft(ours.tree, ours.parents, ours.author, jane, ours.message))
    hosted.branch("dify-upgrade/older", at=amended)
    run(github)
    assert hosted.pull(1).state == "closed"
    assert hosted.head("dify-upgrade/older") == amended


def test_a_personal_tokens_unsigned_commits_are_its_owners(github: GitHubEmulator) -> None:
    hosted = github.repository("acme/gitops", {VALUES: content()}, modes={VALUES: "100755"})
    run(github, token=github.token("fine-grained"))
    hosted.push({"README.md": b"news\n"})
    assert run(github, token=github.token("fine-grained")).operation == "updated"
    assert hosted.commit(STAGING).parents == (hosted.head("main"),)


def test_a_pull_request_in_the_merge_queue_is_not_pushed_to(github: GitHubEmulator) -> None:
    hosted = sample(github)
    first = run(github)
    hosted.pull(first.number).queued = True
    hosted.push({"README.md": b"news\n"})
    second = run(github, wish=squash())
    assert second.auto_merge_result == "refused:queued"
    assert hosted.head(STAGING) == first.head_sha


def test_a_commit_straight_to_the_base(github: GitHubEmulator) -> None:
    hosted = sample(github)
    here = bench(github)
    look = here.look()
    delivered = commit(here.repository, look, order(here, look))
    assert (delivered.operation, delivered.number) == ("none", 0)
    assert (delivered.url, delivered.head_sha) == ("", hosted.head("main"))
    assert hosted.read("main", VALUES) == content(NEW)
    assert not hosted.pulls


@pytest.mark.parametrize("mode", ["100644", "100755"])
def test_when_somebody_wins_the_race_to_the_base_edits_go_over_what_they_left(
    github: GitHubEmulator, mode: str
) -> None:
    hosted = github.repository("acme/gitops", {VALUES: content()}, modes={VALUES: mode})
    here = bench(github)
    look = here.look()
    mine = order(here, look)
    hosted.push({VALUES: b"# theirs\n" + content()}, modes={VALUES: mode})
    delivered = commit(here.repository, look, mine)
    assert hosted.read("main", VALUES) == b"# theirs\n" + content(NEW)
    assert delivered.head_sha == hosted.head("main")
    assert here.time.pauses


def test_rules_of_the_base_are_named_when_they_forbid_the_commit(github: GitHubEmulator) -> None:
    sample(github).ruleset("main", pull_request=True)
    here = bench(github)
    look = here.look()
    with pytest.raises(Failed) as caught:
        commit(here.repository, look, order(here, look))
    assert caught.value.id == "push-refused"
    assert "delivery: pull-request" in str(caught.value)


def test_a_branch_that_appears_between_look_and_write_is_read_again(github: GitHubEmulator) -> None:
    hosted = sample(github)
    here = bench(github)
    look = here.look()
    run(github)
    delivered = propose(here.repository, look, order(here, look))
    assert delivered.number == 1
    assert len(hosted.pulls) == 1
    assert delivered.head_sha == hosted.head(STAGING)


@pytest.mark.parametrize("error", ["STALE_DATA", "UNPROCESSABLE"])
def test_a_spurious_stale_answer_costs_a_second_try(github: GitHubEmulator, error: str) -> None:
    hosted = sample(github)
    said = 'Expected branch to point to "0" but it did not. Pull and try again.'
    github.faults.add("GRAPHQL createCommitOnBranch", graphql={"type": error, "message": said})
    delivered = run(github)
    assert delivered.operation == "created"
    assert hosted.read(STAGING, VALUES) == content(NEW)


@pytest.mark.parametrize("mode", ["100644", "100755"])
def test_a_file_that_goes_while_it_is_edited_is_named(github: GitHubEmulator, mode: str) -> None:
    hosted = github.repository("acme/gitops", {VALUES: content()}, modes={VALUES: mode})
    here = bench(github)
    look = here.look()
    mine = order(here, look)
    hosted.push({VALUES: None, OTHER: b"moved\n"})
    with pytest.raises(Failed) as caught:
        commit(here.repository, look, mine)
    assert caught.value.id == "file-gone"
    assert str(caught.value).startswith(f"{VALUES} was removed or renamed")


def test_a_lost_answer_is_no_second_commit(github: GitHubEmulator) -> None:
    hosted = sample(github)
    github.faults.add("GRAPHQL createCommitOnBranch", reset=True, lost=True)
    delivered = run(github)
    assert delivered.head_sha == hosted.head(STAGING)
    assert hosted.commit(STAGING).parents == (hosted.head("main"),)
    assert len(hosted.pulls) == 1


def test_endless_contention_ends_in_an_error_that_says_so(github: GitHubEmulator) -> None:
    sample(github)
    said = 'Expected branch to point to "0" but it did not. Pull and try again.'
    github.faults.add("GRAPHQL createCommitOnBranch", graphql={"type": "STALE_DATA", "message": said}, times=None)
    with pytest.raises(Failed) as caught:
        run(github)
    assert caught.value.id == "branch-contended"


def test_a_workflow_file_without_the_permission_is_explained(github: GitHubEmulator) -> None:
    path = ".github/workflows/deploy.yaml"
    github.repository("acme/gitops", {path: content()})
    token = github.token("app", permissions={"contents": "write", "pull_requests": "write"})
    with pytest.raises(Failed) as caught:
        run(github, token=token, paths=(path,))
    assert caught.value.id == "workflows-permission"


def test_what_the_base_holds_by_now_is_not_proposed_and_its_pull_request_closed(github: GitHubEmulator) -> None:
    hosted = sample(github)
    first = run(github)
    here = bench(github)
    look = here.look()
    mine = order(here, look)
    hosted.push({VALUES: content(NEW)})
    delivered = propose(here.repository, here.look(), mine)
    assert (delivered.operation, delivered.number) == ("closed", first.number)
    assert hosted.pull(first.number).state == "closed"
    assert STAGING not in hosted.branches


def test_an_open_one_is_left_alone_when_nothing_changes_for_another_reason(github: GitHubEmulator) -> None:
    hosted = sample(github)
    run(github)
    here = bench(github)
    delivered = propose(here.repository, here.look(), Order(proposal(), (), bump))
    assert (delivered.operation, delivered.number) == ("none", 1)
    assert "#1 stays open" in delivered.warnings[0]
    assert (hosted.pull(1).state, hosted.pull(1).comments) == ("open", [])
    settled = propose(here.repository, here.look(), Order(proposal(), (), bump, settled=True))
    assert (settled.operation, hosted.pull(1).state) == ("closed", "closed")


@pytest.mark.parametrize("mode", ["100644", "100755"])
def test_a_token_that_may_only_read_is_told_so_at_once(github: GitHubEmulator, mode: str) -> None:
    hosted = github.repository("acme/gitops", {VALUES: content()}, modes={VALUES: mode})
    token = github.token("app", permissions={"contents": "read", "pull_requests": "write"})
    with pytest.raises(Failed) as caught:
        run(github, token=token)
    assert caught.value.id == "token-may-not"
    assert set(hosted.branches) == {"main"}
