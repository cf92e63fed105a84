"""The commands of the real `flask` that an upgrade meets, and a few of ours that begin with standin-."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from standin import migrating, sample
from standin.database import NAME, connect, locks
from standin.migrating import MigrationError
from standin.settings import LINE, complain, fault, say

PLUGIN_DATABASE = "dify_plugin"


def db(arguments: list[str]) -> int:
    """`flask db`: Flask-Migrate itself."""
    command = arguments[0] if arguments else ""
    if command == "heads":
        say(f"{migrating.head()} (head)")
        return 0
    if command == "current":
        revision = migrating.current()
        migrating.info(f"Context impl {NAME}.")
        say(f"{revision} (head)" if revision == migrating.head() else revision)
        return 0
    if command != "upgrade":
        complain(f"Error: No such command '{command}'.")
        return 2
    try:
        migrating.upgrade()
    except MigrationError as error:
        complain(f"ERROR [flask_migrate] Error: {error}")
        return 0 if fault("migration-exit0") else 1
    return 0


def upgrade_db(_: list[str]) -> int:
    """`flask upgrade-db`: under a lock in Redis; hides a failure up to 1.12.1, and a lost race always."""
    lock = locks().lock("db_upgrade_lock", timeout=60)
    if not lock.acquire(blocking=False):
        say("Database migration skipped")
        return 0
    try:
        say("Starting database migration.")
        migrating.upgrade()
    except MigrationError as error:
        if LINE < (1, 13, 0):
            complain("Failed to execute database migration")
            complain(traceback.format_exc())
            return 0
        say(f"Database migration failed: {error}")
        return 0 if fault("migration-exit0") else 1
    finally:
        lock.release()
    say("Database migration successful!")
    return 0


class AbortedError(Exception):
    """Nobody answered a question."""


def option(arguments: list[str], name: str, proposed: str) -> str:
    """Return an option, or what the answer to click's question after it is."""
    for argument in arguments:
        if argument.startswith(f"--{name}="):
            return argument.partition("=")[2]
    sys.stdout.write(f"{name} [{proposed}]: ")
    answer = sys.stdin.readline()
    if not answer:
        raise AbortedError
    return answer.strip() or proposed


def extract_plugins(arguments: list[str]) -> int:
    named = option(arguments, "output_file", "plugins.jsonl")
    option(arguments, "workers", "10")
    connection = connect()
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT provider_name FROM providers WHERE plugin_id IS NULL ORDER BY 1")
        names = [row[0] for row in cursor.fetchall()]
    connection.close()
    Path(named).write_text("".join(f'{{"plugin": "{name}"}}\n' for name in names), encoding="utf-8")
    say(f"Extracted {len(names)} plugins")
    return 0


def install_plugins(arguments: list[str]) -> int:
    found = Path(option(arguments, "input_file", "plugins.jsonl")).read_text(encoding="utf-8").splitlines()
    kept = option(arguments, "output_file", "installed_plugins.jsonl")
    option(arguments, "workers", "100")
    connection = connect(PLUGIN_DATABASE)
    with connection, connection.cursor() as cursor:
        for line in found:
            cursor.execute("INSERT INTO plugin_installations (declaration) VALUES (%s)", (line,))
    connection.close()
    Path(kept).write_text("\n".join(found), encoding="utf-8")
    say(f"Installed {len(found)} plugins")
    return 0


def migrate_data_for_plugin(_: list[str]) -> int:
    connection = connect()
    with connection, connection.cursor() as cursor:
        cursor.execute("UPDATE providers SET plugin_id = 'langgenius/' || provider_name WHERE plugin_id IS NULL")
        say(f"Migrated {cursor.rowcount} providers")
    connection.close()
    return 0


def transform_datasource_credentials(arguments: list[str]) -> int:
    """As the real one: a marketplace out of reach is told, and not by the exit code."""
    option(arguments, "environment", "online")
    if fault("no-marketplace"):
        say("Error parsing client params: [Errno 101] Network is unreachable")
        return 0
    say("Transforming notion successfully. deal_notion_count: 0")
    return 0


COMMANDS = {
    "db": db,
    "upgrade-db": upgrade_db,
    "extract-plugins": extract_plugins,
    "install-plugins": install_plugins,
    "migrate-data-for-plugin": migrate_data_for_plugin,
    "transform-datasource-credentials": transform_datasource_credentials,
    "standin-seed": sample.seed,
    "standin-sealed": sample.sealed,
}
SINCE_PLUGINS = {"extract-plugins", "install-plugins", "migrate-data-for-plugin"}


def main(arguments: list[str]) -> int:
    name = arguments[0] if arguments else ""
    if name not in COMMANDS or (name in SINCE_PLUGINS and LINE < (1, 0, 0)):
        complain(f"Error: No such command '{name}'.")
        return 2
    try:
        return COMMANDS[name](arguments[1:])
    except AbortedError:
        complain("Aborted!")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
