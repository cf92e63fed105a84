"""The environments file: which environments there are, in which waves they move, and what each may run."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from difyaction.errors import Complaint, Invalid, Refused
from difyaction.gitops.outline import Item, Outline
from difyaction.releases.request import Request, version_file
from difyaction.releases.version import Version

_KNOWN = ("name", "wave", "files", "host", "dify-version", "after")
_AFTER = ("environment", "days")
_NAME = re.compile(r"\w[\w./ -]{0,99}")
_HOST = re.compile(r"[\w.:\[\]-]{1,255}")
_WAVE = re.compile(r"[1-9][0-9]{0,2}")
_DAYS = re.compile(r"[0-9]{1,3}")
_OUTSIDE = re.compile(r"^/|^~|(?:^|/)\.\.(?:/|$)|\\|^!?$")
_RESERVED = frozenset({"environment", "current-version", "carried-since"})  # what the matrix says itself
_ALIKE = 0.8  # how much a key must look like one of ours to be taken for a slip: `hosts` is one, `cost` is another word


@dataclass(frozen=True)
class After:
    """At most what another environment has carried for so many days."""

    environment: str
    days: int


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One entry. It has ``files`` (globs) or a ``host``. ``extra`` are its own keys, as JSON knows them."""

    name: str
    wave: int = 1
    files: tuple[str, ...] = ()
    host: str = ""
    dify_version: str = ""
    after: After | None = None
    extra: Mapping[str, object] = field(default_factory=dict)
    line: int = 0


def parse(content: bytes, *, file: str) -> tuple[Environment, ...]:
    """Read the environments file. ``errors.Invalid`` with every complaint, each with its line."""
    outline = Outline.read(content, file=file)
    reading = _Reading(file)
    entries = reading.entries(outline.root)
    environments = tuple(reading.environment(entry) for entry in entries)
    reading.check_together(environments)
    if reading.complaints:
        raise Invalid(sorted(reading.complaints, key=lambda complaint: complaint.line))
    return environments


def check_versions(environments: Sequence[Environment], moving: Collection[str], wanted: Version) -> None:
    """See that nobody is moved to a release that their own entry does not ask for.

    :raises Refused: ``environment-version``, naming every entry that asks for something else.
    """
    other = [
        f"{each.name} ({each.dify_version})"
        for each in environments
        if each.name in moving
        and each.dify_version
        and version_file(each.dify_version) is None
        and not Request.parse(each.dify_version).accepts(wanted)
    ]
    if other:
        raise Refused(
            "environment-version",
            "Dify {wanted} is not what the environments file asks for: {environments}.",
            next_step="Change dify-version there, or run for the other environments alone.",
            wanted=wanted,
            environments=", ".join(other),
        )


