"""The edit of a YAML file: the bytes of the values that change, and a proof that nothing else does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from difyaction.gitops.editing import locate
from difyaction.gitops.editing.address import INLINE, Address, Path, format_path, unwritable
from difyaction.gitops.editing.inline import read_inner
from difyaction.gitops.editing.leaves import Scalar
from difyaction.gitops.editing.proof import DisprovedError, Intent, prove
from difyaction.gitops.editing.rewrite import CannotStandError, Replacement, dominant_quote, replacement
from difyaction.gitops.editing.written import STR, Kind, kind_kept
from difyaction.gitops.editing.yamltext import Text, read, refuse


@dataclass(frozen=True)
class Edit:
    """The value at a path shall become the string ``value``, or, where it ``keeps_kind``, a number or a boolean again.

    ``expect`` is what stands there now, where the caller knows. ``shared`` is for a value with an anchor that
    was named on purpose: whoever reads it through an alias follows. Without it every such place must have an
    edit of its own to the same value.
    """

    path: Path
    document: int | None
    value: str
    expect: str | None = None
    shared: bool = False
    keeps_kind: bool = False


@dataclass(frozen=True)
class _Place:
    """An edit, the scalar that it names, and the scalar where the value is written (another one for an alias)."""

    edit: Edit
    named: Scalar
    origin: Scalar

    @property
    def kind(self) -> Kind:
        """What the new value shall be."""
        plain = self.edit.keeps_kind and self.origin.style == "plain" and self.origin.tag is None
        return kind_kept(self.origin.value, self.edit.value) if plain else "text"


def splice(content: bytes, edits: Sequence[Edit], *, file: str) -> bytes:
    """Apply all edits of a file as one, byte by byte, and prove it.

    An edit to the value that stands there already changes nothing. Raises `errors.Invalid` with file, line and
    reason: what `read` and `locate.find` raise, and edit-value, edit-stale, edit-conflict, edit-tag,
    edit-template, edit-block, edit-unproved, path-alias.
    """
    text = read(content, file=file)
    places = [_place(text, edit) for edit in edits]
    wanted = _one_per_origin(text, places)
    if not wanted:
        return content
    quote = dominant_quote(text.scalars)
    replacements = [_replacement(text, place, quote) for place in wanted.values()]
    after = _replaced(text, replacements)
    try:
        prove(text.content, after, _intents(text.scalars, list(wanted.values())))
    except DisprovedError as why:
        refuse("edit-unproved", str(why), file=file, line=why.line)
    return after.encode("utf-8")


def _place(text: Text, edit: Edit) -> _Place:
    named = locate.find(text, Address(text.file, edit.path, edit.document))
    name = format_path(edit.path)
    if unwritable(edit.value):
        why = f"the value for {name} holds a line break or a control character"
        refuse("edit-value", why, file=text.file, line=named.line)
    if edit.expect is not None and edit.expect not in {named.value, named.text}:
        why = f"{name} is {named.text!r}, not {edit.expect!r} as expected"
        refuse("edit-stale", why, file=text.file, line=named.line)
    return _Place(edit, named, _origin(text, named))


def _origin(text: Text, named: Scalar) -> Scalar:
    if named.alias_of is None:
        return named
    written = [scalar for scalar in text.sharing(named) if scalar.alias_of is None]
    if len(written) != 1:
        why = f"what the alias {format_path(named.path)} stands for has no path of its own"
        refuse("path-alias", why, file=text.file, line=named.line)
    return written[0]


def _one_per_origin(text: Text, places: Sequence[_Place]) -> Mapping[tuple[int, Path], _Place]:
    """Return one place for each written value that has to change."""
    chosen: dict[tuple[int, Path], _Place] = {}
    for place in places:
        key = (place.origin.document, place.origin.path)
        other = chosen.setdefault(key, place)
        if other.edit.value != place.edit.value:
            why = f"{format_path(place.edit.path)} should become {other.edit.value!r} and {place.edit.value!r}"
            refuse("edit-conflict", why, file=text.file, line=place.origin.line)
    changing = {key: place for key, place in chosen.items() if place.edit.value != place.origin.text}
    for place in changing.values():
        _refuse_others(text, place, places)
    return changing


def _refuse_others(text: Text, place: _Place, places: Sequence[_Place]) -> None:
    """Refuse an edit that would change a place which nobody named."""
    named = {(each.named.document, each.named.path) for each in places}
    if any(each.edit.shared and each.named is place.origin for each in places):
        return
    others = [
        scalar
        for scalar in text.sharing(place.origin)
        if (scalar.document, scalar.path) not in named and not _only_defines(scalar)
    ]
    if others:
        names = ", ".join(f"{format_path(scalar.path)} (line {scalar.line})" for scalar in others[:5])
        why = f"the value of {format_path(place.edit.path)} is shared by anchor and alias with {names}; name these too"
        refuse("path-alias", why, file=text.file, line=place.named.line)


def _only_defines(scalar: Scalar) -> bool:
    """Say whether a place is there for its anchor only: below a top-level key ``x-…``, which Compose ignores."""
    return scalar.alias_of is None and str(scalar.path[0]).startswith("x-")


def _replacement(text: Text, place: _Place, quote: str) -> Replacement:
    scalar, name = place.origin, format_path(place.origin.path)
    if scalar.tag not in {None, "!", STR}:
        why = f"{name} is tagged {scalar.tag}; a text would change what it is"
        refuse("edit-tag", why, file=text.file, line=scalar.line)
    if "{{" in scalar.value:
        refuse("edit-template", f"{name} holds a template ({{{{ … }}}})", file=text.file, line=scalar.line)
    try:
        return replacement(text.content, scalar, place.edit.value, quote, place.kind)
    except CannotStandError as why:
        refuse("edit-block", f"{name}: {why}", file=text.file, line=scalar.line)


def _replaced(text: Text, replacements: Sequence[Replacement]) -> str:
    parts: list[str] = []
    at = 0
    for each in sorted(replacements):
        if each.start < at:
            line = text.content.count("\n", 0, each.start) + 1
            refuse("edit-conflict", "two edits meet in one text", file=text.file, line=line)
        parts += (text.content[at : each.start], each.text)
        at = each.end
    return "".join((*parts, text.content[at:]))


def _reads(place: _Place) -> str:
    """Return what the edited scalar must read as: a block scalar keeps the line breaks at its end."""
    value = place.origin.value
    return place.edit.value + value[len(place.origin.text) :]


def _intents(scalars: Sequence[Scalar], places: Sequence[_Place], depth: int = 0) -> Mapping[int, Intent]:
    """Return what shall differ in a text that holds ``scalars``: there, or in the YAML inside one of them.

    ``depth`` is how much of each path leads to this text.
    """
    written = {(scalar.document, scalar.path): scalar for scalar in scalars if scalar.alias_of is None}
    inside: dict[tuple[int, Path], list[_Place]] = {}
    intents: dict[int, Intent] = {}
    for place in places:
        block = _block(written, place.origin, depth)
        if block is None:
            here = written[place.origin.document, place.origin.path]
            intents[here.start] = Intent(_reads(place), here.line, kind=place.kind)
        else:
            inside.setdefault((block.document, block.path), []).append(place)
    for key, those in inside.items():
        block = written[key]
        inner = _intents(read_inner(block).scalars, those, len(block.path) + 1)
        intents[block.start] = Intent("", block.line, inner)
    return intents


def _block(written: Mapping[tuple[int, Path], Scalar], origin: Scalar, depth: int) -> Scalar | None:
    """Return the block scalar of this text that the path goes through, if it does."""
    for at in range(depth, len(origin.path)):
        block = written.get((origin.document, origin.path[:at]))
        if origin.path[at] == INLINE and block is not None:
            return block
    return None
