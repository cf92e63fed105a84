"""What the rules look at of a running Dify: a few plain values, boiled down from the facts of its machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class MachineSituation:
    """One machine before its Dify moves. Sizes are bytes, times seconds; empty texts mean that nobody knows.

    ``env`` are settings by key as containers would be given them, secrets left out; ``unset_secrets`` are keys of
    secrets that are empty in the merged ``.env`` or have upstream's public default.
    """

    compose_version: str = ""
    compose_says: str = ""  # why Compose refuses the merged files
    image_differences: tuple[str, ...] = ()
    strange_images: Mapping[str, str] = field(default_factory=dict)  # service -> what runs in upstream's place
    own_sandboxes: Mapping[str, str] = field(default_factory=dict)  # likewise, in the sandbox's, which versions itself
    switched_off: tuple[str, ...] = ()  # images of upstream's that nothing would run, and nothing runs now
    image_lines: tuple[str, ...] = ()  # of `image-map`, which would explain them
    builds_bypassed: Mapping[str, str] = field(default_factory=dict)  # service built here -> the image it would run
    lacking_programs: tuple[str, ...] = ()
    disk_needed: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # place -> needed, free
    backup_too_large: Mapping[str, int] = field(default_factory=dict)  # volume -> bytes
    backup_unmeasured: tuple[str, ...] = ()  # volumes
    backup_max: int = 0
    edited_outside: tuple[str, ...] = ()
    env_added: int = 0
    renamed_services: tuple[str, ...] = ()
    secret_key_changes: bool = False
    storage_is_local: bool = False
    weaviate: tuple[str, str] = ("", "")  # tag that runs, tag that would run
    milvus: tuple[str, str] = ("", "")  # likewise
    vectors_missing: bool = False  # somebody asked for a copy of them, and none would be made
    env: Mapping[str, str] = field(default_factory=dict)
    queues: tuple[str, ...] = ()  # what all workers together take from, where somebody named them
    unset_secrets: tuple[str, ...] = ()
    database_head: str = ""
    database_server: str = ""
    database_client: str = ""
    database_answers: bool = True
    database_unread: tuple[str, ...] = ()  # what it answers no question about
    database_refused: str = ""  # what it said to that
    plugins_unseen: str = ""  # the plugin daemon's database, where nobody sees it
    database_service: str = ""
    database_host: str = ""  # where the api asks for it: host:port
    database_in_doubt: str = ""  # a service that may be the one behind that, and that would stop
    database_images: tuple[str, str] = ("", "")  # what runs, what would run
    database_lost: str = ""  # why the api would not find it
    ports_taken: tuple[str, ...] = ()  # "5003 (plugin_daemon)"
    reached_early: tuple[str, ...] = ()  # how users get past the proxy that is held
    downtime: int = 0
    max_downtime: int = 0
    broken: tuple[str, ...] = ()
    lock_owner: str = ""
    other_folders: tuple[str, ...] = ()
    folder_cut: bool = False
    gone_overrides: tuple[str, ...] = ()  # compose files that the containers were started with
    unused_overrides: tuple[str, ...] = ()  # likewise, that they were started without
    linked_files: tuple[str, ...] = ()  # links in the place of files that the release brings
    user: str = ""  # who may not write there; empty: the user may
