"""Users' own templates: ``{to}`` and its like are filled in, braces are doubled to mean themselves."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping

from difyaction.errors import Complaint, Invalid

NAMES = ("from", "to", "environment", "units", "table", "notes", "objections", "compare-url", "plan-id")
LONGEST = 10_000  # characters of a template; the texts that fill it need the rest of GitHub's 65,536

_BRACES = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}\n]*)\}|[{}]")


def complaints(template: str, *, input: str) -> tuple[Complaint, ...]:  # noqa: A002 - the word that Complaint uses
    """Say everything that is wrong with a template given as the named input."""
    if len(template) > LONGEST:
        text = f"{input} is a template of {len(template):,} characters; at most {LONGEST:,} are read"
        return (Complaint(id="template-too-long", text=text, input=input),)
    return tuple(_wrong(template, input))


def _wrong(template: str, given: str) -> Iterator[Complaint]:
    for found in _BRACES.finditer(template):
        name = found["name"]
        if found[0] in {"{", "}"}:
            text = f"{given} has a lone '{found[0]}'; write '{found[0] * 2}' to mean the sign itself"
            yield Complaint(id="template-brace", text=text, input=given)
        elif name is not None and name not in NAMES:
            near = difflib.get_close_matches(name.strip().lower().replace("_", "-"), NAMES, n=1)
            hint = f"; did you mean '{{{near[0]}}}'?" if near else f"; known are {', '.join(NAMES)}"
            text = f"{given} has the placeholder '{{{name}}}', which does not exist{hint}"
            suggestion = f"{{{near[0]}}}" if near else ""
            yield Complaint(id="template-placeholder", text=text, input=given, suggestion=suggestion)


def uses(template: str, name: str) -> int:
    """How often a template uses a placeholder."""
    return sum(found["name"] == name for found in _BRACES.finditer(template))


def fill(template: str, facts: Mapping[str, str], *, input: str) -> str:  # noqa: A002 - as above
    """Fill a template in. What is filled in is not read as a template again. ``errors.Invalid`` if it is wrong."""
    if wrong := complaints(template, input=input):
        raise Invalid(wrong)
    return _BRACES.sub(lambda found: found[0][0] if found["name"] is None else facts.get(found["name"], ""), template)
