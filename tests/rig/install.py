"""One Dify in the machine, as its owner runs it, with what a test asks about it."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.rig.layouts import OUTSIDE, Wanted
from tests.rig.machine import Machine

DATABASES = ("dify", "dify_plugin")
SERVER = "rig-database"  # the container of a server that is not the project's
SERVE = ("--network", "host", "-v", "/opt/outside:/var/lib/postgresql/data", "-e", "POSTGRES_PASSWORD=of-its-owner")
SERVE_MYSQL = ("--network", "host", "-v", "/opt/outside:/var/lib/mysql", "-e", "MYSQL_ROOT_PASSWORD=of-its-owner")
UP_SECONDS = 300  # a container that crashed while its database began is started again a minute later
COUNT = r"""
SELECT format(
    'SELECT %L, count(*), md5(coalesce(string_agg(t::text, E''\n'' ORDER BY t::text), '''')) FROM %I AS t',
    tablename, tablename
)
FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename \gexec
"""
CHECKSUMS = r"""
cd "$0"
find . -type f \( -not -path './volumes/*' -o -path './volumes/app/storage/*' \) -print0 |
    sort -z | xargs -0 sha256sum
"""
SERVICE = "com.docker.compose.service"


@dataclass(frozen=True)
class Rows:
    """How many rows a table has, and a checksum over all of them."""

    count: int
    checksum: str


class Install:
    """``folder`` is the install as the machine sees it, ``path`` the same as the test sees it."""

    def __init__(self, machine: Machine, wanted: Wanted, web_port: int) -> None:
        self.machine, self.wanted = machine, wanted
        self.folder, self.project = wanted.folder, wanted.project_name
        self.url = f"http://127.0.0.1:{web_port}"
        self._session = requests.Session()
        self._session.trust_env = False
        # a connection that is kept ends with the nginx process that a reload replaces, in the middle of a question
        self._session.headers["Connection"] = "close"

    @property
    def path(self) -> Path:
        return self.machine.path(self.folder)

    def compose(self, *arguments: str, check: bool = True, timeout: float = 180) -> str:
        """Run `docker compose` in the install's folder as root; return what it wrote."""
        named = ["-p", self.wanted.project] if self.wanted.project else []
        script = 'cd "$0" && exec docker compose "$@"'
        ran = self.machine.run(["sh", "-c", script, self.folder, *named, *arguments], check=check, timeout=timeout)
        return ran.stdout.decode()

    def up(self) -> None:
        """Start it and wait until a user could use it."""
        self.start_outside()
        self.compose("up", "-d", "--remove-orphans", "--quiet-pull")
        self.wait_until_served()

    def start_outside(self) -> None:
        """Start the server that is not the project's, where one is wanted; it gets Dify's user the first time."""
        if not self.wanted.outside or self.machine.docker("ps", "-q", "--filter", f"name={SERVER}"):
            return
        if self.wanted.mysql:
            self._start_mysql_outside()
            return
        self.machine.docker("run", "-d", "--name", SERVER, *SERVE, "postgres:15-alpine")
        # over TCP, where it listens when its first start is over
        asking = ["docker", "exec", SERVER, "pg_isready", "-q", "-h", "127.0.0.1"]
        self.machine.wait_for(lambda: self.machine.run(asking, check=False).returncode == 0, "its database")
        user, password = OUTSIDE["DB_USERNAME"], OUTSIDE["DB_PASSWORD"]
        if user not in self.sql("SELECT rolname FROM pg_roles", "postgres"):
            self.sql(f"CREATE ROLE {user} LOGIN {self.wanted.outside} PASSWORD '{password}'", "postgres")
            for database in DATABASES:
                self.sql(f"CREATE DATABASE {database} OWNER {user}", "postgres")
            self.sql("CREATE DATABASE another; REVOKE CONNECT ON DATABASE another FROM public", "postgres")

    def _start_mysql_outside(self) -> None:
        self.machine.docker("run", "-d", "--name", SERVER, *SERVE_MYSQL, "mysql:8.0")
        asking = ["docker", "exec", SERVER, "mysqladmin", "-h", "127.0.0.1", "-u", "root", "-pof-its-owner", "ping"]
        self.machine.wait_for(lambda: self.machine.run(asking, check=False).returncode == 0, "its database")
        # what a hosted server's user has: everything in Dify's databases, nothing in the server
        user = f"'{OUTSIDE['DB_USERNAME']}'@'%'"
        self.sql(f"CREATE USER IF NOT EXISTS {user} IDENTIFIED BY '{OUTSIDE['DB_PASSWORD']}'", "mysql")
        for database in DATABASES:
            self.sql(f"CREATE DATABASE IF NOT EXISTS {database}; GRANT ALL ON {database}.* TO {user}", "mysql")

    def wait_until_served(self, seconds: float = UP_SECONDS) -> None:
        """Wait for the api and its database through nginx, and for the plugin daemon's database."""
        deadline = time.monotonic() + seconds
        while not (self.serves() and self._plugins_answer()):
            if time.monotonic() > deadline:
                raise RuntimeError(f"Dify does not serve: {self.compose('ps', '-a', check=False)}")
            time.sleep(0.1)

    def serves(self) -> bool:
        """Say whether the api answers a question that needs its schema, as users reach it."""
        status, answer = self.ask("/console/api/setup")
        return status == requests.codes.ok and answer.get("step") in {"finished", "not_started"}

    def ask(self, path: str, *, seconds: float = 5) -> tuple[int, dict[str, Any]]:
        """Return status and JSON of a page through nginx; status 0 when nothing answered."""
        try:
            answer = self._session.get(f"{self.url}{path}", timeout=seconds)
        except requests.RequestException:
            return 0, {}
        return answer.status_code, _json(answer)

    def chat(self, query: str, *, seconds: float = 25) -> str | None:
        """Do what a user does; return the id of the message that Dify says it has kept, None when it failed."""
        try:
            answer = self._session.post(f"{self.url}/v1/chat-messages", json={"query": query}, timeout=seconds)
        except requests.RequestException:
            return None
        return _json(answer).get("message_id") if answer.ok else None

    def seed(self) -> None:
        """Fill the tables and the storage with the sample's rows and files."""
        self.compose("exec", "-T", "api", "flask", "standin-seed", str(self.wanted.documents))

    def credentials_open(self) -> bool:
        """Say whether what was sealed with the secret key opens with the key in force."""
        ran = self.machine.run(["docker", "exec", self.container("api"), "flask", "standin-sealed"], check=False)
        return ran.returncode == 0

    def rows(self) -> dict[str, Rows]:
        """Return what the tables of both databases hold (`dify.messages`); before 1.0.0 there is one."""
        if self.wanted.mysql:
            return {name: rows for database in DATABASES for name, rows in self._rows_of_mysql(database).items()}
        found = {}
        there = self.sql("SELECT datname FROM pg_database", "postgres").split()
        for database in (name for name in DATABASES if name in there):
            for line in self.sql(COUNT, database).splitlines():
                table, count, checksum = line.split("|")
                found[f"{database}.{table}"] = Rows(int(count), checksum)
        return found

    def _rows_of_mysql(self, database: str) -> dict[str, Rows]:
        tables = self.sql("SHOW TABLES", database).split()
        counts = self.sql("".join(f"SELECT COUNT(*) FROM `{table}`;" for table in tables), database).split()  # noqa: S608 -- their own names
        sums = self.sql("".join(f"CHECKSUM TABLE `{table}`;" for table in tables), database).split()[1::2]
        known = zip(tables, counts, sums, strict=True)
        return {f"{database}.{table}": Rows(int(count), checksum) for table, count, checksum in known}

    def head(self) -> str:
        """Return the revision that the database says it has."""
        return self.sql("SELECT version_num FROM alembic_version").strip()

    def sql(self, statement: str, database: str = "dify") -> str:
        """Run a statement in the install's own database server."""
        if self.wanted.mysql:
            asking = ["sh", "-c", 'MYSQL_PWD="$MYSQL_ROOT_PASSWORD" exec mysql -u root -N -B "$0"', database]
            server = SERVER if self.wanted.outside else self.container("db_mysql")
            command = ["docker", "exec", "-i", server, *asking]
            return self.machine.run(command, stdin=statement.encode()).stdout.decode()
        command = [
            "docker",
            "exec",
            "-i",
            SERVER if self.wanted.outside else self.container("db", "db_postgres"),
            "psql",
            "-qtAX",
            "-v",
            "ON_ERROR_STOP=1",
        ]
        return self.machine.run([*command, "-U", "postgres", "-d", database], stdin=statement.encode()).stdout.decode()

    def files(self) -> dict[str, str]:
        """Return path and checksum of what the install keeps in files: the storage, and its configuration."""
        lines = self.machine.run(["sh", "-c", CHECKSUMS, self.folder]).stdout.decode().splitlines()
        return {name: checksum for checksum, name in (line.split("  ", 1) for line in lines)}

    def containers(self) -> list[dict[str, Any]]:
        """Return the engine's description of every container of this project, running or not."""
        found = self.machine.docker("ps", "-aq", "--filter", f"label=com.docker.compose.project={self.project}").split()
        return json.loads(self.machine.docker("inspect", *found)) if found else []

    def running_images(self) -> dict[str, str]:
        """Return service and image, as its file named it, of what runs (a crash loop does not)."""
        return {
            entry["Config"]["Labels"][SERVICE]: entry["Config"]["Image"]
            for entry in self.containers()
            if entry["State"]["Running"] and not entry["State"]["Restarting"]
        }

    def restarts(self) -> dict[str, int]:
        return {entry["Config"]["Labels"][SERVICE]: entry["RestartCount"] for entry in self.containers()}

    def start_after_a_reboot(self) -> bool:
        """Say whether whatever runs has the restart policy that all of upstream's services have."""
        running = [entry for entry in self.containers() if entry["State"]["Running"]]
        return {entry["HostConfig"]["RestartPolicy"]["Name"] for entry in running} == {"always"}

    def container(self, *services: str) -> str:
        """Return the id of the running container of the first service that has one."""
        for service in services:
            labels = (f"project={self.project}", f"service={service}")
            filters = [word for label in labels for word in ("--filter", f"label=com.docker.compose.{label}")]
            if found := self.machine.docker("ps", "-q", *filters).split():
                return found[0]
        raise RuntimeError(f"no container of {services} runs in {self.project}")

    def _plugins_answer(self) -> bool:
        compose = (self.path / "docker-compose.yaml").read_text(encoding="utf-8")
        if not re.search(r"^  plugin_daemon:", compose, re.MULTILINE):
            return True
        return self.ask("/e/")[0] == requests.codes.not_found


def _json(answer: requests.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
