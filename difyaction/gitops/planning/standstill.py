"""Units that stay as they are, because one of their images cannot be moved by editing a tag."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from difyaction import errors
from difyaction.gitops.editing.address import Path, format_path
from difyaction.gitops.finding import names
from difyaction.gitops.finding.found import Found
from difyaction.gitops.finding.kinds import variables
from difyaction.gitops.records import Remark, Unit
from difyaction.language import N_
from difyaction.releases.catalogue import ImageSet

_LEFT = N_("Everything that moves with it is left alone.")

Key = tuple[str, int | None, Path]


@dataclass(frozen=True)
class Obstacle:
    """Why one place of a file cannot follow. ``id`` is that of the complaint, or of the remark."""

    id: str
    text: str
    facts: Mapping[str, object]
    file: str
    line: int

    def complaint(self) -> errors.Complaint:
        """Return the obstacle as an error, for a file that the user named."""
        return errors.Complaint(id=self.id, text=self.text.format(**self.facts), file=self.file, line=self.line)

    def remark(self) -> Remark:
        """Return the obstacle as a remark, for a file that we found ourselves."""
        text = f"{self.text} {_LEFT}"
        return Remark(self.id, text, self.facts, file=self.file, line=self.line)


def obstacles(found: Found, images: ImageSet, by_hand: Collection[Key]) -> Iterator[Obstacle]:
    """Yield what stands in the way in one file; what the user sets by hand does not.

    A line of `set` for the same file, or for the variable that decides, shows that the user sees to it.
    """
    seen_to = {key[0] for key in by_hand} | {key[2][0] for key in by_hand if variables.is_env(key[0])}
    for gap in found.gaps:
        if not gap.image or {gap.file, gap.variable} & seen_to:
            continue  # without an image it is a chart's version, a range: it is reported, and nothing hangs on it
        facts = {"file": gap.file, "line": gap.line, "image": gap.image, "text": gap.text, "variable": gap.variable}
        text = N_("{file}, line {line}: the tag of {image} is decided by {text!r}, not written here.")
        if gap.variable:
            text += " " + N_("Name the variable of your .env file in env-variables: {variable}={image}.")
        yield Obstacle("tag-from-variable" if gap.variable else "tag-from-template", text, facts, gap.file, gap.line)
    yield from _unseen(found, seen_to)
    yield from _overruled(found, images, seen_to)
    for spot in found.spots:
        if spot.kind in {"chart-version", "app-version"} or spot.key in by_hand:
            continue
        if spot.image not in images.tags or spot.before == images.tags[spot.image]:
            continue
        if not names.is_upstreams(spot.image, spot.before):
            text = N_(
                "{where} (line {line}): {tag!r} is no tag that upstream gave to {image}, but a build of its own. "
                "Say by `set` what shall stand there."
            )
            facts = {"where": spot.where, "line": spot.line, "tag": spot.before, "image": spot.image}
            yield Obstacle("own-build", text, facts, spot.file, spot.line)


def _unseen(found: Found, seen_to: Collection[object]) -> Iterator[Obstacle]:
    """Yield texts that name a tag, and that nothing here can edit."""
    for loose in found.loose if found.file not in seen_to else ():
        facts = {"file": found.file, "line": loose.line, "path": format_path(loose.path), "text": loose.text}
        if loose.why:
            text = N_(
                "{file}, line {line}: {path} holds tags of Dify, but cannot be read as YAML: {why}. "
                "Mend it, or say by `set` what shall stand there."
            )
            yield Obstacle("path-opaque", text, {**facts, "why": loose.why}, found.file, loose.line)
        else:
            text = N_(
                "{file}, line {line}: {path} names a tag of Dify in a way that is not edited: {text!r}. "
                "Write it as a value of its own, or say by `set` what shall stand there."
            )
            yield Obstacle("image-uncovered", text, facts, found.file, loose.line)
    for complaint in found.refused:
        yield Obstacle("path-duplicate-key", "{why}", {"why": complaint.text}, found.file, complaint.line)


def _overruled(found: Found, images: ImageSet, seen_to: Collection[object]) -> Iterator[Obstacle]:
    """Yield defaults that would move for nothing: the `.env` beside the file sets the variable."""
    for each in found.overruled:
        spot = each.spot
        if each.variable in seen_to or images.tags.get(spot.image) in {None, spot.before}:
            continue
        text = N_(
            "{file}, line {line}: the tag of {image} is only the default of {variable}, which {env} (line {env_line}) "
            "sets. Name the variable of your .env file in env-variables: {variable}={image}."
        )
        facts = {"file": spot.file, "line": spot.line, "image": spot.image, "variable": each.variable}
        where = {"env": each.file, "env_line": each.line}
        yield Obstacle("tag-in-env-file", text, facts | where, spot.file, spot.line)


def cannot_be_edited(complaint: errors.Complaint) -> Remark:
    """Say why a file that nobody named is left alone: an edit of it was tried and refused."""
    text = N_("{why} Everything that moves with it is left alone.")
    return Remark("file-left", text, {"why": _sentence(complaint.text)}, file=complaint.file, line=complaint.line)


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def undecided(unit: Unit, found: Sequence[Found], moving_charts: Collection[Key]) -> tuple[str, ...]:
    """Return the images without a tag that no place of the unit gives one to, nor a chart that moves."""
    if any(spot.key in moving_charts for spot in unit.spots):
        return ()
    decided = {image for spot in unit.spots for image, _ in spot.names}
    empty = {item.image for each in found for item in each.named}
    return tuple(sorted(image for image in empty - decided if names.carries_release(image)))


def spread(units: Sequence[Unit], still: Collection[str], is_outside: Callable[[str], bool]) -> frozenset[str]:
    """Return the names of all units that stand still when those in ``still`` do: shared files tie them together.

    Files that are not edited anyhow (``is_outside``) tie nobody.
    """
    names_still = frozenset(still)
    files = {unit.name: {file for file in unit.files if not is_outside(file)} for unit in units}
    while True:
        frozen = {file for name in names_still for file in files[name]}
        wider = names_still | {name for name, own in files.items() if frozen & own}
        if wider == names_still:
            return names_still
        names_still = wider
