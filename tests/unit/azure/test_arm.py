from __future__ import annotations

import pytest

from difyaction.azure.arm import Unanswered, last_name, parsed
from difyaction.azure.wire import Answer
from difyaction.errors import Failed
from tests.unit.azure.scripted import ENDPOINT, FakeTime, arm, error, ok

VM = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm"


def test_a_question_carries_the_token_and_the_version() -> None:
    client, wire = arm(ok({"id": VM}))
    assert client.look(VM, version="v1") == {"id": VM}
    assert wire.sent[0].headers["Authorization"] == "Bearer token-1"
    assert client.calls == {"GET": 1}


def test_what_is_not_there_is_nothing() -> None:
    client, _ = arm(error(404, "ResourceNotFound"))
    assert client.look(VM, version="v1") is None


@pytest.mark.parametrize(
    "answer",
    [
        ok({"message": "<html>Sign in to the guest network</html>"}),
        Answer(404, {}, {"message": "<html>No such page</html>"}),
        error(404, "SubscriptionNotFound"),  # so is told who has no right left
    ],
)
def test_a_page_in_the_place_of_an_answer_is_no_answer(answer: Answer) -> None:
    client, _ = arm(answer)
    with pytest.raises(Unanswered):
        client.look(VM, version="v1")


def test_another_refusal_is_unanswered() -> None:
    client, _ = arm(error(403, "AuthorizationFailed", "no"))
    with pytest.raises(Unanswered, match="403 AuthorizationFailed no"):
        client.look(VM, version="v1")


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
    client, wire = arm(passing, ok())
    assert client.ask("PUT", VM, {}, version="v1").ok
    assert len(wire.sent) == 2


def test_a_retry_after_is_honoured_but_never_slept_for_long() -> None:
    time = FakeTime()
    client, _ = arm(error(429, "x", retry_after="3"), error(429, "x", retry_after="100"), ok(), time=time)
    client.ask("PUT", VM, version="v1")
    assert time.pauses == [3.0, 15.0]


def test_a_precise_retry_after_counts_first() -> None:
    time = FakeTime()
    client, _ = arm(error(429, "x", retry_after="3", retry_after_ms="250"), ok(), time=time)
    client.ask("PUT", VM, version="v1")
    assert time.pauses == [0.25]


def test_nothing_is_repeated_after_the_deadline() -> None:
    time = FakeTime()
    client, wire = arm(ok(status=503), time=time)
    assert client.ask("GET", VM, version="v1", until=time.now + 0.1).status == 503
    assert len(wire.sent) == 1


def test_with_an_etag_412_stands() -> None:
    client, wire = arm(error(412, "PreconditionFailed"))
    assert client.ask("PUT", VM, {}, version="v1", etag='W/"1"').status == 412
    assert wire.sent[0].headers["If-Match"] == 'W/"1"'


def test_a_write_made_of_what_was_read_is_not_repeated() -> None:
    client, wire = arm(ok(status=503))
    assert client.ask("PATCH", VM, {}, version="v1", repeats=False).status == 503
    assert len(wire.sent) == 1


def test_a_conflict_that_does_not_pass_stands() -> None:
    client, _ = arm(error(409, "ScopeLocked"))
    assert client.ask("DELETE", VM, version="v1").codes == {"ScopeLocked"}


def test_an_expired_token_is_renewed_once() -> None:
    client, wire = arm(error(401, "ExpiredAuthenticationToken"), ok())
    assert client.ask("GET", VM, version="v1").ok
    assert [sent.headers["Authorization"] for sent in wire.sent] == ["Bearer token-1", "Bearer token-2"]


def test_a_token_that_is_never_taken_stands() -> None:
    client, wire = arm(error(401, "InvalidAuthenticationToken"), error(401, "InvalidAuthenticationToken"))
    assert client.ask("GET", VM, version="v1").status == 401
    assert len(wire.sent) == 2


def test_a_list_is_read_page_by_page() -> None:
    client, _ = arm(ok({"value": [{"n": 1}], "nextLink": f"{ENDPOINT}/more?x=1"}), ok({"value": [{"n": 2}]}))
    assert list(client.listed("/list", version="v1")) == [{"n": 1}, {"n": 2}]


def test_a_page_in_the_place_of_a_list_is_no_empty_list() -> None:
    client, _ = arm(ok({"message": "<html>Sign in to the guest network</html>"}))
    with pytest.raises(Unanswered):
        list(client.listed("/list", version="v1"))


def test_the_token_never_follows_a_link_to_another_host() -> None:
    client, wire = arm(ok({"value": [], "nextLink": "https://evil.example/more"}))
    with pytest.raises(Failed) as raised:
        list(client.listed("/list", version="v1"))
    assert raised.value.id == "azure-redirected"
    assert len(wire.sent) == 1


def test_ids_are_read_whatever_their_case() -> None:
    assert parsed("/subscriptions/s/resourcegroups/G/providers/x")["resourcegroups"] == "G"
    assert last_name(VM) == "vm"
