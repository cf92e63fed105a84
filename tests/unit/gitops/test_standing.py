"""What happens to a branch that is already there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from difyaction.gitops.github.proposal import Strategy
from difyaction.gitops.github.standing import BranchCommit, Move, Standing, carry, decide

OURS = BranchCommit("Bump\n\nDify-Upgrade-Action: staging", "dify-upgrader[bot]")
THEIRS = BranchCommit("Fix by hand", "jane")
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


def move(standing: Standing | None, *, strategy: Strategy = Strategy.ENVIRONMENT, login: str = "dify-upgrader") -> Move:
    return decide(standing, {"v": "new"}, strategy=strategy, unit="staging", login=login)


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
    other_unit = BranchCommit("Bump\n\nDify-Upgrade-Action: production", "dify-upgrader[bot]")
    no_trailer = BranchCommit("Bump", "dify-upgrader[bot]")
    by_name = BranchCommit(OURS.message, "", "dify-upgrader[bot]")
    assert move(replace(STALE, commits=(other_unit,))) is Move.FOREIGN
    assert move(replace(STALE, commits=(no_trailer,))) is Move.FOREIGN
    assert move(replace(STALE, commits=(by_name,))) is Move.REBUILD
    assert move(STALE, login="") is Move.FOREIGN


def test_edits_are_carried_only_over_what_the_base_left_alone() -> None:
    origin = {"kept": OLD, "moved": OLD, "own": OLD}
    base = {"kept": OLD, "moved": OTHER, "own": OLD, "fresh": NEW}
    branch = {"kept": NEW, "moved": NEW, "own": OLD, "added": NEW}
    assert carry(origin, base, branch) == {**base, "kept": NEW, "added": NEW}
