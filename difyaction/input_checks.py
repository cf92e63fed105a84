"""What must be true of the inputs together, once each of them can be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from difyaction.azure_vm import asked as azure_asked
from difyaction.errors import Complaint
from difyaction.gitops import asked
from difyaction.input_kinds import parse
from difyaction.input_table import table
from difyaction.ssh_inputs import host, jump_host, legible

if TYPE_CHECKING:
    from difyaction.inputs import Inputs


def check(inputs: Inputs) -> Iterator[Complaint]:
    """Yield a complaint for everything that is missing or contradicts something else."""
    yield from _what_to_do(inputs)
    if inputs.target == "gitops" or inputs.mode == "matrix":
        yield from _access(inputs)
    if inputs.target == "gitops" and inputs.mode != "matrix":
        yield from _delivery(inputs)
        yield from asked.complaints(inputs)
    if inputs.target == "server" and inputs.mode != "matrix":
        yield from _server(inputs)
        yield from _machine(inputs)
    if inputs.target == "azure-vm" and inputs.mode != "matrix":
        yield from azure_asked.complaints(inputs)
        yield from _machine(inputs)
    if bool(inputs.app_client_id) != bool(inputs.app_private_key):
        lacking = "app-private-key" if inputs.app_client_id else "app-client-id"
        yield _missing(lacking, f"{lacking}: an App needs both app-client-id and app-private-key.")


def unused(inputs: Inputs, environ: Mapping[str, str]) -> Iterator[str]:
    """Say of inputs that only other targets look at that they were set for nothing, a sentence for each such targets.

    What action.yml or the runner gives by itself was not set by anybody. The mode ``matrix`` has no target.
    """
    found: dict[tuple[str, ...], list[str]] = {}
    for name, spec in table().items():
        value = getattr(inputs, spec.field)
        by_itself = value == parse(spec, spec.default) or (spec.environ and value == environ.get(spec.environ))
        elsewhere = inputs.mode != "matrix" and spec.targets and inputs.target not in spec.targets
        if elsewhere and not by_itself and not spec.in_action.startswith("${{"):
            found.setdefault(spec.targets, []).append(name)
    for targets, names in found.items():
        it, belongs = ("it", "It belongs") if len(names) == 1 else ("them", "They belong")
        there = f"target{'s' if len(targets) > 1 else ''} {' and '.join(targets)}"
        yield f"{', '.join(names)}: target {inputs.target} takes no notice of {it}. {belongs} to {there}."


def _missing(name: str, text: str) -> Complaint:
    return Complaint(id="input-missing", text=text, input=name)


def _conflict(name: str, text: str) -> Complaint:
    return Complaint(id="input-conflict", text=text, input=name)


def _what_to_do(inputs: Inputs) -> Iterator[Complaint]:
    if not inputs.target and inputs.mode != "matrix":
        yield _missing("target", "target: say what is upgraded, for example gitops.")
    edits = bool(inputs.set_lines or inputs.chart_version or inputs.environment) and inputs.target == "gitops"
    if inputs.mode in {"plan", "apply"} and not (inputs.dify_version or edits):
        instead = ", or give explicit edits in set" if inputs.target == "gitops" else ", such as 1.14.1 or latest"
        yield _missing("dify-version", f"dify-version: say which release is wanted{instead}.")
    if inputs.mode == "matrix" and not inputs.dify_version:
        yield _missing("dify-version", "dify-version: say which release the environments are to have, such as latest.")
    if inputs.plan_id and inputs.mode in {"plan", "matrix", "sweep"}:
        yield _conflict(
            "plan-id", f"plan-id: mode {inputs.mode} carries out no plan; an approved one belongs to apply."
        )
    if inputs.mode == "rollback" and inputs.dify_version:
        text = f"dify-version: mode rollback goes back to {_backwards(inputs.target)}; leave dify-version out."
        yield _conflict("dify-version", text)
    if inputs.mode == "sweep" and inputs.target != "azure-vm":
        yield _conflict("mode", "mode: sweep closes doors in Azure and belongs to target azure-vm.")
    if inputs.rollback_to and inputs.mode != "rollback":
        text = (
            f"rollback-to: mode {inputs.mode} does not go back. Mode rollback goes back to {_backwards(inputs.target)}"
        )
        yield _conflict(
            "rollback-to", f"{text}, without a dify-version; leave rollback-to out where that is not meant."
        )
    if inputs.pin_digests and inputs.image_check == "off":
        yield _conflict("pin-digests", "pin-digests: digests come from the image check, and image-check is off.")


def _backwards(target: str) -> str:
    if target == "gitops":
        return "the release or commit that rollback-to names, or to what the files had before"
    return "the backup whose id rollback-to names, or to the last one"


def _access(inputs: Inputs) -> Iterator[Complaint]:
    if inputs.delivery == "files":
        return
    if not inputs.repository:
        yield _missing("repository", f"repository: delivery {inputs.delivery} needs to know which one.")
    if not (inputs.token or inputs.app_client_id or inputs.app_private_key):
        yield _missing("token", f"token: delivery {inputs.delivery} needs a token, or an App's id and key.")


def _server(inputs: Inputs) -> Iterator[Complaint]:
    if not inputs.host:
        yield _missing("host", "host: say which host runs Dify, or `local` for this machine.")
    elif inputs.host == "local":
        for name, given in (("ssh-key", inputs.ssh_key), ("jump-host", inputs.jump_host), ("user", inputs.user)):
            if given:
                yield _conflict(name, f"{name}: host local is this machine, which is not reached by SSH.")
    else:
        yield from _ssh(inputs)
    if inputs.target == "server" and inputs.final_backup == "snapshot":
        yield _conflict("final-backup", "final-backup: snapshot keeps Azure's disks, and target server knows of none.")


def _machine(inputs: Inputs) -> Iterator[Complaint]:
    yield from host(inputs)
    for name, path in (("dify-folder", inputs.dify_folder), ("backup-dir", inputs.backup_dir)):
        if path and not path.startswith("/"):
            yield Complaint(id="input-invalid", text=f"{name}: {path!r} is not an absolute path.", input=name)
    if inputs.backup_dir and inputs.dify_folder and f"{inputs.backup_dir}/".startswith(f"{inputs.dify_folder}/"):
        yield _conflict("backup-dir", "backup-dir: a backup inside dify-folder would be part of the next backup.")


def _ssh(inputs: Inputs) -> Iterator[Complaint]:
    if not inputs.user:
        yield _missing("user", "user: say whom to log in as.")
    if not inputs.ssh_key:
        yield _missing("ssh-key", "ssh-key: logging in needs a private key.")
    if not inputs.ssh_known_hosts:
        yield _missing("ssh-known-hosts", "ssh-known-hosts: the host is not talked to before its key is known.")
    yield from jump_host(inputs)
    if inputs.jump_ssh_key and not inputs.jump_host:
        yield _conflict("jump-ssh-key", "jump-ssh-key: there is no jump-host.")
    yield from legible(inputs)


def _delivery(inputs: Inputs) -> Iterator[Complaint]:
    if inputs.delivery != "pull-request":
        merges = inputs.auto_merge != "off"
        if merges:
            yield _conflict("auto-merge", f"auto-merge: delivery {inputs.delivery} makes no pull request to merge.")
        if inputs.draft:
            yield _conflict("draft", f"draft: delivery {inputs.delivery} makes no pull request.")
    elif inputs.draft and inputs.auto_merge != "off":
        yield _conflict("draft", "draft: a draft is never merged, and auto-merge asks for a merge.")
    if inputs.delivery == "files" and inputs.require_verified:
        yield _conflict("require-verified", "require-verified: delivery files makes no commit that could be verified.")
    if inputs.delivery == "commit" and inputs.base and inputs.branch not in {"", inputs.base}:
        yield _conflict("branch", "branch: delivery commit reads and writes one branch; name it in base or in branch.")
    if inputs.delivery == "pull-request" and inputs.base and inputs.base == inputs.branch:
        yield _conflict("branch", "branch: a pull request cannot go from a branch to itself.")
