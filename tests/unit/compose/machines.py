"""Machines for tests: the facts of an ordinary one, and what a file of facts says differently."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from difyaction.compose.composed import read_composed
from difyaction.compose.composed_facts import Composed, Service
from difyaction.compose.draft import Way
from difyaction.compose.env_file import read_env
from difyaction.compose.facts import (
    Backup,
    Container,
    Database,
    Disk,
    Engine,
    Host,
    Lock,
    Machine,
    Mount,
)
from difyaction.compose.install import Checkout, Held, Install
from difyaction.compose.mirrors import known_by
from difyaction.compose.server_plan import ServerFacts, draft_for
from difyaction.compose.wishes import Wishes
from difyaction.releases import heads
from difyaction.releases.catalogue import Published, Release
from difyaction.releases.images import image_set
from difyaction.releases.version import Version
from difyaction.secret import Secret

FACTS = Path(__file__).parent / "facts"
FOLDER = "/opt/dify/docker"
GIB = 1024**3

__all__ = ["FACTS", "FOLDER", "facts", "machine", "read_composed", "situation"]

_COMPOSE = """\
services:
  init_permissions:
    image: busybox:latest
    restart: "no"
    volumes:
      - ./volumes/app/storage:/app/api/storage
  api:
    image: langgenius/dify-api:{v}
    environment:
      MODE: api
      SECRET_KEY: ${{SECRET_KEY:-}}
    volumes:
      - ./volumes/app/storage:/app/api/storage
  worker:
    image: langgenius/dify-api:{v}
  worker_beat:
    image: langgenius/dify-api:{v}
  web:
    image: langgenius/dify-web:{v}
  {db}:
    image: postgres:15-alpine
  redis:
    image: redis:6-alpine
  weaviate:
    image: {weaviate}
  sandbox:
    image: langgenius/dify-sandbox:{sandbox}
  plugin_daemon:
    image: langgenius/dify-plugin-daemon:{daemon}
  nginx:
    image: nginx:latest
"""
_MODES = {"api": "api", "worker": "worker", "worker_beat": "beat"}


def compose_text(version: str, **known: str) -> str:
    """Return a miniature of upstream's compose file."""
    numbers = Version.parse(version).numbers
    texts = {
        "v": version,
        "db": "db_postgres" if numbers >= (1, 10, 1) else "db",
        "weaviate": "semitechnologies/weaviate:1.27.0",
        "sandbox": "0.2.14",
        "daemon": "0.5.3-local" if numbers < (1, 14) else "0.6.0-local",
    }
    return _COMPOSE.format(**(texts | known))


def upstream_files(version: str, *, example: str = "", **known: str) -> dict[str, bytes]:
    """Return a miniature of upstream's docker folder."""
    host = "db_postgres" if Version.parse(version).numbers >= (1, 10, 1) else "db"
    example += f"SECRET_KEY=\nDB_HOST={host}\nDB_DATABASE=dify\nMIGRATION_ENABLED=true\n"
    return {
        "docker-compose.yaml": compose_text(version, **known).encode(),
        ".env.example": example.encode(),
        "nginx/nginx.conf.template": b"worker_processes auto;\n",
    }


def composed(text: str, env: Mapping[str, str]) -> Composed:
    """Return what Compose would make of the miniature."""
    services = {}
    for name, service in read_composed(text.encode(), b"").services.items():
        given = {"MODE": _MODES[name], **env} if name in _MODES else {}
        services[name] = replace(service, environment={key: Secret(value) for key, value in given.items()})
    return Composed(services=services)


