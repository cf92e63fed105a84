"""Find every place of a repository that names a tag of Dify."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from difyaction import errors
from difyaction.gitops.editing.address import Path
from difyaction.gitops.files import FileAt
from difyaction.gitops.finding import bases, globs, lookalikes, names
from difyaction.gitops.finding.candidates import candidates, skipped, through_links
from difyaction.gitops.finding.found import Found, is_worth_reading, look, names_image
from difyaction.gitops.finding.kinds import versions
from difyaction.gitops.finding.learned import with_learned
from difyaction.gitops.finding.overruled import with_overruled
from difyaction.gitops.finding.spot import Spot
from difyaction.gitops.records import PlanOptions, Remark, Unit
from difyaction.language import N_

__all__ = ["Found", "Spot", "Survey", "candidates", "skipped", "spots", "survey", "through_links"]

_TEMPLATE = "yaml-template"
_MAY_HAVE_TAGS = b"tag"


@dataclass(frozen=True)
class Survey:
    """All that was found, file by file, and what a reader should know of the looking."""

    found: tuple[Found, ...]
    remarks: tuple[Remark, ...] = ()

    def of(self, unit: Unit) -> tuple[Found, ...]:
        """Return what was found in the files of a unit."""
        return tuple(self._by_file[file] for file in unit.files if file in self._by_file)

    @cached_property
    def _by_file(self) -> Mapping[str, Found]:
        return {each.file: each for each in self.found}


def spots(file: FileAt, options: PlanOptions) -> tuple[Spot, ...]:
    """Return what one file names by itself. Raises `errors.Invalid` when it cannot be read."""
    return look(file, options, asked=globs.matches(file.path, options.globs)).spots


def survey(files: Sequence[FileAt], options: PlanOptions, wanted: Sequence[str] = ()) -> Survey:
    """Look through files; with globs in ``wanted`` the user named those that match, or took some away.

    Of the others only those are looked at that hold base values of a file which was named.
    Raises `errors.Invalid` with every complaint about every file at once.
    """
    looks = _Looks(options, wanted)
    named = [file for file in files if globs.admits(file.path, wanted)]
    for file in named:
        looks.at(file, asked=globs.matches(file.path, wanted))
    seen = {file.path: file for file in named}
    others = {file.path: file for file in files if file.path not in seen}
    # Overlays that nobody named are known by their base alone: what exclusions left to be read is looked at first.
    found_alone = not globs.names_any(wanted)
    for base in tuple(others) if found_alone else _bases(looks.found, tuple(others)):
        seen[base] = others[base]
        looks.at(others[base], asked=False)
    for path, prefixes in _linked(looks.found, seen).items():
        looks.at(seen[path], asked=globs.matches(path, wanted), given=prefixes)
    looks.remarks.extend(lookalikes.remarks(named, looks.found))
    if looks.complaints:
        raise errors.Invalid(tuple(dict.fromkeys(looks.complaints)))
    learned = with_learned(tuple(looks.found.values()), files, options, wanted)
    complete = tuple(_own_charts_only(_with_uses(_with_addresses(learned), options)))
    _check_variables(complete, options)
    return Survey(with_overruled(complete, files), tuple(looks.remarks))


class _Looks:
    """The files that were looked at, by path, and what is wrong with others."""

    def __init__(self, options: PlanOptions, wanted: Sequence[str]) -> None:
        self._options = options
        self._wanted = wanted
        self.found: dict[str, Found] = {}
        self.complaints: list[errors.Complaint] = []
        self.remarks: list[Remark] = []

    def at(self, file: FileAt, *, asked: bool, given: tuple[Path, ...] = ()) -> None:
        """Look at a file if that is worth it. ``given`` are the places of values for Dify's chart."""
        if (
            not given
            and not is_worth_reading(file, self._options, asked=asked)
            and not globs.names_exactly(file.path, self._wanted)
        ):
            return
        try:
            self.found[file.path] = look(file, self._options, asked=asked, given=given)
        except errors.Invalid as why:
            counting = _that_count(why, file, self._options, asked=asked)
            if not asked and (self._options.only_set or self._is_taken_away(file.path)):
                self.remarks.extend(_unread(each) for each in counting[:1])
            else:
                self.complaints.extend(counting)
            self.remarks.extend(_template_remarks(why, file, self._options, asked=asked))

    def _is_taken_away(self, path: str) -> bool:
        return not globs.names_any(self._wanted) and not globs.admits(path, self._wanted)


def _bases(found: Mapping[str, Found], others: Sequence[str]) -> tuple[str, ...]:
    shelf = bases.Shelf.of(others)
    return tuple(dict.fromkeys(base for path, each in found.items() if each.matters for base in shelf.bases_of(path)))


