"""The job summary: what a person reads first. Text only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from zoneinfo import ZoneInfo

from difyaction import changed, manual, markdown
from difyaction.errors import ActionError, Complaint, Invalid, tells_place
from difyaction.explanations import explanation
from difyaction.language import N_, Language
from difyaction.report import Told
from difyaction.story import STAGES
from difyaction.target import Document, Objection, Plan, Severity

ROWS = 200
SERVES = frozenset({"upgraded", "restored"})  # statuses in which a host runs what was wanted
_HEADS = 2  # lines of a table before its rows
DOCUMENT_CHARACTERS = 150_000  # a runbook, whole
ALL_DOCUMENTS_CHARACTERS = 500_000

HEADLINES: Mapping[str, str] = {
    "unchanged": N_("✅ Unchanged: {subject}. Nothing had to be done."),
    "planned": N_("📋 Planned: {subject}. Nothing was changed."),
    "upgraded": N_("✅ Upgraded: {subject}."),
    "restored": N_("✅ Restored: {subject}. The release of the backup serves."),
    "proposed": N_("📬 Proposed: {subject}. A pull request is waiting."),
    "merged": N_("✅ Merged: {subject}."),
    "swept": N_("🧹 Swept: what had expired is gone."),
    "invalid": N_("❌ Invalid: the run was asked for something that cannot be done."),
    "refused": N_("✋ Refused: {subject}."),
    "failed": N_("❌ Failed: {subject}."),
    "rolled-back": N_("↩️ Rolled back: {subject} failed, and the old release serves."),
    "stranded": N_("🆘 Stranded: {subject} failed, and a person has to look."),
    "degraded": N_("⚠️ Degraded: {subject} serves, but a later check fails."),
    "running": N_("⏳ Running: {subject} goes on without this job."),
    "door-open": N_("🚪 Door open: something that was opened could not be closed."),
    "cancelled": N_("🛑 Cancelled: {subject}."),
}

_QUOTED = frozenset({"says", "door_says"})  # facts that are somebody else's sentences, in English mostly
_STUCK = N_("⚠️ Unchanged: {subject}. Not everything is as wanted, and nothing could be moved.")
_EDITED = N_("📝 Edited: {subject}. The checkout holds it; nothing is committed.")

_STAGE_NAMES: Mapping[str, str] = {
    "inspect": N_("Inspect"),
    "plan": N_("Plan"),
    "guard": N_("Guard"),
    "apply": N_("Apply"),
    "close": N_("Close"),
    "matrix": N_("Matrix"),
    "sweep": N_("Sweep"),
}


def summary(told: Told, language: Language) -> str:
    """Write the whole summary as Markdown, in the reader's language."""
    parts = [f"## {headline(told, language, write=markdown.inline)}"]
    if told.error is not None:
        parts.append(_failure(told.error, language, told.page))
    parts.extend(_pull_requests(told, language))
    if told.outcome is not None:
        parts.extend(markdown.inline(sentence) for sentence in told.outcome.sentences)
        parts.extend(_way_back(told, language))
    if told.plan is not None:
        parts.extend(_plan(told.plan, language))
    if told.stages:
        parts.append(_flowchart(told, language))
    planned = told.plan.documents if told.plan else ()
    parts.extend(_documents([*planned, *(told.outcome.documents if told.outcome else ())], language))
    parts.append(_footer(told, language))
    return "\n\n".join(parts) + "\n"


def headline(told: Told, language: Language, *, write: Callable[[str], str] = str) -> str:
    """Say in one sentence how it ended. ``write`` makes foreign words harmless where it will stand."""
    return language.say(_headline(told), subject=_subject(told, language, write))


def _headline(told: Told) -> str:
    """Return the headline's template. A proposal without a pull request is an edited checkout."""
    url = told.outcome.outputs.get("pull-request-url") if told.outcome else ""
    if told.status == "unchanged" and told.plan is not None and not told.plan.settled:
        return _STUCK
    return HEADLINES[told.status] if url or told.status != "proposed" else _EDITED


