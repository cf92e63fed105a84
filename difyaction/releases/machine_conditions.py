"""The conditions of those rules that look at a running Dify. They follow the same agreement as `conditions`."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from difyaction.releases.machine import MachineSituation
from difyaction.releases.situation import Facts, Situation
from difyaction.releases.version import Version

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
_ABANDONED_HEAD = "b45e25c2d166"


def compose_too_old(situation: Situation) -> Facts | None:
    """Upstream's file uses what older Composes reject or, worse, read otherwise."""
    if situation.machine is None:
        return None
    found = situation.machine.compose_version
    needed = next((needed for since, needed in _COMPOSE if situation.wanted.numbers >= since.numbers), "2.0.0")
    return {"found": found or "none", "needed": needed} if _numbers(found) < _numbers(needed) else None


def compose_refuses(situation: Situation) -> Facts | None:
    """Compose does not accept the merged files."""
    says = _machine(situation).compose_says
    return {"says": says} if says else None


def image_set(situation: Situation) -> Facts | None:
    """After override files, profiles and mirrors another set of images would run."""
    found = _machine(situation).image_differences
    return {"differences": "; ".join(found)} if found else None


def image_strange(situation: Situation) -> Facts | None:
    """Whose name is another's may be a mirror, or somebody's own: nobody may guess."""
    machine = _machine(situation)
    found = ", ".join(f"{service} ({image})" for service, image in machine.strange_images.items())
    return {"found": found, "lines": ", ".join(machine.image_lines)} if found else None


def build_bypassed(situation: Situation) -> Facts | None:
    """Upstream's image does not hold what somebody built into theirs."""
    found = _machine(situation).builds_bypassed
    return {"found": ", ".join(f"{service} ({image})" for service, image in found.items())} if found else None


def host_lacks_programs(situation: Situation) -> Facts | None:
    """Ordinary programs are missing that the runbook needs."""
    found = _machine(situation).lacking_programs
    return {"programs": ", ".join(found)} if found else None


def disk_space(situation: Situation) -> Facts | None:
    """Images, dumps and databases beside the databases have to fit beside what is there."""
    short = {place: sizes for place, sizes in _machine(situation).disk_needed.items() if sizes[0] > sizes[1]}
    if not short:
        return None
    texts = (
        f"{place}: {free / _GIB:.1f} GiB free, {needed / _GIB:.1f} GiB needed"
        for place, (needed, free) in short.items()
    )
    return {"places": "; ".join(texts)}


def backup_too_large(situation: Situation) -> Facts | None:
    """Packing a huge volume takes hours, and was hardly meant."""
    machine = _machine(situation)
    if not machine.backup_too_large:
        return None
    texts = (f"{name} {size / _GIB:.1f} GiB" for name, size in machine.backup_too_large.items())
    return {"volumes": ", ".join(texts), "most": f"{machine.backup_max / _GIB:.0f} GiB"}


def backup_unmeasured(situation: Situation) -> Facts | None:
    """Nobody knows whether there is room for a copy of what nobody could measure."""
    machine = _machine(situation)
    found = {"volumes": ", ".join(machine.backup_unmeasured), "most": f"{machine.backup_max / _GIB:.0f} GiB"}
    return found if machine.backup_unmeasured else None


def edited_outside(situation: Situation) -> Facts | None:
    """Files of the checkout beside the docker folder are not merged."""
    found = _machine(situation).edited_outside
    return {"files": ", ".join(found[:10])} if found else None


def env_completed(situation: Situation) -> Facts | None:
    """1.14.1's compose file has no defaults, so that .env gets them."""
    return {"count": _machine(situation).env_added}


def service_renamed(situation: Situation) -> Facts | None:
    """Found by image, moved with its volume."""
    found = _machine(situation).renamed_services
    return {"services": ", ".join(found)} if found else None


def secret_key_changes(situation: Situation) -> Facts | None:
    """Sessions, signed addresses and system credentials hang on it."""
    return _APPLIES if _machine(situation).secret_key_changes else None


def storage_uid(situation: Situation) -> Facts | None:
    """1.10.1 runs as uid 1001; we change the owner from inside a container."""
    return _APPLIES if _machine(situation).storage_is_local else None


def weaviate_jump(situation: Situation) -> Facts | None:
    """Weaviate moves its files by one minor version at a time."""
    before, after = _machine(situation).weaviate
    old, new = _numbers(before)[:2], _numbers(after)[:2]
    if not (before and after) or old[0] != new[0] or new[1] - old[1] <= 1:
        return None
    return {"before": before, "after": after}


def milvus_jump(situation: Situation) -> Facts | None:
    """Milvus rewrites metadata and objects from one minor version to the next, and never back."""
    before, after = _machine(situation).milvus
    if not (before and after) or _numbers(before)[:2] == _numbers(after)[:2]:
        return None
    return {"before": before, "after": after}


def vectors_missing(situation: Situation) -> Facts | None:
    """Nobody would make a copy that somebody counts on."""
    machine = _machine(situation)
    return {"store": machine.env.get("VECTOR_STORE") or "not set"} if machine.vectors_missing else None


def split_domain_cookies(situation: Situation) -> Facts | None:
    """From 1.9.2 on the login is a cookie, which another domain does not get."""
    env = _machine(situation).env
    hosts = {urlsplit(url).hostname for key in ("CONSOLE_WEB_URL", "CONSOLE_API_URL") if (url := env.get(key, ""))}
    split = len(hosts) > 1 and not env.get("COOKIE_DOMAIN")
    return {"hosts": ", ".join(sorted(str(host) for host in hosts))} if split else None


