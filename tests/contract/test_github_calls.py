"""How many calls a new pull request costs."""

from __future__ import annotations

import pytest

from difyaction.gitops.files import Entry
from difyaction.gitops.github.calls import Purpose
from difyaction.gitops.github.delivery import Order, propose
from tests.contract.github_setting import Bench, bench, bump, order, proposal, sample, squash
from tests.emulators.github.emulator import GitHubEmulator

FORTY = {
    f"environments/{number:02}/values.yaml": b"tag: 1.13.3 # %d\n" % number + b"# \xe8\xaf\xb4\n" * 8_300
    for number in range(40)
}
EVERYTHING = {
    "labels": ("dependencies",),
    "assignees": ("ann",),
    "reviewers": ("ben",),
    "team_reviewers": ("acme/ops",),
}


def prepared(github: GitHubEmulator, modes: dict[str, str] | None = None) -> Bench:
    hosted = github.repository("acme/gitops", FORTY, modes=modes)
    hosted.collaborators.update({"ann", "ben"})
    hosted.teams.add("ops")
    hosted.ruleset("main", required_checks=("ci",))
    return bench(github)


def yaml_files(entries: tuple[Entry, ...]) -> list[Entry]:
    return [entry for entry in entries if entry.path.endswith(".yaml")]


def test_a_sample_is_what_the_promise_speaks_of() -> None:
    assert len(FORTY) == 40
    assert 1_900_000 < sum(map(len, FORTY.values())) <= 2_000_000


@pytest.mark.parametrize(("mode", "wanted"), [("100644", 7), ("100755", 8)])
def test_forty_files_with_everything_asked_for(github: GitHubEmulator, mode: str, wanted: int) -> None:
    here = prepared(github, dict.fromkeys(FORTY, mode))
    look, files = here.repository.survey(yaml_files, prefix="dify-upgrade/")
    changed = bump({file.path: file.content for file in files}, {file.path: file.mode for file in files})
    asked = Order(proposal(**EVERYTHING), changed, bump, wish=squash())
    delivered = propose(here.repository, look, asked)

    assert (delivered.operation, delivered.auto_merge_result, delivered.warnings) == ("created", "enabled", ())
    assert delivered.verified
    assert here.repository.calls.of(Purpose.PROPOSAL) == wanted
    assert len(github.requests) == here.repository.calls.total
    hosted = github.hub.repositories["acme/gitops"]
    assert all(b"1.14.1" in hosted.read("dify-upgrade/staging", path) for path in FORTY)
    assert {hosted.mode("dify-upgrade/staging", path) for path in FORTY} == {mode}
    pull = hosted.pull(1)
    assert (pull.labels, pull.assignees, pull.reviewers, pull.team_reviewers) == (
        ["dependencies"],
        ["ann"],
        ["ben"],
        ["ops"],
    )


ENVIRONMENTS, VERSION = "environments.yaml", ".dify-version"


@pytest.mark.parametrize("base", ["main", "release/1.x"])
@pytest.mark.parametrize("mode", ["100644", "100755"])
def test_the_most_that_can_be_asked_for_stays_within_eight(github: GitHubEmulator, mode: str, base: str) -> None:
    """Files that say which files, executables, a base with a slash, and more branches than one answer lists."""
    here = prepared(github, dict.fromkeys(FORTY, mode))
    hosted = github.hub.repositories["acme/gitops"]
    hosted.push({ENVIRONMENTS: b"environments: []\n", VERSION: b"1.14.1\n"})
    for number in range(101):
        hosted.branch(f"a{number:03}")
    hosted.branch("release/1.x")
    hosted.ruleset("release/*", required_checks=("ci",))

    look, first = here.repository.survey(
        lambda entries: [entry for entry in entries if entry.path in {ENVIRONMENTS, VERSION}],
        base=base,
        prefix="zbump",
        spare=lambda entries: [entry for entry in entries if entry.path in FORTY],
    )
    assert {file.path for file in first} == {ENVIRONMENTS, VERSION}
    wanted = proposal(branch="zbump", base=base, **EVERYTHING)
    delivered = propose(here.repository, look, order(here, look, tuple(FORTY), asked=wanted, wish=squash()))

    assert (delivered.operation, delivered.auto_merge_result, delivered.warnings) == ("created", "enabled", ())
    assert here.repository.calls.of(Purpose.PROPOSAL) == (7 if mode == "100644" else 8)


def test_look_listing_and_files_one_by_one_stay_within_eight_too(github: GitHubEmulator) -> None:
    here = prepared(github)
    look = here.look()
    delivered = propose(
        here.repository, look, order(here, look, tuple(FORTY), asked=proposal(**EVERYTHING), wish=squash())
    )
    assert delivered.operation == "created"
    assert here.repository.calls.of(Purpose.PROPOSAL) == 8


def test_a_second_run_changes_nothing(github: GitHubEmulator) -> None:
    hosted = sample(github)
    hosted.ruleset("main", required_checks=("ci",))
    for _ in range(2):
        here = bench(github)
        look = here.look()
        delivered = propose(here.repository, look, order(here, look, wish=squash()))
    assert (delivered.operation, delivered.auto_merge_result) == ("none", "already")
    assert str(delivered.calls) == "6 proposal, 1 polling"
    assert len(hosted.pulls) == 1
