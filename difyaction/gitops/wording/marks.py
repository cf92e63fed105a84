"""How we know our own work again: trailers in commits, markers and sections in pull request texts. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

TRAILER: Final = "Dify-Upgrade-Action"
LONGEST_BODY: Final = 65_536  # characters that GitHub takes
CUT: Final = "\n\n_Cut here: the job's summary has the whole text._\n"

_MARKER = re.compile(r"<!-- dify-upgrade-action: unit=(.*?) -->")
_TRAILER = re.compile(rf"^{TRAILER}: *(\S.*?)\s*$", re.MULTILINE | re.IGNORECASE)


def _safe(unit: str) -> str:
    """Return a unit's name as an HTML comment can hold it; usual names stay as they are."""
    escaped = unit.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A").replace(">", "%3E").replace("<", "%3C")
    return escaped.replace("--", "-%2D")


def unit_marker(unit: str) -> str:
    """Return the invisible line that says which unit a pull request is about."""
    return f"<!-- dify-upgrade-action: unit={_safe(unit)} -->"


def is_marked(body: str, unit: str) -> bool:
    """Whether a pull request's text says that it is about this unit."""
    return _safe(unit) in _MARKER.findall(body)


def with_marker(body: str, unit: str) -> str:
    """Return the text with the unit's marker, added as the last line when missing; cut to what GitHub takes."""
    marker = "" if is_marked(body, unit) else f"\n\n{unit_marker(unit)}\n"
    return fitted(body, LONGEST_BODY - len(marker)) + marker


def fitted(text: str, longest: int) -> str:
    """Return a text of at most ``longest`` characters that says so where it was cut."""
    return text if len(text) <= longest else text[: max(0, longest - len(CUT))] + CUT


def units_of(message: str) -> tuple[str, ...]:
    """Return the units that a commit message's trailers name; none means that the commit is not ours.

    Trailers stand in the last paragraph, which is not the first: elsewhere the words may be somebody's quotation.
    """
    _, gap, last = message.replace("\r\n", "\n").strip("\n").rpartition("\n\n")
    return tuple(_TRAILER.findall(last)) if gap else ()


def with_trailers(message: str, units: Iterable[str]) -> str:
    """Return a commit message with one trailer for each unit, added when missing."""
    present = set(units_of(message))
    wanted = [" ".join(unit.split()) for unit in units]
    missing = [f"{TRAILER}: {unit}" for unit in dict.fromkeys(wanted) if unit not in present]
    if not missing:
        return message
    text = message.rstrip("\n")
    joint = "\n" if _ends_in_trailers(text) else "\n\n"
    return text + joint + "\n".join(missing)


def _ends_in_trailers(text: str) -> bool:
    headline, gap, last = text.rpartition("\n\n")
    return bool(gap and headline) and all(re.match(r"[\w-]+: ", line) for line in last.splitlines())


def merge_sections(old_body: str, unit: str, section: str) -> str:
    """Return a shared pull request's text with this unit's section put in place, others untouched.

    A new section goes to the end. When all of it would be too long for GitHub, this section is cut.
    """
    begin, end = unit_marker(unit), f"<!-- dify-upgrade-action: end={_safe(unit)} -->"
    before, found, rest = old_body.partition(begin)
    if found and end in rest:
        after = rest.partition(end)[2]
    else:
        before, after = (old_body.rstrip("\n") + "\n\n" if old_body.strip() else ""), "\n"
    frame = len(before) + len(begin) + len(end) + len(after) + 2
    inner = fitted(section.strip("\n"), max(len(CUT), LONGEST_BODY - frame))
    return f"{before}{begin}\n{inner}\n{end}{after}"
