"""What we were asked to do: every input once, typed and frozen."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from difyaction import input_checks, input_kinds
from difyaction.errors import Complaint, Invalid
from difyaction.input_kinds import RegistryCredential
from difyaction.input_table import table
from difyaction.secret import Secret

__all__ = ["Inputs", "RegistryCredential", "from_environ", "read"]

_FOR_MODE = frozenset({"dry-run", "dryrun", "modus", "run-mode"})  # who means to plan must not upgrade
_PREFIX = "INPUT_"
_PRIVATE = "PRIVATE KEY-----"
# https://user:password@host, also with an @ in the password that somebody forgot to escape
_PASSWORD_IN_ADDRESS = re.compile(r"://[^:\s/]*:([^\s/]+)@")
# The runner itself reads these two of a container action; they never reach us as inputs of ours.
_THE_RUNNERS_OWN = frozenset({"ENTRYPOINT", "ARGS"})


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """The inputs of action.yml, by their names with underscores. Texts are trimmed; empty means not given."""

    target: str
    mode: str
    dify_version: str
    allow_prerelease: bool
    allow_downgrade: bool
    minimum_release_age: int | None  # days; None: the policy's own default
    dify_repository: str
    dify_api_url: str
    dify_token: Secret
    image_map: Mapping[str, str]  # upstream's image -> the mirror's
    acknowledge: tuple[str, ...]  # id@version
    plan_id: str
    rollback_to: str
    language: str
    timezone: str
    files: tuple[str, ...]
    set_lines: tuple[str, ...]  # the input `set`
    environment: str
    environments_file: str
    env_variables: Mapping[str, str]  # variable -> image
    chart_version: str
    image_check: str
    image_platforms: tuple[str, ...]
    pin_digests: bool
    registry_credentials: tuple[RegistryCredential, ...]
    delivery: str
    auto_merge: str
    merge_without_checks: bool
    repository: str
    api_url: str
    base: str
    branch: str
    branch_strategy: str
    token: Secret
    app_client_id: str
    app_private_key: Secret
    require_verified: bool
    labels: tuple[str, ...]
    reviewers: tuple[str, ...]
    team_reviewers: tuple[str, ...]
    assignees: tuple[str, ...]
    draft: bool
    title: str
    body: str
    commit_message: str
    host: str
    port: int | None
    user: str
    ssh_key: Secret
    ssh_key_passphrase: Secret
    ssh_known_hosts: tuple[str, ...]
    jump_host: str  # user@host:port
    jump_ssh_key: Secret
    connect_timeout: int | None  # seconds, as all that follow
    command_timeout: int | None
    keepalive: int | None
    docker_host: str
    dify_folder: str
    project_name: str
    backup: tuple[str, ...]
    backup_dir: str
    backup_keep: int | None
    backup_max: int  # bytes
    restore_test_max: int
    final_backup: str
    database_client_image: str
    max_downtime: int | None
    drain_timeout: int | None
    migration_timeout: int | None
    migration_idle: int | None
    start_timeout: int | None
    pull_timeout: int | None
    job_time: int | None
    azure_subscription_id: str
    resource_group: str
    vm_name: str
    connection: str
    jump_vm: str  # user@name:port
    azure_login: str
    azure_tenant_id: str
    azure_client_id: str
    azure_client_secret: Secret
    azure_audience: str
    azure_environment: str
    azure_authority: str
    azure_resource_manager: str
    nsg_name: str
    source_address: str  # an IPv4 address, or an https address that tells it
    key_vault: str  # a name, or a resource id
    key_vault_secret: str
    open_key_vault: bool
    snapshot: bool
    snapshot_resource_group: str
    snapshot_keep: int | None
    snapshot_days: int | None


def read(given: Mapping[str, str], already: Sequence[Complaint] = ()) -> Inputs:
    """Type and check what was given, by the inputs' names.

    :raises Invalid: with every complaint at once, those that were found ``already`` first.
    """
    complaints = [*already, *_unknown_names(given)]
    values: dict[str, Any] = {}
    for name, spec in table().items():
        text = given.get(name, "").strip() or spec.default
        try:
            values[spec.field] = input_kinds.parse(spec, text)
        except input_kinds.Unreadable as why:
            complaints.extend(why.complaints)
            values[spec.field] = input_kinds.parse(spec, spec.default)
    inputs = Inputs(**values)
    # A misspelt flag may be the very one that seems to be missing.
    complained = {complaint.suggestion.removeprefix("--") or complaint.input for complaint in complaints}
    complained |= {complaint.input for complaint in complaints}
    found = input_checks.check(inputs)
    complaints.extend(each for each in found if each.input not in complained and each.instead not in complained - {""})
    if complaints:
        raise Invalid(complaints)
    return inputs


def from_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Pick what the runner passes: ``INPUT_<NAME>``, and its own variables where nothing else is given.

    A name that is none of ours is kept when it looks like a slip of the pen, so that `read` can say so.
    On GitHub, names with an underscore are left alone: workflows set variables like ``INPUT_DIFY_VERSION`` for
    their own scripts. Elsewhere they count, because no shell can export ``INPUT_DIFY-VERSION``.
    """
    given = {spec.name: environ[spec.environ] for spec in table().values() if environ.get(spec.environ)}
    for variable, name in sorted(_named(environ), key=lambda pair: "_" not in pair[0].removeprefix(_PREFIX)):
        if name in table() or ("_" not in name and _is_a_slip(name)):
            given[name] = environ[variable]
    return given


