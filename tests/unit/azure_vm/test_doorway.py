"""The door around a handshake: shut whatever happens, strict before anybody was in, patient afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from difyaction.azure.doors import DoorOpen, Doors
from difyaction.azure.nsg import Passage
from difyaction.azure_vm.doorway import Doorway
from difyaction.cancelled import Cancelled
from difyaction.connections import Lost
from difyaction.errors import Failed
from difyaction.language import Language


@dataclass
class ScriptedPassage:
    """Does as it is told, once each, and writes down what it was asked."""

    doors: Doors
    opening: list[Exception] = field(default_factory=list)
    closing: list[Exception] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def open(self) -> None:
        self.asked.append("open")
        if self.opening:
            raise self.opening.pop(0)

    def wait(self, answers: Callable[[], bool]) -> None:
        assert answers()
        self.asked.append("wait")

    def close(self) -> None:
        self.asked.append("close")
        if self.closing:
            raise self.closing.pop(0)


@dataclass
class Scene:
    fenced: bool = False
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.passage = ScriptedPassage(Doors(lambda _: None, lambda: 0.0, lambda: 0.0, lambda: self.fenced))
        self.doorway = Doorway(cast("Passage", self.passage), lambda: True, self.said.append)

    def enter(self, inside: Callable[[], Any] = lambda: None) -> list[str]:
        """Pass once; return what the passage was asked meanwhile."""
        before = len(self.passage.asked)
        with self.doorway.entered():
            inside()
        return self.passage.asked[before:]


def busy() -> Failed:
    return Failed("azure-busy", "Azure was busy.", next_step="Run again.")


def ajar() -> DoorOpen:
    return DoorOpen("azure-door-open", "An opening could not be closed.", next_step="Close it.", state="")


def fail(error: BaseException) -> Callable[[], None]:
    def raise_it() -> None:
        raise error

    return raise_it


def test_it_is_opened_waited_for_and_shut_around_each_handshake() -> None:
    scene = Scene()
    assert scene.enter() == ["open", "wait", "close"]
    assert scene.enter() == ["open", "wait", "close"]


def test_a_handshake_that_fails_shuts_it_and_is_told_as_it_was() -> None:
    scene = Scene()
    with pytest.raises(RuntimeError):
        scene.enter(fail(RuntimeError()))
    assert scene.passage.asked == ["open", "wait", "close"]


def test_a_signal_passes_for_whoever_catches_it_shuts_all_doors_at_once() -> None:
    scene = Scene()
    with pytest.raises(Cancelled):
        scene.enter(fail(Cancelled(2)))
    assert scene.passage.asked == ["open", "wait"]


def test_before_anybody_was_in_what_keeps_us_out_ends_the_run() -> None:
    scene = Scene()
    scene.passage.opening.append(busy())
    with pytest.raises(Failed) as raised:
        scene.enter()
    assert not isinstance(raised.value, Lost)
    assert scene.passage.asked == ["open", "close"]


def test_before_anybody_was_in_a_door_that_stays_open_ends_the_run() -> None:
    scene = Scene()
    scene.passage.closing.append(ajar())
    with pytest.raises(DoorOpen):
        scene.enter()


def test_later_what_keeps_us_out_is_lost_contact_and_may_be_tried_again() -> None:
    scene = Scene()
    scene.enter()
    scene.passage.opening.append(busy())
    with pytest.raises(Lost) as raised:
        scene.enter()
    assert raised.value.id == "azure-way-barred"
    assert "The way to the machine could not be opened again. Azure was busy. " in str(raised.value)
    assert "Nothing was changed" not in str(raised.value), "the host goes on"
    assert "could not be opened" not in Language.of("ja").template(raised.value.what)
    assert scene.enter() == ["open", "wait", "close"]


def test_later_a_door_that_is_not_shut_yet_is_said_and_following_goes_on() -> None:
    scene = Scene()
    scene.enter()
    scene.passage.closing.append(ajar())
    scene.enter()
    assert "not closed yet" in scene.said[-1]


def test_behind_the_fence_nothing_is_tried_again() -> None:
    scene = Scene()
    scene.enter()
    scene.fenced = True
    scene.passage.opening.append(busy())
    with pytest.raises(Failed) as raised:
        scene.enter()
    assert not isinstance(raised.value, Lost)
