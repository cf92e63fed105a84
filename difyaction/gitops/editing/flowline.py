"""Flow collections of plain words and quoted texts, each on one line: ``[a, {b: "c"}]``."""

from __future__ import annotations

import re

from difyaction.gitops.editing.yamlevent import Event

_LONGEST = 1_000  # a key of more than 1,024 characters is none
_GAP = re.compile(r"(?:[ ]|\r?\n|(?<=[ \n])\#[^\r\n\0]*)*")
_TOKEN = re.compile(
    r"""(?:
      (?P<open>[\[{]) | (?P<close>[\]}]) | (?P<comma>,)
    | (?P<scalar> '(?P<single>(?:[^'\r\n\0]|'')*)' | "(?P<double>(?:[^"\\\r\n\0]|\\["\\/nrt])*)"
      | (?P<plain>[\w./$^+~(][\w./$^+~()@=;-]*(?:[ ][\w./$^+~()@=;-]+)*) )
      (?P<key>[ ]*:(?=[ ]+[^\s,\]}]))?
    )""",
    re.VERBOSE,
)


_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


def unescaped(raw: str) -> str:
    """Read the everyday escapes of a double-quoted text."""
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), raw) if "\\" in raw else raw


def read_flow(text: str, at: int, line: int) -> list[Event] | None:
    """Return the events of the flow collection that begins at ``at``; None when there is more to it.

    The last event ends behind the closing bracket, on the line that it has.
    """
    events: list[Event] = []
    open_: list[str] = []
    expect = "value"  # or first (a value or key, or the end), or next (a comma or the end)
    while (gap := _GAP.match(text, at)) and (match := _TOKEN.match(text, gap.end())):
        line += text.count("\n", at, gap.end())
        at = match.end()
        token, expect = _step(match, open_, expect, line)
        if token is None:
            return None
        events += token
        if not open_:
            return events
    return None


def _step(match: re.Match[str], open_: list[str], expect: str, line: int) -> tuple[list[Event] | None, str]:
    """Return the events of one token and what is expected behind it; None for what does not belong there."""
    if match["comma"]:
        return ([] if expect == "next" else None), "first"
    if match["close"]:
        fits = expect in {"first", "next"} and {"[": "]", "{": "}"}[open_.pop()] == match["close"]
        return ([Event("end", match.start("close"), match.end(), line)] if fits else None), "next"
    wants_key = expect == "first" and open_[-1] == "{"
    if expect == "next" or wants_key != bool(match["key"]) or (wants_key and match.end() - match.start() > _LONGEST):
        return None, ""
    if match["open"]:
        open_.append(match["open"])
        start = match.start("open")
        return [Event("mapping" if match["open"] == "{" else "sequence", start, start, line, flow=True)], "first"
    return [_scalar(match, line)], ("value" if match["key"] else "next")


def _scalar(match: re.Match[str], line: int) -> Event:
    start, end = match.span("scalar")
    if match["plain"] is not None:
        return Event("scalar", start, end, line, match["plain"], "plain")
    if match["single"] is not None:
        return Event("scalar", start, end, line, match["single"].replace("''", "'"), "single")
    return Event("scalar", start, end, line, unescaped(match["double"]), "double")
