"""Texts inside our own Markdown: whatever they hold, they stay what they are and trigger nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

_ACTIVE = re.compile(r"[\\`*_\[\]<>#|~&$]")
_CODE_SPANS = re.compile(r"(`[^`]*`)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def inline(text: str) -> str:
    """Write a foreign text as one line of plain words, also inside a cell of a table."""
    flat = " ".join(_CONTROL.sub("", text).split())
    escaped = _ACTIVE.sub(lambda found: f"&#{ord(found[0])};", flat)
    # The empty comment parts a sign from the name or number that it would ping or link.
    return re.sub(r"@(?=\w)|(?<=&#35;)(?=\d)|(?<=\bGH-)(?=\d)", r"\g<0><!-- -->", escaped)


def fill(template: str, facts: Mapping[str, object], *, quoted: Collection[str] = ()) -> str:
    """Fill a template of ours, whose code spans are meant, with facts that are foreign.

    ``quoted``: names of those that are sentences of somebody else, in a language of his.
    """
    plain = {name: _escaped(fact, code if name in quoted else inline) for name, fact in facts.items()}
    in_code = {name: _escaped(fact, _inside_code) for name, fact in facts.items()}
    parts = _CODE_SPANS.split(template.replace("|", "&#124;"))
    return "".join(part.format(**(in_code if part.startswith("`") else plain)) for part in parts)


def code(text: str) -> str:
    """Write a foreign text as a code span that is safe inside a cell of a table; nothing for an empty text."""
    flat = " ".join(_CONTROL.sub("", text).split()).replace("|", "\\|")
    if not flat:
        return ""
    ticks = "`" * (_longest_run(flat) + 1)
    room = " " if "`" in flat else ""
    return f"{ticks}{room}{flat}{room}{ticks}"


def fence(text: str, kind: str = "text") -> str:
    """Write a foreign text as a block of code, its fence longer than any run of backticks inside."""
    ticks = "`" * max(3, _longest_run(text) + 1)
    return f"{ticks}{kind}\n{text.rstrip(chr(10))}\n{ticks}"


def details(title: str, body: str, *, shown: bool = False) -> str:
    """Fold Markdown under a title; ``shown``: it is open at first."""
    return f"<details{' open' if shown else ''}>\n<summary>{inline(title)}</summary>\n\n{body}\n\n</details>"


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Write rows of cells that are Markdown already."""
    lines = (heads, ("---",) * len(heads), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def link(text: str, url: str) -> str:
    """Link an address that GitHub gave us; one that holds anything odd is shown as text."""
    if not re.fullmatch(r"https?://[\w.:/#?=&%~-]+", url):
        return f"{inline(text)} {code(url)}"
    return f"[{inline(text)}]({url})"


def label(text: str) -> str:
    """Write a text as a quoted label of a mermaid node."""
    flat = " ".join(_CONTROL.sub("", text).split())
    return '"' + re.sub(r'[#"`<>&;\\\[\]{}|]', lambda found: f"#{ord(found[0])};", flat) + '"'


def _escaped(fact: object, escape: Callable[[str], str]) -> object:
    return fact if isinstance(fact, (int, float)) else escape(str(fact))


def _inside_code(text: str) -> str:
    return " ".join(_CONTROL.sub("", text).split()).replace("`", "'").replace("|", "\\|")


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
