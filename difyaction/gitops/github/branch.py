"""Making a branch hold what it shall hold, whoever else is at work on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from difyaction.errors import Failed
from difyaction.gitops.github import commit, refs
from difyaction.gitops.github.commit import Committed, Draft, Lost, unverified
from difyaction.gitops.github.content import carried, landed, onto, read_standing, start_of, us_at
from difyaction.gitops.github.look import Look
from difyaction.gitops.github.repository import Repository
from difyaction.gitops.github.standing import Move, Standing, blobs_after, decide, listing
from difyaction.gitops.github.sweeping import discard
from difyaction.gitops.github.temporary import temporary_name
from difyaction.gitops.github.work import Meet, Tip, Work
from difyaction.gitops.wording.marks import units_of, with_trailers

TRIES = 8  # with their pauses about a minute: ten legs of a matrix come through
HELD = "The branch {branch} holds that commit."

Attempt = Callable[[Repository, Look, Work, Lost | None], Tip]


def put(repository: Repository, look: Look, work: Work, meet: Meet) -> Tip:
    """Bring a branch to what it shall hold. The first try trusts ``look``; each later one looks again.

    ``meet`` is told of every look before anything is written over what it shows, and of a pull request that a try
    opened although it lost.
    """
    return _until_won(repository, look, work, _try, meet=meet)


def commit_to_base(repository: Repository, look: Look, work: Work) -> Tip:
    """Commit straight to the base branch, over whatever it holds by then."""
    return _until_won(repository, look, work, _try_base)


def _until_won(repository: Repository, look: Look, work: Work, attempt: Attempt, *, meet: Meet | None = None) -> Tip:
    says, lost = "", None
    for number in range(TRIES):
        if meet:
            work = replace(work, queued=meet(look, lost.pull if lost else None))
        try:
            return attempt(repository, look, work, lost)
        except Lost as why:
            says, lost = str(why), why
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


def _try(repository: Repository, look: Look, work: Work, lost: Lost | None) -> Tip:  # noqa: ARG001 - one shape
    base = listing(repository.entries(look.base_tree))
    standing = read_standing(repository, look, work, base)
    start = start_of(repository, standing, work.strategy, base)
    files = onto(repository, work, start)
    if not files and start == base:
        return Tip(look.base_oid, Move.NOTHING)
    move = decide(standing, blobs_after(files), strategy=work.strategy, unit=work.unit, us=us_at(repository, look))
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


def _try_base(repository: Repository, look: Look, work: Work, lost: Lost | None) -> Tip:
    base = listing(repository.entries(look.base_tree))
    files = onto(repository, work, base)
    if files:
        draft = Draft(look.base_oid, look.base_tree, _message(work), files)
        return _tip(Move.ADD, _add(repository, look.base, work, draft))
    done = landed(repository, look, lost.draft, work.unit) if lost and lost.draft else None
    if done is None:
        return Tip(look.base_oid, Move.NOTHING)
    _verify(work, done, state=HELD, branch=look.base)
    return _tip(Move.ADD, done)


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
        try:
            done = commit.commit_on(repository, branch, draft)
        except Lost as lost:
            lost.draft = draft
            raise
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
    temporary = temporary_name(repository.client.pace)
    try:
        done = commit.create_with_commit(repository, look.id, temporary, draft)
        _verify(work, done)
        refs.replace(repository, look, work.branch, refs.Step(before, done.oid, discard=temporary))
    except BaseException:  # a cancelled run, too, leaves none behind
        discard(repository, temporary)
        raise
    return done


def _verify(work: Work, done: Committed, **where: str) -> None:
    if work.require_verified and not done.verified:
        raise unverified(done, **where)
