"""For how long doors of lost runs are looked for, where Azure does not let us see."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from difyaction.azure.arm import Arm, Unanswered
from difyaction.azure.clouds import PUBLIC
from difyaction.azure.doors import Doors
from difyaction.azure.identity import Identity
from difyaction.azure.leases import Run
from difyaction.azure.login import Login
from difyaction.azure.management import Management
from difyaction.azure.wire import Answer
from difyaction.azure_vm.clients import Clients
from difyaction.azure_vm.tidying import close_what_was_left
from difyaction.azure_vm.way_in import Approach
from difyaction.errors import Failed
from difyaction.runner import Runner
from tests.unit.azure.scripted import ENDPOINT, CountedTokens, FakeTime, error

PLACE = "/subscriptions/s/resourceGroups/g/providers"
GROUPS = tuple(f"{PLACE}/Microsoft.Network/networkSecurityGroups/{name}" for name in ("one", "two"))
VAULT = f"{PLACE}/Microsoft.KeyVault/vaults/kv"
FAILS, SILENT, BARRED = error(503, "ServiceUnavailable"), Answer(0), error(403, "AuthorizationFailed", "no")


@dataclass
class SlowAzure:
    """Answers everything alike; before it says nothing, it lets all the time go by that it is given."""

    answer: Answer
    time: FakeTime
    asked: list[str] = field(default_factory=list)

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, *, timeout: float
    ) -> Answer:
        assert (method, body, headers["Accept"]) == ("GET", None, "application/json")
        self.asked.append(url.removeprefix(ENDPOINT).partition("?")[0])
        self.time.now += timeout if self.answer.status == 0 else 0.1
        return self.answer


def clients_of(azure: SlowAzure) -> Clients:
    pace = azure.time.pace()
    identity = Identity("oidc", "tenant", "client", PUBLIC)
    login = Login(identity, lambda: "assertion")
    doors = Doors(lambda _: None, pace.clock, pace.monotonic)
    arm = Arm(ENDPOINT, "scope", CountedTokens(), azure, pace)
    return Clients(Run(1, 1, "ab12cd", ""), identity, login, Management(PUBLIC, login, pace), arm, azure, pace, doors)


def seconds_of(azure: SlowAzure, approach: Approach, out: io.StringIO) -> float:
    before = azure.time.now
    close_what_was_left(clients_of(azure), approach, Runner({}, out, monotonic=lambda: azure.time.now))
    return azure.time.now - before


@pytest.mark.parametrize("answer", [FAILS, SILENT])
def test_where_nothing_is_opened_nobody_waits_long_for_a_sight(answer: Answer) -> None:
    azure, out = SlowAzure(answer, FakeTime()), io.StringIO()
    elsewhere = Approach(other_groups=GROUPS, other_vaults=(VAULT,))

    assert 0 < seconds_of(azure, elsewhere, out) <= 3 * 21

    assert out.getvalue().count("warning: doors of earlier runs are not looked for in ") == 3
    assert set(azure.asked) == {*GROUPS, VAULT}


def test_a_failure_that_passes_is_asked_again_also_where_nothing_is_opened() -> None:
    azure = SlowAzure(FAILS, FakeTime())
    seconds_of(azure, Approach(other_groups=GROUPS[:1]), io.StringIO())
    assert len(azure.asked) > 1


def test_where_a_door_will_be_opened_a_sight_is_waited_for() -> None:
    azure = SlowAzure(FAILS, FakeTime())
    before = azure.time.now
    with pytest.raises(Failed) as raised:
        seconds_of(azure, Approach(groups=GROUPS[:1]), io.StringIO())
    assert raised.value.id == "azure-unavailable"
    assert azure.time.now - before > 60


def test_a_vault_that_may_not_be_looked_at_is_asked_for_once_and_refused_each_time() -> None:
    azure = SlowAzure(BARRED, FakeTime())
    clients = clients_of(azure)
    errors = []
    for _ in range(2):
        with pytest.raises(Unanswered) as raised:
            clients.vault(VAULT)
        errors.append(raised.value)
    assert azure.asked == [VAULT]
    assert errors[0] is not errors[1], "a traceback belongs to one of them"