def _is_a_slip(name: str) -> bool:
    """Whether a name looks like one of ours: a few letters are others, or the same ones stand in another order."""
    same_letters = any(sorted(name) == sorted(ours) for ours in table())
    return same_letters or name in _FOR_MODE or bool(difflib.get_close_matches(name, table(), n=1, cutoff=0.8))


def clashes(environ: Mapping[str, str]) -> tuple[Complaint, ...]:
    """Complain of every input that is given twice, by a name with hyphens and one with underscores, and differs."""
    known: dict[str, str] = {}
    found: list[Complaint] = []
    for variable, name in sorted(_named(environ)):
        other = known.setdefault(name, variable)
        if environ[other].strip() != environ[variable].strip():
            text = f"{name}: {other} and {variable} are both set, and differ."
            found.append(Complaint(id="input-conflict", text=text, input=name))
    return tuple(found)


def came_out_empty(environ: Mapping[str, str]) -> tuple[Complaint, ...]:
    """Complain of a ``mode`` that is given on GitHub and says nothing, before it could mean ``apply``.

    The runner fills action.yml's default in where a workflow leaves an input out, so that an empty one can only be an
    expression without a value: of an input that a schedule or a call of the API does not have. At a desk, an empty
    variable is one that is not given.
    """
    if environ.get("GITHUB_ACTIONS") != "true" or environ.get("INPUT_MODE", "?").strip():
        return ()
    text = "mode: the expression in the workflow came out empty, which must not mean apply. Write a default: {mode}."
    example = "${{ inputs.mode || 'plan' }}"
    return (Complaint(id="input-missing", text=text.format(mode=example), input="mode", suggestion=example),)


def inside_the_container(environ: Mapping[str, str], flags: Collection[str]) -> tuple[Complaint, ...]:
    """Complain of ``host: local`` that a workflow gives: the Action runs in a container, which is not the host.

    A flag is typed where it counts, also in a step of a workflow that calls the command line.
    """
    given = from_environ(environ)
    if environ.get("GITHUB_ACTIONS") != "true" or "host" in flags:
        return ()
    if given.get("target") != "server" or given.get("host", "").strip() != "local":
        return ()
    text = (
        "host: local would be the Action's own container, also on a runner on the host itself; name the machine's "
        "address, with an ssh-key, or call the command line there: python -m difyaction --host local."
    )
    return (Complaint(id="input-conflict", text=text, input="host"),)


def _named(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the variables that hold something for an input, each with the input's name."""
    is_github = environ.get("GITHUB_ACTIONS") == "true"
    for variable, text in environ.items():
        bare = variable.removeprefix(_PREFIX)
        if bare != variable and text.strip() and bare not in _THE_RUNNERS_OWN:
            yield variable, bare.lower() if is_github else bare.lower().replace("_", "-")


def secret_variables() -> frozenset[str]:
    """Return the variables that secrets come in, so that no child process inherits them."""
    names = {name.upper() for name, spec in table().items() if spec.is_secret}
    return frozenset(f"{_PREFIX}{each}" for name in names for each in (name, name.replace("-", "_")))


def secrets_in(given: Mapping[str, str]) -> Iterator[Secret]:
    """Yield what must be masked before anything is printed, also of inputs that will turn out to be wrong."""
    for name, spec in table().items():
        text = given.get(name, "").strip()
        if spec.kind == "credentials":
            yield from (Secret(line.split(maxsplit=2)[-1]) for line in text.splitlines() if line.strip())
        elif (spec.is_secret and text) or _PRIVATE in text:  # also a key that was given in the place of something else
            yield Secret(text)
            if "\\n" in text:
                yield Secret(text.replace("\\n", "\n"))  # a key whose newlines were escaped is mended later
        yield from (Secret(found[1]) for found in _PASSWORD_IN_ADDRESS.finditer(text))


def _unknown_names(given: Mapping[str, str]) -> Iterator[Complaint]:
    for name in given:
        if name not in table():
            near = "mode" if name in _FOR_MODE else input_kinds.nearest(name, table())
            yield Complaint(
                id="input-unknown",
                text=f"There is no input {name!r}.{input_kinds.did_you_mean(near)}",
                input=name,
                suggestion=near,
            )
