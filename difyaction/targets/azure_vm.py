"""A Docker Compose install of Dify on a virtual machine in Azure: doors, disks and locks around the target `server`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from difyaction.azure.closing import AT_EASE, IN_HASTE, insist, shut
from difyaction.azure.doors import DoorOpen
from difyaction.azure.machine import Machine, machine_id, read_machine
from difyaction.azure.snapshots import PATIENCE
from difyaction.azure_vm import exposure, keeping
from difyaction.azure_vm.besides import add_what_it_beats, without_the_door
from difyaction.azure_vm.clients import Clients, clients_of
from difyaction.azure_vm.command_way import CommandWay, unhurried
from difyaction.azure_vm.keeping import Shelf
from difyaction.azure_vm.machine_plan import AzureFacts, AzurePlan, make_azure_plan
from difyaction.azure_vm.objections import standing
from difyaction.azure_vm.ssh_way import SshWay
from difyaction.azure_vm.sweeping import swept
from difyaction.azure_vm.tidying import close_what_was_left, in_time, shut_for_good
from difyaction.azure_vm.way_in import WayIn
from difyaction.cancelled import Cancelled
from difyaction.errors import ActionError, Stranded
from difyaction.inputs import Inputs
from difyaction.language import N_, Language
from difyaction.surroundings import Surroundings
from difyaction.target import Outcome, Severity
from difyaction.targets.server import Server, releases_of
from difyaction.upstream_releases import Releases

KEPT = N_("The disks as they were before: {names}.")


class AzureVm:
    """The target ``azure-vm``: opens what it must for seconds, keeps the disks, and lets `Server` do the rest."""

    def __init__(
        self, inputs: Inputs, surroundings: Surroundings, clients: Clients, *, way: WayIn, releases: Releases
    ) -> None:
        self._inputs, self._surroundings, self._clients = inputs, surroundings, clients
        self._way, self._releases = way, releases
        self._server: Server | None = None
        self._shelf = Shelf()
        self._runs = "upgrade"  # the release that is kept, as far as it is known: the names of snapshots say it
        self._outcome: Outcome | None = None
        self._signalled: float | None = None  # when it was cancelled, in monotonic seconds

    def inspect(self) -> AzureFacts:
        """Look at the machine as Azure knows it, close what dead runs left open, then go in and look at its Dify."""
        inputs, clients = self._inputs, self._clients
        with self._doors_first():
            machine = read_machine(
                clients.azure, machine_id(inputs.azure_subscription_id, inputs.resource_group, inputs.vm_name)
            )
            approach = self._way.approach(machine)
            # First, whatever else is in the way: nothing that is missing now is a reason to leave a door open.
            close_what_was_left(clients, approach, self._surroundings.runner)
            found = standing(clients.arm, machine, approach, snapshot_group=keeping.snapshot_group(inputs, machine))
            facts = AzureFacts(
                machine=machine,
                approach=approach,
                objections=(*found.entering, *found.keeping),
                server=None,
                keeps=inputs.snapshot,
                asked=inputs.dify_version or inputs.rollback_to or "last-backup",
                acknowledge=inputs.acknowledge,
            )
            if any(each.severity is Severity.NEVER for each in found.entering):
                return facts
            in_the_way = tuple(self._way.objections(""))
            facts = replace(facts, objections=(*facts.objections, *in_the_way))
            if any(each.severity is Severity.NEVER for each in in_the_way):
                return facts
            self._server = self._entered(machine)
            return replace(facts, server=self._server.inspect())

    def plan(self, facts: AzureFacts) -> AzurePlan:
        """Decide, over facts alone."""
        server = self._server.plan(facts.server) if self._server and facts.server else None
        return make_azure_plan(facts, server)

    def apply(self, plan: AzurePlan) -> Outcome:
        """Keep the disks, then let the machine's runbook run."""
        if self._server is None or plan.server is None:
            raise ValueError("nobody got in, and the guard let that pass")
        with self._doors_first():
            try:
                if plan.keeps:
                    self._runs = plan.from_version
                    self._keep(plan.machine)
                outcome = self._server.apply(plan.server)
            except ActionError as error:
                error.left |= self._shelf.outputs
                if isinstance(error, Stranded) and self._shelf.sets:
                    raise keeping.with_last_rung(error, self._shelf.sets[-1]) from None
                raise
            if self._shelf.sets:
                self._prune(plan.machine)
            self._outcome = self._told(outcome)
            return self._outcome

    def close(self) -> None:
        """Close every door, look once more at each that ever was open, and let go of everything."""
        doors, surroundings, before = self._clients.doors, self._surroundings, sys.exception()
        try:
            if doors.known:
                # Who is cancelled has no time to wait for what Azure has not answered: the post step does.
                pressed = isinstance(before, Cancelled) and surroundings.runner.is_github
                now = surroundings.monotonic()
                seconds = in_time(now - (self._signalled or now)) if pressed else AT_EASE
                insist(shut_for_good(self._clients, surroundings.runner, seconds=seconds, waits=not pressed))
        except DoorOpen as error:
            error.left |= self._shelf.outputs
            add_what_it_beats(error, self._outcome)
            raise
        finally:
            for sentence in exposure.sentences(doors.so_far):
                surroundings.say(sentence)
            surroundings.runner.note({"exposure": exposure.output(doors.so_far)})
            if self._shelf.begun:
                surroundings.say(f"begun, and not seen complete: {', '.join(self._shelf.begun)}")
                surroundings.runner.note({"snapshots-unverified": "\n".join(self._shelf.begun)})
            self._way.close()
            self._releases.close()
            self._clients.close()
        if isinstance(before, DoorOpen):  # the last look counts
            where = "; ".join(door.where for door in before.doors)
            surroundings.say(f"closed at the second attempt, and seen closed: {where}")
            raise without_the_door(before) from None

    @contextmanager
    def _doors_first(self) -> Iterator[None]:
        """When the run is cancelled, close what is open before anything else: seven seconds are left."""
        try:
            yield
        except Cancelled as why:
            self._signalled = self._surroundings.monotonic()
            shut(self._clients.arm, self._clients.doors, seconds=IN_HASTE)
            why.left |= self._shelf.outputs
            raise

    def _entered(self, machine: Machine) -> Server:
        """Return the target `Server` on the far side. It keeps the disks once more where the host waits for that."""
        server = Server(self._inputs, self._surroundings, self._way.connection(), self._releases)
        server.watch = replace(server.watch, keep=lambda seconds: self._keep(machine, patience=seconds))
        if self._inputs.connection == "run-command":
            server.watch = unhurried(server.watch)
        return server

    def _keep(self, machine: Machine, *, patience: float = PATIENCE) -> None:
        say, now = self._surroundings.say, self._surroundings.now()
        kept = keeping.keep(
            self._inputs, self._clients, machine, self._shelf, version=self._runs, now=now, patience=patience
        )
        for name in kept.names:
            say(f"kept and verified: {name}")
        if not kept.keepsake.at_one_moment:
            say(f"the disks were kept one after the other, not at one moment: {kept.keepsake.why}")
        say("To put the disks back by hand, the last rung (docs/restore.md explains it):")
        for command in kept.commands:
            say(f"  {command}")

    def _prune(self, machine: Machine) -> None:
        """Let old snapshots go. What went well stays well when that does not: they only cost."""
        try:
            keeping.let_go(self._inputs, self._clients, machine, self._surroundings.say)
        except ActionError as why:
            self._surroundings.runner.warning(str(why), title=why.id)

    def _told(self, outcome: Outcome) -> Outcome:
        shelf, exposures = self._shelf, self._clients.doors.exposures
        language = Language.of(self._inputs.language)
        said = [language.say(KEPT, names=", ".join(shelf.names))] if shelf.sets else []
        own = {**shelf.outputs, "exposure": exposure.output(self._clients.doors.so_far)}
        return replace(
            outcome,
            outputs={**outcome.outputs, **own},
            sentences=(*outcome.sentences, *said, *exposure.sentences(exposures, language)),
            documents=(*outcome.documents, *shelf.documents),
        )


def way_of(inputs: Inputs, surroundings: Surroundings, clients: Clients) -> WayIn:
    """Return how scripts will reach the machine."""
    if inputs.connection == "run-command":
        return CommandWay(inputs, surroundings, clients)
    return SshWay(inputs, surroundings, clients)


def build(inputs: Inputs, surroundings: Surroundings) -> AzureVm:
    """Make the target. Nobody is contacted yet."""
    clients = clients_of(inputs, surroundings)
    releases = releases_of(inputs, surroundings)
    return AzureVm(inputs, surroundings, clients, way=way_of(inputs, surroundings, clients), releases=releases)


def sweep(inputs: Inputs, surroundings: Surroundings) -> Outcome:
    """Close the doors that dead runs left open, and remove snapshots whose time is over. Nobody goes in."""
    clients = clients_of(inputs, surroundings)
    try:
        return swept(inputs, surroundings, clients)
    finally:
        clients.close()
