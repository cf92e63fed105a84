"""However a run on Azure ends, no rule, no address and no lease is left; these need an sshd, and no engine."""

from __future__ import annotations

import fnmatch
import io
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from difyaction import inputs
from difyaction.azure.machine import read_machine
from difyaction.azure_vm.clients import clients_of
from difyaction.azure_vm.keeping import Shelf, keep
from difyaction.targets.azure_vm import sweep
from tests.e2e.azure_children import Child
from tests.e2e.azure_plain import Plain, plain_sshd
from tests.e2e.azure_runs import SECRET, Setting, Told, setting, surroundings_of, told, trust
from tests.e2e.connections.sshd import make_key, private_text, public_line
from tests.emulators.azure.emulator import AzureEmulator
from tests.emulators.azure.faults import FORBIDDEN
from tests.emulators.request import Request
from tests.no_releases import NoReleases

# Before the runner kills it. A SIGTERM after its last word finds no handler any more, on a machine that is slow to end.
ENDED_BY_ITSELF = {130, -signal.SIGTERM}


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plain]:
    with plain_sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
def place(sshd: Plain, monkeypatch: pytest.MonkeyPatch) -> Iterator[Setting]:
    with AzureEmulator() as azure, setting(azure, sshd) as built:
        trust(azure, monkeypatch)
        yield built


@pytest.fixture
def child(place: Setting, tmp_path: Path) -> Child:
    return Child(place, tmp_path / "run")


def planned(place: Setting, **given: str) -> Told:
    return told(place, NoReleases(), mode="plan", dify_version="1.14.1", **given)


def objections(ended: Told) -> list[str]:
    return [each.rule for each in ended.plan.stopping] if ended.plan else []


PHASES = [
    "POST */oauth2/v2.0/token",
    "GET */virtualMachines/*",
    "PATCH */vaults/*",
    "GET /secrets/*",
    "PUT */subnet-nsg/securityRules/*",
    "PUT */nic-nsg/securityRules/*",
    "DELETE */securityRules/*",
]


@pytest.mark.parametrize("phase", PHASES)
def test_a_run_that_is_cancelled_leaves_no_door(child: Child, place: Setting, phase: str) -> None:
    child.start(mode="plan", dify_version="1.14.1")
    struck = child.when(phase, signal.SIGINT)
    assert struck.wait(60), child.log

    code = child.cancelled()

    assert code in ENDED_BY_ITSELF, child.log
    assert place.is_shut, child.log
    done = child.post()
    assert done.returncode == 0, done.stdout
    assert place.is_shut


def test_what_azure_is_too_slow_to_close_in_time_the_post_step_closes(child: Child, place: Setting) -> None:
    place.azure.timing.network = 15.0
    child.start(mode="plan", dify_version="1.14.1")
    assert child.when("PUT */nic-nsg/securityRules/*", signal.SIGINT).wait(60), child.log

    child.cancelled()

    done = child.post()
    assert done.returncode == 0, done.stdout
    assert "Closed, and seen closed" in done.stdout
    assert place.is_shut


@pytest.mark.parametrize(
    ("opening", "look"),
    [("PUT */nic-nsg/securityRules/*", "DELETE */nic-nsg/securityRules/*"), ("PATCH */vaults/*", "GET */vaults/*")],
)
def test_what_azure_opens_after_the_cancelled_run_has_gone_is_closed_by_the_post_step(
    child: Child, place: Setting, opening: str, look: str
) -> None:
    ended, seen = threading.Event(), threading.Event()

    def on_its_way(_: Request) -> None:
        child.process.send_signal(signal.SIGINT)
        assert seen.wait(100), "the post step has looked, and seen nothing"

    def by_the_post_step(request: Request) -> bool:
        if ended.is_set() and any(fnmatch.fnmatchcase(label, look) for label in request.labels):
            threading.Timer(1.0, seen.set).start()
        return False

    place.azure.faults.add(opening, before=on_its_way)
    place.azure.faults.add(by_the_post_step)
    child.start(mode="plan", dify_version="1.14.1")
    _wait_until(lambda: bool(place.azure.calls(opening)), 60)

    code = child.cancelled()
    ended.set()

    assert code in ENDED_BY_ITSELF, child.log
    assert not seen.is_set()
    assert place.is_shut
    done = child.post()
    assert done.returncode == 0, done.stdout
    assert seen.is_set()
    assert place.azure.calls(opening)
    assert place.is_shut, done.stdout


@pytest.mark.parametrize("phase", ["GET /secrets/*", "PUT */nic-nsg/securityRules/*"])
def test_a_lost_runner_leaves_leases_and_a_later_sweep_closes_them(
    child: Child, place: Setting, tmp_path: Path, phase: str
) -> None:
    child.start(mode="plan", dify_version="1.14.1")
    assert child.when(phase, signal.SIGKILL, after=2 if "secrets" in phase else 0).wait(60), child.log
    assert child.wait() == -signal.SIGKILL
    _wait_until(lambda: bool(place.rules or place.vault.addresses))

    sweep = Child(place, tmp_path / "sweep", attempt=2)
    sweep.start(mode="sweep")

    assert (sweep.wait(), sweep.outputs["status"]) == (0, "swept"), sweep.log
    assert sweep.outputs["changed"] == "true"
    assert place.is_shut


