#!/usr/local/bin/python3 -EsSBu
"""The post step: closes the doors in Azure, and revokes the App's token. Standard library only.

The main step saves through GITHUB_STATE what it opens before it opens it (``azure_...``), and ``app_token`` with
``api_url``; the runner hands them back as ``STATE_...``.
"""

import http.client
import json
import os
import ssl
import sys
import time
from collections.abc import Callable, Mapping
from typing import TextIO
from urllib.parse import urlsplit

TOKEN = "STATE_app_token"  # noqa: S105 - the name of a variable
API_URL = "STATE_api_url"
DOORS = "STATE_azure_doors"
AZURE = "STATE_azure_identity"  # there from the moment in which a run could open a door
GONE = {204, 401, 404}  # revoked now, or no longer valid before
TIMEOUT = 10  # seconds; the runner does not wait long for a post step
PAUSES = (1.0, 3.0)  # seconds between tries


def main(environ: Mapping[str, str], out: TextIO, pause: Callable[[float], None] = time.sleep) -> int:
    """Close what the state names. Returns 9 for a door that stays open; a token that does is said in a warning."""
    try:
        return _close_doors(environ, out)
    finally:
        _end_token(environ, out, pause)


def _close_doors(environ: Mapping[str, str], out: TextIO) -> int:
    if not environ.get(AZURE) and not environ.get(DOORS):
        return 0
    from difyaction.azure.after import close_up  # noqa: PLC0415 - runs without Azure do not pay for it

    return close_up(environ, lambda line: print(line, file=out, flush=True))


def _end_token(environ: Mapping[str, str], out: TextIO, pause: Callable[[float], None]) -> None:
    token = environ.get(TOKEN, "")
    if not token:
        return
    problem = "no api_url was saved" if not environ.get(API_URL) else _revoke(environ, token)
    for seconds in PAUSES:
        if not problem or not environ.get(API_URL):
            break
        pause(seconds)
        problem = _revoke(environ, token)
    if problem:
        line = f"The App's token could not be revoked ({problem}); it expires by itself within an hour."
        out.write(f"::warning title=A token is still valid::{_escaped(line.replace(token, '***'))}\n")
    else:
        out.write("The App's token is revoked.\n")


def _revoke(environ: Mapping[str, str], token: str) -> str:
    """Ask once; return what went wrong, or nothing."""
    try:
        status, body = _delete(environ, token)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return type(error).__name__
    if status in GONE:
        return ""
    return f"HTTP {status} {_message(body)}".strip()


def _delete(environ: Mapping[str, str], token: str) -> tuple[int, bytes]:
    url = urlsplit(environ[API_URL])
    connection, prefix = _connection(environ, url.scheme, url.hostname or "", url.port)
    headers = {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {token}",
        "User-Agent": "dify-upgrade-action",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    try:
        connection.request("DELETE", f"{prefix}{url.path.rstrip('/')}/installation/token", headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(2000)
    finally:
        connection.close()


def _connection(
    environ: Mapping[str, str], scheme: str, host: str, port: int | None
) -> tuple[http.client.HTTPConnection, str]:
    """Return a connection to the server, through the proxy that the environment names, and the path's prefix."""
    proxy = _proxy(environ, scheme, host)
    if scheme == "http":
        if not proxy:
            return http.client.HTTPConnection(host, port, timeout=TIMEOUT), ""
        return http.client.HTTPConnection(*proxy, timeout=TIMEOUT), f"http://{host}:{port or 80}"
    trust = ssl.create_default_context(cafile=environ.get("REQUESTS_CA_BUNDLE") or None)
    if not proxy:
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=trust), ""
    connection = http.client.HTTPSConnection(*proxy, timeout=TIMEOUT, context=trust)
    connection.set_tunnel(host, port or 443)
    return connection, ""


def _proxy(environ: Mapping[str, str], scheme: str, host: str) -> tuple[str, int] | None:
    named = environ.get(f"{scheme}_proxy") or environ.get(f"{scheme.upper()}_PROXY") or ""
    spared = (environ.get("no_proxy") or environ.get("NO_PROXY") or "").split(",")
    if not named or any(_covers(entry.strip().lstrip("."), host) for entry in spared):
        return None
    url = urlsplit(named if "//" in named else f"//{named}")
    return (url.hostname, url.port or 8080) if url.hostname else None


def _covers(entry: str, host: str) -> bool:
    return bool(entry) and (entry in {"*", host} or host.endswith(f".{entry}"))


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])[:300]
    except (ValueError, KeyError, TypeError):
        return ""


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


if __name__ == "__main__":
    raise SystemExit(main(os.environ, sys.stdout))
