"""Recorded exchanges with the real Azure, replayed on the emulated one and compared: status, headers, shape."""

from __future__ import annotations

import contextlib
import fnmatch
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from azure.identity import ClientSecretCredential

from tests.emulators.azure.emulator import AzureEmulator
from tests.emulators.azure.groups import ResourceGroup
from tests.emulators.azure.machines import Machine
from tests.emulators.azure.security_groups import SecurityGroup
from tests.shared import shared_root

GROUP = re.compile(r"/resourcegroups/([^/]+)", re.IGNORECASE)
POLL = re.compile(r"/(operations|DiskOperations|operationResults)/", re.IGNORECASE)
HEADERS = (
    "azure-asyncoperation",
    "azure-asyncnotification",
    "location",
    "etag",
    "www-authenticate",
    "x-ms-failure-cause",
    "x-ms-keyvault-network-info",
    "x-ms-keyvault-region",
    "x-ms-keyvault-service-version",
)
TELLING = frozenset(
    (
        "status",
        "provisioningState",
        "executionState",
        "exitCode",
        "level",
        "displayStatus",
        "type",
        "code",
        "consistencyMode",
        "diskState",
        "createOption",
        "access",
        "priority",
        "direction",
        "protocol",
        "defaultAction",
    )
)
SIGNED = {"t", "c", "s", "h"}
LONG = 100_000.0


@dataclass(frozen=True)
class Exchange:
    """One recorded request and its answer."""

    method: str
    path: str
    host: str
    sent: Any
    status: int
    headers: Mapping[str, str]
    body: Any
    note: str

    @property
    def group(self) -> str:
        found = GROUP.search(self.path)
        return found[1] if found else ""

    def name_after(self, kind: str) -> str:
        """Return the name that follows a type in the path."""
        found = re.search(rf"/{kind}/([^/?]+)", self.path, re.IGNORECASE)
        return found[1] if found else ""

    @property
    def is_final(self) -> bool:
        return not (isinstance(self.body, dict) and self.body.get("status") == "InProgress")


def exchanges(name: str) -> list[Exchange]:
    """Return what a recording holds, in its order."""
    text = (shared_root() / "azure" / "recordings" / f"{name}.json").read_text(encoding="utf-8")
    return [_exchange(one) for one in json.loads(text)["exchanges"]]


def _exchange(one: Mapping[str, Any]) -> Exchange:
    asked, answered = one["request"], one["response"]
    return Exchange(
        method=asked["method"],
        path=asked.get("path") or "",
        host=asked.get("host", ""),
        sent=asked.get("body"),
        status=answered["status"],
        headers=answered.get("headers") or {},
        body=answered.get("body"),
        note=one.get("note", ""),
    )


@dataclass
class Replay:
    """Sends recorded requests; follows the operation URLs of the answers that it gets, not the recorded ones."""

    azure: AzureEmulator
    token: str
    operation: str = ""
    location: str = ""
    differing: list[str] = field(default_factory=list)

    def send(self, exchange: Exchange) -> requests.Response:
        """Send it; operations end before a poll that is recorded as the last."""
        if exchange.is_final and exchange.method == "GET":
            self.azure.pass_time(LONG)
        answer = requests.request(
            exchange.method,
            self._url(exchange),
            json=exchange.sent,
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=10,
            verify=str(self.azure.ca_file),
        )
        self.operation = answer.headers.get("Azure-AsyncOperation", self.operation)
        self.location = answer.headers.get("Location", self.location)
        return answer

    def _url(self, exchange: Exchange) -> str:
        if not POLL.search(exchange.path):
            return self.azure.url + exchange.path
        by_location = "monitor=true" in exchange.path or "operationResults" in exchange.path
        return self.location if by_location else self.operation

    def compare(self, exchange: Exchange, *, but: Sequence[str] = ()) -> requests.Response:
        """Replay and note what differs; ``but`` are globs of differences that are known and meant."""
        answer = self.send(exchange)
        found = [f"status {answer.status_code}, recorded {exchange.status}"] * (answer.status_code != exchange.status)
        found += _header_differences(exchange.headers, answer.headers)
        found += differences(exchange.body, answer.json() if answer.content else None)
        where = f"{exchange.method} {urlsplit(exchange.path).path.rsplit('/', 2)[-2:]} {exchange.note}"
        self.differing += [
            f"{where}: {one}" for one in found if not any(fnmatch.fnmatchcase(one, glob) for glob in but)
        ]
        return answer


