from __future__ import annotations

import pytest
from azure.core.exceptions import HttpResponseError, ServiceResponseError

from difyaction.azure.answers import Overdue, there, told, tried, unanswered
from difyaction.azure.management import Management
from difyaction.azure.wire import Answer
from difyaction.errors import Failed
from tests.unit.azure.scripted import ENDPOINT, FakeTime, error, ok
from tests.unit.azure.scripted_sdk import sdk

GROUP = "/subscriptions/s/resourceGroups/g"
NSG = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/nsg"
OPERATION = {"azure_asyncoperation": f"{ENDPOINT}/op/1?c=x"}


def look(azure: Management, **options: object) -> object:
    return azure.network(NSG).network_security_groups.get("g", "nsg", **options)


def run(azure: Management, **options: object) -> object:
    return azure.compute(GROUP).virtual_machines.begin_run_command("g", "vm", {"commandId": "x"}, **options).result()


def test_a_question_carries_the_token_and_is_counted() -> None:
    with sdk(ok({"name": "nsg"})) as (azure, wire):
        assert look(azure)["name"] == "nsg"  # type: ignore[index] # a model is a mapping
        assert wire.sent[0].headers["Authorization"] == "Bearer token-1"
        assert wire.sent[0].headers["User-Agent"].startswith("dify-upgrade-action")
        assert azure.calls == {"GET": 1}


def test_what_is_not_there_is_nothing() -> None:
    with sdk(error(404, "ResourceNotFound")) as (azure, _):
        assert there(lambda: look(azure)) is None


@pytest.mark.parametrize(
    "passing",
    [
        Answer(0),
        ok(status=503),
        error(429, "TooManyRequests"),
        error(409, "AnotherOperationInProgress"),
        error(412, "PreconditionFailed"),
        error(429, "RetryableError", details="RetryableErrorDueToAnotherOperation"),
    ],
)
def test_what_passes_is_asked_again(passing: Answer) -> None:
    with sdk(passing, ok({})) as (azure, wire):
        look(azure)
        assert len(wire.sent) == 2


def test_a_retry_after_is_honoured_but_never_slept_for_long() -> None:
    time = FakeTime()
    with sdk(error(429, "x", retry_after="3"), error(429, "x", retry_after="100"), ok({}), time=time) as (azure, _):
        look(azure)
        assert time.pauses == [3.0, 15.0]


def test_nothing_is_repeated_after_the_deadline() -> None:
    time = FakeTime()
    with sdk(ok(status=503), time=time) as (azure, wire):
        with pytest.raises(HttpResponseError):
            look(azure, until=time.now + 0.1)
        assert len(wire.sent) == 1


def test_a_connection_that_stays_broken_has_no_status() -> None:
    time = FakeTime()
    with sdk(Answer(0), time=time) as (azure, _), pytest.raises(ServiceResponseError) as raised:
        look(azure, until=time.now + 0.1)
    assert unanswered(raised.value).answer.status == 0


def test_an_expired_token_is_renewed_once() -> None:
    with sdk(error(401, "ExpiredAuthenticationToken"), ok({})) as (azure, wire):
        look(azure)
        assert [sent.headers["Authorization"] for sent in wire.sent] == ["Bearer token-1", "Bearer token-2"]


def test_a_token_that_is_never_taken_is_told() -> None:
    with (
        sdk(error(401, "InvalidAuthenticationToken"), error(401, "InvalidAuthenticationToken")) as (azure, wire),
        pytest.raises(Failed) as raised,
        told("looking"),
    ):
        look(azure)
    assert raised.value.id == "azure-token-rejected"
    assert len(wire.sent) == 2


def test_no_resource_provider_is_registered_unasked() -> None:
    with sdk(error(409, "MissingSubscriptionRegistration")) as (azure, wire):
        assert tried(lambda: look(azure)).codes == {"MissingSubscriptionRegistration"}
        assert len(wire.sent) == 1


def test_a_list_is_read_page_by_page() -> None:
    with sdk(ok({"value": [{"id": "1"}], "nextLink": f"{ENDPOINT}/more?x=1"}), ok({"value": [{"id": "2"}]})) as (
        azure,
        _,
    ):
        assert [each["id"] for each in azure.compute(GROUP).snapshots.list_by_resource_group("g")] == ["1", "2"]


@pytest.mark.parametrize(
    "answer",
    [
        ok({"value": [], "nextLink": "https://evil.example/more"}),
        ok(status=302, location="https://evil.example/more"),
    ],
)
def test_the_token_never_follows_a_link_to_another_host(answer: Answer) -> None:
    with sdk(answer) as (azure, wire):
        with pytest.raises((Failed, HttpResponseError)):
            list(azure.compute(GROUP).snapshots.list_by_resource_group("g"))
        assert [sent.host for sent in wire.sent] == ["management.example"]


def test_the_token_never_follows_an_operation_to_another_host() -> None:
    with sdk(ok(status=202, azure_asyncoperation="https://evil.example/op")) as (azure, wire):
        with pytest.raises(Failed) as raised:
            run(azure)
        assert raised.value.id == "azure-redirected"
        assert len(wire.sent) == 1


def test_an_operation_is_followed_to_its_end() -> None:
    time = FakeTime()
    begun = ok(status=202, location=f"{ENDPOINT}/result/1", **OPERATION)
    ended = (ok({"status": "InProgress"}, retry_after="1"), ok({"status": "InProgress"}), ok({"status": "Succeeded"}))
    with sdk(begun, *ended, ok({"value": [{"message": "7"}]}), time=time) as (azure, wire):
        assert run(azure) == {"value": [{"message": "7"}]}
        assert wire.story[1:] == ["GET /op/1", "GET /op/1", "GET /op/1", "GET /result/1"]
        assert time.pauses == [1.0, 2.0], "every two seconds, not every thirty, unless Azure asks for another pace"


def test_an_operation_that_failed_is_no_success() -> None:
    failed = ok({"status": "Canceled", "error": {"code": "Canceled", "details": [{"code": "Superseded"}]}})
    with sdk(ok(status=202, **OPERATION), failed) as (azure, _):
        ended = tried(lambda: run(azure))
    assert (ended.status, ended.codes) == (409, {"Canceled", "Superseded"})


def test_a_location_may_change_with_every_look() -> None:
    begun, again = (ok(status=202, location=f"{ENDPOINT}/result/{number}") for number in (1, 2))
    with sdk(begun, again, ok({"value": []})) as (azure, wire):
        assert run(azure) == {"value": []}
        assert wire.story[1:] == ["GET /result/1", "GET /result/2"]


def test_an_operation_that_does_not_end_in_time_is_overdue() -> None:
    time = FakeTime()
    with sdk(ok(status=202, **OPERATION), *[ok({"status": "InProgress"})] * 20, time=time) as (azure, wire):
        with pytest.raises(Overdue):
            run(azure, until=time.now + 10)
        assert len(wire.sent) < 12


def test_a_client_is_made_for_each_subscription_once() -> None:
    with sdk(ok({}), ok({})) as (azure, wire):
        assert azure.compute(GROUP) is azure.compute(NSG.replace("/s/", "/S/"))
        look(azure)
        azure.network("/subscriptions/other/resourceGroups/g").network_security_groups.get("g", "nsg")
        assert [sent.path.split("/")[2] for sent in wire.sent] == ["s", "other"]