def _subject(told: Told, language: Language, write: Callable[[str], str]) -> str:
    plan = told.plan
    if plan is None:
        return language.say("the environments' matrix") if told.mode == "matrix" else "Dify"
    if not plan.to_version:
        return language.say("explicit edits")
    if not plan.from_version or plan.from_version == plan.to_version:
        return f"Dify {write(plan.to_version)}"
    return f"Dify {write(plan.from_version)} → {write(plan.to_version)}"


def _failure(error: ActionError, language: Language, page: str) -> str:
    lines, facts = [f"> **{manual.linked(error.id, page)}**"], language.facts(error.facts)
    if isinstance(error, Invalid):
        lines[0] = f"> {', '.join(f'**{manual.linked(each, page)}**' for each in _ids(error))}"
        lines += [f"> - {each}" for each in _complaints(error.complaints[:ROWS], language)]
    else:
        cause = markdown.fill(language.template(error.what), facts, quoted=_QUOTED)
        lines[0] += f" {_place(error.file, error.line)}{cause}"
    state = markdown.fill(language.template(error.state), facts, quoted=_QUOTED)
    next_step = manual.with_links(language.template(error.next_step), page)
    next_step = markdown.fill(next_step, facts, quoted=_QUOTED)
    lines += [
        ">",
        f"> **{language.say('State now')}:** {state}",
        ">",
        f"> **{language.say('Next step')}:** {next_step}",
    ]
    return "\n".join(lines)


def _ids(error: Invalid) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.id for each in error.complaints[:ROWS]))


def _complaints(complaints: Sequence[Complaint], language: Language) -> Iterator[str]:
    """Say the facts in English, and what such a complaint means: to readers of another language before them.

    In English it follows the facts, and once is enough.
    """
    meant: set[str] = set()
    for each in complaints:
        sentence, facts = explanation(each.id), markdown.inline(each.text)
        translated = language.template(sentence)
        if translated != sentence:
            yield f"{_place(each.file, each.line)}{markdown.fill(translated, {})} ({facts})"
            continue
        place = "" if tells_place(each.text, each.file, each.line) else _place(each.file, each.line)
        meaning = f"<br>{markdown.fill(sentence, {})}" if sentence and each.id not in meant else ""
        meant.add(each.id)
        yield f"{place}{facts}{meaning}"


def _place(file: str, line: int) -> str:
    if not file:
        return ""
    return markdown.code(f"{file}:{line}" if line else file) + " "


def _pull_requests(told: Told, language: Language) -> Iterator[str]:
    given = told.outcome.outputs if told.outcome else told.left
    numbers = re.split(r"[\s,]+", given.get("pull-request-number", ""))
    urls = re.split(r"[\s,]+", given.get("pull-request-url", ""))
    said = [
        f"**{markdown.link(language.say('Pull request {number}', number=number), url)}**"
        for number, url in zip(numbers, urls, strict=False)
        if url
    ]
    result = given.get("auto-merge-result", "")
    if result not in {"", "off"}:
        said.append(language.say("Auto-merge: {result}", result=markdown.code(result)))
    if said:
        yield " · ".join(said)


def _way_back(told: Told, language: Language) -> Iterator[str]:
    """Name the backup of a host that now runs something else, and how it leads back."""
    backup = told.own_outputs.get("backup-id", "")
    if told.status in SERVES and backup:
        text = N_("Backup: {backup}. The way back, while it stands: `mode: rollback` with `rollback-to: {backup}`.")
        yield markdown.fill(language.template(text), {"backup": backup})


def _plan(plan: Plan, language: Language) -> Iterator[str]:
    yield from _objections(plan, language)
    if plan.changes:
        yield f"### {language.say('Changes')}"
        if place := changed.opening(plan.changes, language.say):
            yield place
        lines = changed.table_of(plan.changes, language.say)
        yield "\n".join(lines[: ROWS + _HEADS])
        if len(lines) > ROWS + _HEADS:
            yield language.say("{count} more changes are not shown.", count=len(lines) - ROWS - _HEADS)
    if plan.findings:
        yield f"### {language.say('Good to know')}"
        sentences = (markdown.fill(language.template(each.text), each.facts) for each in plan.findings[:ROWS])
        yield "\n".join(f"- {sentence}" for sentence in sentences)