def test_a_lease_that_lives_is_nobody_elses_to_close(child: Child, place: Setting, tmp_path: Path) -> None:
    child.start(mode="plan", dify_version="1.14.1")
    assert child.when("PUT */nic-nsg/securityRules/*", signal.SIGKILL).wait(60), child.log
    child.wait()
    rules = place.rules

    sweep = Child(place, tmp_path / "sweep", run=124)
    sweep.start(mode="sweep")

    assert (sweep.wait(), sweep.outputs["status"], sweep.outputs["changed"]) == (0, "swept", "false"), sweep.log
    assert place.rules[: len(rules)] == rules != []


def test_two_environments_on_one_vault_and_one_security_group_do_not_undo_each_other(
    place: Setting, sshd: Plain, tmp_path: Path
) -> None:
    second = place.group.machine("staging", subnet_group=place.subnet)
    gate = place.azure.gate(second, to=(sshd.host, sshd.port))
    place.azure.timing.vault_propagation = place.azure.timing.propagation = 2.0
    place.azure.overlap = "retryable"
    children = [Child(place, tmp_path / name, run=run) for name, run in (("dify", 123), ("staging", 124))]
    known = place.known_hosts.replace(str(place.gate.port), str(gate.port))
    children[0].start(mode="plan", dify_version="1.14.1")
    children[1].start(mode="plan", dify_version="1.14.1", vm_name="staging", port=str(gate.port), ssh_known_hosts=known)

    for each in children:
        assert each.wait() == 4, each.log
        assert "probe-cut" in each.log
    place.azure.pass_time(3)  # until what was removed is in force
    assert place.is_shut
    assert not gate.is_open


@pytest.mark.parametrize("newline", [" ", "\\n"])
def test_a_key_that_lost_its_newlines_opens_all_the_same(place: Setting, newline: str) -> None:
    place.vault.put_secret(SECRET, place.sshd.key.strip().replace("\n", newline))

    ended = planned(place)

    assert ended.error == "probe-cut", ended.log
    assert "mended" in ended.log
    assert place.is_shut


def test_a_key_of_the_inputs_needs_no_vault(place: Setting) -> None:
    given = {"ssh_key": place.sshd.key, "source_address": "203.0.113.10", "key_vault": "", "key_vault_secret": ""}

    ended = planned(place, open_key_vault="false", **given)

    assert ended.error == "probe-cut", ended.log
    assert not place.azure.calls("* */vaults/*")
    assert not place.azure.calls("GET /secrets*")
    assert place.is_shut


def test_without_leave_a_closed_vault_is_an_error_before_any_rule_is_made(place: Setting) -> None:
    ended = planned(place, open_key_vault="false")

    assert (ended.status, ended.error) == ("failed", "vault-firewall"), ended.log
    assert not place.azure.calls("PATCH *")
    assert not place.azure.calls("PUT */securityRules/*")


def test_a_door_that_cannot_be_closed_beats_every_other_end(place: Setting) -> None:
    locked = []
    place.azure.faults.add(
        "DELETE */nic-nsg/securityRules/*", before=lambda _: locked.append(place.azure.lock(place.nic, "ReadOnly"))
    )

    ended = planned(place)

    assert (ended.status, ended.error) == ("door-open", "azure-door-open"), ended.log
    assert "az network nsg rule delete --ids " in ended.outputs["says"]
    assert not place.subnet.rules
    locked[0].remove()


def test_a_key_that_is_not_let_in_is_told(place: Setting) -> None:
    place.vault.put_secret(SECRET, private_text(make_key("ed25519")))

    ended = planned(place)

    assert (ended.status, ended.error) == ("failed", "ssh-auth-refused"), ended.log
    assert place.is_shut


def test_a_secret_that_is_no_key_is_told_before_any_rule_is_made(place: Setting) -> None:
    place.vault.put_secret(SECRET, "not a key at all")

    ended = planned(place)

    assert (ended.status, ended.error) == ("invalid", "ssh-key-unreadable"), ended.log
    assert not place.azure.calls("PUT */securityRules/*")
    assert place.is_shut


def test_a_host_that_shows_another_key_is_not_talked_to(place: Setting) -> None:
    other = f"[{place.gate.host}]:{place.gate.port} {public_line(make_key('ed25519'))}"

    ended = planned(place, ssh_known_hosts=other)

    assert (ended.status, ended.error) == ("refused", "ssh-host-key-changed"), ended.log
    assert place.is_shut


