"""The steps that prove the new release: first with the proxy held, then as users get it."""

from __future__ import annotations

from collections.abc import Iterator

from difyaction.compose.change_steps import CLONE, serving_again, stopping_new, switch_back
from difyaction.compose.roles import Role
from difyaction.compose.shift import Shift, celery_of
from difyaction.compose.steps import Step
from difyaction.compose.words import call

# the variable that says where they listen, as upstream's compose file gives it to the container, and its default
_OWN_PROBES = {Role.DAEMON: ("SERVER_PORT", "5002/health/check"), Role.SANDBOX: ("SANDBOX_PORT", "8194/health")}
_USERS_PATIENCE = 120


def verify_steps(shift: Shift) -> Iterator[Step]:
    """Yield them in order. The proxy opens in the middle: from there on the database is never put back."""
    patience = shift.wishes.start_timeout
    title = f"Prove Dify {shift.wanted}, with the proxy held"
    yield Step("verify", _verify(shift), "remove_held", timeout=patience + 300, title=title)
    onwards = _stay(shift) if shift.data_change else _go_back(shift)
    yield Step("open", _open(shift), onwards, timeout=300, title="Open the proxy", no_return=True)
    yield Step("watch", _watch(shift), timeout=_settling(shift) + 480, title="Look at Dify as users get it")
    yield Step("tidy", _tidy(shift), title="Finish the backup, remove what is not needed any more")


def _verify(shift: Shift) -> str:
    names = shift.started
    lines = [
        f"CELERY={celery_of(shift.wanted)}",
        f"CRASHES={call(' '.join(names))}",
        *(['rm -f "$RUN/queues"'] if shift.back_to else []),  # an older release takes from fewer
        "prove_schema",
        *([call("hold_proxy", shift.proxy)] if shift.proxy else []),
        "all_well() {",
        *(f"  {check} || return 1" for check in _checks(shift)),
        "}",
        call("prove", shift.wishes.start_timeout, "all_well"),
        *(['api_healthy || fail "$(reason)"'] if shift.proxy else []),
        "remove_held",
        'fact api-version "$(sed -n \'s/.*"version": *"\\([^"]*\\)".*/\\1/p\' "$RUN/health")"',
    ]
    return "\n".join(lines)


def _checks(shift: Shift) -> Iterator[str]:
    """Yield everything that has to be well at once, three times in a row."""
    yield "look_around"
    yield from ["serves_held"] if shift.proxy else ["api_healthy", "asks_setup"]
    for name in shift.started:
        yield call("runs_image", name, shift.after[name].image)
    for role, address in _OWN_PROBES.items():
        for name in shift.named(role):
            yield call("answers_inside", name, *address, role)
    for name in shift.named(Role.WORKER):
        yield call("worker_works", name)
    yield call("stands_still", *shift.started)


def _open(shift: Shift) -> str:
    return call("open_proxy", shift.proxy) if shift.proxy else "say the proxy is not part of this project"


def _watch(shift: Shift) -> str:
    services = [name for name in (*shift.started, shift.proxy, *shift.late) if name]
    lines = [call("see", _USERS_PATIENCE, "serves_users"), "service_is_back"]
    if shift.late:
        lines += [f"CRASHES={call(' '.join(shift.late))}", call("start_services", *shift.late)]
    lines += [
        "all_well() {",
        "  look_around",
        *(f"  {call('runs_image', name, shift.after[name].image)} || return 1" for name in services),
        f"  {call('stands_still', *services)} && serves_users",
        "}",
        call("prove", _settling(shift), "all_well"),
    ]
    return "\n".join(lines)


def _settling(shift: Shift) -> int:
    """Return the seconds after which everything has to be well: what starts only now takes as long as anything."""
    return max(_USERS_PATIENCE, shift.wishes.start_timeout) if shift.late else _USERS_PATIENCE


def _go_back(shift: Shift) -> str:
    """Put the images back, where both releases have the same schema; data stay as users made them."""
    stop = f"{stopping_new(shift)} || exit 1"
    return "\n".join(
        [
            'rm -f "$RUN/fingerprint"',
            stop,
            switch_back(shift),
            f"{serving_again(shift)} || exit 1",
            "fact went-back yes",
        ]
    )


def _stay(shift: Shift) -> str:
    """See to it that users have the new release, and that what a later `mode: rollback` needs is whole."""
    lines = [
        f"{call('serve_on', shift.wishes.patience, shift.proxy, ' '.join((*shift.started, *shift.late)))} || exit 1"
    ]
    lines.append(call("finish_backup", CLONE if shift.clone else ""))
    return "\n".join(lines)


def _tidy(shift: Shift) -> str:
    gone = [name for name in shift.gone if name]
    lines = ["restart_what_runs", *([call("remove_old", *gone)] if gone else [])]
    if shift.clone and shift.data_change:
        lines.append(call("keep_clones_as_dumps", CLONE))
    if shift.back_to:
        lines.append(call("fact", "restored", shift.back_to.rpartition("/")[2]))
    # on a way back the oldest are those that one is going to, one by one: the next upgrade that goes well prunes
    prune = [] if shift.back_to else [call("prune_backups", shift.wishes.backup_keep)]
    return "\n".join([*lines, "seal", *prune])
