"""Find every place of a repository that names a tag of Dify."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from difyaction import errors
from difyaction.gitops.files import Entry, FileAt
from difyaction.gitops.finding import bases, globs, names
from difyaction.gitops.finding.found import Found, is_worth_reading, look, names_image
from difyaction.gitops.finding.kinds import variables, versions
from difyaction.gitops.finding.learned import with_learned
from difyaction.gitops.finding.spot import Spot
from difyaction.gitops.records import PlanOptions, Remark
from difyaction.language import N_

__all__ = ["Found", "Spot", "Survey", "candidates", "spots", "survey"]

_LEFT_ALONE = frozenset({".git", ".github", "node_modules", "templates"})
_TEMPLATE = "yaml-template"
_LARGEST = 2_000_000  # bytes: no file that people write is larger, and one commit call takes no more


@dataclass(frozen=True)
class Survey:
    """All that was found, file by file, and what a reader should know of the looking."""

    found: tuple[Found, ...]
    remarks: tuple[Remark, ...] = ()


def candidates(
    entries: Sequence[Entry], wanted: Sequence[str], *, with_env: bool = False, also: Sequence[str] = ()
) -> tuple[Entry, ...]:
    """Choose the files to read, by globs or else by their names; ``also`` are read in any case.

    Raises `errors.Invalid` (files-match-nothing) naming every glob that no file of the repository matches.
    """
    files = [entry for entry in entries if entry.is_file]
    if missing := globs.unmatched([entry.path for entry in files], wanted):
        raise errors.Invalid([_nothing_matches(glob) for glob in missing])
    return tuple(entry for entry in files if entry.path in also or _is_wanted(entry, wanted, with_env=with_env))


def spots(file: FileAt, options: PlanOptions) -> tuple[Spot, ...]:
    """Return what one file names by itself. Raises `errors.Invalid` when it cannot be read."""
    return look(file, options, asked=globs.matches(file.path, options.globs)).spots


def survey(files: Sequence[FileAt], options: PlanOptions, wanted: Sequence[str] = ()) -> Survey:
    """Look through files; with globs in ``wanted`` the user named those that match, and no other is looked at.

    Raises `errors.Invalid` with every complaint about every file at once.
    """
    complaints: list[errors.Complaint] = []
    remarks: list[Remark] = []
    found: list[Found] = []
    for file in files:
        asked = globs.matches(file.path, wanted)
        if wanted and not asked:
            continue
        if not is_worth_reading(file, options, asked=asked) and not globs.names_exactly(file.path, wanted):
            continue
        try:
            found.append(look(file, options, asked=asked))
        except errors.Invalid as why:
            complaints.extend(_that_count(why, file, options, asked=asked))
            remarks.extend(_template_remarks(why, file, options, asked=asked))
    if complaints:
        raise errors.Invalid(complaints)
    learned = with_learned(found, files, options, wanted)
    complete = tuple(_own_charts_only(_with_uses(_with_addresses(learned), options)))
    _check_variables(complete, options)
    return Survey(complete, tuple(remarks))


def _is_wanted(entry: Entry, wanted: Sequence[str], *, with_env: bool) -> bool:
    if wanted:
        return globs.matches(entry.path, wanted)
    if _LEFT_ALONE & set(entry.path.split("/")[:-1]) or (entry.size or 0) > _LARGEST:
        return False
    return entry.path.endswith((".yaml", ".yml")) or (with_env and variables.is_env(entry.path))


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


def _nothing_matches(glob: str) -> errors.Complaint:
    return errors.Complaint(
        id="files-match-nothing", text=f"No file of the repository matches {glob!r}.", input="files"
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
