"""Which files of a repository are worth reading, and which are passed over."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from difyaction import errors
from difyaction.gitops.files import Entry, not_followed
from difyaction.gitops.finding import bases, globs
from difyaction.gitops.finding.kinds import variables
from difyaction.gitops.records import Remark
from difyaction.language import N_

_LEFT_ALONE = frozenset({".git", ".github", "node_modules"})
_TEMPLATES = "templates"
_LARGEST = 2_000_000  # bytes: no file that people write is larger, and one commit call takes no more


def candidates(
    entries: Sequence[Entry], wanted: Sequence[str], *, with_env: bool = False, also: Sequence[str] = ()
) -> tuple[Entry, ...]:
    """Choose the files to read, by globs or else by their names; ``also`` are read in any case.

    With globs, files that hold base values of the wanted ones are read too, so that a tag which stands only there is
    not overlooked. A `.env` beside a compose file is read, because Compose reads it.
    Raises `errors.Invalid` (files-match-nothing) naming every glob that no file of the repository matches.
    """
    files = [entry for entry in entries if entry.is_file]
    if missing := globs.unmatched([entry.path for entry in files], wanted):
        raise errors.Invalid([_nothing_matches(glob, entries) for glob in missing])
    found = _Choice(files)
    chosen = {entry.path for entry in files if found.is_wanted(entry, wanted, with_env=with_env)}
    further = {*also, *found.bases(chosen if wanted else ()), *found.env_files(chosen)}
    return tuple(entry for entry in files if entry.path in chosen or entry.path in further)


def skipped(entries: Sequence[Entry], wanted: Sequence[str]) -> tuple[Remark, ...]:
    """Say which files of YAML `candidates` passes over by itself, and which links where the user named the files.

    Also, which globs take nothing away: what they were to keep out is looked at.
    """
    idle = tuple(_idle(entries, wanted))
    if globs.names_any(wanted):
        return (*idle, *_left_links(entries, wanted))
    found = _Choice([entry for entry in entries if entry.is_file and globs.admits(entry.path, wanted)])
    return (*idle, *found.remarks())


def through_links(entries: Sequence[Entry], paths: Sequence[str]) -> Iterator[errors.Complaint]:
    """Complain of every path that is a link, or leads through one."""
    links = {entry.path for entry in entries if entry.is_link}
    for path in dict.fromkeys(paths):
        if link := _link_on(path, links):
            yield _is_a_link(path, link)


class _Choice:
    """The files of one repository."""

    def __init__(self, files: Sequence[Entry]) -> None:
        self._files = files
        self._charts = {bases.directory(entry.path) for entry in files if entry.path.endswith("Chart.yaml")}
        self._sizes = {entry.path: entry.size or 0 for entry in files}

    def is_wanted(self, entry: Entry, wanted: Sequence[str], *, with_env: bool) -> bool:
        if globs.names_any(wanted) or not globs.admits(entry.path, wanted):
            return globs.matches(entry.path, wanted)
        if _is_yaml(entry.path):
            return not self._is_left(entry.path) and not self._template_of(entry.path) and not _is_large(entry)
        return with_env and variables.is_env(entry.path) and not self._is_left(entry.path) and not _is_large(entry)

    def bases(self, chosen: Sequence[str] | set[str]) -> Iterator[str]:
        """Yield the files of YAML in other directories that hold base values of the chosen ones."""
        readable = [each.path for each in self._files if chosen and _is_yaml(each.path) and not _is_large(each)]
        shelf = bases.Shelf.of(path for path in readable if path not in chosen)
        for path in chosen:
            if _is_yaml(path):
                yield from (base for base in shelf.bases_of(path) if not self._is_left(base))

    def env_files(self, chosen: set[str]) -> Iterator[str]:
        """Yield the `.env` beside every chosen compose file."""
        for path in chosen:
            if "compose" in path.rpartition("/")[2]:
                beside = f"{path.rpartition('/')[0]}/.env".lstrip("/")
                if beside in self._sizes and self._sizes[beside] <= _LARGEST:
                    yield beside

    def remarks(self) -> Iterator[Remark]:
        charts: dict[str, None] = {}
        for entry in self._files:
            if not _is_yaml(entry.path) or self._is_left(entry.path):
                continue
            if chart := self._template_of(entry.path):
                charts[chart] = None
            elif _is_large(entry):
                text = N_(
                    "{file} has {size} bytes, more than {most}: it is not looked at. Name it in files if it counts."
                )
                facts = {"file": entry.path, "size": entry.size, "most": _LARGEST}
                yield Remark("file-too-large", text, facts, file=entry.path)
        if charts:
            text = N_("The templates of the charts in {charts} are not looked at: their tags come from values.")
            yield Remark("templates-skipped", text, {"charts": ", ".join(sorted(charts))})

    def _template_of(self, path: str) -> str:
        """Return the directory of the chart whose template a file is, '' when it is none."""
        parts = path.split("/")
        ends = [end for end, part in enumerate(parts[:-1]) if part == _TEMPLATES]
        charts = ("/".join(parts[:end]) or "." for end in ends)
        return next((chart for chart in charts if chart in self._charts), "")

    def _is_left(self, path: str) -> bool:
        return not _LEFT_ALONE.isdisjoint(path.split("/")[:-1])


def _is_large(entry: Entry) -> bool:
    return (entry.size or 0) > _LARGEST


def _is_yaml(path: str) -> bool:
    return path.endswith((".yaml", ".yml"))


def _idle(entries: Sequence[Entry], wanted: Sequence[str]) -> Iterator[Remark]:
    if found := globs.idle([entry.path for entry in entries], wanted):
        text = N_("Nothing matches {globs} in files, so that nothing is taken away by it.")
        yield Remark("exclusion-idle", text, {"globs": ", ".join(found)})


def _left_links(entries: Sequence[Entry], wanted: Sequence[str]) -> Iterator[Remark]:
    links = [entry.path for entry in entries if entry.is_link and globs.matches(entry.path, wanted)]
    if links:
        text = N_("Links are never followed, and these were left alone: {links}. Name the files that they lead to.")
        yield Remark("link-left", text, {"links": ", ".join(links)})


def _link_on(path: str, links: Collection[str]) -> str:
    """Return the link that a path is or leads through, '' when there is none."""
    parts = path.split("/")
    ways = ("/".join(parts[:end]) for end in range(1, len(parts) + 1))
    return next((way for way in ways if way in links), "")


def _is_a_link(given: str, link: str, *, given_in: str = "set") -> errors.Complaint:
    said = f"{given_in}: {not_followed(given, link)}"
    return errors.Complaint(id="file-not-regular", text=said, input=given_in, file=link)


def _nothing_matches(glob: str, entries: Sequence[Entry]) -> errors.Complaint:
    links = [entry.path for entry in entries if entry.is_link]
    plain = glob.removeprefix("./").lstrip("/")
    if link := next((path for path in links if globs.matches(path, (glob,))), "") or _link_on(plain, links):
        return _is_a_link(glob, link, given_in="files")
    return errors.Complaint(
        id="files-match-nothing", text=f"No file of the repository matches {glob!r}.", input="files"
    )
