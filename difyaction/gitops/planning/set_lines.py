"""The edits that the user wrote out: an address and a value. They always win."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from difyaction import errors
from difyaction.gitops.editing import locate
from difyaction.gitops.editing.address import Address, format_path
from difyaction.gitops.editing.dotenv import read_env
from difyaction.gitops.editing.yamltext import read
from difyaction.gitops.files import FileAt
from difyaction.gitops.finding import names
from difyaction.gitops.finding.found import Found
from difyaction.gitops.finding.kinds import variables
from difyaction.gitops.finding.spot import Spot
from difyaction.gitops.planning import moves
from difyaction.gitops.planning.moves import Wanted
from difyaction.gitops.records import PlanOptions

_DIGEST = re.compile(r"[a-z0-9+._-]+:[0-9a-f]{32,}")


@dataclass(frozen=True)
class Fixed:
    """A place, and the whole value that shall stand there. ``images`` are those that the value names for a registry."""

    spot: Spot
    value: str
    images: tuple[Wanted, ...] = ()


def resolve(options: PlanOptions, files: Mapping[str, FileAt], found: Sequence[Found]) -> tuple[Fixed, ...]:
    """Find every place that a line of `set` names.

    Raises `errors.Invalid` with all complaints at once: set-file-missing, set-conflict, and what reading
    and `locate.find` complain of.
    """
    complaints: list[errors.Complaint] = []
    fixed: dict[object, Fixed] = {}
    by_file = {each.file: each for each in found}
    for address, value in options.set_lines:
        try:
            spot = _spot(address, files.get(address.file), by_file.get(address.file, Found(file=address.file)))
        except errors.Invalid as why:
            complaints.extend(replace(complaint, input="set") for complaint in why.complaints)
            continue
        images = tuple(_images(spot, value, options.image_map))
        other = fixed.setdefault(spot.key, Fixed(spot, value, images))
        if other.value != value:
            text = f"{address} is to become {other.value!r} and {value!r}"
            complaints.append(_complain("set-conflict", text, address))
    if complaints:
        raise errors.Invalid(complaints)
    return tuple(fixed.values())


def _images(spot: Spot, value: str, image_map: Mapping[str, str]) -> Iterator[Wanted]:
    """Yield the images that a value names: by a whole reference, or as the tag of the place that it is written to."""
    if reference := names.find_reference(value, image_map):
        whole = replace(spot, image=reference.image, repository=reference.repository, also=())
        yield from moves.registry_images(whole, reference.place.tag) if reference.place.tag else ()
    elif spot.image and (tag := names.find_place(value).tag) and not _DIGEST.match(tag):
        yield from moves.registry_images(spot, tag)


def _spot(address: Address, file: FileAt | None, found: Found) -> Spot:
    if file is None:
        text = f"{address.file} is not a file of the repository"
        if "#" in format_path(address.path):
            text += ". A path with a # in it stands in double quotes"
        raise errors.Invalid([_complain("set-file-missing", text, address)])
    if variables.is_env(address.file):
        return _env_spot(address, file, found)
    text_read = found.text or read(file.content, file=file.path)
    scalar = locate.find(text_read, address)
    known = next((spot for spot in found.spots if spot.key == (file.path, scalar.document, scalar.path)), None)
    spot = known or _blank(address, scalar.line)
    return replace(
        spot,
        path=scalar.path,
        document=scalar.document,
        value=scalar.text,
        span=(0, len(scalar.text)),
        before=known.before if known else scalar.text,
        kind="set",
    )


def _env_spot(address: Address, file: FileAt, found: Found) -> Spot:
    for line in read_env(file.content, file=file.path):
        if address.path == (line.key,):
            known = next((spot for spot in found.spots if spot.path == address.path), None)
            spot = known or _blank(address, line.line)
            whole = (0, len(line.value))
            before = known.before if known else line.value
            return replace(spot, value=line.value, span=whole, before=before, kind="set")
    raise errors.Invalid([_complain("path-missing", f"{address.file} does not set {address.path[0]}", address)])


def _blank(address: Address, line: int) -> Spot:
    return Spot(
        file=address.file,
        path=address.path,
        document=None,
        image="",
        repository="",
        value="",
        span=(0, 0),
        before="",
        kind="set",
        layout="",
        line=line,
    )


def _complain(kind: str, text: str, address: Address) -> errors.Complaint:
    return errors.Complaint(id=kind, text=f"set: {text}.", input="set", file=address.file)
