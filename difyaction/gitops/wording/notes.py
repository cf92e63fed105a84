"""Release notes for a pull request: what must be read first stands first, and all of it fits."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from difyaction.gitops.wording.markdown import Block, blocks, harmless
from difyaction.language import N_
from difyaction.releases.catalogue import Published

Say = Callable[..., str]

_ATX = re.compile(r"^ {0,3}(?P<marks>#{1,6})\s+(?P<title>.*?)\s*#*\s*$")
_BOLD = re.compile(
    r"^\s*(?:\*\*|__)(?P<title>[^*_]+)(?:\*\*|__)\s*[:\uff1a]?\s*$"
)  # a line in bold stands for a heading
_BOLD_LEVEL = 7
_UNDERLINE = re.compile(r"^ {0,3}(?P<mark>=|-)(?P=mark)*\s*$")
_ALERT = re.compile(r"^\s*>\s*\[!(?:WARNING|IMPORTANT|CAUTION)\]", re.IGNORECASE)
_WARNS = re.compile(
    r"\bbreaking\b|\bupgrad(?:e|ing)\b|\bmigrat|\bdeprecat|\bimportant\b|\bcaution\b|\bwarning\b|\battention\b"
    r"|\bincompatib|\baction required\b|\bmust read\b|\bread (?:this )?first\b|\bbefore you\b|\bheads[- ]?up\b"
    r"|[\u26a0\u2757\u203c\U0001f6a8\U0001f4a5\u2622\U0001f6d1]"
    r"|破壊的|アップグレード|移行|マイグレーション|重要|注意|警告|非推奨|互換性|更新手順"
    r"|破坏性|破壞性|不兼容|不相容|升级|升級|迁移|遷移|弃用|棄用|重大变更|重大變更|更新指南|업그레이드|마이그레이션|주의",
    re.IGNORECASE,
)
_HEADINGS = 200  # characters that headings may add around a text
_HARMLESS = re.compile(r"\bdependenc|\bbump", re.IGNORECASE)  # "Upgrade dependencies" asks nothing of anyone


@dataclass
class _Sorted:
    """Lines on their way into one of two piles. ``level`` is the open warning's heading, 0 when none is open."""

    warnings: list[str] = field(default_factory=list)
    rest: list[str] = field(default_factory=list)
    level: int = 0

    def heading(self, level: int, title: str) -> None:
        if self.level and level > self.level:
            return  # a part of the warning
        self.level = level if _WARNS.search(title) and not _HARMLESS.search(title) else 0

    @property
    def pile(self) -> list[str]:
        return self.warnings if self.level else self.rest


def hoist(notes: str) -> tuple[str, str]:
    """Part release notes in (what must be read before an upgrade, the rest); both are foreign Markdown still."""
    piles = _Sorted()
    for block in blocks(notes):
        if block.code is not None:
            piles.pile.append(str(block))
        else:
            _sort(block, piles)
    return "\n".join(piles.warnings).strip("\n"), "\n".join(piles.rest).strip("\n")


def _sort(block: Block, piles: _Sorted) -> None:
    if not block.lines:
        return  # nothing stands between two fences, or behind the last one
    in_alert = False
    for line, following in zip(block.lines, (*block.lines[1:], ""), strict=True):
        if found := _heading(line, following):
            piles.heading(*found)
        in_alert = _ALERT.match(line) is not None or (in_alert and line.lstrip().startswith(">"))
        if in_alert and piles.warnings and not piles.level and _ALERT.match(line):
            piles.warnings.append("")
        (piles.warnings if in_alert else piles.pile).append(line)


def _heading(line: str, following: str) -> tuple[int, str] | None:
    if found := _ATX.match(line):
        return len(found["marks"]), found["title"]
    if found := _BOLD.match(line):
        return _BOLD_LEVEL, found["title"]
    if line.strip() and not line.lstrip().startswith((">", "-", "*", "|")) and (found := _UNDERLINE.match(following)):
        return (1 if found["mark"] == "=" else 2), line
    return None


def cut(pieces: Iterable[str], room: int) -> tuple[str, bool]:
    """Join the first pieces that fit into ``room`` characters; say whether that is all of them."""
    kept: list[str] = []
    for piece in pieces:
        room -= len(piece) + 1
        if room < 0:
            return "\n".join(kept).strip("\n"), False
        kept.append(piece)
    return "\n".join(kept).strip("\n"), True


@dataclass
class _Told:
    """What is shown of one release: first only where to read it, then more while there is room."""

    release: Published
    first: str = ""
    rest: str = ""
    whole: bool = False

    @functools.cached_property
    def parts(self) -> tuple[str, str]:
        return hoist(self.release.notes)

    @property
    def name(self) -> str:
        day = f" · {self.release.when:%Y-%m-%d}" if self.release.when else ""
        return f"{self.release.version.text}{day}"

    @property
    def link(self) -> str:
        safe = re.fullmatch(r"https?://[\w.:/?=&%~-]+", self.release.url)
        return f"[{self.release.version.text}]({self.release.url})" if safe else self.release.version.text


def render(between: Sequence[Published], room: int, say: Say) -> str:
    """Write the notes of every release, newest first, in at most ``room`` characters.

    Where they do not fit, the oldest releases keep a link only; warnings stay longer than the rest.
    """
    told = [_Told(release) for release in between]
    while told and len(_written(told, say, left_out=len(between) - len(told))) > room:
        told.pop()  # not even the links fit
    left_out = len(between) - len(told)
    if not told:
        return ""
    for one in told:
        one.first, whole = _fitting(one, one.parts[0], room - len(_written(told, say, left_out=left_out)), say)
        if not whole:
            break
    for one in told:
        one.rest, one.whole = _fitting(one, one.parts[1], room - len(_written(told, say, left_out=left_out)), say)
        if not one.whole:
            break
    return _written(told, say, left_out=left_out)


def _fitting(one: _Told, notes: str, free: int, say: Say) -> tuple[str, bool]:
    """Make notes harmless, and cut them where they do not fit; say whether they are whole."""
    more = say(N_("*Cut here for length; go on reading at {link}.*"), link=one.link)
    free -= len(_details(one, "")) + len(more) + _HEADINGS
    text, whole = cut(harmless(notes, deeper=3), free)
    return text if whole or not text else f"{text}\n\n{more}", whole


def _written(told: Sequence[_Told], say: Say, *, left_out: int) -> str:
    parts: list[str] = []
    if warnings := [f"#### {one.link}\n\n{one.first}" for one in told if one.first]:
        parts += ["### " + say(N_("Read before you merge")), *warnings]
    parts.append("### " + say(N_("Release notes")))
    parts += [_details(one, one.rest or say(N_("No further notes."))) for one in told if one.rest or one.whole]
    if links := [one.link for one in told if not (one.rest or one.whole)]:
        parts.append(say(N_("Left out here for length: {links}"), links=", ".join(links)))
    if left_out:
        parts.append(say(N_("And {count} older releases."), count=left_out))
    return "\n\n".join(parts)


def _details(one: _Told, text: str) -> str:
    return f"<details>\n<summary>{one.name}</summary>\n\n{text}\n\n{one.link}\n\n</details>"
