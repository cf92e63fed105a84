"""Everything that was kept of the disks is named, however the run ends: both times, and what was only begun."""

from __future__ import annotations

import io
import signal
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest

from difyaction.azure.snapshots import Keepsake, Kept, Order
from difyaction.azure_vm import keeping
from difyaction.cancelled import Cancelled
from difyaction.errors import ActionError, Failed, Stranded
from difyaction.target import Outcome
from difyaction.targets.azure_vm import AzureVm
from tests.unit.azure.test_rights import DISK, GROUP, MACHINE
from tests.unit.azure_vm.test_ending import GONE, target

PLAN = cast("Any", SimpleNamespace(server=object(), keeps=True, machine=MACHINE, from_version="1.13.3"))


@dataclass
class Host:
    """Upgrades, and does what a test says meanwhile."""

    meanwhile: Callable[[], object]

    def apply(self, plan: object) -> Outcome:
        assert plan is PLAN.server
        self.meanwhile()
        return Outcome("upgraded", changed=True, outputs={"backup-id": "b1"})


@dataclass
class Azure:
    """Keeps a disk each time that it is asked, until ``ends`` is there to be raised."""

    ends: dict[int, BaseException]
    asked: int = 0

    def keep(self, _: object, order: Order, *, patience: float, begun: list[str]) -> Keepsake:
        assert (order.machine, patience > 0) == (MACHINE, True)
        self.asked += 1
        begun.append(f"{GROUP}/snapshots/s{self.asked}")
        if self.asked in self.ends:
            raise self.ends[self.asked]
        return Keepsake((Kept(DISK, begun[-1], 1),))


def stage(monkeypatch: pytest.MonkeyPatch, **ends: BaseException) -> tuple[AzureVm, io.StringIO, dict[str, str]]:
    """Return a target whose host asks for the disks to be kept once more, its log, and what it notes."""
    out = io.StringIO()
    vm, runner, _ = target(GONE, out)
    azure = Azure({("first", "second").index(name) + 1: why for name, why in ends.items()})
    monkeypatch.setattr(keeping.snapshots, "keep", azure.keep)
    monkeypatch.setattr(keeping, "let_go", lambda *_: 0)
    host = Host(lambda: vm._keep(MACHINE, patience=60.0))  # noqa: SLF001 - as the host asks for it
    vm._server = cast("Any", host)  # noqa: SLF001 - nobody goes in here
    return vm, out, runner.noted


def test_disks_that_were_kept_twice_are_named_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    vm, _, noted = stage(monkeypatch)

    outcome = vm.apply(PLAN)
    vm.close()

    assert outcome.outputs["snapshot-ids"].splitlines() == [f"{GROUP}/snapshots/s1", f"{GROUP}/snapshots/s2"]
    assert "/snapshots/s2" in outcome.outputs["swap-commands"]
    assert "/snapshots/s1" not in outcome.outputs["swap-commands"], "one way back at a time: to the last state"
    assert "s1, s2" in outcome.sentences[0]
    assert "snapshots-unverified" not in noted


@pytest.mark.parametrize("why", [Cancelled(signal.SIGINT), Failed("azure-busy", "Busy.", next_step="Run again.")])
def test_what_was_begun_when_the_run_broke_off_is_named(
    monkeypatch: pytest.MonkeyPatch, why: Cancelled | Failed
) -> None:
    vm, out, noted = stage(monkeypatch, first=why)

    with pytest.raises(type(why)):
        vm.apply(PLAN)
    vm.close()

    assert noted["snapshots-unverified"] == f"{GROUP}/snapshots/s1"
    assert f"begun, and not seen complete: {GROUP}/snapshots/s1" in out.getvalue()
    assert "snapshot-ids" not in why.left


@pytest.mark.parametrize(
    "why", [Cancelled(signal.SIGTERM), Stranded("undo-failed", "Lost.", state="Bad.", next_step="Look.")]
)
def test_what_is_complete_and_what_is_not_are_told_apart(
    monkeypatch: pytest.MonkeyPatch, why: Cancelled | ActionError
) -> None:
    vm, _, noted = stage(monkeypatch, second=why)

    with pytest.raises(type(why)):
        vm.apply(PLAN)
    vm.close()

    assert why.left["snapshot-ids"] == f"{GROUP}/snapshots/s1"
    assert noted["snapshots-unverified"] == f"{GROUP}/snapshots/s2"
