"""Files on their way to a folder: one archive over stdin, so that no content is ever an argument."""

from __future__ import annotations

import io
import shlex
import tarfile
from collections.abc import Mapping
from pathlib import PurePosixPath

from difyaction.connections import Connection
from difyaction.errors import Failed
from difyaction.secret import Secret

_TIMEOUT = 300.0  # a slow line and a few MB of files


def put(connection: Connection, folder: str, files: Mapping[str, bytes | Secret]) -> None:
    """Do what `Connection.put` promises, with `Connection.run`."""
    where = shlex.quote(folder)
    # An old file is removed first: a script that runs from it goes on reading the old one.
    script = f"umask 077 && mkdir -p {where} && chmod 700 {where} && cd {where} && tar -x -o -f -"
    ran = connection.run(script, stdin=packed(files), timeout=_TIMEOUT)
    if ran.exit_code != 0:
        raise Failed(
            "host-unwritable",
            "Files cannot be put into {folder} on the host: {says}",
            next_step="Check the rights of the user there, and the free space of the disk.",
            folder=folder,
            says=ran.err.decode("utf-8", "replace").strip()[-300:],
        )


def packed(files: Mapping[str, bytes | Secret]) -> bytes:
    """Return the archive: folders 0700, files 0600, nothing outside of where it is unpacked."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for folder in sorted({parent for name in files for parent in _inside(name).parents if parent.name}):
            tar.addfile(_entry(str(folder), 0o700, tarfile.DIRTYPE))
        for name, content in files.items():
            data = content.reveal().encode() if isinstance(content, Secret) else content
            entry = _entry(str(_inside(name)), 0o600, tarfile.REGTYPE)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return archive.getvalue()


def _inside(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.name:
        raise ValueError(f"not a name inside the folder: {name!r}")
    return path


def _entry(name: str, mode: int, kind: bytes) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.type = mode, kind
    return entry
