"""A secret is read through a firewall that lets us in for the seconds of the read, and nobody's address is lost."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from difyaction.azure import after
from difyaction.azure.closed import How
from difyaction.azure.closing import close_all, insist, shut
from difyaction.azure.dead_leases import leased
from difyaction.azure.door import recalled
from difyaction.azure.doors import STATE, DoorOpen
from difyaction.azure.leases import Lease, Run, VaultLease
from difyaction.azure.vault import Opening, read_secret
from difyaction.azure.vault_rules import bare
from difyaction.errors import Failed
from difyaction.secret import Secret
from tests.contract.azure_setting import KEY, SOURCE, Bench, bench
from tests.emulators.azure.emulator import AzureEmulator
from tests.emulators.azure.faults import EXPIRED_TOKEN, THROTTLED, UNAVAILABLE
from tests.emulators.azure.vaults import Vault as Emulated
from tests.emulators.request import Request

READ = "Microsoft.KeyVault/vaults/secrets/getSecret/action"


@pytest.fixture
def kept(azure: AzureEmulator) -> Emulated:
    return azure.group("rg").vault("dify-kv", secrets={"ssh-key": KEY}, addresses=("198.51.100.1",), tags={"env": "p"})


def with_token(request: Request) -> bool:
    """Whether a secret is asked for with a token; the SDK asks once without, to be told where tokens are had."""
    return request.path.startswith("/secrets/") and bool(request.headers.get("Authorization"))


def leave(setting: Bench, kept: Emulated) -> Opening:
    return Opening(kept.id, Lease(setting.run, int(setting.pace.clock()) + 600), setting.doors)


def fetched(setting: Bench, kept: Emulated, *, opens: bool = True) -> Secret:
    return read_secret(setting.vault(kept.url), "ssh-key", leave=leave(setting, kept) if opens else None)


def as_before(kept: Emulated) -> bool:
    return [bare(each) for each in kept.addresses] == ["198.51.100.1"] and kept.tags == {"env": "p"}


def test_an_open_vault_is_read_without_touching_it(azure: AzureEmulator) -> None:
    vault = azure.group("rg").vault("dify-kv", default_action="Allow", secrets={"ssh-key": KEY})
    setting = bench(azure)
    assert fetched(setting, vault).reveal() == KEY
    assert not azure.calls("PATCH *")
    assert setting.saved == {}


def test_without_leave_a_closed_vault_is_an_error_that_names_the_address(azure: AzureEmulator, kept: Emulated) -> None:
    with pytest.raises(Failed, match=SOURCE) as raised:
        fetched(bench(azure), kept, opens=False)
    assert raised.value.id == "vault-firewall"
    assert as_before(kept)


def test_a_vault_of_another_group_is_told_at_once_and_nothing_is_opened(azure: AzureEmulator, kept: Emulated) -> None:
    setting = bench(azure)
    elsewhere = replace(leave(setting, kept), vault=kept.id.replace("/dify-kv", "/dify-vk"))
    began = setting.pace.monotonic()
    with pytest.raises(Failed, match="whole id") as raised:
        read_secret(setting.vault(kept.url), "ssh-key", leave=elsewhere)
    assert raised.value.id == "vault-unknown"
    assert setting.pace.monotonic() - began < 60
    assert setting.saved == {}
    assert as_before(kept)


def test_with_leave_the_firewall_is_open_for_one_read(azure: AzureEmulator, kept: Emulated) -> None:
    azure.timing.vault_propagation, azure.timing.flapping = 20.0, 10.0
    setting = bench(azure)
    assert fetched(setting, kept).reveal() == KEY
    assert as_before(kept)
    assert [each.door.where for each in setting.doors.exposures] == [f"address {SOURCE} on Key Vault dify-kv"]
    assert all("publicNetworkAccess" not in request.body["properties"] for request in azure.calls("PATCH *"))


def test_the_door_is_written_down_before_it_is_opened(azure: AzureEmulator, kept: Emulated) -> None:
    setting = bench(azure)
    known: list[int] = []
    azure.faults.add("PATCH */vaults/*", before=lambda _: known.append(len(recalled(setting.saved[STATE]))))
    fetched(setting, kept)
    assert known == [1]


def test_an_address_that_was_there_before_us_is_never_removed(azure: AzureEmulator, kept: Emulated) -> None:
    kept.add_address(f"{SOURCE}/32")
    azure.timing.secrets_flap = 0
    setting = bench(azure)
    assert fetched(setting, kept).reveal() == KEY
    assert f"{SOURCE}/32" in kept.addresses


def test_each_address_of_a_pool_is_let_in_as_the_vault_names_it(azure: AzureEmulator, kept: Emulated) -> None:
    azure.client_address = ("203.0.113.10", "203.0.113.11")
    setting = bench(azure)
    assert fetched(setting, kept).reveal() == KEY
    assert as_before(kept)


def test_a_pool_without_end_is_refused_and_the_door_is_shut(azure: AzureEmulator, kept: Emulated) -> None:
    azure.client_address = tuple(f"203.0.113.{number}" for number in range(10, 40))
    with pytest.raises(Failed) as raised:
        fetched(bench(azure), kept)
    assert raised.value.id == "vault-many-addresses"
    assert as_before(kept)


def test_a_firewall_that_never_opens_is_an_error_and_closed_again(azure: AzureEmulator, kept: Emulated) -> None:
    azure.timing.vault_propagation = 100_000.0
    with pytest.raises(Failed) as raised:
        fetched(bench(azure), kept)
    assert raised.value.id == "vault-never-open"
    assert as_before(kept)


@pytest.mark.parametrize("fault", [THROTTLED, UNAVAILABLE, EXPIRED_TOKEN, {"reset": True}])
@pytest.mark.parametrize("match", ["PATCH */vaults/*", "GET */vaults/*", "GET /secrets/*"])
def test_a_passing_fault_is_outlived(
    azure: AzureEmulator, kept: Emulated, fault: dict[str, object], match: str
) -> None:
    azure.faults.add(match, **fault if "vaults" in match else {**fault, "headers": {}})  # it has its own challenge
    assert fetched(bench(azure), kept).reveal() == KEY
    assert as_before(kept)


def test_a_token_that_expires_between_two_reads_is_renewed(azure: AzureEmulator, kept: Emulated) -> None:
    setting = bench(azure)
    kept.add_address(f"{SOURCE}/32")
    vault = setting.vault(kept.url)
    assert read_secret(vault, "ssh-key").reveal() == KEY
    azure.pass_time(2 * azure.timing.token_life)
    assert read_secret(vault, "ssh-key").reveal() == KEY
    assert len(azure.github.minted) == 2
    vault.close()


def test_a_challenge_that_would_lead_the_token_elsewhere_is_refused(azure: AzureEmulator, kept: Emulated) -> None:
    setting = bench(azure)
    challenge = 'Bearer authorization="https://login.example/t", resource="https://vault.example"'
    azure.faults.add("GET /secrets/*", status=401, headers={"WWW-Authenticate": challenge})
    with pytest.raises(Failed) as raised:
        fetched(setting, kept)
    assert raised.value.id == "vault-elsewhere"
    assert not any(with_token(request) for request in azure.calls("GET /secrets/*"))


@pytest.mark.parametrize("after", [0, 1])
def test_a_write_whose_answer_was_lost_is_looked_at_not_repeated(
    azure: AzureEmulator, kept: Emulated, after: int
) -> None:
    azure.faults.add("PATCH */vaults/*", reset=True, lost=True, after=after)
    assert fetched(bench(azure), kept).reveal() == KEY
    assert as_before(kept)
    assert len(azure.calls("PATCH */vaults/*")) == 2


def test_two_runs_at_once_do_not_undo_each_other(azure: AzureEmulator, kept: Emulated) -> None:
    one = bench(azure)
    other = bench(azure, run=Run(123, 1, "ff00ff", "acme/infra"), like=one)
    for first, second in ((one, other), (other, one)):
        inside: list[str] = []
        done = threading.Event()

        def nested(_: object, second: Bench = second, inside: list[str] = inside, done: threading.Event = done) -> None:
            if not done.is_set():
                done.set()
                inside.append(fetched(second, kept).reveal())

        azure.faults.add(with_token, before=nested, after=1)
        assert fetched(first, kept).reveal() == KEY
        assert inside == [KEY]
        assert as_before(kept)


def test_an_address_that_a_foreign_lease_keeps_open_is_not_called_gone(azure: AzureEmulator, kept: Emulated) -> None:
    setting = bench(azure)
    theirs, value = VaultLease(Lease(Run(9, 9, "zz"), int(setting.pace.clock()) + 600), (SOURCE,)).tag
    kept.tags[theirs] = value

    assert fetched(setting, kept).reveal() == KEY
    (ended,) = shut(setting.arm, setting.doors, again=True)
    insist([ended])

    assert (ended.how, ended.why) == (How.HELD, ("run 9.9.zz holds it",))
    assert [(each.stands, each.held) for each in setting.doors.so_far] == [(True, True)]
    said: list[str] = []
    state = {**setting.saved, after.IDENTITY: setting.identity.state()}
    given = {**setting.azure.environ, **{f"STATE_{name}": text for name, text in state.items()}}
    assert after.close_up(given, said.append, after.World(setting.wire, setting.pace)) == 0
    (line,) = [line for line in said if SOURCE in line]
    assert line.startswith("::warning title=Another run keeps an address open::Our lease is gone, but it stays open:")

    del kept.tags[theirs]
    insist(shut(setting.arm, setting.doors, again=True))
    assert setting.doors.open == (), "what nobody holds any more is closed"
    assert as_before(kept)


def test_an_address_that_another_write_takes_away_is_added_again(azure: AzureEmulator, kept: Emulated) -> None:
    azure.faults.add(with_token, before=lambda _: kept.remove_address(SOURCE), after=1)
    setting = bench(azure)
    assert fetched(setting, kept).reveal() == KEY
    assert f"{SOURCE}/32" not in kept.addresses


def test_a_signal_leaves_closing_to_whoever_catches_it(azure: AzureEmulator, kept: Emulated) -> None:
    setting = bench(azure)

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    azure.timing.vault_propagation = 1000.0
    vault = setting.vault(kept.url)
    vault.arm = replace(setting.arm, pace=replace(setting.pace, pause=interrupt))
    with pytest.raises(KeyboardInterrupt):
        read_secret(vault, "ssh-key", leave=leave(setting, kept))
    assert f"{SOURCE}/32" in kept.addresses
    insist(shut(setting.arm, setting.doors, seconds=6.0))
    assert as_before(kept)


def test_a_later_run_closes_what_a_lost_one_left(azure: AzureEmulator, kept: Emulated) -> None:
    lost = Run(99, 1, "aa")
    expires = int(bench(azure).pace.clock()) + 600
    kept.tags[f"dify-upgrade:{lost.text}"] = f"{SOURCE}|{expires}"
    kept.add_address(f"{SOURCE}/32")
    later = bench(azure, run=Run(100, 1, "bb"))
    assert [each.held for each in leased(later.arm, [], [kept.id], run=later.run)] == [True]
    later.time.pause(3600)
    found = list(leased(later.arm, [], [kept.id], run=later.run))
    assert [each.held for each in found] == [False]
    insist(close_all(later.arm, [each.door for each in found]))
    assert as_before(kept)


def test_a_lock_against_changes_stops_us_before_anything_is_open(azure: AzureEmulator, kept: Emulated) -> None:
    azure.lock(kept, "ReadOnly")
    with pytest.raises(Failed) as raised:
        fetched(bench(azure), kept)
    assert raised.value.id == "azure-locked"
    assert as_before(kept)


def test_a_lock_that_comes_while_the_door_is_open_is_exit_9(azure: AzureEmulator, kept: Emulated) -> None:
    azure.faults.add(with_token, before=lambda _: azure.lock(kept, "ReadOnly"), after=1)
    with pytest.raises(DoorOpen, match="az keyvault network-rule remove") as raised:
        fetched(bench(azure), kept)
    assert raised.value.exit_code == 9


def test_no_right_to_change_the_vault_names_the_right(azure: AzureEmulator, kept: Emulated) -> None:
    setting = bench(azure)
    azure.allow(setting.application, "*/read", data=(READ,))
    with pytest.raises(Failed, match=r"Microsoft\.KeyVault/vaults/write") as raised:
        fetched(setting, kept)
    assert raised.value.id == "azure-right-missing"


def test_role_policy_and_private_endpoint_are_told_apart(azure: AzureEmulator) -> None:
    group, setting = azure.group("rg"), bench(azure)
    azure.allow(setting.application, "*", scope=group)
    secrets = {"ssh-key": KEY}
    for vault, expected in (
        (group.vault("no-role", default_action="Allow", secrets=secrets), "vault-role"),
        (group.vault("no-policy", default_action="Allow", secrets=secrets, rbac=False), "vault-policy"),
        (group.vault("private", secrets=secrets, public_network_access="Disabled"), "vault-private"),
    ):
        with pytest.raises(Failed) as raised:
            fetched(setting, vault)
        assert raised.value.id == expected
    assert not azure.calls("PATCH *")


def test_a_secret_that_is_not_there_is_told(azure: AzureEmulator, kept: Emulated) -> None:
    setting = bench(azure)
    with pytest.raises(Failed) as raised:
        read_secret(setting.vault(kept.url), "no-such", leave=leave(setting, kept))
    assert raised.value.id == "vault-secret-unknown"
    assert as_before(kept)
