"""A job whose container reaches an emulated Azure, as one on GitHub's runner reaches the real one."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator

from tests.e2e.azure_runs import Setting
from tests.image.runner import Job
from tests.image.station import Station

PACE = 5  # an idle machine needs a second or two of the runner's ten


@contextlib.contextmanager
def azure_job(station: Station, place: Setting, *besides: str) -> Iterator[Job]:
    """Give it. ``besides``: URLs on loopback that it reaches, too."""
    azure = place.azure
    with station.folder() as folder, station.reaching(azure.url, place.vault.url, f"gate:{place.gate.port}", *besides):
        authority = folder / "_temp" / "ca.pem"
        environ = {**azure.environ, "REQUESTS_CA_BUNDLE": str(authority), "SSL_CERT_FILE": str(authority)}
        job = Job(station.engine, station.image.name, folder, network="host", environ=environ, pace=PACE)
        shutil.copy(azure.ca_file, authority)
        yield job
