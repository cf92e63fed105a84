"""The parts of Dify that are only started, stopped and asked for their health: web, sandbox, plugins, vectors."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
BUILT: dict[str, Any] = json.loads((HERE / "built.json").read_text(encoding="utf-8"))
ASKED = HERE / "fault.json"
FAULT: dict[str, Any] = json.loads(ASKED.read_text(encoding="utf-8")) if ASKED.exists() else {}
PLUGIN_TABLES = """
CREATE TABLE IF NOT EXISTS plugins (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL);
CREATE TABLE IF NOT EXISTS plugin_installations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), declaration text NOT NULL
);
"""


MYSQL_ID = "char(36) PRIMARY KEY DEFAULT (uuid())"


class Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        known = BUILT["pages"]
        page = known.get(self.path, known.get("*"))
        status = 404 if page is None else 200
        if FAULT.get("name") == "unhealthy":
            status = 503
        text = (page if isinstance(page, str) else json.dumps(page)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if isinstance(page, str) else "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


def keep_plugins() -> None:
    """Make the plugin daemon's own database and tables, as it does when it starts."""
    if os.environ.get("DB_TYPE") == "mysql":
        keep_plugins_in_mysql()
        return
    import psycopg2  # noqa: PLC0415 -- only one of the parts has a database

    def connect(database: str) -> psycopg2.extensions.connection:
        return psycopg2.connect(
            host=os.environ["DB_HOST"],
            port=os.environ["DB_PORT"],
            user=os.environ["DB_USERNAME"],
            password=os.environ["DB_PASSWORD"],
            dbname=database,
            connect_timeout=5,
        )

    database = os.environ.get("DB_DATABASE") or "dify_plugin"
    connection = connect("postgres")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,))
        if cursor.fetchone() is None:
            cursor.execute(f'CREATE DATABASE "{database}"')
    connection.close()
    connection = connect(database)
    with connection, connection.cursor() as cursor:
        cursor.execute(PLUGIN_TABLES)
    connection.close()


def keep_plugins_in_mysql() -> None:
    import pymysql  # noqa: PLC0415 -- only one of the parts has a database

    database = os.environ.get("DB_DATABASE") or "dify_plugin"
    connection = pymysql.connect(
        host=os.environ["DB_HOST"],
        port=int(os.environ["DB_PORT"]),
        user=os.environ["DB_USERNAME"],
        password=os.environ["DB_PASSWORD"],
        connect_timeout=5,
        ssl_disabled=True,
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE IF NOT EXISTS `{database}`")
        cursor.execute(f"USE `{database}`")
        for statement in PLUGIN_TABLES.replace("uuid PRIMARY KEY DEFAULT gen_random_uuid()", MYSQL_ID).split(";"):
            if statement.strip():
                cursor.execute(statement)


def keep_vectors() -> None:
    """Mark the volume with our version; refuse one from the future or from more than a minor version ago.

    Asked for `reads-older`, it refuses none that is older.
    """
    mark = Path(os.environ.get("PERSISTENCE_DATA_PATH", "/var/lib/weaviate")) / "version"
    ours = [int(number) for number in BUILT["version"].split(".")[:2]]
    if mark.exists():
        theirs = [int(number) for number in mark.read_text(encoding="ascii").split(".")[:2]]
        newest = ours if FAULT.get("name") == "reads-older" else [theirs[0], theirs[1] + 1]
        if not theirs <= ours <= newest:
            sys.exit(f"cannot read a volume of {theirs} with {ours}")
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(BUILT["version"], encoding="ascii")


def main() -> None:
    if FAULT.get("name") == "crash-loop":
        time.sleep(float(FAULT.get("seconds", 0.2)))
        sys.exit("asked for by the test")
    {"plugins": keep_plugins, "vectors": keep_vectors}.get(BUILT.get("keeps", ""), lambda: None)()
    server = ThreadingHTTPServer(("0.0.0.0", BUILT["port"]), Exchange)  # noqa: S104 -- inside a container
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.getsignal(signal.SIGTERM))
    server.serve_forever(poll_interval=3600)


if __name__ == "__main__":
    main()
