"""Rows and files that an upgrade must not lose, the same on every run."""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING

from standin.database import connect
from standin.settings import STORAGE, VERSION, say, secret_key

if TYPE_CHECKING:
    from standin.database import AnyCursor

SPACE = uuid.UUID("5d1f0000-0000-4000-8000-000000000000")


def seed(arguments: list[str]) -> int:
    """Fill the tables; the argument is the number of documents."""
    documents = int(arguments[0]) if arguments else 200
    connection = connect()
    with connection, connection.cursor() as cursor:
        _fill(cursor, documents)
    connection.close()
    return 0


def sealed(_: list[str]) -> int:
    """Say how many credentials open with the key in force, and fail when one does not."""
    connection = connect()
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT id, sealed FROM providers")
        rows = cursor.fetchall()
    connection.close()
    opened = sum(_seal(row[0]) == row[1] for row in rows)
    say(f"{opened} of {len(rows)}")
    return 0 if opened == len(rows) else 1


def _fill(cursor: AnyCursor, documents: int) -> None:
    cursor.execute("INSERT INTO dify_setups (version) VALUES (%s)", (VERSION,))
    tenant, dataset = _id("tenant"), _id("dataset")
    cursor.execute("INSERT INTO tenants (id, name) VALUES (%s, %s)", (tenant, "Our company"))
    cursor.execute("INSERT INTO datasets (id, tenant_id, name) VALUES (%s, %s, %s)", (dataset, tenant, "Handbook"))
    for number in range(5):
        account = (_id("account", number), f"user{number}@example.com", f"User {number}")
        cursor.execute("INSERT INTO accounts (id, email, name) VALUES (%s, %s, %s)", account)
        cursor.execute(
            "INSERT INTO apps (id, tenant_id, name) VALUES (%s, %s, %s)", (_id("app", number), tenant, f"App {number}")
        )
    for name in ("openai", "azure_openai", "anthropic"):
        provider = _id("provider", name)
        row = (provider, name, _seal(provider))
        cursor.execute("INSERT INTO providers (id, provider_name, sealed) VALUES (%s, %s, %s)", row)
    for number in range(documents):
        row = (_id("document", number), dataset, f"Page {number}", f"äöü 文 {number} " * 20)
        cursor.execute("INSERT INTO documents (id, dataset_id, name, content) VALUES (%s, %s, %s, %s)", row)
        message = (_id("message", number), f"question {number}", f"answer {number}")
        cursor.execute("INSERT INTO messages (id, query, answer) VALUES (%s, %s, %s)", message)
    _files(cursor, tenant)


def _files(cursor: AnyCursor, tenant: str) -> None:
    keys = STORAGE / "privkeys" / tenant
    keys.mkdir(parents=True, exist_ok=True)
    (keys / "private.pem").write_text(hashlib.sha256(tenant.encode()).hexdigest(), encoding="ascii")
    uploads = STORAGE / "upload_files"
    uploads.mkdir(exist_ok=True)
    for number in range(3):
        content = hashlib.sha512(str(number).encode()).digest() * 100
        (uploads / f"{number}.bin").write_bytes(content)
        row = (_id("upload", number), f"upload_files/{number}.bin", hashlib.sha256(content).hexdigest())
        cursor.execute("INSERT INTO upload_files (id, key, sha256) VALUES (%s, %s, %s)", row)


def _id(kind: str, number: object = 0) -> str:
    return str(uuid.uuid5(SPACE, f"{kind} {number}"))


def _seal(provider: object) -> str:
    return hashlib.sha256(f"{secret_key()} {provider}".encode()).hexdigest()
