"""From events to leaves, through anchors, aliases and merge keys, without recursion."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from difyaction.gitops.editing.address import Path
from difyaction.gitops.editing.events import Event, UnreadableError
from difyaction.gitops.editing.leaves import Leaves, Part, Scalar

MOST_LEVELS = 200
"""How deep collections may be nested. Charts stay below 20."""

MOST_LEAVES = 200_000
"""How many leaves a text may have with its aliases written out. A large chart has 3,000."""

_HELM = (".Values", ".Release", ".Chart", ".Capabilities", ".Files", ".Template", "include ", "template ", "tpl ")


class TemplateError(UnreadableError):
    """The text is a template that becomes YAML only when Helm has rendered it."""


@dataclass(slots=True)
class _Level:
    """An open collection. ``path`` is None where no path leads: in keys that are collections, and below such keys."""

    opening: Event
    path: Path | None
    first: int
    merges_into: _Level | None = None  # the mapping whose << this is, or is an item of
    count: int = 0
    key: str | None = None
    has_key: bool = False
    merging: bool = False  # the key is <<
    keys: set[str] = field(default_factory=set)
    merged: dict[Part, None] = field(default_factory=dict)  # a set in order

    @property
    def wants_key(self) -> bool:
        return self.opening.kind == "mapping" and not self.has_key

    @property
    def place(self) -> Path | None:
        """The path of the value that comes next."""
        element = self.key if self.opening.kind == "mapping" else self.count
        return None if self.path is None or element is None else (*self.path, element)

    @property
    def merge_target(self) -> _Level | None:
        """The mapping that a mapping standing here next is merged into."""
        return self if self.merging else (self.merges_into if self.opening.kind == "sequence" else None)

    def value_done(self) -> None:
        self.count += 1
        self.key, self.has_key, self.merging = None, False, False


class Walk:
    """Takes the events of one text, in order, and collects its leaves.

    ``inside`` is called with each scalar that is written in the text, when it stands in the list: what it
    adds there belongs to it. ``prefix`` goes before every path; documents count from ``document``.
    """

    def __init__(self, inside: Callable[[Scalar, Leaves], None], *, prefix: Path = (), document: int = 0) -> None:
        self.leaves = Leaves()
        self._inside = inside
        self._prefix = prefix
        self._document = document
        self._levels: list[_Level] = []
        self._anchors: dict[str, Part | None] = {}  # None: no path leads there, or it is still open

    def take(self, events: Iterable[Event]) -> Leaves:
        """Take all events. Raises `UnreadableError`, and `TemplateError` for a Helm template."""
        for event in events:
            self._take(event)
            if len(self.leaves.scalars) > MOST_LEAVES:
                msg = f"more than {MOST_LEAVES} values, aliases written out"
                raise UnreadableError(msg, event.line)
        return self.leaves

    def _take(self, event: Event) -> None:
        match event.kind:
            case "document":
                self._anchors = {}
            case "document-end":
                self.leaves.documents += 1
            case "end":
                self._close()
            case "mapping" | "sequence":
                self._open(event)
            case _ if self._levels and self._levels[-1].wants_key:
                self._key(self._levels[-1], event)
            case "alias":
                self._alias(event)
            case _:
                self._scalar(event)

    @property
    def _number(self) -> int:
        return self._document + self.leaves.documents

    def _place(self) -> Path | None:
        return self._levels[-1].place if self._levels else self._prefix

    def _value_done(self) -> None:
        if self._levels:
            self._levels[-1].value_done()

    def _anchored(self, event: Event) -> Part | None:
        if event.value not in self._anchors:
            msg = f"the alias *{event.value} has no anchor before it"
            raise UnreadableError(msg, event.line)
        return self._anchors[event.value]

    def _key(self, level: _Level, event: Event) -> None:
        level.has_key = True
        if event.kind == "alias":
            part = self._anchored(event)
            level.key = part.value if part else None
        else:
            level.key = event.value
            level.merging = event.value == "<<" and event.style == "plain"
            if event.anchor:
                self._anchors[event.anchor] = Part((), 0, 0, event.value)
        if level.key is None:
            return
        if level.key in level.keys and level.path is not None:
            self.leaves.twice.setdefault((self._number, (*level.path, level.key)), event.line)
        level.keys.add(level.key)

    def _open(self, event: Event) -> None:
        if len(self._levels) >= MOST_LEVELS:
            msg = f"nested deeper than {MOST_LEVELS} levels"
            raise UnreadableError(msg, event.line)
        parent = self._levels[-1] if self._levels else None
        is_key = parent is not None and parent.wants_key
        if parent is not None and is_key:
            _refuse_braces(parent, event)
        path = None if is_key else self._place()
        into = parent.merge_target if parent is not None and not is_key else None
        if path is not None:
            self.leaves.collections[self._number, path] = (event.kind, event.line)
        if event.anchor:
            self._anchors[event.anchor] = None
        self._levels.append(_Level(event, path, len(self.leaves.scalars), into))

    def _close(self) -> None:
        level = self._levels.pop()
        part = None
        if level.path is not None:
            for merged in level.merged:
                level.keys |= self.leaves.merge(merged, level.path, level.keys)
            part = Part(level.path, level.first, len(self.leaves.scalars))
            if level.merges_into is not None and level.opening.kind == "mapping":
                level.merges_into.merged.setdefault(part)
        if level.opening.anchor:
            self._anchors[level.opening.anchor] = part
        if self._levels and self._levels[-1].wants_key:
            self._levels[-1].has_key = True  # that was a key; its value has no path
        else:
            self._value_done()

    def _alias(self, event: Event) -> None:
        part, path = self._anchored(event), self._place()
        into = self._levels[-1].merge_target if self._levels else None
        if into is not None and part is not None and part.value is None:
            into.merged.setdefault(part)
        elif part is not None and path is not None:
            self.leaves.repeat(part, path, event)
        self._value_done()

    def _scalar(self, event: Event) -> None:
        _refuse_helm(event)
        path, first, scalars = self._place(), len(self.leaves.scalars), self.leaves.scalars
        if path is not None:
            own = (event.value, event.start, event.end, event.style, event.line, event.tag, event.anchor)
            scalar = Scalar(self._number, path, *own, flow=bool(self._levels) and self._levels[-1].opening.flow)
            scalars.append(scalar)
            self._inside(scalar, self.leaves)
        if event.anchor:
            self._anchors[event.anchor] = Part(path or (), first, len(scalars), event.value)
        self._value_done()


def _refuse_braces(level: _Level, event: Event) -> None:
    """Refuse ``{{ .Values.tag }}``, which YAML reads as a mapping whose key is a mapping."""
    if event.flow and event.kind == "mapping" and event.start == level.opening.start + 1:
        msg = "a template ({{ … }}) stands where a value should"
        raise TemplateError(msg, event.line)


def _refuse_helm(event: Event) -> None:
    """Refuse an unquoted Helm expression; other ``{{`` in plain text is text, as in an ApplicationSet."""
    if event.style == "plain" and "{{" in event.value and any(word in event.value for word in _HELM):
        msg = "a Helm template ({{ … }}) stands here without quotes"
        raise TemplateError(msg, event.line)