@dataclass
class _Reading:
    """The complaints that gather while a file is read."""

    file: str
    complaints: list[Complaint] = field(default_factory=list)

    def complain(self, kind: str, line: int, why: str, *, suggestion: str = "") -> None:
        text = f"{self.file}, line {line}: {why}"
        complaint = Complaint(id=f"environments-{kind}", text=text, file=self.file, line=line, suggestion=suggestion)
        self.complaints.append(complaint)

    def entries(self, root: Item) -> Sequence[Item]:
        listed = root
        if root.keys is not None:
            listed = root.keys.get("environments", root)
            for key, value in root.keys.items():
                if key != "environments":
                    self.complain("shape", value.line, f"the key '{key}' is not known here; only 'environments' is")
        if not listed.items:
            self.complain("shape", listed.line, "a list of environments is expected, under the key 'environments'")
            return ()
        return listed.items

    def environment(self, entry: Item) -> Environment:
        keys = entry.keys
        if keys is None:
            self.complain(
                "shape", entry.line, "an environment is a mapping with the keys name, wave, and files or host"
            )
            return Environment(name="", line=entry.line)
        for key, line in entry.twice:
            self.complain("shape", line, f"the key '{key}' stands here a second time")
        return Environment(
            name=self._text(
                keys, "name", shape=_NAME, meaning="letters, digits, '.', '-', '_', '/' and blanks", line=entry.line
            ),
            wave=int(
                self._text(keys, "wave", shape=_WAVE, meaning="a whole number from 1 to 999", line=entry.line) or "1"
            ),
            files=tuple(self._files(keys, entry.line)),
            host=self._text(keys, "host", shape=_HOST, meaning="a host's name or address", line=entry.line),
            dify_version=self._version(keys),
            after=self._after(keys),
            extra={key: self._extra(key, item) for key, item in keys.items() if key not in _KNOWN},
            line=entry.line,
        )

    def _text(self, keys: Mapping[str, Item], key: str, *, shape: re.Pattern[str], meaning: str, line: int) -> str:
        item = keys.get(key)
        if item is None:
            if key == "name":
                self.complain("name", line, "an environment needs a name")
            return ""
        if item.text is None or not shape.fullmatch(item.text):
            self.complain(key, item.line, f"{key} is written with {meaning}; here stands {item.shown}")
            return ""
        return item.text

    def _files(self, keys: Mapping[str, Item], line: int) -> Iterator[str]:
        item = keys.get("files")
        if (item is None) == ("host" not in keys):
            self.complain("place", line, "an environment has either files or a host")
        if item is None:
            return
        globs = item.items if item.items is not None else (item,)
        if not globs:
            self.complain("files", item.line, "files names nothing")
        for glob in globs:
            if glob.text is None or _OUTSIDE.search(glob.text):
                self.complain("files", glob.line, f"{glob.shown} is no path or glob inside the repository")
            else:
                yield glob.text

    def _version(self, keys: Mapping[str, Item]) -> str:
        item = keys.get("dify-version")
        if item is None:
            return ""
        text = item.text or ""
        try:
            if version_file(text) is None:
                Request.parse(text)
            elif "after" in keys:
                raise ValueError("'file:' and 'after' exclude each other")  # noqa: TRY301 - the same complaint
        except ValueError as why:
            self.complain("version", item.line, f"dify-version: {why}")
        return text

    def _after(self, keys: Mapping[str, Item]) -> After | None:
        item = keys.get("after")
        if item is None:
            return None
        inner = item.keys or {}
        known = {key: inner[key].text or "" for key in _AFTER if key in inner}
        if set(inner) != set(_AFTER) or not _DAYS.fullmatch(known["days"]):
            self.complain("after", item.line, "after is written as {environment: staging, days: 3}")
            return None
        return After(known["environment"], int(known["days"]))

    def _extra(self, key: str, item: Item) -> object:
        if near := _meant(key):
            why = f"the key '{key}' is not known. Did you mean '{near}'? Keys of your own need another name"
            self.complain("key", item.line, why, suggestion=near)
        elif key in _RESERVED:
            self.complain("key", item.line, f"the key '{key}' is written by the matrix itself")
        return item.plain()

    def check_together(self, environments: Sequence[Environment]) -> None:
        """Check what only several entries can get wrong."""
        first: dict[str, Environment] = {}
        for each in environments:
            if each.name and (before := first.setdefault(each.name, each)) is not each:
                self.complain("name", each.line, f"'{each.name}' is also the name of the entry in line {before.line}")
        for each in environments:
            if each.after is None:
                continue
            if each.after.environment not in first:
                near = difflib.get_close_matches(each.after.environment, first, n=1)
                hint = f"; did you mean '{near[0]}'?" if near else ""
                why = f"after: there is no environment '{each.after.environment}'{hint}"
                self.complain("after", each.line, why, suggestion=near[0] if near else "")
            elif not first[each.after.environment].files:
                self.complain(
                    "after", each.line, f"after: '{each.after.environment}' has no files whose history could tell"
                )
            elif _in_a_circle(each, first):
                self.complain("after", each.line, f"after: '{each.name}' waits for itself")


def _meant(key: str) -> str:
    """Return the key of ours of which this one is a slip: other letters in between, or the same ones in another order.

    A slip that passed for a key of one's own would take the gate away that it stands for.
    """
    bare = re.sub(r"[\s_-]+", "-", key.strip().lower())
    swapped = [known for known in _KNOWN if sorted(known) == sorted(bare)]
    near = difflib.get_close_matches(bare, _KNOWN, n=1, cutoff=_ALIKE)
    return next(iter((*swapped, *near)), "")


def _in_a_circle(start: Environment, by_name: Mapping[str, Environment]) -> bool:
    seen: set[str] = set()
    at: Environment | None = start
    while at is not None and at.after is not None and at.name not in seen:
        seen.add(at.name)
        at = by_name.get(at.after.environment)
        if at is start:
            return True
    return False
