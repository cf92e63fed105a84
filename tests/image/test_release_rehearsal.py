"""A release, rehearsed with the built image where an engine and a registry are."""

from __future__ import annotations

import subprocess

from tests.image.base import ROOT
from tests.image.station import Station

# Debian's own Python: the machine does not see everybody's home
REHEARSE = 'cd "$0" && RELEASE_IMAGE="$1" /usr/bin/python3 -m scripts.release.dry_run'


def test_a_rehearsed_release_names_the_built_image_by_its_digest(station: Station) -> None:
    with station.folder() as folder:
        clone = folder / "clone"
        subprocess.run(["git", "clone", "--quiet", "--no-local", str(ROOT), str(clone)], check=True)
        rehearsed = station.machine.run(
            ["sh", "-c", REHEARSE, str(clone), station.image.name],
            timeout=600,
        )

    said = rehearsed.stdout.decode()
    assert "/org/dify-upgrade-action@sha256:" in said, said
    assert "runs as it must" in said, said
