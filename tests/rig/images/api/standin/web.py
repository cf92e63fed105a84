"""MODE=api: the addresses that an upgrade asks, with what stands behind the real ones."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standin import revisions
from standin.database import broker, connect, errors
from standin.settings import BUILT, FAULT, LINE, STORAGE, complain, fault, given, say, secret_key

QUEUE = "workflow_based_app_execution"
RUN_SECONDS = 20


class NoAnswerError(Exception):
    """A request that ends with status 500."""


def health() -> dict[str, Any]:
    if fault("unhealthy"):
        raise NoAnswerError("asked for by the test")
    return {"pid": os.getpid(), "status": "ok", "version": reported()}


def setup() -> dict[str, Any]:
    if fault("200-unmigrated"):
        return {"step": "finished", "setup_at": None}
    connection = connect()
    try:
        with connection.cursor() as cursor:
            for query in revisions.code_reads():
                cursor.execute(query)
            cursor.execute("SELECT count(*) FROM dify_setups")
            finished = cursor.fetchone()[0] > 0
    finally:
        connection.close()
    return {"step": "finished" if finished else "not_started", "setup_at": None}


def chat(query: str) -> dict[str, Any]:
    """Answer a question: by the worker from 1.13.0 on, as the real one, else here."""
    message = str(uuid.uuid4())
    if LINE >= (1, 13, 0):
        queue = broker()
        queue.rpush(QUEUE, json.dumps({"id": message, "kind": "chat", "query": query}))
        if queue.blpop([f"standin.done.{message}"], timeout=RUN_SECONDS) is None:
            raise NoAnswerError("no worker took the run")
    else:
        write_message(message, query)
    return {"message_id": message, "answer": f"echo {query}"}


def write_message(message: str, query: str) -> None:
    connection = connect()
    with connection, connection.cursor() as cursor:
        row = (message, query, f"echo {query}")
        cursor.execute("INSERT INTO messages (id, query, answer) VALUES (%s, %s, %s)", row)
    connection.close()


def upload(content: bytes) -> dict[str, Any]:
    """Keep a file in the storage and its row in the database."""
    key = f"upload_files/{uuid.uuid4()}.bin"
    (STORAGE / "upload_files").mkdir(exist_ok=True)
    (STORAGE / key).write_bytes(content)
    connection = connect()
    with connection, connection.cursor() as cursor:
        row = (key, hashlib.sha256(content).hexdigest())
        cursor.execute("INSERT INTO upload_files (key, sha256) VALUES (%s, %s)", row)
    connection.close()
    return {"id": key}


def reported() -> str:
    return str(FAULT.get("version", "0.0.1")) if fault("wrong-version") else BUILT["reports"]


PAGES = {
    "/health": health,
    "/console/api/ping": lambda: {"result": "pong"},
    "/console/api/setup": setup,
    "/console/api/system-features": lambda: {"sso_enforced_for_signin": False, "is_allow_register": False},
    "/v1/": lambda: {"welcome": "Dify OpenAPI", "api_version": "v1", "server_version": reported()},
    "/v1": lambda: {"welcome": "Dify OpenAPI", "api_version": "v1", "server_version": reported()},
}


class Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        page = PAGES.get(self.path.partition("?")[0])
        if page is None:
            self.answer(404, {"code": "not_found"})
        else:
            self.attempt(page)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/v1/chat-messages":
            self.attempt(lambda: chat(str(json.loads(body)["query"])))
        elif self.path == "/v1/files/upload":
            self.attempt(lambda: upload(body))
        else:
            self.answer(404, {"code": "not_found"})

    def attempt(self, page: Callable[[], dict[str, Any]]) -> None:
        try:
            answer = page()
        except (NoAnswerError, OSError, *errors(), ValueError) as error:
            complain(f"ERROR {self.path}: {type(error).__name__}: {error}")
            self.answer(503 if fault("unhealthy") else 500, {"message": "Internal Server Error", "code": "unknown"})
        else:
            self.answer(200, answer)

    def answer(self, status: int, body: dict[str, Any]) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.send_header("X-Version", reported())
        self.send_header("X-Env", given("DEPLOY_ENV", "PRODUCTION"))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    if fault("no-key") and not given("SECRET_KEY"):
        sys.exit("ValueError: SECRET_KEY is not set")
    if fault("crash-loop"):
        time.sleep(float(FAULT.get("seconds", 0.2)))
        sys.exit("ImportError: asked for by the test")
    if fault("slow-start"):
        time.sleep(float(FAULT.get("seconds", 10)))
    secret_key()
    server = ThreadingHTTPServer((given("DIFY_BIND_ADDRESS", "0.0.0.0"), int(given("DIFY_PORT", "5001"))), Exchange)  # noqa: S104 -- inside a container
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    say(f"Listening at: {server.server_address}")
    server.serve_forever(poll_interval=0.5)


if __name__ == "__main__":
    main()
