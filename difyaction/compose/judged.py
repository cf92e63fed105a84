"""The machine as the rules see it: facts, draft and what Compose makes of it, boiled down."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from difyaction.compose.built import bypassed
from difyaction.compose.composed_facts import Composed, Service
from difyaction.compose.draft import COMPOSE, Draft
from difyaction.compose.env_file import read_env
from difyaction.compose.env_rules import FULL_ENV, crosses
from difyaction.compose.estimates import Estimates, room, volumes
from difyaction.compose.facts import Container, Machine, ref_of
from difyaction.compose.install import Checkout, Held, Install
from difyaction.compose.judged_database import of_database
from difyaction.compose.mirrors import strangers
from difyaction.compose.queues import named_queues
from difyaction.compose.reached import reached_early
from difyaction.compose.roles import Role, role_of
from difyaction.compose.shift import Shift
from difyaction.compose.stores import vectors_missing
from difyaction.releases import heads
from difyaction.releases.catalogue import ImageSet
from difyaction.releases.images import SANDBOX
from difyaction.releases.machine import MachineSituation
from difyaction.releases.situation import Situation

_OF_SQUID = ("SSRF_PROXY_ALLOW_PRIVATE_IPS", "SSRF_PROXY_ALLOW_PRIVATE_DOMAINS")
_LOOKED_AT = ("CONSOLE_WEB_URL", "CONSOLE_API_URL", "COOKIE_DOMAIN", "VECTOR_STORE", *_OF_SQUID)
_AGENT_SECRETS = ("DIFY_AGENT_SERVER_SECRET_KEY", "DIFY_AGENT_API_TOKEN", "DIFY_AGENT_LOCAL_SANDBOX_AUTH_TOKEN")
_RESTLESS = {"restarting", "dead"}
_MANY, _LATELY = 3, 300  # restarts, and seconds since the last one: a crash loop seen between two crashes


def situation(  # noqa: PLR0913 - everything that is known comes together here
    machine: Machine, drafted: Draft, composed: Composed, shift: Shift, *, upstream: ImageSet, estimates: Estimates
) -> Situation:
    """Return what the rules look at."""
    return Situation(
        wanted=shift.wanted,
        installed=shift.installed,
        wanted_known=heads.is_known(shift.wanted),
        own_images={c.ref.dify_name: c.ref.tag for c in machine.containers if c.ref.dify_name},
        upstream=upstream,
        other_images={s.ref.known_name: s.ref.tag for s in composed.services.values() if not s.ref.dify_name},
        layouts=frozenset({"compose"}),
        migrates=True,
        installed_head=heads.head_of(shift.installed) or shift.head_before or None,
        wanted_head=shift.head_after or None,
        unit=shift.folder,
        family="machine",
        allow_downgrade=shift.wishes.allow_downgrade,
        machine=_boiled(machine, drafted, composed, shift, upstream=upstream, estimates=estimates),
    )


def _boiled(  # noqa: PLR0913 - everything that is known comes together here
    machine: Machine, drafted: Draft, composed: Composed, shift: Shift, *, upstream: ImageSet, estimates: Estimates
) -> MachineSituation:
    env = read_env(drafted.files[".env"], file=".env").values
    install = shift.install
    unknown = composed.why_not or _conflicting(drafted)  # nobody can say yet which images would run
    packed, strange = volumes(shift, machine), tuple(strangers(composed, upstream))
    own = all(image == SANDBOX for image, _ in strange)  # who has mirrors has more than one
    off = tuple(switched_off(machine, composed, upstream))
    return replace(
        of_database(machine, composed, shift, unknown=bool(unknown)),
        compose_version=machine.engine.compose_version,
        compose_says=composed.why_not,
        image_differences=() if unknown else tuple(image_differences(composed, upstream, off)),
        switched_off=() if unknown else off,
        strange_images={} if own else {service.name: service.image for _, service in strange},
        own_sandboxes={service.name: service.image for _, service in strange} if own else {},
        image_lines=tuple(dict.fromkeys(f"{image}={s.ref.repository}" for image, s in strange)),
        builds_bypassed={s.name: s.image for s in bypassed(shift.after, shift.images_before)},
        lacking_programs=machine.host.lacking,
        disk_needed=room(estimates, machine),
        backup_too_large={name: size for name, size in packed.items() if size and size > shift.wishes.backup_max},
        backup_unmeasured=tuple(name for name, size in packed.items() if size is None),
        backup_max=shift.wishes.backup_max,
        edited_outside=not_kept(install.checkout, install.files, drafted.known) if install.checkout else (),
        env_added=len(drafted.env.added),
        renamed_services=(f"{shift.database.service} to {shift.database_service}",) if shift.moves_database else (),
        secret_key_changes=_secret_key_changes(machine, _in_effect("SECRET_KEY", env, composed), shift),
        storage_is_local=_in_effect("STORAGE_TYPE", env, composed) in {"", "local", "opendal"},
        weaviate=_tags(machine, composed, "semitechnologies/weaviate"),
        milvus=_tags(machine, composed, "milvusdb/milvus"),
        vectors_missing=vectors_missing(shift.wishes.backup, shift.saved),
        env={key: _in_effect(key, env, composed) for key in _LOOKED_AT},
        queues=named_queues(composed.services.values() if composed.services else machine.containers),
        unset_secrets=tuple(_unset_secrets(drafted, env)),
        ports_taken=tuple(_ports_taken(machine, composed)),
        # only where databases may be put back is there something to lose
        reached_early=reached_early(composed, shift.roles) if shift.data_change and not unknown else (),
        downtime=estimates.downtime,
        max_downtime=shift.wishes.max_downtime,
        # a run that is at work has stopped it
        broken=() if machine.lock and machine.lock.live else tuple(broken(machine.containers, now=machine.host.epoch)),
        lock_owner=f"{machine.lock.owner}, run {machine.lock.run}" if machine.lock and machine.lock.live else "",
        other_folders=install.others,
        folder_cut=_cut(install, drafted),
        gone_overrides=install.gone_overrides,
        unused_overrides=install.unused_overrides,
        linked_files=tuple(_linked(install, drafted)),
        user="" if install.writable else machine.host.user,
    )


def _unset_secrets(drafted: Draft, env: Mapping[str, str]) -> Iterator[str]:
    """Yield the secrets of agents that nobody has set, or that are as upstream published them."""
    for key in _AGENT_SECRETS:
        if key in drafted.shipped.known and env.get(key, "") in {"", drafted.shipped.default(key)}:
            yield key


def switched_off(machine: Machine, composed: Composed, upstream: ImageSet) -> Iterator[str]:
    """Yield the images of sandbox and agents that nothing would run, and nothing runs now."""
    running = [c for c in machine.containers if not c.is_stopped and not c.one_off]
    held = {*composed.services, *(c.service for c in running)}
    run = {s.ref.dify_name for s in composed.services.values()} | {c.ref.dify_name for c in running}
    for image, names in sorted(upstream.services.items()):
        optional = role_of(ref_of(image, ""), {}) in {Role.SANDBOX, Role.AGENT}
        if optional and image not in run and not held.intersection(names):
            yield image


def image_differences(composed: Composed, upstream: ImageSet, off: Collection[str]) -> Iterator[str]:
    """Yield how the images of Dify that would run differ from the release's set, but for those that are ``off``."""
    running: dict[str, set[str]] = {}
    for service in composed.services.values():
        if service.ref.dify_name:
            running.setdefault(service.ref.dify_name, set()).add(service.ref.tag)
    unknown = {image for image, _ in strangers(composed, upstream)}  # of which more is said elsewhere
    for image, tag in sorted(upstream.tags.items()):
        found = running.get(image, set())
        if not found and (image in unknown or image in off):
            continue
        if not found:
            yield f"no service runs {image}"
        elif found != {tag}:
            yield f"{image} would run as {', '.join(sorted(found)) or '(no tag)'}, not {tag}"


