"""Making a branch hold what it shall hold, whoever else is at work on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from difyaction.errors import Failed
from difyaction.gitops.github import commit, refs
from difyaction.gitops.github.commit import Committed, Draft, Lost, unverified
from difyaction.gitops.github.content import carried, onto, read_standing, start_of
from difyaction.gitops.github.look import Look
from difyaction.gitops.github.repository import Repository
from difyaction.gitops.github.standing import Move, Standing, blobs_after, decide, listing
from difyaction.gitops.github.work import Tip, Work
from difyaction.gitops.wording.marks import units_of, with_trailers

TRIES = 8  # with their pauses about a minute: ten legs of a matrix come through
HELD = "The branch {branch} holds that commit."
TEMPORARY = "dify-upgrade-temporary"  # beside our branches, not below one: `a` and `a/b` cannot both exist


def put(repository: Repository, look: Look, work: Work) -> Tip:
    """Bring a branch to what it shall hold. The first try trusts ``look``; each later one looks again."""
    return _until_won(repository, look, work, _try)


def commit_to_base(repository: Repository, look: Look, work: Work) -> Tip:
    """Commit straight to the base branch, over whatever it holds by then."""
    return _until_won(repository, look, work, _try_base)


def _until_won(repository: Repository, look: Look, work: Work, attempt: Callable[[Repository, Look, Work], Tip]) -> Tip:
    says = ""
    for number in range(TRIES):
        try:
            return attempt(repository, look, work)
        except Lost as lost:
            says = str(lost)
        repository.client.pace.back_off(number)
        look = repository.look(look.base, work.branch)
    raise Failed(
        "branch-contended",
        "{branch} kept moving while we wrote to it ({tries} tries): {says}.",
        next_step="Run again; if many jobs write to one branch, give each its own or lower max-parallel.",
        branch=work.branch or look.base,
        tries=TRIES,
        says=says.rstrip("."),
    )


def _try(repository: Repository, look: Look, work: Work) -> Tip:
    base = listing(repository.entries(look.base_tree))
    standing = read_standing(repository, look, work, base)
    start = start_of(repository, standing, work.strategy, base)
    files = onto(repository, work, start)
    if not files and start == base:
        return Tip(look.base_oid, Move.NOTHING)
    move = decide(standing, blobs_after(files), strategy=work.strategy, unit=work.unit, login=look.login)
    if standing is None:
        return _tip(move, _create(repository, look, work, Draft(look.base_oid, look.base_tree, _message(work), files)))
    if move is Move.ADD:
        draft = Draft(standing.head_oid, standing.head_tree, _message(work), files)
        return _tip(move, _add(repository, work.branch, work, draft))
    if move is Move.REBUILD:
        files += carried(repository, start, base, {file.path for file in files})
        draft = Draft(look.base_oid, look.base_tree, _message(work, standing), files)
        return _tip(move, _rebuild(repository, look, work, draft, standing.head_oid))
    return _left(work, standing, move)


def _tip(move: Move, done: Committed) -> Tip:
    return Tip(done.oid, move, done.verified, done.pull)


def _left(work: Work, standing: Standing, move: Move) -> Tip:
    """Return a branch that stays as it is, once it satisfies what is asked of its commits."""
    if move is Move.LEAVE:
        _verify(work, Committed(standing.head_oid, standing.verified), state=HELD, branch=work.branch)
    return Tip(standing.head_oid, move, standing.verified)


def _try_base(repository: Repository, look: Look, work: Work) -> Tip:
    base = listing(repository.entries(look.base_tree))
    files = onto(repository, work, base)
    if not files:
        return Tip(look.base_oid, Move.NOTHING)
    draft = Draft(look.base_oid, look.base_tree, _message(work), files)
    return _tip(Move.ADD, _add(repository, look.base, work, draft))


def _message(work: Work, standing: Standing | None = None) -> str:
    """Return the commit's message; a rebuilt shared branch goes on naming everyone whose edits it carries."""
    others = [unit for made in standing.commits for unit in units_of(made.message)] if standing else []
    return with_trailers(work.message, [work.unit, *others])


def _create(repository: Repository, look: Look, work: Work, draft: Draft) -> Committed:
    if draft.is_plain:
        done = commit.create_with_commit(repository, look.id, work.branch, draft)
        if work.require_verified and not done.verified:
            refs.delete(repository, work.branch)
        _verify(work, done)
        return done
    done = commit.make_loose(repository, draft)
    _verify(work, done)
    pull = refs.create_with_pull(repository, look, work.branch, done.oid, work.opening)
    return replace(done, pull=pull)


def _add(repository: Repository, branch: str, work: Work, draft: Draft) -> Committed:
    if draft.is_plain:
        done = commit.commit_on(repository, branch, draft)
        _verify(work, done, state=HELD, branch=branch)
        return done
    done = commit.make_loose(repository, draft)
    _verify(work, done)
    refs.forward(repository, branch, done.oid)
    return done


def _rebuild(repository: Repository, look: Look, work: Work, draft: Draft, before: str) -> Committed:
    if not draft.is_plain:
        done = commit.make_loose(repository, draft)
        _verify(work, done)
        refs.replace(repository, look, work.branch, refs.Step(before, done.oid))
        return done
    # Only a branch can take a signed commit, so a short-lived one does, and ours then moves there in one step.
    temporary = f"{TEMPORARY}/{repository.client.pace.token()}"
    done = commit.create_with_commit(repository, look.id, temporary, draft)
    try:
        _verify(work, done)
        refs.replace(repository, look, work.branch, refs.Step(before, done.oid, discard=temporary))
    except (Failed, Lost):
        refs.delete(repository, temporary)
        raise
    return done


def _verify(work: Work, done: Committed, **where: str) -> None:
    if work.require_verified and not done.verified:
        raise unverified(done, **where)
