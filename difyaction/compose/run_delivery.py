"""What a run needs on the host: where it lives, and what is delivered there. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from difyaction.compose.facts import Machine
from difyaction.compose.runbook import RunSettings
from difyaction.compose.shift import Shift
from difyaction.compose.words import literals, verbs
from difyaction.secret import Secret


def settings_for(shift: Shift, machine: Machine, *, run: str, owner: str) -> RunSettings:
    """Return where a run of this plan lives on the host."""
    engine, state = machine.engine, machine.state
    names = {"DOCKER_HOST": engine.docker_host, "DOCKER_CONFIG": engine.docker_config}
    files = [
        "-f",
        f"{shift.folder}/docker-compose.yaml",
        *(word for file in shift.install.overrides for word in ("-f", _absolute(shift.folder, file))),
    ]
    return RunSettings(
        run_id=run,
        folder=f"{state}/runs/{run}",
        backup=f"{machine.backup_folder}/{run}",
        lock=f"{state}/lock",
        workdir=shift.folder,
        docker_env={name: value for name, value in names.items() if value},
        compose=(*engine.compose, "-p", shift.project, "--project-directory", shift.folder, *files),
        verbs=f"{literals(shift)}\n{verbs()}",
        owner=owner,
        summary=f"Dify {shift.installed} -> {shift.wanted}",
        audit_log=f"{state}/audit.log",
    )


def _absolute(folder: str, file: str) -> str:
    return file if file.startswith("/") else f"{folder}/{file}"


def delivered(shift: Shift, files: Mapping[str, bytes], run: str, epoch: int) -> dict[str, bytes | Secret]:
    """Return what the run needs at hand: the files to write, the manifest, the way to an external database."""
    found: dict[str, bytes | Secret] = {path: files[path] for path in sorted(set(shift.switched) & set(files))}
    found[".manifest.json"] = manifest(shift, run, epoch)
    if shift.database.external:
        found["database.env"] = _database_env(shift)
    return found


def manifest(shift: Shift, run: str, epoch: int) -> bytes:
    """Return what a later run must know to go back to this backup."""
    record = {
        "version": 1,
        "id": run,
        "from": str(shift.installed),
        "to": str(shift.wanted),
        "head": shift.head_before,
        "folder": shift.folder,
        "project": shift.project,
        "databases": list(shift.database.names),
        "database-kind": shift.database.kind,
        "files": sorted(shift.switched),
        "created": [file.path for file in shift.files if not file.before],
        "services": {
            name: {
                "role": str(role),
                "image": shift.images_before.get(name, ""),
                "once": name in shift.once,
                "ended": name in shift.once and name in shift.untouched,
            }
            for name, (role, _) in shift.before.items()
        },
        "brought": sorted(shift.after.keys() - shift.before.keys()),
        "database-service": shift.database.service,
        "commit": shift.install.checkout.commit if shift.install.checkout else "",
        "branch": shift.install.checkout.branch if shift.install.checkout else "",
        "volumes": dict(shift.one_way),
        "schema-changes": shift.data_change,
        "back-to": shift.back_to.rpartition("/")[2],
        "epoch": epoch,
    }
    return json.dumps(record, indent=1, sort_keys=True).encode()


def _database_env(shift: Shift) -> Secret:
    database = shift.database
    password = database.password.reveal()
    names = {
        "postgresql": {
            "PGHOST": database.host,
            "PGPORT": database.port,
            "PGUSER": database.user,
            "PGPASSWORD": password,
        },
        "mysql": {"MYSQL_TCP_PORT": database.port, "MYSQL_PWD": password},
    }[database.kind]
    return Secret("".join(f"{name}={value}\n" for name, value in names.items()))


def run_id(shift: Shift, machine: Machine) -> str:
    """Return a name that sorts by time, says what it is about, and is no other run's."""
    began = datetime.fromtimestamp(machine.host.epoch, UTC).strftime("%Y%m%dT%H%M%S")
    name = re.sub(r"[^A-Za-z0-9]", "-", f"{began}-{shift.installed}-to-{shift.wanted}")[:50]
    return f"{name}-{machine.host.nonce}" if machine.host.nonce else name
