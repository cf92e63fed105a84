"""Every image that Dify's compose files name, under upstream's own names and tags, as layers over the one base."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import random
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.rig.registry import Blob, Image, layer

HERE = Path(__file__).resolve().parent / "images"
HEADS = Path(__file__).resolve().parent.parent.parent / "difyaction" / "releases" / "heads.toml"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
POSTGRES_PATH = f"/usr/local/bin:/opt/applets:/usr/lib/postgresql/15/bin:{SYSTEM_PATH}"
PYTHON = {"PATH": SYSTEM_PATH, "PYTHONDONTWRITEBYTECODE": "1"}
APP = 1001
# Upstream starts the proxies by `sh -c "... && /docker-entrypoint.sh"`. With dash as sh the shell stays the first
# process and hears no signal, so that stopping takes the whole ten seconds of grace, twice a run; bash gives its place
# to the last command.
STOPS_AT_ONCE = {"usr/bin/sh": "bash"}

APPLETS = (
    *("sh", "ash", "cat", "cp", "mv", "rm", "ls", "mkdir", "stat", "du", "df", "tar", "gzip", "sha256sum", "find"),
    *("grep", "sed", "awk", "head", "tail", "sort", "wc", "date", "id", "ps", "xargs", "chown", "chmod", "env"),
)
# version: sandbox, plugin daemon, vector store; as the compose file of that version names them
PARTS = {
    "0.15.8": ("0.2.11", "", "1.19.0"),
    "1.0.0": ("0.2.10", "0.0.3-local", "1.19.0"),
    "1.9.2": ("0.2.12", "0.3.3-local", "1.27.0"),
    "1.10.0": ("0.2.12", "0.4.1-local", "1.27.0"),
    "1.10.1": ("0.2.12", "0.4.1-local", "1.27.0"),
    "1.11.4": ("0.2.12", "0.5.2-local", "1.27.0"),
    "1.12.1": ("0.2.12", "0.5.3-local", "1.27.0"),
    "1.13.3": ("0.2.14", "0.5.3-local", "1.27.0"),
    "1.14.0": ("0.2.15", "0.6.0-local", "1.27.0"),
    "1.14.1": ("0.2.15", "0.6.0-local", "1.27.0"),
    "1.15.0": ("0.2.15", "0.6.3-local", "1.27.0"),
    "1.16.1": ("0.2.15", "0.6.3-local", "1.27.0"),
}
# what only the databases' and proxies' images have: no step may find its tools in the wrong container
FOREIGN = {
    "postgres": ("usr/lib/postgresql", "usr/bin/psql", "usr/bin/pg_dump", "usr/bin/pg_restore", "usr/bin/pg_isready"),
    "redis": ("usr/bin/redis-cli", "usr/bin/redis-server", "usr/bin/redis-check-rdb"),
    "nginx": ("usr/sbin/nginx",),
    "squid": ("usr/sbin/squid",),
    "python": ("usr/bin/python3", "usr/bin/python3.11"),
    "curl": ("usr/bin/curl",),
}
# the second is what it really is, and what its version calls for in clients
MYSQL = (("library/mysql", "8.0"), ("library/mariadb", "10.11"))
DRIVER = "usr/local/lib/python3.11/dist-packages/pymysql"


def tree(folder: str, into: str, pattern: str = "**/*") -> dict[str, bytes | None]:
    """Return the files of a folder here under a folder in the image."""
    root = HERE / folder
    files = [path for path in sorted(root.glob(pattern)) if path.is_file() and path.suffix != ".pyc"]
    return {f"{into}/{path.relative_to(root)}".removeprefix("./"): path.read_bytes() for path in files}


@functools.cache
def without(*kept: str) -> Blob:
    """Return the layer that takes away the tools of the other images."""
    gone = {name: None for part, names in FOREIGN.items() if part not in kept for name in names}
    return layer(gone)


@functools.cache
def driver() -> Blob:
    """Return the layer that lets the stand-ins speak to MySQL: the driver that is installed here, all Python."""
    found = importlib.util.find_spec("pymysql")
    if found is None or found.origin is None:
        return layer({})  # whoever wants MySQL is told (stack.py)
    root = Path(found.origin).parent
    return layer({f"{DRIVER}/{path.relative_to(root)}": path.read_bytes() for path in sorted(root.rglob("*.py"))})


@functools.cache
def applets() -> Blob:
    """Return the layer that puts busybox's narrower tools first, as the Alpine images have them."""
    return layer({"opt/applets/": b""}, links={f"opt/applets/{name}": "/bin/busybox" for name in APPLETS})