def broken(containers: Sequence[Container], *, now: int) -> Iterator[str]:
    """Yield what of Dify does not run as it should, before anybody touches it. ``now`` is the machine's own clock."""
    if not any(role_of(c.ref, c.environment) is Role.API for c in containers):
        yield "no container of the api exists"
    for container in containers:
        role = role_of(container.ref, container.environment)
        if container.one_off or role is Role.OTHER:
            continue
        if container.state in _RESTLESS or container.health == "unhealthy":
            yield f"{container.service} is {container.health if container.state == 'running' else container.state}"
        elif container.state != "running":
            yield f"{container.service} is {container.state}"
        elif container.restarts >= _MANY and now - _seconds(container.started) < _LATELY:
            yield f"{container.service} was restarted {container.restarts} times, a moment ago again"


def _seconds(started: str) -> int:
    """Return a time of Docker's (``2026-11-20T23:45:01.5Z``) as seconds since 1970; 0 when it is none."""
    try:
        return int(datetime.fromisoformat(f"{started[:19]}+00:00").timestamp())
    except ValueError:
        return 0


def _cut(install: Install, drafted: Draft) -> bool:
    """Whether a file that a release brings may be there and was not looked at."""
    unseen = tuple("" if folder == "." else f"{folder}/" for folder in install.unseen)
    return install.cut or any(path.startswith(unseen) for path in drafted.known if path not in install.files)


