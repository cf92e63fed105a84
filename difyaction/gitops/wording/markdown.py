"""Foreign Markdown made harmless: it pings nobody, links no issue, closes nothing and leaves nothing open.

What comes out is Markdown that GitHub's parser and this module read alike, by construction: fences stand at
column 0 and are longer than any run of backticks inside, a code span never crosses a line, no HTML is left but
an empty comment that keeps ``@`` from its name. So one pass over lines is enough, and code stays as written.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(r"^(?:[\s>]|[-*+]\s|\d{1,9}[.)]\s)*(?P<run>`{3,}(?!.*`)|~{3,})[ \t]*(?P<info>.*)$")
_DRAWN = frozenset({"geojson", "math", "mermaid", "stl", "suggestion", "topojson"})  # GitHub runs these
_COMMENT = re.compile(r"<!--.*?-->|<!--(?P<open>.*)$")
_CODE = re.compile(r"\\[\\`]|(?P<run>`+)(?!`)(?P<code>.+?)(?<!`)(?P=run)(?!`)|`+")
# Control characters, and the bidirectional ones that show a reader another text than the one that is there.
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")

_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ANCHOR = re.compile(r"""<a\s[^<>]{0,300}?href=["']([^"'<>\s]*)["'][^<>]{0,300}>([^<>\[\]]*)</a\s*>""", re.IGNORECASE)
_IMAGE = re.compile(r"""<img\s(?=[^<>]{0,300}?src=["'](?P<src>[^"'<>\s]*)["'])[^<>]*>""", re.IGNORECASE)
_SUMMARY = re.compile(r"<summary[^<>]*>([^<>]*)</summary\s*>", re.IGNORECASE)
_TAG = re.compile(
    r"(?<!\\)</?(?:a|abbr|audio|b|blockquote|br|center|code|col|colgroup|dd|del|details|div|dl|dt|em|figcaption|figure"
    r"|font|h[1-6]|hr|i|iframe|img|ins|kbd|li|ol|p|picture|pre|s|script|source|span|strong|style|sub|summary|sup|table"
    r"|tbody|td|tfoot|th|thead|tr|u|ul|video)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)

_TOKEN = re.compile(
    r"""
    (?P<escape>\\[\\`*_{}\[\]()<>!|~-])
  | (?P<end>\\$)
  | (?P<tail>\]\((?P<dest>[^\s()<>`]*(?:\([^\s()<>`]*\)[^\s()<>`]*)*)(?:\s+(?:"[^"`]*"|'[^'`]*'))?\s*\))
  | (?P<half>\]\(|\]:)
  | (?P<alt>!\[\])
  | (?P<image>!(?=\[))
  | <?(?P<url>(?<![A-Za-z0-9])(?:https?://|www\.)[^\s<>"'`|\\\]]*[^\s<>"'`|\\\]*_~.,:;!?])>?
  | (?P<glued>(?<=[A-Za-z0-9])https?(?=://))
  | (?P<tick>`)
  | (?P<tildes>~{3,})
  | (?P<less><)
  | (?P<at>(?<![A-Za-z0-9])@(?=\S)|@(?=[0-9a-fA-F]{7}))
  | (?P<hash>\#(?=[0-9]))
  | (?P<gh>(?<![A-Za-z0-9])GH-(?=[0-9]))
    """,
    re.IGNORECASE | re.VERBOSE,
)
_SIGNS = re.compile(r"@|#(?=\d)|GH-(?=\d)|(?=://)|(?=\.)", re.IGNORECASE)  # of an address that must not be linked
_HEADING = re.compile(r"^( {0,3})(#{1,6})(?=\s|$)")
_TASK = re.compile(r"^([\s>]*(?:[-*+]|\d{1,9}[.)])\s+)\[([ xX])\](?=\s)")
_COMMAND = re.compile(r"^(\s*)/(?=[A-Za-z])")  # bots read `/approve` at the start of a line
_HOST = re.compile(
    r"^(?:https?://)?(?P<host>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)(?::\d+)?(?P<path>[/?#].*)?$", re.IGNORECASE
)
# What could end an address for some parser, and begin another one or a name inside it; written as %40 and the like.
_ODD = re.compile(r"[@*~]|:(?=//)|(?<=www)\.|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", re.IGNORECASE)
_REFERENCE = re.compile(r"^/+[^/]+/+[^/]+/+(?:issues|pulls?|discussions|commits?)/", re.IGNORECASE)
_ELSEWHERE = re.compile(r"/(?:issues|pull|merge_requests)/[0-9]", re.IGNORECASE)


@dataclass(frozen=True)
class Block:
    """Some lines of Markdown: ``code`` is the word after the fence (maybe empty), or None for text."""

    lines: tuple[str, ...]
    code: str | None = None

    def __str__(self) -> str:
        if self.code is None:
            return "\n".join(self.lines)
        longest = max((len(run) for line in self.lines for run in re.findall("`+", line)), default=0)
        fence = "`" * max(3, longest + 1)
        return "\n".join((fence + self.code, *self.lines, fence))


def blocks(text: str) -> tuple[Block, ...]:
    """Split Markdown into text and fenced code; comments are gone, a fence that was left open is closed."""
    return tuple(_blocks(iter(_INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).split("\n"))))


def _blocks(lines: Iterator[str]) -> Iterator[Block]:
    pending: list[str] = []
    hidden = False
    for line in lines:
        if hidden:
            _, closed, after = line.partition("-->")
            hidden = not closed
            shown, still = _without_comments(after)
            hidden = hidden or still
            pending += [shown] if shown.strip() else []
        elif fence := _FENCE.match(line):
            yield Block(tuple(pending))
            pending = []
            yield Block(tuple(_inside(lines, fence["run"])), _language(fence["info"]))
        else:
            shown, hidden = _without_comments(line)
            pending += [] if shown != line and not shown.strip() else [shown]
    yield Block(tuple(pending))


def _inside(lines: Iterator[str], run: str) -> Iterator[str]:
    end = re.compile(rf"^[\s>]*{re.escape(run[0])}{{{len(run)},}}\s*$")
    for line in lines:
        if end.match(line):
            return
        # Our own marker must be ours: nobody else writes it into the text that we search for it.
        yield line.replace("<!-- dify-upgrade-action", "<!- - dify-upgrade-action")


def _language(info: str) -> str:
    word = re.match(r"[A-Za-z0-9_+-]*", info)
    name = word[0] if word else ""
    return "text" if name.lower() in _DRAWN else name


def _without_comments(line: str) -> tuple[str, bool]:
    """Take the comments out of a line of text; say whether the last one stays open."""
    shown, at = "", 0
    while found := _COMMENT.search(line, at):
        span = next((code for code in _CODE.finditer(line, at) if code.start() < found.start() < code.end()), None)
        if span is not None and span["code"]:
            shown, at = shown + line[at : span.end()], span.end()
            continue
        shown, at = shown + line[at : found.start()], found.end()
        if found["open"] is not None:
            return shown, True
    return shown + line[at:], False


def neutralise(text: str, *, deeper: int = 2) -> str:
    """Make foreign Markdown harmless; its headings move ``deeper`` levels down."""
    return "\n".join(harmless(text, deeper=deeper)).strip("\n")


def harmless(text: str, *, deeper: int = 2) -> Iterator[str]:
    """Make foreign Markdown harmless, piece by piece: a line of text, or a whole block of code. Cut only between."""
    for block in blocks(text):
        if block.code is not None:
            yield str(block)
        else:
            yield from (_line(line, deeper) for line in block.lines)


def _line(line: str, deeper: int) -> str:
    line = _COMMAND.sub(r"\1\\/", line)
    line = _TASK.sub(lambda box: box[1] + ("\N{BALLOT BOX}" if box[2] == " " else "\N{BALLOT BOX WITH CHECK}"), line)
    line = _HEADING.sub(lambda marks: marks[1] + "#" * min(6, len(marks[2]) + deeper), line)
    spans = [span for span in _CODE.finditer(line) if span["code"]]
    # A table cuts its cells before it looks for code, a link takes backticks into its address:
    # what looks like code there may be none.
    certain = "](" not in line and not any("|" in span["code"] for span in spans)
    shown, at = "", 0
    for span in spans:
        shown += _prose(line[at : span.start()])
        shown += "<!-- -->" if shown.endswith("`") else ""  # two runs of backticks must not become one
        shown += span[0] if certain else _broken(span[0])
        at = span.end()
    return shown + _prose(line[at:])


def _broken(code: str) -> str:
    """Code that a reader sees as code, and GitHub perhaps not: an invisible space parts each sign from its name."""
    return re.sub(r"@(?=\S)|#(?=\d)|(?<=gh-)(?=\d)|(?<=://)", "\\g<0>\u200b", code, flags=re.IGNORECASE)


def _prose(text: str) -> str:
    text = _plain(text)
    text = _ANCHOR.sub(r"[\2](\1)", text)
    text = _IMAGE.sub(r"[image](\g<src>)", text)
    text = _SUMMARY.sub(r"**\1**", text)
    text = _TAG.sub("", text)
    return _TOKEN.sub(_token, text)


def _plain(text: str) -> str:
    """Write out the entities that could hide a name, a number or a sign; ``&lt;`` and its like stay."""
    for _ in range(5):
        plain = _ENTITY.sub(_decoded, text)
        if plain == text:
            return text
        text = plain
    return text.replace("&", "&amp;")


def _decoded(entity: re.Match[str]) -> str:
    character = html.unescape(entity[0])
    if _INVISIBLE.search(character):
        return ""
    return character if character.isalnum() or character in "@#-/._:" else entity[0]


def _token(token: re.Match[str]) -> str:  # noqa: PLR0911 - one line a kind of token
    match token.lastgroup:
        case "tick" | "half":
            return f"\\{token[0]}" if token[0] == "`" else f"]\\{token[0][1]}"
        case "tail" | "dest":
            return _link(token["dest"])
        case "tildes":
            return "\\~" * len(token[0])
        case "url":
            # GitHub links `www.` only after a blank, so what such an address may hide is broken anyway.
            doubtful = token["url"][:1] in "wW" and re.search(r"#\d", token["url"])
            return ("" if doubtful else _address(token["url"])) or _SIGNS.sub(r"\g<0><!-- -->", token["url"])
        case "less":
            return "&lt;"
        case "end":
            return "\\\\"
        case "image":
            return ""
        case "alt":
            return "[image]"
        case "at" | "hash" | "gh" | "glued":
            return f"{token[0]}<!-- -->"
        case _:
            return token[0]


def _link(target: str) -> str:
    safe = _address(target) if target.lower().startswith(("http://", "https://")) else ""
    return f"]({safe})" if safe else "]"


def _address(url: str) -> str:
    """Return the address as it may be linked, or nothing when it may not be."""
    found = _HOST.match(url)
    if found is None:
        return ""
    path = _ODD.sub(lambda sign: f"%{ord(sign[0]):02X}", found["path"] or "")
    if found["host"].lower() in {"github.com", "www.github.com"} and _REFERENCE.match(path):
        return f"https://redirect.github.com{path}"
    if _ELSEWHERE.search(path) and found["host"].lower() != "redirect.github.com":
        return ""
    return url[: found.end("path") - len(found["path"] or "")] + path if found["path"] else url
