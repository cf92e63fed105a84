"""What stands in the way of going back to a backup, and what a reader should know of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from difyaction.compose.answers import mapping, string
from difyaction.compose.bystanders import left_alone
from difyaction.compose.facts import Backup, Machine
from difyaction.compose.judged import not_kept
from difyaction.compose.machine_plan import Note
from difyaction.compose.shift import Shift
from difyaction.compose.unproven import unproven
from difyaction.compose.ways_back import way_back
from difyaction.releases.rules import all_rules
from difyaction.target import Finding, Objection, Severity

_LOCKED = "Somebody else is at {unit}: {owner}. Wait until that run has ended."
_LOSE_WRITES = (
    "The backup {backup} holds the databases of {unit} as they were; what users wrote since is lost. It is saved once"
    " more first, as a backup of its own."
)
_LOSE_WRITES_OF_THE_SAME = (
    "The backup {backup} holds the databases of {unit} as they were with Dify {installed}, which runs: the release"
    " stays, and what users wrote since is lost. It is saved once more first, as a backup of its own."
)
_BETWEEN = (
    "{unit} runs {installed}, and the backup {backup} is of the upgrade from {before} to {after}: other upgrades came"
    " after it. Go back one by one: {order}. Whoever acknowledges goes there at once; files that only the other"
    " upgrades changed are put back, too."
)
_BETWEEN_UNKNOWN = (
    "{unit} runs {installed}, and the backup {backup} is of the upgrade from {before} to {after}: something came after"
    " it, and no backups lead back to it one by one. What was changed since by hand, or by an upgrade whose backup is"
    " gone, is not put back."
)
_NOT_SAVED = (
    "These stores of {unit} would get back the image that they had, and the backup {backup} has no copy of their data"
    " of then: {stores}. An older image may be unable to read what a newer one wrote, or spoil it. Whoever acknowledges"
    " has the data of now saved while Dify stands still; they are put back if this run is undone."
)
_SAVED_LATER = (
    "These stores of {unit} would get back the image that they had, and the backup {backup} has no copy of their data"
    " of then: {stores}. An older image may be unable to read what a newer one wrote, or spoil it. Go back to newer"
    " backups first, which have copies: {later}. Whoever acknowledges has the data of now saved while Dify stands"
    " still; they are put back if this run is undone."
)
_DROPPED = "Going back drops these edits of the checkout, which this run's backup keeps in edits.diff: {files}."


def objections(machine: Machine, backup: Backup, shift: Shift) -> Iterator[Objection]:
    """Yield what stands in the way. Consent names the backup."""
    lock, checkout = machine.lock, shift.install.checkout
    if lock is not None and lock.live:
        told = {"unit": shift.folder, "owner": lock.owner}
        yield Objection("lock-held", str(shift.wanted), Severity.NEVER, _LOCKED, told)
    lost = not_kept(checkout, shift.install.files, checkout.tracked) if checkout else ()
    if lost:
        text = next(rule.text for rule in all_rules() if rule.id == "edited-outside")
        told = {"unit": shift.folder, "files": ", ".join(lost), "wanted": str(shift.wanted)}
        yield Objection("edited-outside", str(shift.wanted), Severity.NEVER, text, told)
    yield from _asking(machine, backup, shift)


def _asking(machine: Machine, backup: Backup, shift: Shift) -> Iterator[Objection]:
    before, after = string(backup.manifest, "from"), string(backup.manifest, "to")
    told: dict[str, object] = {"backup": backup.id, "unit": shift.folder, "installed": str(shift.installed)}
    name, asks, words = backup.id, Severity.ACKNOWLEDGE, shift.wishes.acknowledge
    if str(shift.installed) not in {before, after}:
        order = ", ".join(each.id for each in way_back(machine, backup, shift.installed))
        text = _BETWEEN if order else _BETWEEN_UNKNOWN
        between = {**told, "before": before, "after": after, "order": order}
        given = f"upgrades-between@{name}" in words
        yield Objection("upgrades-between", name, asks, text, between, acknowledged=given)
    if stores := ", ".join(_without_copy(shift)):
        later = ", ".join(_with_copies(shift, way_back(machine, backup, shift.installed)[:-1]))
        lacking = {**told, "stores": stores, **({"later": later} if later else {})}
        text = _SAVED_LATER if later else _NOT_SAVED
        given = f"store-not-saved@{name}" in words
        yield Objection("store-not-saved", name, asks, text, lacking, acknowledged=given)
    if shift.restores:
        text = _LOSE_WRITES_OF_THE_SAME if str(shift.installed) == before else _LOSE_WRITES
        given = f"lose-writes@{name}" in words
        yield Objection("lose-writes", name, asks, text, told, acknowledged=given)


def _without_copy(shift: Shift) -> Iterator[str]:
    """Yield the stores that would go back to another image over the data of now; parts of theirs keep their image."""
    for name in sorted({copy.rpartition("-")[0] for copy in shift.copyless}):
        was, will_be = shift.images_before.get(name, "(none)"), shift.after[name].image if name in shift.after else ""
        if will_be and was != will_be:
            yield f"{name} ({was} -> {will_be})"


def _with_copies(shift: Shift, later: Iterable[Backup]) -> Iterator[str]:
    """Yield the backups of the way that have copies of these stores."""
    for backup in later:
        if shift.copyless and {*shift.copyless} & mapping(backup.manifest, "volumes").keys():
            yield backup.id


def findings(machine: Machine, shift: Shift) -> Iterator[Finding]:
    """Yield what a reader should know."""
    yield from left_alone(machine)
    checkout = shift.install.checkout
    put_back = {file.path for file in shift.files}
    if dropped := sorted({*shift.kept, *(checkout.deleted if checkout else ())} - put_back):
        yield Note(_DROPPED, {"files": ", ".join(dropped)})
    yield from unproven(shift)
