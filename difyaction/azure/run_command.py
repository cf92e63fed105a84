"""Runs scripts on the machine through Azure's control plane, with no port open: VM Run Command, action form.

It runs as root, one at a time, takes 20 to 60 seconds, and gives back the last 4,096 characters of each stream. So a
script's whole output is kept on the host, packed, and fetched in pieces, of which both streams carry one. The action
form leaves no resource behind that others could read: a script, and secrets in it, are never given back by Resource
Manager, and what the agent kept of it on the disk is removed by the script itself.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from difyaction.azure.arm import last_name, parsed, properties
from difyaction.azure.command_scripts import GONE, MOST_PACKED, fetching, starting, stored_parts, unpacked
from difyaction.azure.management import Management
from difyaction.azure.wire import bounded
from difyaction.connections import Lost, Ran
from difyaction.connections.parcel import put
from difyaction.errors import Failed
from difyaction.secret import Secret

PATIENCE: Final = 300.0  # seconds for one command beyond the script's own timeout; 20 to 60 are usual
SLOW: Final = 124  # what `timeout` says of a script that it ended
_ANSWER = re.compile(r"^@@ (\w+) (\d+) (\d+)\n(.*?)\n?@@$", re.MULTILINE | re.DOTALL)
_STREAMS = re.compile(r"\[stdout\]\n(.*)\n\[stderr\]\n?(.*)\Z", re.DOTALL)
# What may be over in a minute: another command at work, a machine that starts anew, an Azure that fails.
_PASSING: Final = frozenset({"azure-busy", "azure-unavailable", "azure-command-unreadable"})


@dataclass
class RunCommand:
    """A `Connection` through the control plane. ``user``: whose engine it is; empty for root.

    A command that is sent twice, as its answer was lost, runs once: it has a name on the host.
    """

    azure: Management
    vm: str
    user: str = ""
    name: Callable[[], str] = lambda: secrets.token_hex(8)
    interval: float = 2.0  # seconds between two looks
    _done: list[str] = field(default_factory=list, init=False)  # words whose rooms the next command clears away

    def run(self, script: str, *, stdin: bytes = b"", timeout: float) -> Ran:
        """See `Connection`. A script that takes longer than ``timeout`` seconds is ended; Azure's own time is added."""
        try:
            ran = self._run(script.encode(), stdin, timeout)
        except Lost:
            raise
        except Failed as why:
            if why.id not in _PASSING:
                raise
            facts: dict[str, Any] = {**why.facts}
            raise Lost(why.id, why.what, next_step=why.next_step, state=why.state, **facts) from why
        if ran.exit_code == SLOW:
            raise _slow(timeout)
        return ran

    def put(self, folder: str, files: Mapping[str, bytes | Secret]) -> None:
        """See `Connection`. Files travel in a command, which nobody can read back."""
        put(self, folder, files)

    def close(self) -> None:
        """Nothing is held open."""

    def _run(self, script: bytes, stdin: bytes, timeout: float) -> Ran:
        word = self.name()
        stored = list(stored_parts(word, script + stdin))
        inline = stored[0] if len(stored) == 1 else ""  # each command takes 20 seconds and more: one is usual
        for each in () if inline else stored:
            self._command(f"{each}\nprintf '@@ {word} 0 0\\n@@\\n'", timeout=60.0)
        start = starting(word, len(script), user=self.user, timeout=timeout, done=tuple(self._done))
        total, text = self._command(f"{inline}\n{start}", timeout=timeout)
        if total > MOST_PACKED:
            raise _too_long(total)
        while len(text) < total:
            _, more = self._command(fetching(word, len(text)), timeout=60.0)
            if not more:
                raise _lost(word)
            text += more
        self._done = [word]
        try:
            return Ran(*unpacked(base64.b64decode(text)))
        except ValueError as error:
            raise _lost(word) from error

    def _command(self, text: str, *, timeout: float) -> tuple[int, str]:
        """Run one small script; return the size of the whole packed answer, and the piece that came."""
        message = run_script(self.azure, self.vm, text, timeout=timeout, interval=self.interval)
        found, more = _ANSWER.search(message.out), _ANSWER.search(message.err)
        if not found:
            raise _unreadable(message)
        if int(found[3]) == GONE:
            raise _lost(found[1])
        second = more[4] if more and more[1] == found[1] else ""
        return int(found[2]), (found[4] + second).replace("\n", "")


@dataclass(frozen=True)
class Message:
    """What Run Command gave back of a script: the ends of both streams, and its own sentence before them."""

    head: str
    out: str
    err: str


def run_script(azure: Management, vm: str, text: str, *, timeout: float = 60.0, interval: float = 2.0) -> Message:
    """Run a script as root and return the last 4,096 characters of each stream. Waits while another one runs."""
    from difyaction.azure.answers import told  # noqa: PLC0415 - only those who go to Azure pay for the library

    group, name = parsed(vm)["resourcegroups"], last_name(vm)
    waiting: Any = {"until": azure.pace.until(timeout + PATIENCE), "polling_interval": interval}
    body: Any = {"commandId": "RunShellScript", "script": text.split("\n")}
    with told("running a command on the machine", state=""):
        return parse(azure.compute(vm).virtual_machines.begin_run_command(group, name, body, **waiting).result())


def parse(data: Any) -> Message:  # noqa: ANN401 - JSON has no other type
    """Return the streams of a result, from the operation's last answer or from its Location."""
    output = properties(data).get("output") if isinstance(data, Mapping) else None
    values = (output or data or {}).get("value") or [{}]
    text = str(values[0].get("message", ""))
    found = _STREAMS.search(text)
    if not found:
        return Message(text, "", "")
    return Message(text[: found.start()].strip(), found[1], found[2])


def _lost(word: str) -> Lost:
    return Lost(
        "azure-command-lost",
        "What the command {word} said could not be fetched from the machine.",
        next_step="Run again; the machine may have been restarted meanwhile.",
        state="",
        word=word,
    )


def _slow(timeout: float) -> Lost:
    return Lost(
        "azure-command-slow",
        "A command on the machine was not over after {seconds:.0f} s.",
        next_step="Look at the machine's load and its disks, or give command-timeout more; then run again.",
        state="",
        seconds=timeout,
    )


def _too_long(total: int) -> Failed:
    return Failed(
        "azure-command-too-long",
        "The machine's answer has {total} characters when packed, and Run Command carries 7,600 of them at a time.",
        next_step="Move large files out of the folder of Dify's docker-compose.yaml, or use connection: ssh.",
        total=total,
    )


def _unreadable(message: Message) -> Failed:
    return Failed(
        "azure-command-unreadable",
        "Run Command gave back something that is not ours: {says}",
        next_step="Check that /bin/sh, base64 and gzip are on the machine and that its disk is not full.",
        state="",
        says=bounded(f"{message.head} {message.out[-200:]} {message.err[-200:]}"),
    )
