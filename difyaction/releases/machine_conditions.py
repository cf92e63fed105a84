"""The conditions of those rules that look at a machine and the files on it. Likewise agreed as `conditions`."""

from __future__ import annotations

from urllib.parse import urlsplit

from difyaction.releases.images import SANDBOX
from difyaction.releases.situation import Facts, Situation
from difyaction.releases.version import Version, leading_numbers

_APPLIES: Facts = {}
_GIB = 1024**3
# Compose versions that upstream's file needs from a release on: `required: false`, then `env_file` with `path`.
_COMPOSE = ((Version.parse("1.14.1"), "2.24.0"), (Version.parse("1.10.1"), "2.20.2"))
_QUEUES = (
    ("1.7.0", ("plugin",)),
    ("1.8.0", ("conversation", "workflow_storage")),
    ("1.9.0", ("pipeline",)),
    ("1.10.0", ("workflow", "schedule_poller", "schedule_executor", "triggered_workflow_dispatcher")),
    ("1.11.4", ("retention",)),
    ("1.13.0", ("api_token", "workflow_based_app_execution")),
    ("1.13.1", ("dataset_summary",)),
    ("1.14.0", ("trigger_refresh_publisher",)),
    ("1.16.0", ("app_rbac",)),
)


def compose_too_old(situation: Situation) -> Facts | None:
    """Upstream's file uses what older Composes reject or, worse, read otherwise."""
    if situation.machine is None:
        return None
    found = situation.machine.compose_version
    needed = next((needed for since, needed in _COMPOSE if situation.wanted.numbers >= since.numbers), "2.0.0")
    return {"found": found or "none", "needed": needed} if leading_numbers(found) < leading_numbers(needed) else None


def compose_refuses(situation: Situation) -> Facts | None:
    """Compose does not accept the merged files."""
    says = situation.on_machine.compose_says
    return {"says": says} if says else None


def image_set(situation: Situation) -> Facts | None:
    """After override files, profiles and mirrors another set of images would run."""
    found = situation.on_machine.image_differences
    return {"differences": "; ".join(found)} if found else None


def image_strange(situation: Situation) -> Facts | None:
    """Whose name is another's may be a mirror, or somebody's own: nobody may guess."""
    machine = situation.on_machine
    found = ", ".join(f"{service} ({image})" for service, image in machine.strange_images.items())
    return {"found": found, "lines": ", ".join(machine.image_lines)} if found else None


def sandbox_own(situation: Situation) -> Facts | None:
    """Only its owner knows whether a sandbox with more packages still fits."""
    found = situation.on_machine.own_sandboxes
    tag = situation.upstream.tags.get(SANDBOX, "none")
    return {"found": ", ".join(found.values()), "tag": tag} if found else None


def service_off(situation: Situation) -> Facts | None:
    """Who has the sandbox elsewhere, or wants no agents, switched them off; nothing is lost by leaving them so."""
    found = situation.on_machine.switched_off
    return {"images": ", ".join(found)} if found else None


def build_bypassed(situation: Situation) -> Facts | None:
    """Upstream's image does not hold what somebody built into theirs."""
    found = situation.on_machine.builds_bypassed
    return {"found": ", ".join(f"{service} ({image})" for service, image in found.items())} if found else None


def host_lacks_programs(situation: Situation) -> Facts | None:
    """Ordinary programs are missing that the runbook needs."""
    found = situation.on_machine.lacking_programs
    return {"programs": ", ".join(found)} if found else None


def disk_space(situation: Situation) -> Facts | None:
    """Images, dumps and databases beside the databases have to fit beside what is there."""
    short = {place: sizes for place, sizes in situation.on_machine.disk_needed.items() if sizes[0] > sizes[1]}
    if not short:
        return None
    texts = (
        f"{place}: {free / _GIB:.1f} GiB free, {needed / _GIB:.1f} GiB needed"
        for place, (needed, free) in short.items()
    )
    return {"places": "; ".join(texts)}


def edited_outside(situation: Situation) -> Facts | None:
    """Files of the checkout beside the docker folder are not merged."""
    found = situation.on_machine.edited_outside
    return {"files": ", ".join(found[:10])} if found else None


def env_completed(situation: Situation) -> Facts | None:
    """1.14.1's compose file has no defaults, so that .env gets them."""
    return {"count": situation.on_machine.env_added}


def service_renamed(situation: Situation) -> Facts | None:
    """Found by image, moved with its volume."""
    found = situation.on_machine.renamed_services
    return {"services": ", ".join(found)} if found else None


