"""What a reviewer reads: the title, the commit message and the text of a pull request. Pure text over a plan."""

from __future__ import annotations

from difyaction.errors import Complaint, Invalid
from difyaction.gitops.wording import notes, paragraphs, placeholders
from difyaction.gitops.wording.marks import LONGEST_BODY, unit_marker, with_trailers
from difyaction.gitops.wording.paragraphs import Say, Subject
from difyaction.language import N_
from difyaction.markdown import code, link

__all__ = ["Subject", "body", "commit_message", "frame", "section", "title"]

LONGEST_TITLE = 256  # characters that GitHub takes
LONGEST_HEADLINE = 72  # what git's own tools show of a commit
_MESSAGE_NOTES = 4_000


def title(subject: Subject, say: Say, template: str = "") -> str:
    """Write the pull request's title, in the reader's words when there is a template."""
    text = (
        placeholders.fill(template, _facts(subject, say, room=0), input="title") if template else _title(subject, say)
    )
    return _short(text, LONGEST_TITLE)


def _title(subject: Subject, say: Say) -> str:
    facts = {"old": subject.from_version, "new": subject.to_version, "unit": ", ".join(subject.names)}
    if subject.reverts:
        return say(N_("Roll Dify back from {old} to {new} ({unit})"), **facts)
    if not subject.from_version or subject.from_version == subject.to_version:
        return say(N_("Set Dify to {new} ({unit})"), **facts)
    return say(N_("Upgrade Dify from {old} to {new} ({unit})"), **facts)


def commit_message(subject: Subject, template: str = "") -> str:
    """Write the commit's message; the unit's trailer is always its end. English: tools read it too."""
    if template:
        facts = _facts(subject, _english, room=_MESSAGE_NOTES)
        return with_trailers(placeholders.fill(template, facts, input="commit-message").strip(), subject.names)
    word = "Roll Dify back" if subject.reverts else "Upgrade Dify"
    headline = _short(f"{word} to {subject.to_version} in {', '.join(subject.names)}", LONGEST_HEADLINE)
    lines = dict.fromkeys(f"{each.what}: {each.before or '-'} -> {each.after}" for each in subject.changes)
    text = "\n".join((headline, "", *(" ".join(line.split()) for line in lines)))
    return with_trailers(text.rstrip(), subject.names)


def body(subject: Subject, say: Say, template: str = "") -> str:
    """Write the whole text of a pull request that belongs to one unit, shorter than GitHub's limit."""
    marker = unit_marker(subject.unit) + "\n\n"
    room = LONGEST_BODY - 1 - len(marker)
    if template:
        return marker + _templated(subject, say, template, room)
    before = _joined(_opening(subject, say), _core(subject, say))
    after = _ending(subject, say)
    return marker + _joined(before, _notes(subject, say, room - len(before) - len(after) - 4), after)


def section(subject: Subject, say: Say) -> str:
    """Write one unit's part of a pull request that several share; the rest is `frame`."""
    heading = f"## {' · '.join(code(name) for name in subject.names)}"
    return _joined(heading, _core(subject, say), _ending(subject, say))


def frame(subject: Subject, say: Say, template: str = "") -> str:
    """Write what the units of a shared pull request have in common; half of GitHub's limit is left to their parts."""
    if template:
        return _templated(subject, say, template, LONGEST_BODY // 2)
    before = _opening(subject, say)
    return _joined(before, _notes(subject, say, LONGEST_BODY // 2 - len(before) - 2))


def _opening(subject: Subject, say: Say) -> str:
    facts = {"old": code(subject.from_version) or "?", "new": code(subject.to_version)}
    if subject.reverts:
        taken_back = say(N_("The files get back what they held before {change}."), change=subject.reverts)
        return f"{say(N_('Rolls Dify back from {old} to {new}.'), **facts)} {taken_back}"
    url = paragraphs.compare_url(subject)
    compare = link(say(N_("All changes between the two")), url) if url else ""
    return f"{say(N_('Upgrades Dify from {old} to {new}.'), **facts)} {compare}".rstrip()


def _core(subject: Subject, say: Say) -> str:
    keys = subject.release.env_keys if subject.release and not subject.reverts else None
    return _joined(
        paragraphs.state(subject, say),
        _titled(say(N_("Changes")), paragraphs.changes_table(subject, say)),
        _titled(say(N_("Objections")), paragraphs.objections(subject, say)),
        paragraphs.schema(subject, say),
        paragraphs.env_keys(keys, say) if keys else "",
        _titled(say(N_("Remarks")), paragraphs.remarks(subject, say)),
    )


def _ending(subject: Subject, say: Say) -> str:
    return f"<sub>{say(N_('Plan: {plan_id}'), plan_id=code(subject.plan_id))}</sub>" if subject.plan_id else ""


def _notes(subject: Subject, say: Say, room: int) -> str:
    """Release notes are for the way up; a rollback's reader has read them."""
    if subject.release is None or subject.reverts or not subject.release.between:
        return ""
    return notes.render(subject.release.between, room, say)


def _templated(subject: Subject, say: Say, template: str, room: int) -> str:
    """Fill the reader's own template, its notes cut to the room that the rest leaves."""
    without = placeholders.fill(template, _facts(subject, say, room=0), input="body")
    times = max(1, placeholders.uses(template, "notes"))
    text = placeholders.fill(template, _facts(subject, say, room=(room - len(without)) // times), input="body")
    if len(text) > room:
        wrong = f"body is a template whose text would be {len(text):,} characters long; GitHub takes {room:,}"
        raise Invalid([Complaint(id="template-too-long", text=wrong, input="body")])
    return text


def _facts(subject: Subject, say: Say, *, room: int) -> dict[str, str]:
    return {
        "from": subject.from_version,
        "to": subject.to_version,
        "environment": subject.environment or subject.unit,
        "units": ", ".join(subject.names),
        "table": paragraphs.changes_table(subject, say),
        "notes": _notes(subject, say, room) if room > 0 else "",
        "objections": paragraphs.objections(subject, say),
        "compare-url": paragraphs.compare_url(subject),
        "plan-id": subject.plan_id,
    }


def _titled(heading: str, text: str) -> str:
    return f"### {heading}\n\n{text}" if text else ""


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)


def _short(text: str, longest: int) -> str:
    """Bring a text to one line that fits."""
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else flat[: longest - 1].rstrip() + "…"


def _english(template: str, **facts: object) -> str:
    return template.format(**facts)
