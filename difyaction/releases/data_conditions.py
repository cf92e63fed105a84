"""The conditions of those rules that look at the data of a running Dify. Likewise agreed as `conditions`."""

from __future__ import annotations

from difyaction.releases.situation import Facts, Situation
from difyaction.releases.version import leading_numbers

_APPLIES: Facts = {}
_GIB = 1024**3
_ABANDONED_HEAD = "b45e25c2d166"


def backup_too_large(situation: Situation) -> Facts | None:
    """Packing a huge volume takes hours, and was hardly meant."""
    machine = situation.on_machine
    if not machine.backup_too_large:
        return None
    texts = (f"{name} {size / _GIB:.1f} GiB" for name, size in machine.backup_too_large.items())
    return {"volumes": ", ".join(texts), "most": f"{machine.backup_max / _GIB:.0f} GiB"}


def backup_unmeasured(situation: Situation) -> Facts | None:
    """Nobody knows whether there is room for a copy of what nobody could measure."""
    machine = situation.on_machine
    found = {"volumes": ", ".join(machine.backup_unmeasured), "most": f"{machine.backup_max / _GIB:.0f} GiB"}
    return found if machine.backup_unmeasured else None


def storage_uid(situation: Situation) -> Facts | None:
    """1.10.1 runs as uid 1001; we change the owner from inside a container."""
    return _APPLIES if situation.on_machine.storage_is_local else None


def weaviate_jump(situation: Situation) -> Facts | None:
    """Weaviate moves its files by one minor version at a time."""
    before, after = situation.on_machine.weaviate
    old, new = leading_numbers(before)[:2], leading_numbers(after)[:2]
    if not (before and after) or old[0] != new[0] or new[1] - old[1] <= 1:
        return None
    return {"before": before, "after": after}


def milvus_jump(situation: Situation) -> Facts | None:
    """Milvus rewrites metadata and objects from one minor version to the next, and never back."""
    before, after = situation.on_machine.milvus
    if not (before and after) or leading_numbers(before)[:2] == leading_numbers(after)[:2]:
        return None
    return {"before": before, "after": after}


def vectors_missing(situation: Situation) -> Facts | None:
    """Nobody would make a copy that somebody counts on."""
    machine = situation.on_machine
    return {"store": machine.env.get("VECTOR_STORE") or "not set"} if machine.vectors_missing else None


def abandoned_schema(situation: Situation) -> Facts | None:
    """Whatever the images say, this is the schema of 2.0.0-beta."""
    head = situation.on_machine.database_head
    return {"head": head} if head == _ABANDONED_HEAD and not situation.wanted.is_abandoned else None


def schema_unexpected(situation: Situation) -> Facts | None:
    """Another schema is there than the release that runs would have."""
    head = situation.on_machine.database_head
    expected = situation.installed_head
    if not head or not expected or head == expected:
        return None
    return {"head": head, "expected": expected}


def database_unreachable(situation: Situation) -> Facts | None:
    """Nobody can back up what cannot be read."""
    return None if situation.on_machine.database_answers else _APPLIES


def database_unread(situation: Situation) -> Facts | None:
    """Rows that nobody can count prove nothing."""
    machine = situation.on_machine
    said = machine.database_refused or "nothing"
    return {"what": ", ".join(machine.database_unread), "said": said} if machine.database_unread else None


def plugins_unseen(situation: Situation) -> Facts | None:
    """Nobody can back up what cannot be seen, and the new daemon migrates it."""
    name = situation.on_machine.plugins_unseen
    return {"name": name} if name else None


def database_newer_than_client(situation: Situation) -> Facts | None:
    """pg_dump refuses a server that is newer than itself."""
    machine = situation.on_machine
    server, client = leading_numbers(machine.database_server)[:1], leading_numbers(machine.database_client)[:1]
    if not machine.database_server or not machine.database_client or server <= client:
        return None
    return {"server": machine.database_server, "client": machine.database_client}


def database_image(situation: Situation) -> Facts | None:
    """Servers of another line cannot read the files of the one that runs."""
    return None if _same_line(*situation.on_machine.database_images) else _database_images(situation)


def database_image_stays(situation: Situation) -> Facts | None:
    """Minor releases of a server have no hurry, and stopping a database has a price."""
    before, after = situation.on_machine.database_images
    return _database_images(situation) if before != after and _same_line(before, after) else None


def database_lost(situation: Situation) -> Facts | None:
    """Nothing would run the database, or the api would ask somebody else."""
    why = situation.on_machine.database_lost
    return {"why": why} if why else None


def database_in_doubt(situation: Situation) -> Facts | None:
    """Who asks the host's own address may be led to a container, which nobody takes for the database and stops."""
    machine = situation.on_machine
    found = machine.database_in_doubt
    return {"service": found, "host": machine.database_host} if found else None


def _database_images(situation: Situation) -> Facts:
    machine = situation.on_machine
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
    return name == other and same_libraries and leading_numbers(old)[:depth] == leading_numbers(new)[:depth]