def fingerprint(base: Blob) -> str:
    """Return what changes when any image would."""
    made_from = hashlib.sha256(f"{base.digest} {driver().digest}".encode())
    for path in [Path(__file__), HERE.parent / "registry.py", *sorted(HERE.rglob("*"))]:
        if path.is_file() and path.suffix != ".pyc":
            made_from.update(path.read_bytes())
    return made_from.hexdigest()


def head_of(version: str) -> str:
    return str(tomllib.loads(HEADS.read_text(encoding="utf-8"))[version])


def line_of(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.partition("-")[0].split("."))


def revisions(version: str) -> dict[str, bytes | None]:
    """Return the migrations that a release has: all up to its head."""
    files = tree("api", "app/api", "migrations/*.sql")
    head = head_of(version)
    last = next(number for number, name in enumerate(sorted(files)) if name.endswith(f"_{head}.sql"))
    return {name: files[name] for name in sorted(files)[: last + 1]}


def fault_layer(folder: str, fault: Mapping[str, Any] | None) -> tuple[Blob, ...]:
    if not fault:
        return ()
    ballast = int(fault.get("ballast", 0))
    extra = {f"{folder}/ballast": _noise(ballast)} if ballast else {}
    return (layer({f"{folder}/fault.json": json.dumps(dict(fault)).encode(), **extra}),)


def api(base: Blob, version: str, fault: Mapping[str, Any] | None = None) -> Image:
    built = {"version": version, "reports": version.partition("-fix")[0]}
    files = revisions(version) | tree("api/bin", "usr/local/bin") | tree("api", ".", "entrypoint.sh")
    files |= tree("api", "app/api", "standin/*.py") | tree("api", "app/api", "celery/**/*.py")
    files |= {"app/api/built.json": json.dumps(built).encode()}
    if line_of(version) >= (1, 7, 1):
        files["app/api/knows-mode-migration"] = b""
    rootless = line_of(version) >= (1, 10, 1)
    owned = layer({"app/": b"", "app/api/": b"", "app/api/storage/": b""}, owner=APP if rootless else 0)
    return Image(
        [base, without("python", "curl"), driver(), owned, layer(files), *fault_layer("app/api", fault)],
        entrypoint=["/bin/bash", "/entrypoint.sh"],
        environment={**PYTHON, "PYTHONPATH": "/app/api", "EDITION": "SELF_HOSTED"},
        user=str(APP) if rootless else "",
        folder="/app/api",
        extras={"ExposedPorts": {"5001/tcp": {}}},
    )


def stub(base: Blob, tag: str, built: Mapping[str, Any], fault: Mapping[str, Any] | None = None) -> Image:
    kept = () if tag == "0.0.3-local" else ("curl",)  # plugin daemons have curl from 0.0.4 on
    files = tree("stub", "standin") | {"standin/built.json": json.dumps(dict(built)).encode()}
    return Image(
        [base, without("python", *kept), driver(), layer(files), *fault_layer("standin", fault)],
        entrypoint=["python3", "-u", "/standin/stub.py"],
        environment=PYTHON,
    )


