"""A YAML text as a flat run of events, each with the place of its own text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ruamel.yaml import events as ruamel
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from difyaction.gitops.editing import quick
from difyaction.gitops.editing.scanner import Stream
from difyaction.gitops.editing.yamlevent import Event, Kind, UnreadableError

__all__ = ["YAML_1_1", "YAML_1_2", "Event", "UnreadableError", "Version", "events", "ruamel_events"]

Version = tuple[int, int]
YAML_1_1: Version = (1, 1)
YAML_1_2: Version = (1, 2)

_BARE: dict[type, Kind] = {
    ruamel.DocumentStartEvent: "document",
    ruamel.DocumentEndEvent: "document-end",
    ruamel.MappingEndEvent: "end",
    ruamel.SequenceEndEvent: "end",
}
_STYLES = {None: "plain", "'": "single", '"': "double", "|": "literal", ">": "folded"}


def events(text: str, version: Version) -> Iterator[Event]:
    """Yield the events of a text under one version of YAML. Raises `UnreadableError`."""
    run = quick.read(text)
    return iter(run) if run is not None else ruamel_events(text, version)


def ruamel_events(text: str, version: Version) -> Iterator[Event]:
    """Yield the events of any text, as ruamel.yaml finds them. Raises `UnreadableError`."""
    stream = None
    try:
        stream = Stream(text, version)
        while stream.check_event():
            event = _event(stream.get_event(), stream)
            if event is not None:
                yield event
    except MarkedYAMLError as why:
        mark = why.problem_mark or why.context_mark
        raise UnreadableError(why.problem or str(why), mark.line + 1 if mark else 1) from why
    except ReaderError as why:
        line = text.count("\n", 0, why.position) + 1
        raise UnreadableError(f"the character U+{why.character:04X} is not allowed", line) from why
    except (YAMLError, ValueError, OverflowError, LookupError, AssertionError) as why:
        raise UnreadableError(str(why) or "not readable", stream.line + 1 if stream else 1) from why


def _event(event: Any, stream: Stream) -> Event | None:  # noqa: ANN401 - ruamel.yaml is read as untyped
    start, line = event.start_mark.index, event.start_mark.line + 1
    if isinstance(event, ruamel.ScalarEvent):
        return _scalar(event, stream)
    if isinstance(event, ruamel.AliasEvent):
        return Event("alias", start, event.end_mark.index, line, event.anchor)
    if isinstance(event, ruamel.CollectionStartEvent):
        kind: Kind = "mapping" if isinstance(event, ruamel.MappingStartEvent) else "sequence"
        return Event(kind, start, start, line, anchor=event.anchor, tag=event.tag, flow=bool(event.flow_style))
    bare = _BARE.get(type(event))
    return Event(bare, start, start, line) if bare else None


def _scalar(event: Any, stream: Stream) -> Event:  # noqa: ANN401
    # The event's own marks are those of its anchor or tag, and of the next token where nothing is written.
    token = stream.last_token
    start, end = token.start_mark, token.end_mark
    if not event.value and event.style is None:
        return Event("scalar", end.index, end.index, end.line + 1, "", "empty", event.anchor, event.tag)
    style = _STYLES[event.style]
    return Event("scalar", start.index, end.index, start.line + 1, event.value, style, event.anchor, event.tag)
