"""The proof of an edit: read again under YAML 1.1 and 1.2, exactly the intended leaves differ, as intended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from difyaction.gitops.editing.address import Path
from difyaction.gitops.editing.events import YAML_1_1, YAML_1_2, Event, UnreadableError, Version, events, ruamel_events
from difyaction.gitops.editing.written import STR, Kind, is_of_kind, plain_tag

Key = tuple[int, Path]


@dataclass(frozen=True)
class Intent:
    """What shall differ in a text: by the place of a scalar in the old text, what it shall read as.

    Where the scalar holds YAML text, ``inner`` says what shall differ in there. ``kind`` is what it shall be.
    """

    value: str
    line: int
    inner: Mapping[int, Intent] = field(default_factory=dict)
    kind: Kind = "text"


class DisprovedError(Exception):
    """The new text differs from the old one in more, in less or in something else than intended."""

    def __init__(self, why: str, line: int) -> None:
        super().__init__(why)
        self.line = line


def prove(before: str, after: str, intents: Mapping[int, Intent]) -> None:
    """Return when exactly the intended scalars differ. Raises `DisprovedError` with the line in the old text.

    The new text is read by ruamel.yaml under 1.2, all else by the quick reader where that can: a mistake of the
    one shows as a difference. A version of YAML that cannot read the old text says nothing about the new one.
    """
    for version, read in ((YAML_1_2, ruamel_events), (YAML_1_1, events)):
        try:
            old = list(events(before, version))
        except UnreadableError:
            continue
        try:
            new = list(read(after, version))
        except UnreadableError as why:
            msg = f"the edited text would not be YAML {version[0]}.{version[1]}: {why}"
            raise DisprovedError(msg, why.line) from why
        _compare(old, new, intents, version)


def _compare(old: Sequence[Event], new: Sequence[Event], intents: Mapping[int, Intent], version: Version) -> None:
    open_intents = dict(intents)
    for was, now in zip(old, new, strict=False):
        intent = open_intents.pop(was.start, None) if was.kind == "scalar" else None
        if intent is None:
            if was.meaning != now.meaning:
                msg = f"the edit would change something else under YAML {version[0]}.{version[1]}"
                raise DisprovedError(msg, was.line)
        else:
            _check(was, now, intent, version)
    if len(old) != len(new) or open_intents:
        line = min((intent.line for intent in open_intents.values()), default=old[-1].line if old else 1)
        msg = f"the edit would change how the file is built under YAML {version[0]}.{version[1]}"
        raise DisprovedError(msg, line)


def _check(was: Event, now: Event, intent: Intent, version: Version) -> None:
    if (now.kind, now.anchor, now.tag) != ("scalar", was.anchor, was.tag):
        msg = "the edit would change more than the value"
        raise DisprovedError(msg, was.line)
    if intent.inner:
        if now.style != was.style:
            msg = "the edit would change the block scalar around the value"
            raise DisprovedError(msg, was.line)
        try:
            prove(was.value, now.value, intent.inner)
        except DisprovedError as why:
            raise DisprovedError(str(why), was.line + why.line) from why
        return
    if now.value != intent.value or not is_of_kind(_tag(now, version), intent.kind):
        msg = (
            f"{intent.value!r} would be read as {now.value!r} ({_tag(now, version)}) by YAML {version[0]}.{version[1]}"
        )
        raise DisprovedError(msg, was.line)


def _tag(event: Event, version: Version) -> str:
    if event.tag not in {None, "!"}:
        return str(event.tag)
    return plain_tag(event.value, version) if event.style in {"plain", "empty"} else STR
