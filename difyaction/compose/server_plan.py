"""The plan for one machine: facts and a release in, objections and a script out. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from difyaction.compose.backup_steps import backup_steps
from difyaction.compose.built import with_images
from difyaction.compose.bystanders import left_alone, without_bystanders
from difyaction.compose.change_steps import change_steps
from difyaction.compose.composed_facts import Composed
from difyaction.compose.draft import Draft, Way, draft
from difyaction.compose.estimates import estimate
from difyaction.compose.facts import Machine
from difyaction.compose.judged import situation
from difyaction.compose.machine_plan import MachinePlan, Note
from difyaction.compose.mirrors import told
from difyaction.compose.renamed import calling
from difyaction.compose.run_delivery import delivered, run_id, settings_for
from difyaction.compose.runbook import RunSettings, render
from difyaction.compose.server_documents import documents, runbook_documents
from difyaction.compose.shift import Ends, Shift, shift_of
from difyaction.compose.steps import Step
from difyaction.compose.unproven import unproven
from difyaction.compose.verify_steps import verify_steps
from difyaction.compose.wishes import Wishes
from difyaction.releases import heads
from difyaction.releases.catalogue import Release
from difyaction.releases.rules import objections
from difyaction.secret import Secret
from difyaction.target import Change, Finding, Objection


@dataclass(frozen=True, kw_only=True)
class ServerFacts:
    """Everything that a plan is made from. ``owner`` names this run for people."""

    machine: Machine
    way: Way
    release: Release
    draft: Draft
    composed: Composed
    wishes: Wishes
    owner: str = ""


@dataclass(frozen=True, kw_only=True)
class ServerPlan(MachinePlan):
    """What would be done to the machine. Satisfies `target.Plan`. ``delivered`` goes to the run's folder."""

    steps: tuple[Step, ...]
    settings: RunSettings
    delivered: Mapping[str, bytes | Secret] = field(repr=False)
    script: str = field(repr=False)
    final_backup: bool = False


def make_plan(facts: ServerFacts) -> ServerPlan:
    """Decide what is done."""
    machine = without_bystanders(facts.machine, facts.way, facts.draft, facts.composed)
    facts = replace(facts, machine=machine)
    composed = told(with_images(facts.composed, machine.containers), facts.wishes.image_map)
    shift = _shift(facts, composed)
    estimates = estimate(shift, machine)
    judged = situation(machine, facts.draft, composed, shift, upstream=facts.release.images, estimates=estimates)
    found = objections(judged, facts.wishes.acknowledge) + tuple(conflicts(facts.draft, str(shift.wanted)))
    changes = tuple(_changes(shift, facts.draft))
    possible = changes and shift.api in shift.after  # else an objection says why it is not
    steps = (*backup_steps(shift), *change_steps(shift), *verify_steps(shift)) if possible else ()
    settings = settings_for(shift, machine, run=run_id(shift, machine), owner=facts.owner)
    script = render(steps, settings) if steps else ""
    return ServerPlan(
        from_version=str(shift.installed),
        to_version=str(shift.wanted),
        changes=changes,
        objections=found,
        findings=tuple(_findings(facts, shift)),
        documents=(*documents(machine, shift, facts.draft, estimates), *runbook_documents(steps, script)),
        plan_id=_plan_id(shift, steps, facts.draft, found),
        steps=steps,
        settings=settings,
        delivered=delivered(shift, facts.draft.files, settings.run_id, machine.host.epoch),
        script=script,
        final_backup=shift.data_change,
    )


def secret_key_of(machine: Machine) -> Secret | None:
    """Return the key that the containers have, None when nobody can read it."""
    found = machine.api.environment.get("SECRET_KEY") if machine.api else None
    return found or None


def draft_for(machine: Machine, way: Way, wishes: Wishes) -> Draft:
    """Merge the files of this machine for the wanted release."""
    if machine.install is None:
        raise ValueError("there is no install to draft for")
    return draft(machine.install, way, secret_key=secret_key_of(machine), image_map=wishes.image_map)


def _shift(facts: ServerFacts, composed: Composed) -> Shift:
    way = facts.way
    ends = Ends(installed=way.installed, wanted=way.wanted, head=way.head)
    return shift_of(facts.machine, facts.draft, composed, ends=ends, wishes=facts.wishes)


def conflicts(drafted: Draft, version: str) -> Iterator[Objection]:
    """Yield an objection for each file whose edits do not merge."""
    for merged in drafted.merged:
        objection = merged.objection(version)
        if objection is not None:
            yield objection


def _changes(shift: Shift, drafted: Draft) -> Iterator[Change]:
    before = shift.images_before
    for name, service in shift.after.items():
        if before.get(name) != service.image:
            yield Change(shift.folder, f"service {name}", before.get(name, "(none)"), service.image, shift.project)
    untouched = [path for path in drafted.written if path not in drafted.edited]
    for path in drafted.written:
        if path in drafted.edited:
            was, will_be = ("as it is", "merged") if path in shift.install.files else ("(none)", "new")
            yield Change(shift.folder, path, was, will_be, shift.project)
    if untouched:
        what = f"{len(untouched)} files of upstream's that nobody edited"
        yield Change(shift.folder, what, str(shift.installed), str(shift.wanted), shift.project)


def _findings(facts: ServerFacts, shift: Shift) -> Iterator[Finding]:
    yield from facts.draft.env.remarks
    if not heads.is_known(shift.wanted):
        yield _not_known(shift)
    if not facts.machine.install or not facts.machine.install.checkout:
        yield Note("{folder} is no git checkout: files are written, nothing is checked out.", {"folder": shift.folder})
    yield from left_alone(facts.machine)
    yield from _calling(facts, shift)
    yield from unproven(shift)


def _calling(facts: ServerFacts, shift: Shift) -> Iterator[Note]:
    """Yield who looks for the database under the name that it loses."""
    if not shift.moves_database:
        return
    beside = {each.service or each.name: each.environment for each in facts.machine.bystanders if not each.one_off}
    merged = {name: service.environment for name, service in facts.composed.services.items()}
    yield from calling(beside | merged, shift.database.service, shift.database_service)


def _not_known(shift: Shift) -> Note:
    known = {"wanted": shift.wanted, "newest": heads.newest_known(), "head": shift.head_after}
    if shift.head_after:
        return Note(
            "Dify {wanted} is newer than all that is known here, which ends with {newest}. Known of it are its files,"
            " its images and its schema {head}, by its migrations. Not known is what it asks for by hand, which"
            " settings changed their meaning, and whether its stores can read what the old ones wrote.",
            known,
        )
    return Note(
        "Dify {wanted} is newer than all that is known here, which ends with {newest}. Known of it are its files and"
        " its images; its schema is read from its image before anything stops. Not known is what it asks for by hand,"
        " which settings changed their meaning, and whether its stores can read what the old ones wrote.",
        known,
    )


def _plan_id(shift: Shift, steps: Sequence[Step], drafted: Draft, found: Sequence[Objection]) -> str:
    digest = hashlib.sha256()
    for text in (
        shift.folder,
        str(shift.installed),
        str(shift.wanted),
        shift.head_before,
        *(f"{step.name}\0{step.do}\0{step.undo}" for step in steps),
        *(objection.consent for objection in found),
    ):
        digest.update(text.encode() + b"\0")
    for path in drafted.written:
        digest.update(path.encode() + b"\0" + drafted.files[path] + b"\0")
    return digest.hexdigest()