def _objections(plan: Plan, language: Language) -> Iterator[str]:
    """Say what somebody has to decide; what the plan has dealt with is folded."""
    settled = [each for each in plan.objections if each.severity is Severity.AUTOMATIC]
    others = [each for each in plan.objections if each.severity is not Severity.AUTOMATIC]
    if others:
        yield f"### {language.say('Objections')}"
        yield "\n".join(_objection(each, language) for each in others)
    asking = [each.consent for each in others if each.severity is Severity.ACKNOWLEDGE and each.in_the_way]
    if len(asking) > 1:
        words = markdown.code(f"acknowledge: {', '.join(asking)}")
        yield language.say(N_("To accept all of them: {words}"), words=words)
    if settled:
        title = language.say(N_("Dealt with by the plan: {count}"), count=len(settled))
        yield markdown.details(title, "\n".join(_objection(each, language) for each in settled))


def _objection(objection: Objection, language: Language) -> str:
    text = markdown.fill(language.template(objection.text), objection.facts)
    said = f"**{markdown.inline(objection.rule)}**: {text}"
    if objection.severity is Severity.AUTOMATIC:
        return f"- {said}"
    if objection.severity is Severity.NEVER:
        return f"- ⛔ {said}<br>{language.say('This cannot be acknowledged.')}"
    words = markdown.code(f"acknowledge: {objection.consent}")
    if objection.acknowledged:
        return f"- ✅ {said}<br>{language.say('Accepted with {words}.', words=words)}"
    return f"- ✋ {said}<br>{language.say('To accept it: {words}', words=words)}"


def _flowchart(told: Told, language: Language) -> str:
    """Draw the stages with their results; those that were not reached are drawn pale."""
    reached = {stage.name: stage for stage in told.stages}
    drawn = STAGES if STAGES[0] in reached else tuple(reached)
    nodes = []
    for name in drawn:
        title = language.say(_STAGE_NAMES[name])
        stage = reached.get(name)
        words = language.say(N_("{stage} {seconds} s"), stage=title, seconds=f"{stage.seconds:.1f}") if stage else title
        nodes.append(f"  {name}[{markdown.label(words)}]:::{stage.result if stage else 'skipped'}")
    arrows = [f"  {before} --> {after}" for before, after in pairwise(drawn)]
    styles = (
        "  classDef done fill:#dafbe1,stroke:#1a7f37,color:#1f2328",
        "  classDef failed fill:#ffebe9,stroke:#cf222e,color:#1f2328",
        "  classDef cancelled fill:#fff8c5,stroke:#9a6700,color:#1f2328",
        "  classDef skipped fill:#f6f8fa,stroke:#d1d9e0,color:#818b98",
    )
    return "\n".join(("```mermaid", "flowchart LR", *nodes, *arrows, *styles, "```"))


def _documents(documents: Sequence[Document], language: Language) -> Iterator[str]:
    room = ALL_DOCUMENTS_CHARACTERS
    for document in documents:
        shown = document.text[: min(DOCUMENT_CHARACTERS, room)]
        room -= len(shown)
        # A document of kind "markdown" was made harmless by whoever made it; every other kind is foreign.
        whole = len(shown) == len(document.text)
        body = shown if document.kind == "markdown" and whole else markdown.fence(shown, document.kind)
        if not whole:
            body += "\n\n" + language.say(
                "{count} characters more are not shown.", count=len(document.text) - len(shown)
            )
        yield markdown.details(language.template(document.title), body, shown=document.shown)


def _footer(told: Told, language: Language) -> str:
    ended = told.ended.astimezone(ZoneInfo(told.timezone)).strftime("%Y-%m-%d %H:%M:%S %Z")
    facts = [language.say("ended {when} after {seconds} s", when=ended, seconds=f"{told.seconds:.1f}")]
    if told.target:
        facts.insert(0, f"`{told.target}` `{told.mode}`")
    if told.place:
        facts.insert(-1, markdown.code(told.place))
    if told.plan is not None:
        facts.append(f"plan-id {markdown.code(told.plan.plan_id)}")
    return f"<sub>{' · '.join(facts)}</sub>"
