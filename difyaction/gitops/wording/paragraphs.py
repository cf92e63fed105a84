"""The parts of a pull request's text. Each is bounded, so that together they always leave room for release notes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from difyaction import changed
from difyaction.gitops.wording.markdown import harmless
from difyaction.gitops.wording.notes import cut
from difyaction.language import N_
from difyaction.markdown import code, details, inline
from difyaction.releases.catalogue import EnvKeys, Release
from difyaction.target import Change, Objection, Severity

Say = Callable[..., str]

_ROOM = 10_000  # characters of one part
_LEAD = {
    "never": "\N{NO ENTRY}",
    "acknowledge": "\N{RAISED HAND}",
    "acknowledged": "\N{WHITE HEAVY CHECK MARK}",
    "automatic": "\N{INFORMATION SOURCE}\ufe0f",
}


class Saying(Protocol):
    """A sentence as a template over facts, such as a remark of the plan."""

    @property
    def text(self) -> str:
        """The template, in English."""
        ...

    @property
    def facts(self) -> Mapping[str, object]:
        """What fills it in."""
        ...


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a pull request is about: one unit, or several that share it.

    ``unit`` names the branch's owner; ``heads`` are the schema heads before and after, None where unknown.
    ``reverts`` says what a rollback takes back (a link, or ``#12``) and is empty for an upgrade.
    """

    unit: str
    from_version: str
    to_version: str
    changes: tuple[Change, ...]
    plan_id: str
    units: tuple[str, ...] = ()
    environment: str = ""
    objections: tuple[Objection, ...] = ()
    remarks: Sequence[Saying] = ()
    release: Release | None = None
    heads: tuple[str | None, str | None] = (None, None)
    reverts: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The units, at least the one that owns the branch."""
        return self.units or (self.unit,)


def changes_table(subject: Subject, say: Say) -> str:
    """Old and new value of each image, and where it stands; with several files, each of them in a folding."""
    changes = subject.changes
    parts = [changed.opening(changes, say), _bounded(changed.table_of(changes, say), say)]
    files = changed.by_file(changes)
    if len(files) > 1:
        parts.append(details(say(N_("Every place ({count})"), count=len(changes)), _bounded(files, say)))
    return "\n\n".join(part for part in parts if part)


def objections(subject: Subject, say: Say) -> str:
    """List what stands in the way, what was accepted, and the words that accept the rest."""
    return _bounded([_objection(each, say) for each in subject.objections], say)


def _objection(objection: Objection, say: Say) -> str:
    kind = "acknowledged" if objection.acknowledged and not objection.in_the_way else str(objection.severity)
    text = " ".join(harmless(" ".join(say(objection.text, **objection.facts).split()), deeper=0))
    advice = {
        "acknowledge": say(N_("To accept it: {words}"), words=code(f"acknowledge: {objection.consent}")),
        "never": say(N_("This cannot be acknowledged.")),
        "acknowledged": say(N_("Accepted with {words}."), words=code(objection.consent)),
        "automatic": "",
    }[kind]
    return f"- {_LEAD[kind]} **{inline(objection.rule)}**: {text} {advice}".rstrip()


def state(subject: Subject, say: Say) -> str:
    """Say in one alert whether this may be merged as it is."""
    stopping = [each for each in subject.objections if each.in_the_way]
    if not stopping:
        return ""
    never = any(each.severity is Severity.NEVER for each in stopping)
    kind = "CAUTION" if never else "WARNING"
    sentence = N_("This is a draft. Objections that stand in the way of merging it: {count}")
    return f"> [!{kind}]\n> {say(sentence, count=len(stopping))}"


def schema(subject: Subject, say: Say) -> str:
    """Where the database's schema stands before and after."""
    before, after = subject.heads
    facts = {"old": code(before or "?"), "new": code(after or "?")}
    if before is None or after is None:
        return say(N_("Schema head: {old} → {new}. What is not known here is shown by the release notes."), **facts)
    if before == after:
        return say(N_("Schema head: {new} on both sides; there is no migration between them."), **facts)
    if subject.reverts:
        return say(
            N_("Schema head: {old} → {new}. The older release does not know the newer schema: restore a backup first."),
            **facts,
        )
    return say(N_("Schema head: {old} → {new}. The new release migrates the database when it starts."), **facts)


def env_keys(keys: EnvKeys, say: Say) -> str:
    """How upstream's env examples changed, folded; empty when they did not."""
    rows = [
        *(f"- \N{HEAVY PLUS SIGN} {code(key)}" for key in keys.added),
        *(f"- \N{HEAVY MINUS SIGN} {code(key)}" for key in keys.removed),
        *(f"- {code(key)}: {code(old) or '—'} → {code(new) or '—'}" for key, old, new in keys.changed),
    ]
    if not rows:
        return ""
    counts = {"added": len(keys.added), "removed": len(keys.removed), "changed": len(keys.changed)}
    title = say(N_("Environment keys: {added} new, {removed} gone, {changed} with another default"), **counts)
    return details(title, _bounded(rows, say))


def remarks(subject: Subject, say: Say) -> str:
    """Sentences that nobody has to act on."""
    said = (" ".join(say(remark.text, **remark.facts).split()) for remark in subject.remarks)
    return _bounded([f"- {' '.join(harmless(sentence, deeper=0))}" for sentence in said], say)


def compare_url(subject: Subject) -> str:
    """Upstream's own comparison of the two releases, empty when there is none."""
    return subject.release.compare_url if subject.release else ""


def _bounded(lines: Iterable[str], say: Say) -> str:
    """Join lines, as many as fit, and say how many do not."""
    every = tuple(lines)
    text, whole = cut(every, _ROOM)
    if whole:
        return text
    hidden = len(every) - len(text.split("\n"))
    return f"{text}\n\n{say(N_('And {count} more, left out for length.'), count=hidden)}"
