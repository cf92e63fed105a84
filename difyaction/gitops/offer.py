"""What a plan becomes on GitHub: the texts, the order that is delivered, and how it is told."""

from __future__ import annotations

from difyaction.errors import Refused
from difyaction.gitops.entrance import Session, base_of, own_branch
from difyaction.gitops.github import delivery
from difyaction.gitops.github.calls import Calls
from difyaction.gitops.github.proposal import Delivered, Proposal, Strategy, Wish
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
from difyaction.surroundings import Surroundings
from difyaction.target import Objection, Outcome

FOREIGN = f"refused:{Move.FOREIGN.value}"


class Offer:
    """One plan on its way to one repository. ``session`` is the one in which the plan's files were read."""

    def __init__(self, inputs: Inputs, surroundings: Surroundings, calls: Calls, session: Session) -> None:
        self._inputs = inputs
        self._surroundings = surroundings
        self._calls = calls
        self._session = session

    def send(self, plan: GitopsPlan, reverts: str) -> Outcome:
        """Propose the plan, or commit it to the base branch."""
        order = self._order(plan, reverts)
        send = delivery.commit if self._inputs.delivery == "commit" else delivery.propose
        done = send(self._session.repository, self._session.look, order)
        for warning in done.warnings:
            self._surroundings.runner.warning(warning)
        if done.auto_merge_result == FOREIGN:
            raise self._foreign(done)
        return self._outcome(done)

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
            branch=self._session.look.base if inputs.delivery == "commit" else own_branch(self._inputs),
            base=base_of(inputs),
            labels=inputs.labels,
            reviewers=inputs.reviewers,
            team_reviewers=inputs.team_reviewers,
            assignees=inputs.assignees,
            draft=inputs.draft or blocking is not None,
            unit=subject.unit,
            commit_message=safe(describe.commit_message(subject, inputs.commit_message)),
        )

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
            branch=own_branch(self._inputs),
        )
        error.left = self._outputs(done)
        return error

    def _outcome(self, done: Delivered) -> Outcome:
        result = done.auto_merge_result
        calls = f"Calls to {self._inputs.repository}: {self._calls}."
        for sentence in (calls, *self._sentences(done, "en"), f"Auto-merge: {result}"):
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
        verified = N_("Commit {sha} is verified.") if done.verified else N_("Commit {sha} is not verified.")
        return () if done.verified is None else (Language.of(code).say(verified, sha=done.head_sha[:12]),)


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
