"""A repository on GitHub as the place of the files: read through the API, delivered as a pull request or a commit."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from difyaction.errors import ActionError, Complaint, Invalid, Refused
from difyaction.gitops.files import Choose, Entry, FileAt
from difyaction.gitops.github import delivery
from difyaction.gitops.github.app_token import App, Mint, permissions_for
from difyaction.gitops.github.calls import Calls, Purpose
from difyaction.gitops.github.client import Client, connect
from difyaction.gitops.github.look import Look
from difyaction.gitops.github.pace import Pace
from difyaction.gitops.github.proposal import Delivered, Proposal, Strategy, Wish
from difyaction.gitops.github.repository import Repository, Touch
from difyaction.gitops.github.standing import Move
from difyaction.gitops.planning.plan import reapply
from difyaction.gitops.records import GitopsPlan
from difyaction.gitops.unit_name import unit_of
from difyaction.gitops.wording import describe
from difyaction.gitops.wording.paragraphs import Subject
from difyaction.inputs import Inputs
from difyaction.language import N_, Language
from difyaction.releases import heads
from difyaction.releases.version import Version
from difyaction.secret import Secret
from difyaction.surroundings import Surroundings
from difyaction.target import Objection, Outcome

PREFIX = "dify-upgrade/"
FOREIGN = f"refused:{Move.FOREIGN.value}"


@dataclass
class _Session:
    """What is open: the client, the look it took, and whether its token is ours to revoke."""

    client: Client
    repository: Repository
    look: Look
    minted: bool


class Remote:
    """One repository for one run. Nothing is contacted before the first question."""

    def __init__(self, inputs: Inputs, surroundings: Surroundings) -> None:
        self._inputs = inputs
        self._surroundings = surroundings
        self._calls = Calls()
        self._open: _Session | None = None

    def survey(self, choose: Choose, spare: Choose) -> tuple[FileAt, ...]:
        """List the files of the base branch and read those that are chosen, in two requests where that will do."""
        session = self._session(choose, spare)
        return session.repository.read(choose(self.entries()))

    def entries(self) -> tuple[Entry, ...]:
        """List the files of the base branch."""
        session = self._session()
        return session.repository.entries(session.look.base_tree)

    def read(self, entries: Iterable[Entry]) -> tuple[FileAt, ...]:
        """Read files of the base branch, each once."""
        return self._session().repository.read(entries)

    def touched(self, path: str) -> tuple[Touch, ...]:
        """Return the commits of the base branch that touched a file, newest first."""
        session = self._session()
        return session.repository.last_changed(path, at=session.look.base_oid, limit=100)

    def file_at(self, sha: str, path: str) -> bytes | None:
        """Return a file at a commit; None when it was not there."""
        return self._session().repository.file_at(sha, path)

    def files_at(self, sha: str, paths: Collection[str]) -> dict[str, bytes]:
        """Return those of several files that were there at a commit: one listing, and their contents together."""
        repository = self._session().repository
        entries = [entry for entry in repository.entries(sha) if entry.path in paths and entry.is_file]
        return {file.path: file.content for file in repository.read(entries)}

    def deliver(self, plan: GitopsPlan, reverts: str) -> Outcome:
        """Propose the plan, or commit it to the base branch."""
        session = self._session()
        order = self._order(plan, reverts)
        send = delivery.commit if self._inputs.delivery == "commit" else delivery.propose
        done = send(session.repository, session.look, order)
        for warning in done.warnings:
            self._surroundings.runner.warning(warning)
        if done.auto_merge_result == FOREIGN:
            raise self._foreign(done)
        return self._outcome(done)

    def close(self) -> None:
        """Revoke the token that was minted, and let go of the connection."""
        session, self._open = self._open, None
        if session is None:
            return
        if session.minted:
            _revoke(session.client, self._surroundings)
        session.client.requester.close()

    def _session(self, choose: Choose | None = None, spare: Choose | None = None) -> _Session:
        if self._open is None:
            token, minted = self._token()
            client = connect(self._inputs.api_url, token, pace=self._pace, calls=self._calls)
            repository = Repository(client, self._inputs.repository)
            prefix = self._own_branch
            try:
                if choose is None:
                    look = repository.look(self._base, prefix)
                else:
                    look, _ = repository.survey(choose, base=self._base, prefix=prefix, spare=spare)
            except BaseException:
                if minted:
                    _revoke(client, self._surroundings)
                raise
            self._open = _Session(client, repository, look, minted)
            self._check_branch(look)
        return self._open

    def _check_branch(self, look: Look) -> None:
        """See that a proposal has a branch of its own, also where the base is the default that nobody named."""
        if self._inputs.delivery == "pull-request" and self._own_branch == look.base:
            text = f"branch: {look.base} is the branch that would be changed; a pull request needs one of its own."
            raise Invalid([Complaint(id="input-conflict", text=text, input="branch")])

    def _token(self) -> tuple[Secret, bool]:
        inputs, runner = self._inputs, self._surroundings.runner
        if not inputs.app_client_id:
            return inputs.token, False
        app = App(inputs.app_client_id, inputs.app_private_key)
        mint = Mint(inputs.api_url, inputs.repository, app, self._pace, self._calls)
        writes = inputs.mode in {"apply", "rollback"}
        paths = (*inputs.files, *(line.partition("#")[0] for line in inputs.set_lines))
        with self._surroundings.hold_signals():
            made = mint.mint(permissions_for(writes=writes, paths=paths, team_reviewers=inputs.team_reviewers))
            runner.mask(made.token)
            runner.state({"app_token": made.token, "api_url": inputs.api_url})
        granted = ", ".join(f"{name}: {level}" for name, level in sorted(made.permissions.items()))
        runner.say(f"token of the App {made.app_slug or inputs.app_client_id} for {inputs.repository} ({granted})")
        return made.token, True

    @property
    def _base(self) -> str:
        """The branch that is read; with `delivery: commit` it is the one that is written, by whichever name."""
        inputs = self._inputs
        return inputs.base or (inputs.branch if inputs.delivery == "commit" else "")

    @property
    def _pace(self) -> Pace:
        # Real time, because tokens are dated with it; chance only spreads retries.
        return Pace(
            lambda: self._surroundings.now().timestamp(),
            self._surroundings.pause,
            random.random,
        )

    def _order(self, plan: GitopsPlan, reverts: str) -> delivery.Order:
        inputs = self._inputs
        blocking = next((objection for objection in plan.objections if objection.in_the_way), None)
        return delivery.Order(
            proposal=self._proposal(plan, reverts, blocking),
            changed=plan.files,
            reapply=lambda fresh: reapply(plan, fresh),
            wish=Wish(inputs.auto_merge, blocking.rule if blocking else "", inputs.merge_without_checks),
            strategy=Strategy(inputs.branch_strategy),
            require_verified=inputs.require_verified,
            settled=plan.settled,
        )

    def _proposal(self, plan: GitopsPlan, reverts: str, blocking: Objection | None) -> Proposal:
        inputs, say = self._inputs, Language.of(self._inputs.language).say
        shared = inputs.branch_strategy == "shared"
        subject = self._subject(plan, reverts)
        safe = self._surroundings.runner.redact  # GitHub shows these texts to everybody, and masks nothing
        return Proposal(
            title=safe(describe.title(subject, say, inputs.title)),
            body=safe((describe.frame if shared else describe.body)(subject, say, inputs.body)),
            section=safe(describe.section(subject, say)) if shared else "",
            branch=self._session().look.base if inputs.delivery == "commit" else self._own_branch,
            base=self._base,
            labels=inputs.labels,
            reviewers=inputs.reviewers,
            team_reviewers=inputs.team_reviewers,
            assignees=inputs.assignees,
            draft=inputs.draft or blocking is not None,
            unit=subject.unit,
            commit_message=safe(describe.commit_message(subject, inputs.commit_message)),
        )

    @property
    def _own_branch(self) -> str:
        """The branch of this run's proposal."""
        inputs = self._inputs
        name = "shared" if inputs.branch_strategy == "shared" else unit_of(inputs)
        return inputs.branch or f"{PREFIX}{name}"

    def _subject(self, plan: GitopsPlan, reverts: str) -> Subject:
        moving = dict.fromkeys(name for change in plan.changes for name in change.unit.split(", ") if name)
        return Subject(
            unit=unit_of(self._inputs),
            units=tuple(moving),
            environment=self._inputs.environment,
            from_version=plan.from_version,
            to_version=plan.to_version,
            changes=plan.changes,
            plan_id=plan.plan_id,
            objections=plan.objections,
            remarks=plan.findings,
            release=plan.release,
            heads=(_head(plan.from_version), _head(plan.to_version)),
            reverts=reverts,
        )

    def _foreign(self, done: Delivered) -> Refused:
        error = Refused(
            "foreign-commits",
            "The branch {branch} holds commits of somebody else, so that it was left as it is.",
            next_step="Merge or close its pull request, or delete the branch; then run again.",
            branch=self._own_branch,
        )
        error.left = self._outputs(done)
        return error

    def _outcome(self, done: Delivered) -> Outcome:
        result = done.auto_merge_result
        for sentence in (*self._sentences(done, "en"), f"Auto-merge: {result}"):
            self._surroundings.say(sentence)
        if result.startswith("refused:") and self._inputs.auto_merge != "off":
            text = f"This pull request will not merge by itself: {result}. docs/troubleshooting.md says what to do."
            self._surroundings.runner.warning(text)
        return Outcome(
            status=_status(done, self._inputs.delivery),
            changed=_changed(done, self._inputs.delivery),
            outputs=self._outputs(done),
            sentences=(*self._sentences(done, self._inputs.language), *done.warnings),
        )

    @staticmethod
    def _outputs(done: Delivered) -> dict[str, str]:
        return {
            "pull-request-number": str(done.number) if done.number else "",
            "pull-request-url": done.url,
            "pull-request-operation": done.operation,
            "auto-merge-result": done.auto_merge_result,
        }

    def _sentences(self, done: Delivered, code: str) -> tuple[str, ...]:
        say = Language.of(code).say
        calls = ", ".join(f"{purpose} {self._calls.of(purpose)}" for purpose in Purpose if self._calls.of(purpose))
        verified = N_("Commit {sha} is verified.") if done.verified else N_("Commit {sha} is not verified.")
        return (
            say(N_("Calls to {repository}: {calls}."), repository=self._inputs.repository, calls=calls),
            *((say(verified, sha=done.head_sha[:12]),) if done.verified is not None else ()),
        )


def _status(done: Delivered, how: str) -> str:
    if done.auto_merge_result == "merged":
        return "merged"
    if how == "commit":
        return "merged" if done.verified is not None else "unchanged"
    return "proposed" if done.number and done.operation != "closed" else "unchanged"


def _changed(done: Delivered, how: str) -> bool:
    committed = how == "commit" and done.verified is not None
    return committed or done.operation != "none" or done.auto_merge_result in {"merged", "enabled", "queued"}


def _head(version: str) -> str | None:
    return heads.head_of(Version.parse(version)) if version else None


def _revoke(client: Client, surroundings: Surroundings) -> None:
    try:
        reply = client.rest("DELETE", "/installation/token", purpose=Purpose.MINTING)
    except ActionError as why:
        surroundings.runner.warning(f"The App's token could not be revoked; the post step tries again. {why}")
        return
    if reply.ok:
        surroundings.say("The App's token is revoked.")