def machine(installed: str, changes: Mapping[str, Any]) -> Machine:
    """Return an ordinary machine with so much said differently."""
    env = {
        "SECRET_KEY": "sk-held-by-the-containers",
        "DB_HOST": "db_postgres",
        "DB_DATABASE": "dify",
        "DB_USERNAME": "postgres",
    }
    if Version.parse(installed).numbers < (1, 10, 1):
        env["DB_HOST"] = "db"
    env |= changes.get("env", {})
    text = compose_text(installed, **changes.get("running", {}))
    for name, mirror in changes.get("mirrored", {}).items():
        text = text.replace(f"image: {name}:", f"image: {mirror}:")
    services = composed(text, env).services
    containers = tuple(
        _container(service, changes.get("containers", {}).get(name, {}))
        for name, service in services.items()
        if name not in changes.get("absent", ())
    )
    containers = known_by(containers, changes.get("wishes", {}).get("image_map", {}))
    dotenv = "".join(f"{key}={value}\n" for key, value in env.items())
    files = {
        path: Held(content=content) for path, content in upstream_files(installed, **changes.get("running", {})).items()
    }
    files["docker-compose.yaml"] = Held(content=text.encode())
    files[".env"] = Held(content=dotenv.encode(), mode=0o600)
    files |= {path: Held(content=text.encode()) for path, text in changes.get("files", {}).items()}
    holder = next(container for container in containers if container.service == env["DB_HOST"])
    return Machine(
        host=Host(
            system="Linux 6.1.0",
            machine="x86_64",
            user="dify",
            uid=1000,
            home="/home/dify",
            boot_id="b",
            epoch=1_800_000_000,
            memory=8 * GIB,
            swap=0,
            lacking=tuple(changes.get("lacking", ())),
            nonce=changes.get("nonce", ""),
        ),
        engine=Engine(
            **{
                "version": "27.3.1",
                "root": "/var/lib/docker",
                "rootless": False,
                "sudo": False,
                "docker_host": "",
                "docker_config": "",
                "compose": ("docker", "compose"),
                "compose_version": "2.35.1",
            }
            | changes.get("engine", {})
        ),
        install=Install(
            folder=FOLDER,
            project="docker",
            files=files,
            checkout=_checkout(changes.get("checkout")),
            others=tuple(changes.get("others", ())),
            **{"compose_files": (), "size": 1_000_000}
            | {key: tuple(v) if isinstance(v, list) else v for key, v in changes.get("install", {}).items()},
        ),
        containers=containers,
        database=Database(
            **{
                "kind": "postgresql",
                "container": holder.id,
                "service": holder.service,
                "host": holder.service,
                "port": 5432,
                "user": "postgres",
                "password": Secret("difyai123456"),
                "main": "dify",
                "plugin": "dify_plugin",
                "server": "15.8",
                "client": "15.8",
                "sizes": {"dify": 2 * GIB, "dify_plugin": 10_000_000},
                "tables": {"accounts": 12, "apps": 40},
                "heads": tuple(changes.get("heads", ("6b5f9f8b1a2c",))),
                "client_image": "postgres:15-alpine",
            }
            | changes.get("database", {})
        ),
        disk=Disk(
            **{
                "engine": 100 * GIB,
                "engine_device": "/dev/sda1",
                "folder": 100 * GIB,
                "folder_device": "/dev/sda1",
                "backup": 100 * GIB,
                "backup_device": "/dev/sda1",
                "database": 100 * GIB,
                "database_device": "/dev/sda1",
            }
            | changes.get("disk", {})
        ),
        listening=tuple(changes.get("listening", ())),
        lock=Lock(**changes["lock"]) if "lock" in changes else None,
        backups=tuple(Backup(**backup) for backup in changes.get("backups", ())),
        state="/var/lib/dify-upgrade-action",
        backup_folder="/var/lib/dify-upgrade-action/backups",
    )


