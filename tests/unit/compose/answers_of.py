"""A probe's answer, written by hand."""

from __future__ import annotations

import base64
import gzip
import io
import json
import tarfile
from collections.abc import Mapping

ORDINARY = {
    "system": "Linux 6.1.0",
    "machine": "x86_64",
    "user": "dify",
    "uid": "1000",
    "home": "/home/dify",
    "epoch": "1800000000",
    "boot": "b-1",
    "memory": "8000000000 0",
    "lacking": "",
    "listening": "22\n80\n",
    "docker": "27.3.1\n",
    "info": "/var/lib/docker\nname=seccomp",
    "compose": "docker compose",
    "compose-version": "v2.35.1",
    "folder": "/opt/dify/docker",
    "folders": "/opt/dify/docker\n",
    "project": "docker",
    "writable": "yes",
    "state": "/home/dify/.local/state/dify-upgrade-action",
    "backup": "/srv/backups",
    "free-engine": "100000000000 /dev/sda1",
    "free-folder": "100000000000 /dev/sda1",
    "free-backup": "5000000000 /dev/sdb1",
    "free-database": "70000000000 2049 /dev/sda1",
    "database-container": "d",
    "database": "version|15.8 (Debian)\nsize|dify|8000\nsize|dify_plugin|70\ntable|apps|40\nhead|6b5f9f8b1a2c\n",
    "database-client": "pg_dump (PostgreSQL) 15.8 (Debian 15.8-0)",
    "end": "whole",
}


def container(service: str, image: str, **known: object) -> dict[str, object]:
    labels = {
        "com.docker.compose.service": service,
        "com.docker.compose.oneoff": "False",
        "com.docker.compose.project.config_files": "/opt/dify/docker/docker-compose.yaml,/opt/dify/docker/own.yaml",
    }
    usual = {
        "id": service[0],
        "name": f"/docker-{service}-1",
        "image": image,
        "image_id": f"sha256:{service}",
        "labels": labels,
        "env": [],
        "state": "running",
        "exit": 0,
        "health": "",
        "restarts": 0,
        "mounts": [],
        "networks": {},
        "ports": {},
    }
    return usual | known


API = container(
    "api",
    "langgenius/dify-api:1.13.3",
    env=["MODE=api", "DB_HOST=db_postgres", "DB_PASSWORD=difyai=123456", "SECRET_KEY=sk-1"],
    mounts=[{"Type": "bind", "Source": "/opt/dify/docker/volumes/app/storage", "Destination": "/app/api/storage"}],
)
DB = container("db_postgres", "postgres:15-alpine")
NGINX = container(
    "nginx", "nginx:latest", ports={"80/tcp": [{"HostIp": "192.0.2.7", "HostPort": "8080"}], "443/tcp": None}
)


def packed(files: Mapping[str, bytes], *, links: Mapping[str, str] | None = None) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o600
            archive.addfile(entry, io.BytesIO(content))
        for name, target in (links or {}).items():
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            archive.addfile(link)
    return gzip.compress(raw.getvalue())


FILES = packed({"./docker-compose.yaml": b"services: {}\n", "./.env": b"A=1\n", "./own.yaml": b"services: {}\n"})


def answer(*, without: tuple[str, ...] = (), **changes: str | bytes) -> bytes:
    containers = "\n".join(json.dumps(each) for each in (API, DB, NGINX))
    told: dict[str, str | bytes] = {**ORDINARY, "containers": containers, "files": FILES}
    told |= {name.replace("_", "-"): value for name, value in changes.items()}
    told["end"] = told.pop("end")
    lines = []
    for name, value in told.items():
        if name not in without:
            raw = value.encode() if isinstance(value, str) else value
            lines.append(name.encode() + b" " + base64.b64encode(raw))
    return b"\n".join(lines) + b"\n"
