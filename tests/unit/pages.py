"""Markdown pages as the parity tests see them: headings, links, fences, tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import dropwhile, takewhile
from pathlib import Path

_FENCE = re.compile(r"^(`{3,}|~{3,})[^\n]*\n.*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#{1,6}) +(.+?)\s*$", re.MULTILINE)
_LINK = re.compile(r"(?<!\\)\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(<?([^()\s>]+)>?\)")
_CODE = re.compile(r"`[^`\n]*`")
_LEFT_OUT = frozenset({".git", ".venv", "node_modules", "build", ".pytest_cache", "__snapshots__"})


@dataclass(frozen=True)
class Heading:
    """A heading: its level from 1, and its text without backticks."""

    level: int
    text: str


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path
    text: str

    @classmethod
    def read(cls, path: Path) -> Page:
        return cls(path, path.read_text("utf-8"))

    @property
    def fences(self) -> int:
        """How many code blocks it has."""
        return len(_FENCE.findall(self.text))

    @cached_property
    def prose(self) -> str:
        """The text without its code blocks."""
        return _FENCE.sub("", self.text)

    @cached_property
    def headings(self) -> tuple[Heading, ...]:
        return tuple(Heading(len(signs), text.replace("`", "")) for signs, text in _HEADING.findall(self.prose))

    @cached_property
    def anchors(self) -> frozenset[str]:
        """The fragments that GitHub makes of the headings; a repeated one gets a number."""
        seen: Counter[str] = Counter()
        found = set()
        for heading in self.headings:
            slug = _slug(heading.text)
            found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
            seen[slug] += 1
        return frozenset(found)

    @cached_property
    def links(self) -> tuple[str, ...]:
        """The targets of inline links, without those inside code."""
        return tuple(_LINK.findall(_CODE.sub("code", self.prose)))

    @property
    def own_links(self) -> Iterator[tuple[Path, str]]:
        """File and fragment of every link that stays inside the repository."""
        for link in self.links:
            if not re.match(r"[a-z][a-z0-9+.-]*:", link):
                file, _, fragment = link.partition("#")
                yield (self.path.parent / file).resolve() if file else self.path, fragment

    def table_under(self, heading: str) -> tuple[tuple[str, ...], ...]:
        """Return the cells of the first table's rows below a heading, its head left out."""
        return next(iter(self.tables_under(heading).values()), ())

    def tables_under(self, heading: str) -> dict[str, tuple[tuple[str, ...], ...]]:
        """Return the first table of each part below a heading, by the subheading; the part before one is ``""``."""
        whole = self.prose.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
        parts = [part.partition("\n") for part in f"\n{whole}".split("\n### ")]
        return {title: rows for title, _, text in parts if (rows := _first_table(text))}


def pages(root: Path) -> tuple[Page, ...]:
    """Return every Markdown file of the repository."""
    found = (path for path in sorted(root.rglob("*.md")) if not _LEFT_OUT & set(path.relative_to(root).parts))
    return tuple(Page.read(path) for path in found)


def _first_table(text: str) -> tuple[tuple[str, ...], ...]:
    lines = dropwhile(lambda line: not line.startswith("|"), text.splitlines())
    rows = list(takewhile(lambda line: line.startswith("|"), lines))
    return tuple(tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]) for row in rows[2:])


def _slug(heading: str) -> str:
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
