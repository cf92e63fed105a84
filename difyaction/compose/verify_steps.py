"""The steps that prove the new release: first with the proxy held, then as users get it."""

from __future__ import annotations

from collections.abc import Iterator

from difyaction.compose.change_steps import serve_again, stop_new, switch_back
from difyaction.compose.roles import Role
from difyaction.compose.shift import Shift, celery_of
from difyaction.compose.steps import Step
from difyaction.compose.words import words


def verify_steps(shift: Shift) -> Iterator[Step]:
    """Yield them in order. The proxy opens in the middle: from there on the database is never put back."""
    wishes = shift.wishes
    yield Step(
        "verify",
        _verify(shift),
        "remove_held",
        timeout=wishes.start_timeout * 2,
        title="Prove the new release, with the proxy held",
    )
    yield Step("open", _open(shift), timeout=300, title="Open the proxy", no_return=True)
    yield Step(
        "watch",
        _watch(shift),
        _go_back(shift),
        timeout=wishes.start_timeout + 120,
        title="Look at Dify as users get it",
    )
    yield Step("tidy", _tidy(shift), title="Finish the backup, remove what is not needed any more")


def _verify(shift: Shift) -> str:
    patience = shift.wishes.start_timeout
    lines = [f"CELERY={celery_of(shift.wanted)}"]
    lines += [
        f'runs_image {words([name, shift.after[name].image])} || fail image-mismatch "$(reason)"'
        for name in shift.started
    ]
    lines += [
        "head=$(schema_head)",
        '[ "$head" = "$(cat "$RUN/wanted-head")" ] || fail schema-mismatch "The schema is $head, and the new release expects $(cat "$RUN/wanted-head")."',
        _rows(shift),
        f'three_times {patience} api_healthy || fail api-unhealthy "$(reason)"',
        'fact api-version "$(sed -n \'s/.*"version": *"\\([^"]*\\)".*/\\1/p\' "$RUN/health")"',
        f'three_times {patience} asks_setup || fail setup-unanswered "$(reason)"',
    ]
    lines += [
        f'three_times {patience} worker_works {words([name])} || fail worker-silent "$(reason)"'
        for name in shift.named(Role.WORKER)
    ]
    for role, address in (
        (Role.DAEMON, "http://localhost:5002/health/check"),
        (Role.SANDBOX, "http://localhost:8194/health"),
    ):
        lines += [
            f'three_times {patience} answers_inside {words([name, address])} || fail {role}-unhealthy "$(reason)"'
            for name in shift.named(role)
        ]
    lines += _through_the_proxy(shift)
    lines.append(f'stands_still {words(shift.started)} || fail restarting "$(reason)"')
    return "\n".join(lines)


def _rows(shift: Shift) -> str:
    lost = "fail rows-lost \"Rows are missing: $(tr '\\n' ' ' <\"$RUN/lost\")\""
    if shift.restores:
        return f"rows_of_backup {words([shift.back_to])} || {lost}"
    return f'fingerprint >"$RUN/fingerprint.after" && rows_kept "$RUN/fingerprint" "$RUN/fingerprint.after" least || {lost}'


def _through_the_proxy(shift: Shift) -> list[str]:
    """Ask as users would, through a second proxy that no port leads to."""
    if not shift.proxy:
        return []
    return [
        "remove_held",
        f'dc run -d --no-deps --name "$HELD" {words([shift.proxy])} >/dev/null || fail proxy-unhealthy "The proxy did not start."',
        f'three_times {shift.wishes.start_timeout} serves_inside "$HELD" || fail proxy-unhealthy "$(reason)"',
        "remove_held",
    ]


def _open(shift: Shift) -> str:
    if not shift.proxy:
        return "say the proxy is not part of this project"
    return f'dc up -d --no-deps --no-build --force-recreate {words([shift.proxy])} || fail proxy-unhealthy "The proxy did not start."'


def _watch(shift: Shift) -> str:
    everything = [*shift.started, shift.proxy, *shift.late]
    services = [name for name in everything if name]
    lines = [
        'three_times 120 serves_users || fail not-serving "$(reason)"',
        "service_is_back",
    ]
    if shift.late:
        lines.append(
            f'dc up -d --no-deps --no-build {words(shift.late)} || fail start-failed "{" ".join(shift.late)} did not start."'
        )
    lines += [
        f'runs_image {words([name, shift.after[name].image])} || fail image-mismatch "$(reason)"' for name in services
    ]
    lines.append(f'three_times 60 stands_still {words(services)} || fail restarting "$(reason)"')
    lines.append('serves_users || fail not-serving "$(reason)"')
    return "\n".join(lines)


def _go_back(shift: Shift) -> str:
    """Put the images back where both releases have the same schema; data stay as users made them."""
    if shift.schema_changes:
        return ""
    return f"""\
rm -f "$RUN/fingerprint"
({stop_new(shift)}
)
{switch_back(shift)}
{serve_again(shift)}
fact went-back yes"""


def _tidy(shift: Shift) -> str:
    lines = [
        f'old=$(of_service {words([name])}); [ -z "$old" ] || dk rm -f "$old" >/dev/null || say "the old container of {name} is still there"'
        for name in shift.gone
        if name
    ]
    if shift.clone and shift.schema_changes:
        for name in shift.database.names:
            clone = f"{name}_before_upgrade"
            lines.append(
                f'dump {words([clone])} "$BACKUP"/{words([f"{name}.final"])} && drop_database {words([clone])}'
            )
    lines += ["seal", f"prune_backups {shift.wishes.backup_keep}", 'fact backup "$(basename "$BACKUP")"']
    return "\n".join(lines)
