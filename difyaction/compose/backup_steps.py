"""The steps while the old release serves: everything is fetched, saved and proved, and nothing of Dify is touched."""

from __future__ import annotations

from collections.abc import Iterator

from difyaction.compose.roles import Role
from difyaction.compose.shift import Shift
from difyaction.compose.steps import Step
from difyaction.compose.words import words

_PACKED = (
    "--exclude=./volumes",
    "--exclude=./env-backup",
    "--exclude=./*.tgz",
    "--exclude=./*.tar",
    "--exclude=./*.tar.gz",
)
_KEYS = "/app/api/storage"


def backup_steps(shift: Shift) -> Iterator[Step]:
    """Yield them in order. A failure among these leaves the machine as it was."""
    wishes = shift.wishes
    yield Step("check", _check(shift), title="Check that nothing moved since the plan")
    yield Step("pull", _pull(shift), timeout=wishes.pull_timeout, title="Pull and check every image", live=_PULLED)
    yield Step("read-head", _read_head(shift), timeout=300, title="Read the schema that the new release expects")
    if shift.install.checkout is not None and not shift.back_to:
        yield Step("fetch-tag", _fetch_tag(shift), timeout=300, title="Fetch the release's tag into the checkout")
    for name in shift.database.names:
        which = "" if name == shift.database.main else "-plugins"
        yield Step(f"dump{which}", _dump(name), title=f"Dump the database {name}", live=f'wc -c <"$BACKUP/{name}.dump"')
        yield Step(
            f"test{which}", _test(shift, name), "remove_scratch", title=f"Read the dump of {name} back", touches=False
        )
    yield Step("save-files", _save_files(shift), title="Save configuration, keys and volumes")
    yield Step("estimate", _estimate(shift), title="Estimate the time without service")
    yield Step("seal", "seal", title="Write the checksums of the backup")


_PULLED = "dk system df --format '{{.Type}} {{.Size}}' | head -n 1"


def _check(shift: Shift) -> str:
    lines = ['mkdir -p "$BACKUP" && chmod 700 "$BACKUP" || fail backup-failed "The folder $BACKUP cannot be made."']
    lines += ['cp "$FILES/.manifest.json" "$BACKUP/manifest.json"']
    lines += [f"is_unchanged {words([file.path, file.before])}" for file in shift.files if file.before]
    for service, (role, container) in shift.before.items():
        if role in {Role.API, Role.DATABASE}:
            lines.append(
                f'running {container} || fail containers-changed "The container of {service} that the plan was made for does not run any more."'
            )
    lines.append('database_answers || fail database-gone "The database does not answer any more."')
    return "\n".join(lines)


def _pull(shift: Shift) -> str:
    return "\n".join(f"pull_image {words([image])}" for image in shift.images)


def _read_head(shift: Shift) -> str:
    if shift.back_to:
        return f'is_sealed {words([shift.back_to])}\necho {words([shift.head_after])} >"$RUN/wanted-head"'
    image = shift.after[shift.api].image
    return f"""\
dk run --rm --network none --entrypoint flask {words([image])} db heads >"$RUN/heads.said" 2>"$RUN/heads.err" ||
  fail head-unread "The release's own schema cannot be read: $(tail -n 2 "$RUN/heads.err" | tr '\\n' ' ')"
sed -n 's/^\\([0-9a-z]\\{{6,40\\}}\\) (head).*/\\1/p' "$RUN/heads.said" >"$RUN/wanted-head"
[ "$(wc -l <"$RUN/wanted-head" | tr -d ' ')" = 1 ] || fail head-unread "The release has no single schema head."
expected={words([shift.head_after])}
[ -z "$expected" ] || [ "$(cat "$RUN/wanted-head")" = "$expected" ] || fail head-unexpected "The image expects the schema $(cat "$RUN/wanted-head"), and upstream's release $expected."
fact wanted-head "$(cat "$RUN/wanted-head")\""""


def _fetch_tag(shift: Shift) -> str:
    tag = shift.wanted.tag
    return f"""\
if git_there rev-parse -q --verify {words([f"refs/tags/{tag}^{{commit}}"])} >"$RUN/target-commit" 2>/dev/null ||
  {{ git_there fetch -q --no-tags --depth 1 origin {words([f"refs/tags/{tag}:refs/tags/{tag}"])} >"$RUN/fetch-tag.said" 2>&1 &&
    git_there rev-parse -q --verify {words([f"refs/tags/{tag}^{{commit}}"])} >"$RUN/target-commit"; }}; then
  say "the tag {tag} is here"
else
  rm -f "$RUN/target-commit"
  fact git stays
  say "the tag cannot be fetched; the files change, and the checkout stays at its commit"
fi"""


def _dump(name: str) -> str:
    return f'dump {words([name])} "$BACKUP"/{words([f"{name}.dump"])}'


def _test(shift: Shift, name: str) -> str:
    whole = shift.database.sizes.get(name, 0) <= shift.wishes.restore_test_max
    return f'test_restore {words([name])} "$BACKUP"/{words([f"{name}.dump"])} {"full" if whole else "schema"}'


def _save_files(shift: Shift) -> str:
    lines = [f'pack "$FOLDER" "$BACKUP/config.tar" {words(_PACKED)}']
    storage = _storage(shift)
    if storage:
        keys = "find . -maxdepth 1 -name privkeys -o -maxdepth 1 -name .dify_secret_key"
        lines.append(
            f'dk run --rm --network none --user 0:0 -v {words([f"{storage}:/from:ro"])} --entrypoint sh "$TOOLS" -c '
            f'\'cd /from && {keys} | tar -cf - -T -\' >"$BACKUP/keys.tar" || fail backup-failed "The keys in the storage volume could not be packed."'
        )
    lines += [f'pack {words([source])} "$BACKUP"/{words([f"{name}.tar"])}' for name, source in shift.saved.items()]
    if shift.install.checkout is not None:
        lines.append('git_there diff --binary >"$BACKUP/edits.diff"')
        lines.append('{ git_there rev-parse HEAD; git_there symbolic-ref -q HEAD; } >"$BACKUP/git-head" || true')
    return "\n".join(lines)


def _storage(shift: Shift) -> str:
    """Return where the storage volume is on the machine, empty when files are kept elsewhere."""
    mounts = (mount for service in shift.after.values() for mount in service.mounts)
    found = next((mount for mount in mounts if mount.target == _KEYS), None)
    if found is None:
        return ""
    return found.source if found.source.startswith("/") else f"{shift.project}_{found.source}"


def _estimate(shift: Shift) -> str:
    """Hold what the first dump took against what is allowed, before anything stops."""
    if shift.clone or not shift.schema_changes or not shift.wishes.max_downtime:
        return (
            'say "the databases are cloned; what that takes depends on the disk"'
            if shift.clone
            else "say nothing to wait for"
        )
    fixed = 120 + shift.wishes.drain_timeout
    return f"""\
took=$(awk '{{ s += $1 }} END {{ print s + 0 }}' "$RUN/dump-seconds")
fact estimated-seconds-without-service $((took + {fixed}))
[ $((took + {fixed})) -le {shift.wishes.max_downtime} ] || fail downtime-too-long "The first dump took $took s, so that service would be away for about $((took + {fixed})) s; {shift.wishes.max_downtime} s are allowed.\""""