def _header_differences(recorded: Mapping[str, str], ours: Mapping[str, str]) -> list[str]:
    """Compare which headers are there; operation URLs also by their form."""
    found = []
    for name in HEADERS:
        theirs, mine = recorded.get(name), ours.get(name)
        if (theirs is None) != (mine is None):
            found.append(f"header {name}: {mine and 'there'}, recorded {theirs and 'there'}")
        elif theirs and mine and name in ("location", "azure-asyncoperation") and _form(theirs) != _form(mine):
            found.append(f"header {name}: {_form(mine)}, recorded {_form(theirs)}")
    return found


def _form(url: str) -> tuple[str, tuple[str, ...]]:
    """Return provider and kind of an operation URL, and its parameters' names (it is signed since 2023)."""
    target = urlsplit(url)
    kind = re.sub(r"^.*/providers/([^/]+)/locations/[^/]+/([^/]+)/[^/]+$", r"\1/\2", target.path)
    names = {part.partition("=")[0] for part in target.query.split("&")}
    return kind, tuple(sorted(names - SIGNED))


def differences(recorded: Any, ours: Any, where: str = "") -> list[str]:  # noqa: ANN401 - JSON
    """Compare shapes: members, kinds of values, and the values of members that tell something."""
    if where.endswith(".tags"):
        return []  # whatever the test wrote
    if isinstance(recorded, dict) and isinstance(ours, dict):
        return _member_differences(recorded, ours, where)
    if isinstance(recorded, list) and isinstance(ours, list):
        if bool(recorded) != bool(ours):
            return [f"{where}[] has {len(ours)}, recorded {len(recorded)}"]
        return differences(recorded[0], ours[0], f"{where}[]") if recorded else []
    if type(recorded) is not type(ours):
        return [f"{where} is {type(ours).__name__}, recorded {type(recorded).__name__}"]
    differs = where.rsplit(".", 1)[-1] in TELLING and recorded != ours
    return [f"{where} is {ours!r}, recorded {recorded!r}"] * differs


def _member_differences(recorded: Mapping[str, Any], ours: Mapping[str, Any], where: str) -> list[str]:
    found = [f"{where}.{name} is missing" for name in recorded if name not in ours]
    found += [f"{where}.{name} is too much" for name in ours if name not in recorded]
    for name in recorded.keys() & ours.keys():
        found += differences(recorded[name], ours[name], f"{where}.{name}")
    return found


def group_of(replay: Replay, exchange: Exchange, location: str = "westus") -> ResourceGroup:
    return replay.azure.group(exchange.group, location)


def nsg_of(replay: Replay, exchange: Exchange) -> SecurityGroup:
    return group_of(replay, exchange).security_group(exchange.name_after("networkSecurityGroups"))


def machine_of(replay: Replay, exchange: Exchange, **traits: object) -> Machine:
    name = exchange.name_after("virtualMachines")
    return group_of(replay, exchange).machine(name, **traits)  # type: ignore[arg-type]


@contextlib.contextmanager
def logged_in(azure: AzureEmulator) -> Iterator[Replay]:
    azure.timing.network = azure.timing.compute = 600
    azure.timing.token_life = 10**8
    app = azure.application(secret="s")
    with ClientSecretCredential(
        azure.tenant_id, app.client_id, "s", authority=azure.authority, disable_instance_discovery=True
    ) as credential:
        replay = Replay(azure, credential.get_token("https://management.azure.com/.default").token)
    yield replay
    assert replay.differing == []