def queues_by_hand(situation: Situation) -> Facts | None:
    """Workers with named queues leave new ones alone, and what waits there hangs."""
    theirs = _machine(situation).queues
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
    env = _machine(situation).env
    return None if any(env.get(f"SSRF_PROXY_ALLOW_PRIVATE_{what}") for what in ("IPS", "DOMAINS")) else _APPLIES


def agent_secrets(situation: Situation) -> Facts | None:
    """1.16.0's new containers share secrets whose defaults everybody knows."""
    found = tuple(key for key in _machine(situation).unset_secrets if key.startswith("DIFY_AGENT_"))
    return {"keys": ", ".join(found)} if found else None


def abandoned_schema(situation: Situation) -> Facts | None:
    """Whatever the images say, this is the schema of 2.0.0-beta."""
    head = _machine(situation).database_head
    return {"head": head} if head == _ABANDONED_HEAD and not situation.wanted.is_abandoned else None


def schema_unexpected(situation: Situation) -> Facts | None:
    """Another schema is there than the release that runs would have."""
    head = _machine(situation).database_head
    expected = situation.installed_head
    if not head or not expected or head == expected:
        return None
    return {"head": head, "expected": expected}


def database_unreachable(situation: Situation) -> Facts | None:
    """Nobody can back up what cannot be read."""
    return None if _machine(situation).database_answers else _APPLIES


def database_newer_than_client(situation: Situation) -> Facts | None:
    """pg_dump refuses a server that is newer than itself."""
    machine = _machine(situation)
    server, client = _numbers(machine.database_server)[:1], _numbers(machine.database_client)[:1]
    if not machine.database_server or not machine.database_client or server <= client:
        return None
    return {"server": machine.database_server, "client": machine.database_client}


def database_image(situation: Situation) -> Facts | None:
    """Servers of another line cannot read the files of the one that runs."""
    return None if _same_line(*_machine(situation).database_images) else _database_images(situation)


def database_image_stays(situation: Situation) -> Facts | None:
    """Minor releases of a server have no hurry, and stopping a database has a price."""
    before, after = _machine(situation).database_images
    return _database_images(situation) if before != after and _same_line(before, after) else None


def database_lost(situation: Situation) -> Facts | None:
    """Nothing would run the database, or the api would ask somebody else."""
    why = _machine(situation).database_lost
    return {"why": why} if why else None


def port_taken(situation: Situation) -> Facts | None:
    """Compose would fail to start a service whose port somebody else has."""
    found = _machine(situation).ports_taken
    return {"ports": ", ".join(found)} if found else None


def reached_early(situation: Situation) -> Facts | None:
    """Users would write into databases that may still be put back."""
    found = _machine(situation).reached_early
    return {"ways": "; ".join(found)} if found else None


def downtime_too_long(situation: Situation) -> Facts | None:
    """We estimate more than was allowed."""
    machine = _machine(situation)
    if not machine.max_downtime or machine.downtime <= machine.max_downtime:
        return None
    return {"estimate": f"{machine.downtime // 60 + 1} min", "most": f"{machine.max_downtime / 60:.0f} min"}


def broken_before(situation: Situation) -> Facts | None:
    """Whoever upgrades a broken Dify has two problems, and a rollback nothing to prove itself by."""
    found = _machine(situation).broken
    return {"what": "; ".join(found)} if found else None


def files_are_links(situation: Situation) -> Facts | None:
    """Links lead out of the folder, so that neither our look nor our backup holds what they lead to."""
    found = _machine(situation).linked_files
    return {"files": ", ".join(found[:10])} if found else None


def override_gone(situation: Situation) -> Facts | None:
    """Nobody can tell what still counts of a file that what runs was started with, and that is gone."""
    found = _machine(situation).gone_overrides
    return {"files": ", ".join(found[:10])} if found else None


def lock_held(situation: Situation) -> Facts | None:
    """Somebody else is at it."""
    owner = _machine(situation).lock_owner
    return {"owner": owner} if owner else None


def install_ambiguous(situation: Situation) -> Facts | None:
    """More than one Dify stands here."""
    found = _machine(situation).other_folders
    return {"folders": ", ".join(found)} if found else None


def folder_too_large(situation: Situation) -> Facts | None:
    """We would merge files that we have not seen."""
    return _APPLIES if _machine(situation).folder_cut else None


def folder_unwritable(situation: Situation) -> Facts | None:
    """Our user may run containers, and not write Dify's files."""
    user = _machine(situation).user
    return {"user": user} if user else None


def _database_images(situation: Situation) -> Facts:
    machine = _machine(situation)
    before, after = machine.database_images
    return {"before": before, "after": after, "service": machine.database_service}


def _same_line(before: str, after: str) -> bool:
    """Whether two images are servers that read the same files: PostgreSQL by its first number, MySQL by two.

    Alpine's C library sorts texts otherwise than Debian's, which breaks indexes without a word.
    """
    if before == after:
        return True
    # a digest says nothing of the line, and a registry's port is no tag
    (name, _, old), (other, _, new) = (
        image.partition("@")[0].rpartition("/")[2].partition(":") for image in (before, after)
    )
    depth = 2 if name in {"mysql", "mariadb"} else 1
    same_libraries = ("alpine" in old) == ("alpine" in new)
    return name == other and same_libraries and _numbers(old)[:depth] == _numbers(new)[:depth]


def _machine(situation: Situation) -> MachineSituation:
    return situation.machine or MachineSituation()


def _numbers(text: str) -> tuple[int, int, int]:
    found = [*(int(word) for word in re.findall(r"[0-9]+", text)[:3]), 0, 0, 0]
    return found[0], found[1], found[2]