def facts(changes: Mapping[str, Any]) -> ServerFacts:
    """Return everything that a plan is made from."""
    before, after = changes.get("installed", "1.13.3"), changes.get("wanted", "1.14.1")
    found = machine(before, changes)
    way = Way(
        installed=Version.parse(before),
        wanted=Version.parse(after),
        before=upstream_files(before, **changes.get("running", {})) | _encoded(changes.get("shipped", {})),
        after=upstream_files(after, **changes.get("upstream", {})) | _encoded(changes.get("ships", {})),
        head=heads.head_of(Version.parse(after)) or changes.get("upstream_head", "f00dfeed0001"),
    )
    wishes = Wishes(**changes.get("wishes", {}))
    drafted = draft_for(found, way, wishes)
    env = {"SECRET_KEY": read_env(drafted.files[".env"], file=".env").values.get("SECRET_KEY", "")}
    made = composed(drafted.files["docker-compose.yaml"].decode(), env | changes.get("composed_env", {}))
    if "compose_says" in changes:
        made = Composed(why_not=changes["compose_says"])
    for name, image in changes.get("overridden", {}).items():
        made = Composed(services={**made.services, name: replace(made.services[name], image=image)})
    for name in [name for key in _SAID for name in changes.get(key, {})]:
        made = Composed(services={**made.services, name: _said(made.services[name], changes)})
    for name in changes.get("built", ()):
        made = Composed(services={**made.services, name: replace(made.services[name], builds=True)})
    made = Composed(
        services={name: service for name, service in made.services.items() if name not in changes.get("without", ())},
        why_not=made.why_not,
    )
    if "beside" in changes:  # services of an override file, as Compose tells them
        beside = read_composed(json.dumps({"services": changes["beside"]}).encode(), b"").services
        known = changes.get("containers", {})
        held = tuple(_container(service, known[name]) for name, service in beside.items() if name in known)
        found = replace(found, containers=(*found.containers, *held))
        made = replace(made, services={**made.services, **beside})
    version = Version.parse(after)
    release = Release(Published(version, after, None), image_set(way.after["docker-compose.yaml"].decode()))
    return ServerFacts(machine=found, way=way, release=release, draft=drafted, composed=made, wishes=wishes)


def _encoded(files: Mapping[str, str | bytes]) -> dict[str, bytes]:
    """Return files of a release; a file of facts has their text."""
    return {path: said.encode() if isinstance(said, str) else said for path, said in files.items()}


_SAID = {
    "commands": lambda words: {"command": tuple(words)},
    "published": lambda port: {"ports": (("", port, port),)},
    "labels": lambda labels: {"labels": labels},
    "said": lambda said: {"environment": {key: Secret(value) for key, value in said.items()}},
}


def _said(service: Service, changes: Mapping[str, Any]) -> Service:
    """Return a service as an override file would say it."""
    for key, fields in _SAID.items():
        if service.name in changes.get(key, {}):
            service = replace(service, **fields(changes[key][service.name]))  # type: ignore[no-untyped-call]
    return service


def situation(name: str) -> Mapping[str, Any]:
    """Read a file of facts."""
    return tomllib.loads((FACTS / f"{name}.toml").read_text("utf-8"))


def _container(service: Service, changes: Mapping[str, Any]) -> Container:
    ports = ((80, "", 8080),) if service.name == "nginx" else ()
    mounts = tuple(
        Mount(kind="bind", source=f"{FOLDER}/{m.source.removeprefix('./')}", target=m.target, size=1000)
        for m in service.mounts
    )
    container = Container(
        id=f"id-of-{service.name}",
        name=f"docker-{service.name}-1",
        service=service.name,
        image=service.image,
        image_id=f"sha256:{service.name}",
        environment=service.environment,
        ports=ports,
        mounts=mounts,
        state="exited" if service.restart == "no" else "running",
    )
    if "mounts" in changes:
        changes = {**changes, "mounts": tuple(Mount(**mount) for mount in changes["mounts"])}
    return replace(container, **changes)


def _checkout(given: Mapping[str, Any] | None) -> Checkout | None:
    if given is None:
        return None
    usual = {"top": "/opt/dify", "commit": "a" * 40, "branch": "main", "tags": ("1.13.3",)}
    return Checkout(
        **{**usual, **{key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}}
    )
