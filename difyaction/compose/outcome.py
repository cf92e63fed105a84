"""How a run of the runbook ended, told as an outcome or an error. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from difyaction.compose.run_journal import FINAL, Reason, RunRecord, clean
from difyaction.connections import Ran
from difyaction.errors import ActionError, Degraded, Failed, RolledBack, Stranded
from difyaction.language import N_, Language
from difyaction.target import Outcome

_WAY_OUT = (
    "Look at {folder} on the host; the backup is {backup}. docs/restore.md says how to go back by hand, step by step."
)
_CUT = N_("{count} running tasks were cut off.")
_WITHOUT_ROWS = N_(
    "Larger than `restore-test-max`, or of unknown size, and therefore read back without rows: {databases}. Whether the"
    " dump has them all is not proven."
)
_UNREAD = "without-rows-"  # how the keys of such facts begin; then comes the database


def outcome_of(record: RunRecord, *, folder: str, backup: str, language: str = "en") -> Outcome:
    """Return how a good run ended, told in the reader's language.

    :raises ActionError: how any other ended, by its state.
    """
    if record.state == "done":
        status = "restored" if "restored" in record.facts else "upgraded"
        told = tuple(_told(record.facts, Language.of(language)))
        return Outcome(status, changed=True, outputs=outputs(record.facts, backup), sentences=told)
    error = _error(record, folder=folder, backup=backup)
    error.left = made(record, backup)
    for template, given in _remarks(record.facts):
        error.state = f"{error.state} {template}"
        error.facts |= given
    raise error


def ended(ran: Ran) -> str:
    """Return how a script ended: its exit code, and the last line that it, or the shell in its place, said."""
    said = clean((ran.err or ran.out).decode("utf-8", "replace")).strip().splitlines()
    return f"exit code {ran.exit_code}{': ' if said else ''}{said[-1][:200] if said else ''}"


def is_past(why: ActionError, found: str, mode: str) -> bool:
    """Whether a run goes on to its own work after an earlier one, found in that state, turned out to have ended so.

    What was still at work and fails now, or leaves the host in need of a person, is told first. Whoever goes back
    has looked at what had ended like that before, or is sent back by it.
    """
    if found == "going":
        return False
    return isinstance(why, Failed | RolledBack) or (
        isinstance(why, Stranded | Degraded) and mode == "rollback" and found in FINAL
    )


def made(record: RunRecord, backup: str) -> dict[str, str]:
    """Return the outputs of what there is so far: a backup is named once it is whole."""
    given = outputs(record.facts, backup if _is_whole(record) else "")
    return {name: text for name, text in given.items() if text}


def _is_whole(record: RunRecord) -> bool:
    """Whether the run's backup was sealed, so that `mode: rollback` accepts it."""
    return "backup" in record.facts


def outputs(facts: Mapping[str, str], backup: str) -> dict[str, str]:
    """Return the outputs that the host's facts make."""
    return {
        "backup-id": backup.rpartition("/")[2],
        "seconds-without-service": facts.get("seconds-without-service", ""),
    }


def _told(facts: Mapping[str, str], language: Language) -> Iterator[str]:
    if back := facts.get("restored"):
        yield language.say("Dify is as it was in the backup {backup}.", backup=back)
    if seconds := facts.get("seconds-without-service"):
        yield language.say("Users were without service for {seconds} s.", seconds=seconds)
    for template, given in _remarks(facts):
        yield language.say(template, **given)
    if facts.get("git") == "stays":
        yield language.say("The checkout stays at its commit: the release's tag could not be fetched on the host.")


def _remarks(facts: Mapping[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield what is told however a run ends: templates, and what fills them."""
    if cut := facts.get("tasks-cut", "0").lstrip("0"):
        yield _CUT, {"count": cut}
    if unread := [key.removeprefix(_UNREAD) for key in facts if key.startswith(_UNREAD)]:
        yield _WITHOUT_ROWS, {"databases": ", ".join(unread)}


def _error(record: RunRecord, *, folder: str, backup: str) -> ActionError:
    why = record.failure or Reason(step="", id="run-unexplained", text="The host gives no reason")
    facts: dict[str, Any] = {"step": why.step, "why": why.text.rstrip("."), "folder": folder, "backup": backup}
    what = "Step {step}: {why}."
    went_back = record.state == "rolled-back" or record.facts.get("went-back") == "yes"
    if record.state == "failed":
        return Failed(why.id, what, next_step="Correct what is named, then run again.", **facts)
    if went_back:
        return RolledBack(
            why.id,
            what,
            state="The old release serves again, with the data that it had.",
            next_step="Correct what is named, then run again; the backup {backup} is kept."
            if _is_whole(record)
            else "Correct what is named, then run again.",
            **facts,
        )
    if record.state == "degraded":
        return Degraded(
            why.id,
            what,
            state="The new release has been opened to users, so that no data were put back.",
            next_step="Look at the containers' logs. `mode: rollback` with `rollback-to: {name}` goes back, and asks "
            "for `acknowledge: lose-writes@{name}` where that loses what was written since.",
            name=backup.rpartition("/")[2],
            **facts,
        )
    undone = "; ".join(f"{undo.step}: {undo.text or undo.output}" for undo in record.failed_undos)
    return Stranded(
        why.id,
        what,
        state="Going back failed too ({undone}). Dify may be down.",
        next_step=_WAY_OUT,
        undone=undone or "the run broke off",
        **facts,
    )
