"""The second question to the machine: what its Compose makes of the merged files."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from difyaction.compose.composed import read_composed
from difyaction.compose.composed_facts import Composed
from difyaction.compose.facts import Install, Machine
from difyaction.compose.words import call
from difyaction.connections import Connection, Ran
from difyaction.connections.parcel import packed
from difyaction.errors import Failed

_MARK = "dify-upgrade-composed"  # stands before and after what Compose says: shells print texts of their own


def ask_compose(
    connection: Connection, machine: Machine, install: Install, files: Mapping[str, bytes], *, timeout: float
) -> Composed:
    """Put the files aside on the machine, ask, and remove them, in one go: a cut leaves none. Dify is not touched.

    :raises Failed: ``staging-unwritable``.
    """
    # No hidden folder: Docker from a snap may not read those of a home.
    folder = f"{machine.host.home.rstrip('/')}/dify-upgrade-staging-{machine.host.epoch}"
    ran = connection.run(script(machine, install, folder), stdin=packed(files), timeout=timeout)
    # Compose makes paths absolute: what it says of the place aside is meant of the folder itself.
    return read_composed(*(said.replace(folder.encode(), install.folder.encode()) for said in _answer(ran, folder)))


def _answer(ran: Ran, folder: str) -> tuple[bytes, bytes]:
    """Return what Compose itself said, on both outputs."""
    out, err = (said.split(f"{_MARK}\n".encode()) for said in (ran.out, ran.err))
    if len(out) > 1:
        return out[1], err[min(1, len(err) - 1)]
    raise Failed(
        "staging-unwritable",
        "The merged files cannot be put into {folder} for a moment, where Compose would look at them: {says}",
        next_step="Check the rights of the user there, and the free space of the disk.",
        folder=folder,
        says=ran.err.decode("utf-8", "replace").strip()[-300:],
    )


def script(machine: Machine, install: Install, folder: str) -> str:
    """Return the question."""
    chosen = ["-f", "docker-compose.yaml", *(word for file in install.overrides for word in ("-f", file))]
    compose = call(*machine.engine.compose, "-p", install.project, "--project-directory", ".", *chosen, "config")
    form = " --format json" if machine.engine.compose[-1:] == ("compose",) else ""
    place = shlex.quote(folder)
    lines = (
        f"place={place}",
        "umask 077",
        "trap 'cd / && rm -rf \"$place\"' EXIT",
        "trap 'exit 129' HUP INT TERM",
        'mkdir -p "$place" && cd "$place" && tar -x -o -f - || exit 1',
        f"echo; echo {_MARK}; echo >&2; echo {_MARK} >&2",
        f"{compose}{form} </dev/null",
        f"echo; echo {_MARK}; echo >&2; echo {_MARK} >&2",
    )
    return "\n".join(lines) + "\n"