def _linked(found: Mapping[str, Found], files: Mapping[str, FileAt]) -> Mapping[str, tuple[Path, ...]]:
    """Return which files hold values for Dify's chart, and where in them, by what other files say."""
    given: dict[str, tuple[Path, ...]] = defaultdict(tuple)
    shelf = bases.Shelf.of(files)
    for each in found.values():
        for link in each.links:
            beside = shelf.by_directory.get(link.file.rstrip("/") or ".", ()) if link.file.endswith("/") else ()
            for path in (link.file, *beside):
                if path in files and path != each.file and link.prefix not in given[path]:
                    given[path] += (link.prefix,)
    return {path: prefixes for path, prefixes in given.items() if prefixes and _MAY_HAVE_TAGS in files[path].content}


def _that_count(
    why: errors.Invalid, file: FileAt, options: PlanOptions, *, asked: bool
) -> tuple[errors.Complaint, ...]:
    """Keep what is wrong with a file that was asked for, or that would have been edited."""
    if asked:
        return why.complaints
    if not names_image(file.content, options):
        return ()
    return tuple(complaint for complaint in why.complaints if complaint.id != _TEMPLATE)


def _template_remarks(why: errors.Invalid, file: FileAt, options: PlanOptions, *, asked: bool) -> Iterator[Remark]:
    if asked or not names_image(file.content, options):
        return
    for complaint in why.complaints:
        if complaint.id == _TEMPLATE:
            text = N_("{file} (line {line}) names an image of Dify, but is a Helm template: it is left alone.")
            facts = {"file": file.path, "line": complaint.line}
            yield Remark("template-left", text, facts, file=file.path, line=complaint.line)
            return


def _unread(complaint: errors.Complaint) -> Remark:
    """Say of a file that this run is not about why it was not looked at."""
    text = N_("{file} names an image of Dify and cannot be read ({why}): it is left alone.")
    return Remark(
        "file-unread", text, {"file": complaint.file, "why": complaint.text}, file=complaint.file, line=complaint.line
    )


def _with_addresses(found: Sequence[Found]) -> Iterator[Found]:
    """Put the address of a Flux repository in place of its name; it may be told in another file."""
    known: Mapping[str, str] = {versions.FLUX + name: url for each in found for name, url in each.flux.items()}
    for each in found:
        yield replace(
            each,
            spots=tuple(replace(spot, repository=known.get(spot.repository, spot.repository)) for spot in each.spots),
        )


def _with_uses(found: Iterator[Found], options: PlanOptions) -> Iterator[Found]:
    """Give every variable that the user named the images that take their tag from it; that closes their gaps."""
    everything = list(found)
    used: dict[str, dict[str, str]] = defaultdict(dict)
    for each in everything:
        for gap in each.gaps:
            used[gap.variable][gap.image] = gap.repository
    for each in everything:
        gaps = tuple(gap for gap in each.gaps if gap.variable not in options.env_variables)
        yield replace(each, gaps=gaps, spots=tuple(_with_users(spot, used) for spot in each.spots))


def _with_users(spot: Spot, used: Mapping[str, Mapping[str, str]]) -> Spot:
    users = dict(used.get(str(spot.path[0]), {})) if spot.kind == "env" else {}
    if not users:
        return spot
    repository = users.pop(spot.image, spot.repository)
    return replace(spot, repository=repository, also=(*spot.also, *users.items()))


def _check_variables(found: Sequence[Found], options: PlanOptions) -> None:
    known = {spot.path[0] for each in found for spot in each.spots if spot.kind == "env"}
    if missing := [variable for variable in options.env_variables if variable not in known]:
        raise errors.Invalid(
            [
                errors.Complaint(
                    id="env-variable-missing",
                    text=f"No .env file that was read sets {variable}; name it in `files`, or correct the variable.",
                    input="env-variables",
                )
                for variable in missing
            ]
        )


def _own_charts_only(found: Iterator[Found]) -> Iterator[Found]:
    """Keep `appVersion` where the chart's source is here: values beside it name an image of Dify."""
    everything = list(found)
    here = {
        bases.directory(each.file): each
        for each in everything
        if each.names_image and not each.file.endswith("/Chart.yaml")
    }
    for each in everything:
        values = here.get(bases.directory(each.file))
        yield replace(each, spots=tuple(_kept(each, values)))


def _kept(each: Found, values: Found | None) -> Iterator[Spot]:
    for spot in each.spots:
        if spot.kind != "app-version":
            yield spot
        elif values is not None and names.version_of(spot.before) is not None and not _differs(each, values, spot):
            repositories = {item.image: item.repository for item in values.named}
            yield replace(
                spot,
                repository=repositories.pop(names.API, names.API),
                also=tuple((image, place) for image, place in repositories.items() if names.carries_release(image)),
            )


def _differs(each: Found, values: Found, spot: Spot) -> bool:
    """Whether a chart that only wraps Dify's counts its own versions: its appVersion is none of Dify's tags."""
    return each.depends and all(other.before != spot.before for other in values.spots if other.image == names.API)
