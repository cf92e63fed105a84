"""What happens to a branch that is already there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from difyaction.gitops.github.proposal import Strategy
from difyaction.gitops.github.standing import BranchCommit, Move, Standing, Us, carry, decide, is_ours

OURS = BranchCommit("Bump\n\nDify-Upgrade-Action: staging", "dify-upgrader[bot]", "web-flow", verified=True)
THEIRS = BranchCommit("Fix by hand", "jane", "jane")
OLD, NEW, OTHER = ("100644", "old"), ("100644", "new"), ("100644", "other")

HOLDING = Standing(
    head_oid="h",
    head_tree="t",
    merge_base="m",
    ahead=1,
    behind=0,
    commits=(OURS,),
    files={"v": NEW, "w": OLD},
    base_files={"v": OLD, "w": OLD},
)
STALE = replace(HOLDING, files={"v": OTHER, "w": OLD})
BEHIND = replace(HOLDING, behind=2)


BOT = Us("dify-upgrader[bot]")


def move(standing: Standing | None, *, strategy: Strategy = Strategy.ENVIRONMENT, us: Us = BOT) -> Move:
    return decide(standing, {"v": "new"}, strategy=strategy, unit="staging", us=us)


@pytest.mark.parametrize(
    ("standing", "wanted"),
    [
        (None, Move.CREATE),
        (HOLDING, Move.LEAVE),
        (replace(HOLDING, commits=(THEIRS,)), Move.LEAVE),
        (STALE, Move.REBUILD),
        (BEHIND, Move.REBUILD),
        (replace(HOLDING, files={"v": NEW, "w": NEW}), Move.REBUILD),
        (replace(STALE, commits=(THEIRS,)), Move.FOREIGN),
        (replace(BEHIND, commits=(OURS, THEIRS), ahead=2), Move.FOREIGN),
        (replace(BEHIND, commits=(OURS,), ahead=2), Move.FOREIGN),
        (replace(STALE, ahead=0, commits=()), Move.ADD),
        (replace(STALE, ahead=0, behind=3, commits=()), Move.REBUILD),
        (replace(BEHIND, queued=True), Move.QUEUED),
        (replace(HOLDING, queued=True), Move.LEAVE),
    ],
)
def test_a_branch_of_one_unit(standing: Standing | None, wanted: Move) -> None:
    assert move(standing) is wanted


@pytest.mark.parametrize(
    ("standing", "wanted"),
    [
        (None, Move.CREATE),
        (replace(HOLDING, files={"v": NEW, "w": NEW}), Move.LEAVE),
        (STALE, Move.ADD),
        (replace(STALE, commits=(THEIRS,)), Move.ADD),
        (BEHIND, Move.REBUILD),
        (replace(BEHIND, commits=(THEIRS,)), Move.FOREIGN),
    ],
)
def test_a_branch_that_several_runs_share(standing: Standing | None, wanted: Move) -> None:
    assert move(standing, strategy=Strategy.SHARED) is wanted


def test_ours_is_what_has_our_login_and_our_unit() -> None:
    other_unit = replace(OURS, message="Bump\n\nDify-Upgrade-Action: production")
    no_trailer = replace(OURS, message="Bump")
    assert move(replace(STALE, commits=(other_unit,))) is Move.FOREIGN
    assert move(replace(STALE, commits=(no_trailer,))) is Move.FOREIGN
    assert move(replace(STALE, commits=(replace(OURS, author="dify-upgrader"),))) is Move.REBUILD
    assert move(STALE, us=Us("")) is Move.FOREIGN


SERVER_UNSIGNED = Us("dify-upgrader[bot]", signed=False)
JANE = Us("jane")
BY_JANE = replace(OURS, author="jane")
LOOSE = BranchCommit(OURS.message, "jane", "jane")  # what a personal token makes where GitHub does not sign


@pytest.mark.parametrize(
    ("commit", "us", "wanted"),
    [
        (OURS, BOT, True),
        (replace(OURS, committer="jane"), BOT, False),  # amended, and signed with her own key
        (replace(OURS, committer="jane", verified=False, retouched=True), BOT, False),
        (replace(OURS, verified=False), BOT, False),  # GitHub's name without its signature
        (replace(OURS, committer="dify-upgrader[bot]"), BOT, True),
        (replace(OURS, committer="dify-upgrader[bot]", verified=False), BOT, False),
        (replace(OURS, verified=False), SERVER_UNSIGNED, True),
        (replace(OURS, committer="GitHub Enterprise", verified=False), SERVER_UNSIGNED, True),
        (replace(OURS, verified=False, retouched=True), SERVER_UNSIGNED, False),
        (BY_JANE, JANE, True),
        (LOOSE, JANE, True),
        (replace(LOOSE, retouched=True), JANE, False),
        (replace(LOOSE, retouched=True, verified=True), JANE, False),  # her own amendment of her token's commit
    ],
)
def test_ours_is_what_nobody_has_touched_since(commit: BranchCommit, us: Us, wanted: bool) -> None:  # noqa: FBT001
    assert is_ours(commit, us, frozenset({"staging"})) is wanted


def test_edits_are_carried_only_over_what_the_base_left_alone() -> None:
    origin = {"kept": OLD, "moved": OLD, "own": OLD}
    base = {"kept": OLD, "moved": OTHER, "own": OLD, "fresh": NEW}
    branch = {"kept": NEW, "moved": NEW, "own": OLD, "added": NEW}
    assert carry(origin, base, branch) == {**base, "kept": NEW, "added": NEW}