def secret_key_changes(situation: Situation) -> Facts | None:
    """Sessions, signed addresses and system credentials hang on it."""
    return _APPLIES if situation.on_machine.secret_key_changes else None


def split_domain_cookies(situation: Situation) -> Facts | None:
    """From 1.9.2 on the login is a cookie, which another domain does not get."""
    env = situation.on_machine.env
    hosts = {_host(env.get(key, "")) for key in ("CONSOLE_WEB_URL", "CONSOLE_API_URL")} - {""}
    split = len(hosts) > 1 and not env.get("COOKIE_DOMAIN")
    return {"hosts": ", ".join(sorted(hosts))} if split else None


def _host(address: str) -> str:
    """Return the host of an address, also without its scheme; empty where there is none, or a placeholder."""
    try:
        return urlsplit(address if "//" in address else f"//{address}").hostname or ""
    except ValueError:  # as of https://[your-domain]
        return ""


def queues_by_hand(situation: Situation) -> Facts | None:
    """Workers with named queues leave new ones alone, and what waits there hangs."""
    theirs = situation.on_machine.queues
    installed = situation.installed.numbers if situation.installed else (0, 0, 0)
    missing = [
        queue
        for since, queues in _QUEUES
        for queue in queues
        if installed < Version.parse(since).numbers <= situation.wanted.numbers and queue not in theirs
    ]
    return {"queues": ",".join(missing)} if theirs and missing else None


def ssrf_private_addresses(situation: Situation) -> Facts | None:
    """From 1.15.0 on the proxy lets nothing through to private networks."""
    env = situation.on_machine.env
    return None if any(env.get(f"SSRF_PROXY_ALLOW_PRIVATE_{what}") for what in ("IPS", "DOMAINS")) else _APPLIES


def agent_secrets(situation: Situation) -> Facts | None:
    """1.16.0's new containers share secrets whose defaults everybody knows."""
    found = tuple(key for key in situation.on_machine.unset_secrets if key.startswith("DIFY_AGENT_"))
    return {"keys": ", ".join(found)} if found else None


def port_taken(situation: Situation) -> Facts | None:
    """Compose would fail to start a service whose port somebody else has."""
    found = situation.on_machine.ports_taken
    return {"ports": ", ".join(found)} if found else None


def reached_early(situation: Situation) -> Facts | None:
    """Users would write into databases that may still be put back."""
    found = situation.on_machine.reached_early
    return {"ways": "; ".join(found)} if found else None


def downtime_too_long(situation: Situation) -> Facts | None:
    """We estimate more than was allowed."""
    machine = situation.on_machine
    if not machine.max_downtime or machine.downtime <= machine.max_downtime:
        return None
    return {"estimate": f"{machine.downtime // 60 + 1} min", "most": f"{machine.max_downtime / 60:.0f} min"}


def broken_before(situation: Situation) -> Facts | None:
    """Whoever upgrades a broken Dify has two problems, and a rollback nothing to prove itself by."""
    found = situation.on_machine.broken
    return {"what": "; ".join(found)} if found else None


def files_are_links(situation: Situation) -> Facts | None:
    """Links lead out of the folder: neither our look nor our backup holds what is there, and git puts no link back."""
    found = situation.on_machine.linked_files
    return {"files": ", ".join(found[:10])} if found else None


def override_gone(situation: Situation) -> Facts | None:
    """Nobody can tell what still counts of a file that what runs was started with, and that is gone."""
    found = situation.on_machine.gone_overrides
    return {"files": ", ".join(found[:10])} if found else None


def override_unused(situation: Situation) -> Facts | None:
    """Either somebody wrote it and did not start it yet, or Compose is always called with `-f`: nobody may guess."""
    found = situation.on_machine.unused_overrides
    return {"file": ", ".join(found)} if found else None


def lock_held(situation: Situation) -> Facts | None:
    """Somebody else is at it."""
    owner = situation.on_machine.lock_owner
    return {"owner": owner} if owner else None


def install_ambiguous(situation: Situation) -> Facts | None:
    """More than one Dify stands here."""
    found = situation.on_machine.other_folders
    return {"folders": ", ".join(found)} if found else None


def folder_too_large(situation: Situation) -> Facts | None:
    """We would merge files that we have not seen."""
    return _APPLIES if situation.on_machine.folder_cut else None


def folder_unwritable(situation: Situation) -> Facts | None:
    """Our user may run containers, and not write Dify's files."""
    user = situation.on_machine.user
    return {"user": user} if user else None
