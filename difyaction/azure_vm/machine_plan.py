"""The plan for a machine in Azure: the plan for its Dify, with what Azure adds to it and sets against it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from difyaction.azure.machine import Machine
from difyaction.azure_vm.way_in import Approach
from difyaction.compose.machine_plan import MachinePlan, Note
from difyaction.compose.restore_plan import RestoreFacts
from difyaction.compose.server_plan import ServerFacts, ServerPlan
from difyaction.language import N_
from difyaction.releases.version import Version
from difyaction.target import Change, Document, Finding, Objection

GIB = 1024**3


@dataclass(frozen=True, kw_only=True)
class AzureFacts:
    """Everything that a plan is made from. ``server`` is None when nobody gets in: then ``objections`` say why.

    ``asked`` is the release in the user's words. ``keeps``: the disks are kept before anything is touched.
    """

    machine: Machine
    approach: Approach
    objections: tuple[Objection, ...]
    server: ServerFacts | RestoreFacts | None
    keeps: bool
    asked: str = ""
    acknowledge: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AzurePlan(MachinePlan):
    """What would be done. ``server`` is the plan for its Dify, None when nobody gets in."""

    machine: Machine
    server: ServerPlan | None
    keeps: bool


def make_azure_plan(facts: AzureFacts, server: ServerPlan | None) -> AzurePlan:
    """Decide what is done. ``server``: the plan for its Dify, as far as anybody got in."""
    wanted = server.to_version if server else facts.asked
    found = tuple(_dated(facts.objections, wanted, facts.acknowledge))
    document = Document("Azure", "\n".join(_lines(facts)))
    keeps = facts.keeps and bool(server and server.steps)
    return AzurePlan(
        from_version=server.from_version if server else "",
        to_version=wanted if server else _release(facts.asked),
        changes=server.changes if server else (Change(facts.machine.name, "Dify", "", wanted),),
        objections=(*found, *(server.objections if server else ())),
        findings=(*_findings(facts, keeps=keeps), *(server.findings if server else ())),
        documents=(document, *(server.documents if server else ())),
        plan_id=_plan_id(facts, found, server, keeps=keeps),
        machine=facts.machine,
        server=server,
        keeps=keeps,
    )


def _release(asked: str) -> str:
    """Return the release that was asked for, empty where nobody has looked which one that is (`latest`, a range)."""
    try:
        return Version.parse(asked).tag
    except ValueError:
        return ""


def _dated(found: Iterable[Objection], version: str, acknowledge: Sequence[str]) -> Iterator[Objection]:
    """Yield objections with the release that consent to them would be for, and whether it is given."""
    for each in found:
        dated = replace(each, version=version)
        yield replace(dated, acknowledged=dated.consent in acknowledge)


def _findings(facts: AzureFacts, *, keeps: bool) -> Iterator[Finding]:
    if keeps:
        yield Note(
            "Before anything is touched, {disks} are kept as they are, and what was kept is verified.",
            {"disks": ", ".join(disk.name for disk in facts.machine.disks)},
        )
    elif facts.server is not None and not facts.keeps:
        yield Note(N_("The disks are not kept (snapshot: false): the last rung of the way back is missing."))


def _lines(facts: AzureFacts) -> Iterator[str]:
    machine = facts.machine
    yield f"machine: {machine.id}"
    yield f"location: {machine.location}, power: {machine.power}, guest agent: {'ready' if machine.agent else 'silent'}"
    for nic in machine.nics:
        yield f"address: {nic.private}, public {nic.public or 'none'}, in {nic.subnet or 'no subnet'}"
        yield from (f"security group on the way: {group}" for group in nic.groups)
    yield from (
        f"disk: {disk.name}, {disk.size_bytes / GIB:.0f} GiB, {disk.sku},"
        f" {'system' if disk.is_system else f'lun {disk.lun}'}"
        for disk in machine.disks
    )
    yield from facts.approach.told
    yield from (f"rules may be put into: {group}" for group in facts.approach.groups)
    yield from (f"firewall may be opened: {vault}" for vault in facts.approach.vaults)


def _plan_id(facts: AzureFacts, found: Sequence[Objection], server: ServerPlan | None, *, keeps: bool) -> str:
    """Bind the plan to this very machine and its disks: one of the same name, made anew, is another one."""
    machine, approach = facts.machine, facts.approach
    digest = hashlib.sha256()
    for text in (
        server.plan_id if server else "",
        machine.id.lower(),
        machine.vm_id,
        *(f"{disk.id.lower()} {disk.unique_id}" for disk in machine.disks),
        f"keeps {keeps}",
        *(each.lower() for each in (*approach.groups, *approach.vaults)),
        *(objection.consent for objection in found),
    ):
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()