def _linked(install: Install, drafted: Draft) -> Iterator[str]:
    """Yield the links that stand for a file of the release, or for a folder that holds one.

    In a checkout they would be gone for good: git puts files and folders of its own in their place. Else ``volumes``
    may be a link: what is below it is read and written, and only what is replaced would have to be packed.
    """
    paths = {COMPOSE, *drafted.written, *(merged.file for merged in drafted.merged)}
    replaced = {*drafted.written} & {*install.files, *install.links}
    tracked = install.checkout.tracked if install.checkout else ()
    for link in install.links:
        ours = replaced if f"{link}/".startswith("volumes/") else paths
        if any(path == link or path.startswith(f"{link}/") for path in (*ours, *tracked)):
            yield link


def _ports_taken(machine: Machine, composed: Composed) -> Iterator[str]:
    """Yield the ports that would be published and that somebody else than this Dify listens on."""
    own = {outer for container in machine.containers for _, _, outer in container.ports}
    for name, service in composed.services.items():
        for _, outer, _ in service.ports:
            if outer and outer in machine.listening and outer not in own:
                yield f"{outer} ({name})"


def not_kept(checkout: Checkout, files: Mapping[str, Held], known: Collection[str]) -> tuple[str, ...]:
    """Return the files of theirs that nobody puts back on top: beside the folder, or too large to be looked at."""
    theirs = {*checkout.edited, *(path for path in checkout.tracked if path not in known)}
    return (*checkout.outside, *sorted(theirs - {*files} - {*checkout.deleted}))


def _conflicting(drafted: Draft) -> bool:
    """Whether their compose file does not merge."""
    return any(merged.file == COMPOSE and merged.content is None for merged in drafted.merged)


def _in_effect(key: str, env: Mapping[str, str], composed: Composed) -> str:
    """Return what the container that reads a setting would be given: defaults, override files, env files in it.

    Where Compose gives it nothing, or did not say, it is what the merged `.env` has.
    """
    for service in composed.services.values():
        of_squid = service.ref.name.rpartition("/")[2] == "squid"
        reads = of_squid if key in _OF_SQUID else role_of(service.ref, service.environment) is Role.API
        if reads and key in service.environment:
            return service.environment[key].reveal()
    return env.get(key, "")


def _secret_key_changes(machine: Machine, given: str, shift: Shift) -> bool:
    """Whether another key would be in force. From 1.14.1 on an empty one means that it is kept in the storage."""
    held = machine.api.env("SECRET_KEY") if machine.api else ""
    return held != given or (not given and crosses(FULL_ENV, shift.installed, shift.wanted))


def _tags(machine: Machine, composed: Composed, image: str) -> tuple[str, str]:
    """Return the tag of an image that runs, and the one that would run."""
    return _tag_of(image, machine.containers), _tag_of(image, composed.services.values())


def _tag_of(image: str, started: Iterable[Container | Service]) -> str:
    return next((each.ref.tag for each in started if each.ref.known_name.endswith(image)), "")
