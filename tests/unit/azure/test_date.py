"""Leases go by Azure's clock, whatever the runner's says."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from difyaction.azure.date import AzureDate
from difyaction.azure.wire import Answer
from tests.unit.azure.scripted import FakeTime, arm, ok

NOW = 1_764_000_000.0


def heard(ahead: float) -> AzureDate:
    date = AzureDate()
    date.hear(Answer(200, {"date": formatdate(NOW + ahead, usegmt=True)}), NOW)
    return date


@pytest.mark.parametrize("ahead", [-7200.0, 7200.0, 61.0])
def test_a_clock_that_is_wrong_is_told(ahead: float) -> None:
    assert heard(ahead).ahead == ahead
    side = "behind" if ahead > 0 else "ahead of"
    assert heard(ahead).warning.startswith(f"The clock of this machine is {abs(ahead):.0f} s {side} Azure's")


@pytest.mark.parametrize("ahead", [-4.0, 0.0, 4.0])
def test_what_a_date_cannot_tell_changes_nothing(ahead: float) -> None:
    assert (heard(ahead).ahead, heard(ahead).warning) == (0.0, "")


@pytest.mark.parametrize("text", ["", "soon", "Sat, 99 Nov 2026 25:00:00 GMT", "1"])
def test_a_date_that_is_none_changes_nothing(text: str) -> None:
    date = heard(7200.0)
    date.hear(Answer(200, {"date": text}), NOW)
    assert date.ahead == 7200.0


def test_resource_managers_answers_tell_the_time() -> None:
    time = FakeTime()
    client, _ = arm(ok({"id": "/x"}, date=formatdate(time.now - 3600, usegmt=True)), time=time)
    assert client.now() == time.now
    client.look("/x", version="1")
    assert client.now() == time.now - 3600