def test_a_machine_that_stands_still_is_an_objection_and_nothing_is_opened(place: Setting) -> None:
    place.machine.power = "deallocated"

    ended = planned(place)

    assert ended.status == "planned", ended.log
    assert objections(ended) == ["azure-not-running"]
    assert not [call for method in ("PUT", "PATCH", "DELETE") for call in place.azure.calls(f"{method} *")]


def test_a_group_without_a_free_priority_is_an_objection_that_stops_apply(place: Setting) -> None:
    place.nic.fill(range(100, 4097))

    ended = told(place, NoReleases(), dify_version="1.14.1")

    assert (ended.status, ended.error) == ("refused", "objections"), ended.log
    assert objections(ended) == ["azure-nsg-full"]
    assert not place.azure.calls("PUT */securityRules/*")


def test_under_a_lock_on_deleting_the_rule_becomes_a_deny(place: Setting) -> None:
    place.azure.lock(place.nic, "CanNotDelete")

    ended = planned(place)

    assert ended.error == "probe-cut", ended.log
    (left,) = place.nic.rules.values()
    assert left["access"] == "Deny"
    assert not place.subnet.rules
    assert not place.gate.is_open


def test_a_job_that_azure_does_not_trust_is_told_the_command_that_mends_it(place: Setting) -> None:
    place.app.federations.clear()

    ended = planned(place)

    assert ended.error == "azure-trust-missing", ended.log
    says = ended.outputs["says"]
    assert f"az ad app federated-credential create --id {place.app.client_id}" in says
    assert f'"subject":"{place.azure.github.subject}"' in says


def test_a_plan_that_can_never_run_asks_nobody_to_approve_it(child: Child) -> None:
    child.start(mode="plan", dify_version="latest", nsg_name="other-nsg")

    assert child.wait() == 0, child.log
    told = {name: child.outputs[name] for name in ("status", "changed", "to-version")}
    assert told == {"status": "planned", "changed": "false", "to-version": ""}


def test_a_door_that_azure_refuses_to_open_is_none(child: Child, place: Setting) -> None:
    place.azure.faults.add("PATCH */vaults/*", **FORBIDDEN)
    child.start(mode="plan", dify_version="1.14.1")

    assert child.wait() == 4, child.log
    assert "azure-right-missing" in child.log
    assert child.outputs["exposure"] == "[]"


@pytest.mark.parametrize(("state", "code", "says"), [("", 4, "The runner gives no GITHUB_STATE"), ("/none/x", 4, "")])
def test_a_runner_that_takes_no_state_is_told(place: Setting, tmp_path: Path, state: str, code: int, says: str) -> None:
    run = Child(place, tmp_path / "run", more={"GITHUB_STATE": state})
    run.start(mode="plan", dify_version="1.14.1")

    assert run.wait() == code, run.log
    assert (says or "runner-state-unwritable") in run.log
    assert "internal-error" not in run.log
    assert place.is_shut
    if state:
        assert not place.azure.calls("PUT *")


def test_a_missing_right_is_an_objection_that_names_the_line_to_add(place: Setting) -> None:
    place.azure.allow(place.app, "*/read", "Microsoft.Compute/*")

    ended = planned(place)

    assert ended.status == "planned", ended.log
    assert "azure-right-missing" in objections(ended)
    assert '"Microsoft.Network/networkSecurityGroups/securityRules/write"' in ended.log
    assert not place.azure.calls("PUT */securityRules/*")


def test_a_sweep_lets_go_of_disks_whose_time_is_over_by_their_tags_alone(place: Setting) -> None:
    now, asked = surroundings_of(place, io.StringIO()), inputs.read(place.inputs(mode="sweep", snapshot_days="30"))
    clients = clients_of(asked, now)
    machine = read_machine(clients.azure, place.machine.id)
    keep(asked, clients, machine, Shelf(), version="1.13.3", now=now.now(), patience=60.0)
    theirs: Any = {"location": "japaneast", "properties": {"creationData": {"createOption": "Copy"}}}
    theirs["properties"]["creationData"]["sourceResourceId"] = machine.disks[0].id
    clients.azure.compute(machine.id).snapshots.begin_create_or_update(place.group.name, "theirs", theirs).wait()

    early = sweep(asked, now)
    ahead = sweep(asked, surroundings_of(place, io.StringIO(), ahead=timedelta(days=31)))
    place.azure.pass_time(timedelta(days=31).total_seconds())
    late = sweep(asked, surroundings_of(place, io.StringIO()))

    assert (early.status, early.changed) == ("swept", False)
    assert (ahead.status, ahead.changed) == ("swept", False), "a clock that is wrong lets nothing go"
    assert (late.status, late.changed) == ("swept", True)
    place.azure.pass_time(60)  # nobody waits for Azure to have removed them
    _wait_until(lambda: place.azure.collections == [])
    assert [snapshot.name for snapshot in place.azure.snapshots] == ["theirs"]


def _wait_until(look: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.05)