def plain(base: Blob) -> Iterator[tuple[str, str, Image]]:
    """Yield what carries no version of Dify's: database, broker, proxies, busybox."""
    yield (
        "library/postgres",
        "15-alpine",
        Image(
            [base, without("postgres"), applets(), layer(tree("db", "usr/local/bin"))],
            entrypoint=["docker-entrypoint.sh"],
            command=["postgres"],
            environment={
                "PATH": POSTGRES_PATH,
                "LANG": "C.UTF-8",
                "PG_MAJOR": "15",
                "PGDATA": "/var/lib/postgresql/data",
            },
            extras={
                "StopSignal": "SIGINT",
                "ExposedPorts": {"5432/tcp": {}},
                "Volumes": {"/var/lib/postgresql/data": {}},
            },
        ),
    )
    yield (
        "library/redis",
        "6-alpine",
        Image(
            [base, without("redis"), applets(), layer(tree("redis", "usr/local/bin") | {"data/": b""})],
            entrypoint=["docker-entrypoint.sh"],
            command=["redis-server"],
            environment={"PATH": f"/usr/local/bin:/opt/applets:{SYSTEM_PATH}"},
            folder="/data",
        ),
    )
    logs = {"var/log/nginx/access.log": "/dev/stdout", "var/log/nginx/error.log": "/dev/stderr"}
    yield (
        "library/nginx",
        "latest",
        Image(
            [base, without("nginx", "curl"), layer({}, links=logs | STOPS_AT_ONCE)],
            command=["nginx", "-g", "daemon off;"],
            environment={"PATH": SYSTEM_PATH},
            extras={"StopSignal": "SIGQUIT"},
        ),
    )
    yield (
        "ubuntu/squid",
        "latest",
        Image(
            [base, without("squid"), layer(tree("squid", "etc/squid/conf.d"), links=STOPS_AT_ONCE)],
            command=["squid", "-NYC"],
            environment={"PATH": SYSTEM_PATH},
            # squid takes longer than the ten seconds too; nothing of it is worth waiting for
            extras={"StopSignal": "SIGKILL"},
        ),
    )
    yield (
        "library/busybox",
        "latest",
        Image([base, without(), applets()], command=["sh"], environment={"PATH": f"/opt/applets:{SYSTEM_PATH}"}),
    )


def mysql(base: Blob, real: Blob) -> Image:
    """Return the database of those who chose the other one; ``real`` is the layer that mysql.sh makes."""
    return Image(
        [base, without("curl"), real, layer(tree("mysql", "usr/local/bin"))],
        entrypoint=["docker-entrypoint.sh"],
        command=["mysqld"],
        environment={"PATH": SYSTEM_PATH, "MYSQL_MAJOR": "8.0"},
        extras={"ExposedPorts": {"3306/tcp": {}}, "Volumes": {"/var/lib/mysql": {}}},
    )


def web(version: str) -> dict[str, Any]:
    return {"version": version, "port": 3000, "pages": {"*": f"<html><title>Dify</title>{version}</html>"}}


def plugin_daemon(tag: str) -> dict[str, Any]:
    page = {"status": "ok", "version": tag, "platform": "local", "pool_status": {}}
    return {"version": tag, "port": 5002, "keeps": "plugins", "pages": {"/health/check": page}}


def vector_store(version: str) -> dict[str, Any]:
    pages = {"/v1/.well-known/ready": {}, "/v1/.well-known/live": {}, "/v1/meta": {"version": version}}
    return {"version": version, "port": 8080, "keeps": "vectors", "pages": pages}


def everything(base: Blob) -> Iterator[tuple[str, str, Image]]:
    """Yield name, tag and image of all there is."""
    yield from plain(base)
    for version in PARTS:
        yield from release(base, version)


def release(
    base: Blob, version: str, faults: Mapping[str, Mapping[str, Any]] | None = None
) -> Iterator[tuple[str, str, Image]]:
    """Yield the images of one release; a fault is asked for by the last part of an image's name (`dify-api`)."""
    asked = faults or {}
    sandbox, plugins, vectors = PARTS[version]
    stubs = {
        "langgenius/dify-web": (version, web(version)),
        "langgenius/dify-sandbox": (sandbox, {"port": 8194, "pages": {"/health": "ok"}}),
        "semitechnologies/weaviate": (vectors, vector_store(vectors)),
    }
    if plugins:
        stubs["langgenius/dify-plugin-daemon"] = (plugins, plugin_daemon(plugins))
    if line_of(version) >= (1, 16, 0):
        stubs["langgenius/dify-agent-backend"] = (version, {"port": 5050, "pages": {"*": {"status": "ok"}}})
        stubs["langgenius/dify-agent-local-sandbox"] = (version, {"port": 5004, "pages": {"/healthz": "ok"}})
    yield "langgenius/dify-api", version, api(base, version, asked.get("dify-api"))
    for name, (tag, built) in stubs.items():
        yield name, tag, stub(base, tag, built, asked.get(name.rpartition("/")[2]))


def _noise(size: int) -> bytes:
    """Return bytes that do not compress and are the same every time."""
    return random.Random(size).randbytes(size)  # noqa: S311 -- ballast, not a secret
