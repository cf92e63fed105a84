"""What we were asked to do with a machine: the inputs that its plan looks at, typed. Times are seconds, sizes bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

GIB = 1024**3
_LEAST_PATIENCE = 300
SNAPSHOT_WAIT = 120  # how long the host waits, with nobody writing, for whoever keeps its disks


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """Where Dify is, as far as somebody said, and how far the plan may go."""

    folder: str = ""
    project: str = ""
    docker_host: str = ""
    image_map: Mapping[str, str] = field(default_factory=dict)  # upstream's image -> the mirror's
    acknowledge: tuple[str, ...] = ()
    allow_downgrade: bool = False
    backup: tuple[str, ...] = ()  # volumes beyond what is always saved: storage, plugins, vectors, redis, all
    backup_folder: str = ""
    backup_keep: int = 3
    backup_max: int = 10 * GIB
    restore_test_max: int = 5 * GIB
    final_backup: str = "auto"  # "snapshot": as "auto", and the disks are kept while nobody writes
    client_image: str = ""
    max_downtime: int = 600
    drain_timeout: int = 60
    migration_timeout: int | None = None
    migration_idle: int = 300
    start_timeout: int = 600

    @property
    def patience(self) -> int:
        """How long the old release may take to serve again, or the new one where it stays."""
        return max(_LEAST_PATIENCE, self.start_timeout)

    pull_timeout: int = 3600
