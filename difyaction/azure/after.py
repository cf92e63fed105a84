"""What the post step does about Azure: fences and stops a main step that outlived its cancel, and closes its doors.

Standard library only. It reads the runner's state (``STATE_azure_...``) and logs in afresh.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from difyaction.azure import fence
from difyaction.azure.arm import Arm
from difyaction.azure.closed import Closed, How
from difyaction.azure.closing import AT_EASE, close_all, command
from difyaction.azure.door import Door, recalled
from difyaction.azure.doors import STATE
from difyaction.azure.identity import GithubTokens, Identity
from difyaction.azure.pace import Pace
from difyaction.azure.telling import doubt_title, doubtful, kept_open
from difyaction.azure.tokens import PlainTokens, metadata
from difyaction.azure.wire import Https, Wire
from difyaction.secret import Secret

IDENTITY: Final = "azure_identity"
DOOR_OPEN: Final = 9


class Says(Protocol):
    """Prints a line of the log."""

    def __call__(self, line: str) -> object:
        """Print it."""
        ...


@dataclass(frozen=True)
class World:
    """What the post step uses of the machine; tests give another."""

    wire: Wire
    pace: Pace
    engine: Path = fence.ENGINE


def real(environ: Mapping[str, str]) -> World:
    """Return the real world."""
    return World(Https(environ), Pace(time.time, time.monotonic, time.sleep, random.random))


def close_up(environ: Mapping[str, str], say: Says, world: World | None = None) -> int:
    """Close what the state names, and look once more at what the run closed itself. Return 0, or 9 for an open door.

    9 is for what may stand open: a door that the run saw closed is none because this step cannot log in.

    A main step that outlived its cancel is fenced and stopped in any case: it could open a door yet.
    """
    text = environ.get(f"STATE_{STATE}", "")
    if not text and not environ.get(f"STATE_{IDENTITY}", ""):
        return 0
    world = world or real(environ)
    _fence(environ, say, world.engine)
    if not text:
        return 0
    try:
        known = recalled(text)
    except ValueError as error:
        say(_escaped("error", "A door may be open", f"The list of doors could not be read: {error}"))
        return DOOR_OPEN
    shut = tuple(each.door for each in known if each.shut)
    doubts = {each.door: each.doubt for each in known if each.doubt}
    try:
        arm = _arm(environ, say, world)
        ended = close_all(arm, (each.door for each in known), seconds=AT_EASE, before=shut, doubts=doubts)
    except Exception as error:  # noqa: BLE001 - whatever is damaged, the doors are named with their commands
        ended = tuple(Closed(each.door, How.UNSEEN if each.shut else How.OPEN, (str(error),)) for each in known)
    return _report(ended, say)


def _fence(environ: Mapping[str, str], say: Says, engine: Path) -> None:
    place = environ.get(f"STATE_{fence.FENCE}", "")
    if place:
        try:
            fence.put_up(Path(place))
        except OSError as error:
            say(f"The fence could not be put up: {error}.")
    problem = fence.stop(environ.get(f"STATE_{fence.CONTAINER}", ""), engine)
    if problem:
        say(f"The container of the main step could not be stopped: {problem}.")


def _arm(environ: Mapping[str, str], say: Says, world: World) -> Arm:
    identity = Identity.of_state(environ.get(f"STATE_{IDENTITY}", ""), environ)

    def mask(secret: Secret) -> None:
        say(f"::add-mask::{secret.reveal()}")

    github = GithubTokens(environ, world.wire, identity.wanted_audience, mask, world.pace.pause)
    tokens = PlainTokens(
        identity, world.wire, github, mask, world.pace.pause, claims=lambda: github.claims, metadata=metadata(environ)
    )
    tokens.token(identity.cloud.arm_scope)  # once, before doors are closed side by side
    return Arm(identity.cloud.arm, identity.cloud.arm_scope, tokens, world.wire, world.pace)


def _report(ended: tuple[Closed, ...], say: Says) -> int:
    """Say how each door is. What the run itself saw closed is not open because nobody can look once more."""
    unseen = [each for each in ended if each.how is How.UNSEEN]
    for each in ended:
        if each.how is How.UNSEEN:
            say(f"Seen closed by the run itself: {each.door.where}.")
        elif each.how is How.HELD:
            say(_escaped("warning", "Another run keeps an address open", kept_open(each)))
        elif each.how is How.DOUBTFUL:
            say(_escaped("warning", doubt_title(each), doubtful(each)))
        elif each.shut:
            say(f"Closed, and seen closed ({each.how}): {each.door.where}.")
    if unseen:
        why = "; ".join(dict.fromkeys(text for each in unseen for text in each.why)) or "Azure is at work there"
        text = f"The run saw {len(unseen)} doors closed; this step could not look at them once more: {why}"
        say(_escaped("warning", "Doors were not looked at once more", text))
    left = [each for each in ended if not each.shut and each.how is not How.HELD]
    for each in left:
        say(_warning(each.door, "; ".join(each.why)))
    return DOOR_OPEN if left else 0


def _warning(door: Door, why: str) -> str:
    sweep = "Mode sweep with a login that may closes it"
    text = f"May be open: {door.where}. {why} {sweep}; to close it now:\n{command(door)}"
    return _escaped("error", "A door may be open", text)


def _escaped(kind: str, title: str, text: str) -> str:
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::{kind} title={title}::{escaped}"
