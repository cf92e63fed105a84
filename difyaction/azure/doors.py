"""The list of openings, which outlives the run: each is written down before it is opened. Standard library only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from difyaction.azure.door import Door, Doubt, Recalled, RuleDoor, written
from difyaction.azure.openings import Openings
from difyaction.azure.wire import Answer
from difyaction.errors import ActionError, Failed

STATE: Final = "azure_doors"
REMEMBERED: Final = 64  # doors: a variable of the environment holds 128 KiB, and each takes some 600 bytes


class DoorOpen(ActionError):
    """An opening could not be closed. Beats every other end of a run. ``doors``: which, as far as it is known."""

    status = "door-open"
    exit_code = 9
    doors: tuple[Door, ...] = ()


@dataclass(frozen=True)
class Exposure:
    """How long a door was open, in seconds, from the request that opened it to the look that saw it closed.

    ``stands``: it was not seen closed yet; the seconds are those until now. ``doubtful``: it was seen closed for as
    long as was worth waiting, and nobody knows what comes of a request that opens it, which Azure never answered, or
    by ``failed``: see `Doubt`. ``held``: it is open by the lease of another run. ``theirs``: a dead run left it open,
    and nobody knows when that began: the seconds are those since it was found, and are not to be told.
    """

    door: Door
    seconds: float
    stands: bool = False
    doubtful: bool = False
    held: bool = False
    failed: int = 0
    theirs: bool = False


@dataclass
class Doors:
    """The openings of one run.

    ``save`` hands values to the post step (``Runner.state``), ``fenced`` says that the post step has begun.
    ``register`` comes before the opening, ``answered`` after Azure's answer to it, ``closed`` after the look that
    proved it. What was closed stays in the list for the post step, which looks at it once more, and is told that it was
    seen closed, and whether Azure's answer is still out. ``clock`` gives seconds since 1970, ``monotonic`` seconds that
    never jump: by these it is told how long a door was open.
    """

    save: Callable[[Mapping[str, str]], object]
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    fenced: Callable[[], bool] = lambda: False
    exposures: list[Exposure] = field(default_factory=list)
    _known: dict[str, Door] = field(default_factory=dict)
    _open: dict[str, float] = field(default_factory=dict)
    _held: set[str] = field(default_factory=set)  # what another run's lease keeps open
    _theirs: set[str] = field(default_factory=set)  # what a dead run left open
    _openings: Openings = field(init=False)

    def __post_init__(self) -> None:
        self._openings = Openings(self.clock, self.monotonic)

    @property
    def open(self) -> tuple[Door, ...]:
        """What may be open now."""
        return tuple(self._known[key] for key in self._open)

    @property
    def known(self) -> tuple[Door, ...]:
        """Everything that this run opened or meant to open."""
        return tuple(self._known.values())

    @property
    def shut(self) -> tuple[Door, ...]:
        """What this run saw closed."""
        return tuple(door for key, door in self._known.items() if key not in self._open)

    @property
    def so_far(self) -> tuple[Exposure, ...]:
        """How long each door was open: those that were seen closed, then those that were not."""
        now = self.monotonic()
        standing = (
            Exposure(self._known[key], now - began, stands=True, held=key in self._held, theirs=key in self._theirs)
            for key, began in self._open.items()
        )
        return (*self.exposures, *standing)

    def doubt(self, door: Door) -> Doubt | None:
        """Return the opening of a door that Azure has not answered, or nothing when all were."""
        return self._openings.doubt(_key(door))

    def register(self, door: Door) -> None:
        """Write a door down before it is asked for: it is closed whatever happens. ``Failed`` after the fence."""
        self._openings.ask(_key(door))
        self._open_now(door)
        self._write_down()
        self.check()

    def answered(self, door: Door, answer: Answer) -> None:
        """Note what Azure answered to the request for a door. What was refused is no door, unless it was one before."""
        key = _key(door)
        if answer.is_silence:
            if self._openings.failed(key, answer.status):
                self._correct()
            return
        if not answer.is_refusal:
            self._openings.carried_out(key)
        elif not self._openings.refused(key):
            self._known.pop(key, None)
            self._open.pop(key, None)
        self._correct()

    def seen(self, door: Door) -> None:
        """Note that a door was seen open: where one request alone can have opened it, that needs no answer any more."""
        key = _key(door)
        if self._openings.is_only(key):
            self._openings.carried_out(key)
            self._correct()

    def found(self, door: Door) -> None:
        """Write down what a dead run left open, before it is closed: the post step closes it when nobody else does."""
        self._theirs.add(_key(door))
        self.stands(door)

    def forget(self, door: Door) -> None:
        """Cross out what a dead run left open, and what was seen closed since: it is none of this run's doors."""
        key = _key(door)
        self._known.pop(key, None)
        self._open.pop(key, None)
        self._theirs.discard(key)
        self._correct()

    def stands(self, door: Door, *, held: bool = False) -> None:
        """Write down that a door is open, or may be: also one that was seen closed before. ``held``: by another run."""
        self._open_now(door)
        if held:
            self._held.add(_key(door))
        self._correct()

    def _open_now(self, door: Door) -> None:
        key = _key(door)
        self._held.discard(key)
        self._known[key] = door
        self._open.setdefault(key, self.monotonic())
        self._forget()

    def _forget(self) -> None:
        """Forget the oldest of those that were seen closed, when a flapping connection made too many."""
        shut = [key for key in self._known if key not in self._open]
        for key in shut[: max(0, len(self._known) - REMEMBERED)]:
            del self._known[key]

    def check(self) -> None:
        """Raise when the post step has begun: what it closes must not be opened again."""
        if self.fenced():
            raise _fenced()

    def closed(self, door: Door, *, doubtful: bool = False, at: float | None = None) -> None:
        """Note that a door was seen closed. ``doubtful``: an opening that was not answered may be carried out yet.

        ``at``: when, in monotonic seconds; left out: now.
        """
        key, doubt = _key(door), self.doubt(door)
        settled = not doubtful and doubt is not None
        if settled:
            self._openings.settle(key)
        began = self._open.pop(key, None)
        if began is not None:
            seconds = max(0.0, (self.monotonic() if at is None else at) - began)
            failed = doubt.failed if doubtful and doubt else 0
            theirs = key in self._theirs
            self.exposures.append(Exposure(door, seconds, doubtful=doubtful, failed=failed, theirs=theirs))
        if began is not None or settled:
            self._correct()

    def _correct(self) -> None:
        """Write down what has become of doors. What cannot be written leaves them named as open, which is safe."""
        with suppress(Failed):
            self._write_down()

    def _write_down(self) -> None:
        shut = self.shut
        self.save({STATE: written(Recalled(door, door in shut, self.doubt(door)) for door in self.known)})


def _key(door: Door) -> str:
    # A vault's door may gain an address on the way; it stays one door.
    return (door.rule if isinstance(door, RuleDoor) else f"{door.vault}#{door.lease.run.text}").lower()


def _fenced() -> Failed:
    return Failed(
        "azure-fenced",
        "This run was cancelled and its doors are being closed by the post step; no other is opened.",
        next_step="Look at the post step's log: it says what is closed.",
        state="",
    )
