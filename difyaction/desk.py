"""How a run ended, for a person at a terminal: a short plain text in her language. Text only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from difyaction import changed
from difyaction.errors import ActionError, Invalid, placed
from difyaction.explanations import explanation
from difyaction.language import N_, Language
from difyaction.report import Told
from difyaction.summary import SERVES, headline
from difyaction.target import Objection, Plan, Severity

ROWS = 12  # of a kind; the log above and the summary have them all
_PLACES = 2
_EDITS = frozenset({"proposed", "merged"})
_PROVED_EDIT = N_("Proved: each file was read again after its edit, and differs in these values alone.")
_PROVED_SERVICE = N_(
    "Proved: the database's schema and rows; three times in a row the images that run, and what the project has of "
    "api, workers, plugin daemon, sandbox and proxy; then service as users get it."
)


def ending(told: Told, language: Language, *, kept: str = "") -> str:
    """Say what happened, what was proved and what to do next. ``kept``: where the whole summary was written."""
    lines = ["", _bare(headline(told, language))]
    if told.error is not None:
        lines += _failure(told.error, language)
    lines += told.outcome.sentences if told.outcome else ()
    if told.plan is not None:
        lines += [*_changes(told.plan, language), *_objections(told.plan, language), *_findings(told.plan, language)]
    if proved := _proved(told):
        lines.append(language.say(proved))
    if told.error is None and (step := _next_step(told, language)):
        lines.append(f"{language.say('Next step')}: {step}")
    if kept:
        lines.append(language.say(N_("The whole summary: {path}"), path=kept))
    return "\n".join(lines)


def _bare(text: str) -> str:
    """Leave out the picture that a headline begins with: not every terminal can show it."""
    sign, _, rest = text.partition(" ")
    return text if sign[:1].isalnum() else rest


def _failure(error: ActionError, language: Language) -> Iterator[str]:
    ids: Sequence[str] = (error.id,)
    if isinstance(error, Invalid):
        ids = tuple(dict.fromkeys(each.id for each in error.complaints))
        for each in error.complaints:
            yield f"  error: {placed(each.text, each.file, each.line)} [{each.id}]"
        yield from (f"  {id}: {language.template(said)}" for id in ids if (said := explanation(id)))  # noqa: A001
    else:
        yield f"  error: {placed(_filled(error.what, error, language), error.file, error.line)} [{error.id}]"
    if error.state:
        yield f"{language.say('State now')}: {_filled(error.state, error, language)}"
    yield f"{language.say('Next step')}: {_filled(error.next_step, error, language)}"
    yield language.say(N_("docs/troubleshooting.md tells more of {ids}."), ids=", ".join(ids))


def _filled(template: str, error: ActionError, language: Language) -> str:
    return language.template(template).format(**language.facts(error.facts))


def _changes(plan: Plan, language: Language) -> Iterator[str]:
    found = changed.rows(plan.changes)
    if found:
        yield f"{language.say('Changes')}:"
    for row in found[:ROWS]:
        places = ", ".join(row.places[:_PLACES])
        if len(row.places) > _PLACES:
            places += " " + language.say("and {count} more", count=len(row.places) - _PLACES)
        yield f"  {row.what}: {row.before or '-'} -> {row.after or '-'} ({places})"
    if len(found) > ROWS:
        yield "  " + language.say("{count} more changes are not shown.", count=len(found) - ROWS)


def _objections(plan: Plan, language: Language) -> Iterator[str]:
    asked = [each for each in plan.objections if each.severity is not Severity.AUTOMATIC]
    if asked:
        yield f"{language.say('Objections')}:"
    for each in asked:
        yield f"  {each.rule}: {language.template(each.text).format(**each.facts)}"
        yield f"    {_consent(each, language)}"


def _consent(objection: Objection, language: Language) -> str:
    if objection.severity is Severity.NEVER:
        return language.say("This cannot be acknowledged.")
    words = f"--acknowledge {objection.consent}"
    if objection.acknowledged:
        return language.say("Accepted with {words}.", words=words)
    return language.say("To accept it: {words}", words=words)


def _findings(plan: Plan, language: Language) -> Iterator[str]:
    if plan.findings:
        yield f"{language.say('Good to know')}:"
    for each in plan.findings[:ROWS]:
        yield f"  {language.template(each.text).format(**each.facts)}"
    if len(plan.findings) > ROWS:
        yield "  " + language.say(N_("{count} more remarks are not shown."), count=len(plan.findings) - ROWS)


def _proved(told: Told) -> str:
    edits = told.target == "gitops" and told.status in _EDITS and told.plan is not None and told.plan.changes
    if edits:
        return _PROVED_EDIT
    return _PROVED_SERVICE if told.status in SERVES else ""


def _next_step(told: Told, language: Language) -> str:
    given = told.own_outputs
    if told.status == "planned" and told.plan is not None:
        return _after_plan(told.plan, language)
    if told.status == "proposed" and given.get("pull-request-url"):
        return language.say(N_("Review the pull request: {url}"), url=" ".join(given["pull-request-url"].split()))
    if told.status == "proposed":
        return language.say(N_("Look at the edit with `git diff`, then commit it."))
    if told.status in SERVES and given.get("backup-id"):
        flags = f"--mode rollback --rollback-to {given['backup-id']}"
        return language.say(N_("Nothing has to be done. The way back, while that backup stands: {flags}"), flags=flags)
    return ""


def _after_plan(plan: Plan, language: Language) -> str:
    if any(each.severity is Severity.NEVER for each in plan.stopping):
        return language.say(N_("Do what the objections say, or choose another release; then plan again."))
    consent = ",".join(each.consent for each in plan.stopping)
    flags = f"--mode apply --plan-id {plan.plan_id}" + (f" --acknowledge {consent}" if consent else "")
    if consent:
        return language.say(N_("Read the objections; when you accept them, the same again with {flags}"), flags=flags)
    return language.say(N_("When it is right, the same again with {flags}"), flags=flags)
