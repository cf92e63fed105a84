"""Generated YAML: documents of every style that know where each of their values stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hypothesis import strategies as st

from difyaction.gitops.editing.address import Path

KEYS = ("tag", "image", "api", "web", "replicas", "a.b", "キー", "x-y", "0")
WORDS = (
    "1.9",
    "1.13.3",
    "main",
    "true",
    "null",
    "0.5.3-local",
    "値 😀",
    "it's",
    'say "x"',
    "yes",
    "12e4567",
    "a b",
    "é",
)
COMMENTS = ("", " # c", "   # 説明 {{ x }} 'y'", "\t# t", " ")


@dataclass(frozen=True)
class Leaf:
    """A value of a generated text: its path, its style, and the text before and behind its own."""

    path: Path
    style: str
    before: str
    after: str
    flow: bool


@dataclass
class Piece:
    """A text cut where its values stand: ``parts`` alternates fixed text and (path, style, text, flow)."""

    parts: list[str | tuple[Path, str, str, bool]]

    @property
    def text(self) -> str:
        return "".join(part if isinstance(part, str) else part[2] for part in self.parts)

    def leaves(self) -> Iterator[Leaf]:
        for number, part in enumerate(self.parts):
            if not isinstance(part, str):
                before, after = Piece(self.parts[:number]).text, Piece(self.parts[number + 1 :]).text
                yield Leaf(part[0], part[1], before, after, part[3])

    def with_breaks(self, breaks: str) -> Piece:
        return Piece(
            [
                part.replace("\n", breaks)
                if isinstance(part, str)
                else (*part[:2], part[2].replace("\n", breaks), part[3])
                for part in self.parts
            ]
        )


def _plain_fits(word: str) -> bool:
    return not set(word) & set("'\"")


@st.composite
def _flow_value(draw: st.DrawFn, path: Path, *, flow: bool) -> list[str | tuple[Path, str, str, bool]]:
    word = draw(st.sampled_from(WORDS))
    style = draw(st.sampled_from(["plain", "single", "double"]))
    if style == "plain" and not _plain_fits(word):
        style = "single"
    if style == "single":
        own = "'" + word.replace("'", "''") + "'"
    elif style == "double":
        own = '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
        own = own.replace("é", "\\u00e9")
    else:
        own = word
    properties = draw(st.sampled_from(["", "", "", "!!str "]))
    return [properties, (path, style, own, flow)] if properties else [(path, style, own, flow)]


@st.composite
def _block(draw: st.DrawFn, path: Path, indent: int, depth: int) -> list[str | tuple[Path, str, str, bool]]:
    """Draw what stands behind a ``key:`` or a ``-``, up to and with its line break."""
    kinds = ["value", "value", "empty", "literal", "folded", "flow"] + (["mapping", "list"] if depth else [])
    kind = draw(st.sampled_from(kinds))
    comment = draw(st.sampled_from(COMMENTS))
    if kind == "value":
        return [" ", *draw(_flow_value(path, flow=False)), comment + "\n"]
    if kind == "empty":
        return [(path, "empty", "", False), comment + "\n"]
    if kind in {"literal", "folded"}:
        header = ("|" if kind == "literal" else ">") + draw(st.sampled_from(["", "-", "+"]))
        margin = " " * (indent + draw(st.integers(1, 3)))
        word = draw(st.sampled_from(WORDS))
        return [
            f" {header}{comment.rstrip()}\n{margin}",
            (path, kind, word, False),
            "\n" + draw(st.sampled_from(["", "\n"])),
        ]
    if kind == "flow":
        first = draw(_flow_value((*path, 0), flow=True))
        second = draw(_flow_value((*path, 1, "k"), flow=True))
        return [" [", *first, ", {k: ", *second, "}]" + comment + "\n"]
    below = indent + draw(st.integers(1, 3))
    inner = _mapping(path, below, depth - 1) if kind == "mapping" else _list(path, below, depth - 1)
    return [comment + "\n", *draw(inner)]


@st.composite
def _mapping(draw: st.DrawFn, path: Path, indent: int, depth: int) -> list[str | tuple[Path, str, str, bool]]:
    parts: list[str | tuple[Path, str, str, bool]] = []
    for key in draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=4, unique=True)):
        quote = draw(st.sampled_from(["", "", "'", '"']))
        blank = draw(st.sampled_from(["", "", "\n", f"{' ' * indent}# c: d\n"]))
        parts += [f"{blank}{' ' * indent}{quote}{key}{quote}:", *draw(_block((*path, key), indent, depth))]
    return parts


@st.composite
def _list(draw: st.DrawFn, path: Path, indent: int, depth: int) -> list[str | tuple[Path, str, str, bool]]:
    parts: list[str | tuple[Path, str, str, bool]] = []
    for number in range(draw(st.integers(1, 3))):
        parts += [f"{' ' * indent}-", *draw(_block((*path, number), indent, depth))]
    return parts


@st.composite
def texts(draw: st.DrawFn) -> Piece:
    """Draw one document of block and flow collections, with comments, CRLF, a BOM or no final newline."""
    head = draw(st.sampled_from(["", "", "---\n", "# c\n", "%YAML 1.1\n---\n", "%YAML 1.2\n--- # c\n"]))
    tail = draw(st.sampled_from(["", "...\n", "# end\n"]))
    mark = draw(st.sampled_from(["", "", "\ufeff"]))
    parts = draw(_mapping((), 0, 2))
    last = parts[-1]
    if not tail and isinstance(last, str) and last.endswith("\n") and draw(st.booleans()):
        parts = [*parts[:-1], last.rstrip("\n")]
    breaks = draw(st.sampled_from(["\n", "\r\n"]))
    return Piece([mark + head, *parts, tail]).with_breaks(breaks)
