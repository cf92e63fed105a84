"""The words in which a run ends, and the exit code of each."""

from __future__ import annotations

from collections.abc import Mapping

EXIT_CODES: Mapping[str, int] = {
    "unchanged": 0,
    "planned": 0,
    "upgraded": 0,
    "restored": 0,
    "proposed": 0,
    "merged": 0,
    "swept": 0,
    "invalid": 2,
    "refused": 3,
    "failed": 4,
    "rolled-back": 5,
    "stranded": 6,
    "degraded": 7,
    "running": 8,
    "door-open": 9,
    "cancelled": 143,
}
