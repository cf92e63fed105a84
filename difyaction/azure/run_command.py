"""Runs scripts on the machine through Azure's control plane, with no port open: VM Run Command, action form.

It runs as root, one at a time, and gives back the last 4,096 characters of each stream. So a script's whole output is
kept on the host, packed, and fetched in pieces. The action form leaves no resource behind that others could read: a
script, and secrets in it, are never given back by Resource Manager.
"""

from __future__ import annotations

import base64
import gzip
import re
import secrets
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from difyaction.azure.arm import last_name, parsed, properties
from difyaction.azure.management import Management
from difyaction.azure.wire import bounded
from difyaction.errors import Failed
from difyaction.secret import Secret

PIECE: Final = 3000  # characters of packed output in one answer; 4,096 is what survives
UPLOAD: Final = 48_000  # characters of packed script in one command
PATIENCE: Final = 300.0  # seconds for one command beyond the script's own timeout; 20 to 60 are usual
_ANSWER = re.compile(r"^@@ (\w+) (\d+) (\d+)\n(.*?)\n?@@$", re.MULTILINE | re.DOTALL)
_STREAMS = re.compile(r"\[stdout\]\n(.*)\n\[stderr\]\n?(.*)\Z", re.DOTALL)
# Only root may make something in /run, so nobody can have laid a trap there; elsewhere is for tests without root.
_ROOM: Final = (
    "R=/run/dify-upgrade-command; [ -w /run ] || R=${TMPDIR:-/tmp}/dify-upgrade-command-$(id -u); umask 077; cd /\n"
)
GONE: Final = 90  # the piece that was asked for is not there: the host was restarted or cleaned


@dataclass(frozen=True)
class Ran:
    """How a script ended, and what it said: the shape of `connections.Ran`."""

    exit_code: int
    out: bytes
    err: bytes


@dataclass
class RunCommand:
    """A connection through the control plane. ``user``: whose engine it is; empty for root.

    A command that is sent twice, as its answer was lost, runs once: it has a name on the host.
    """

    azure: Management
    vm: str
    user: str = ""
    name: Callable[[], str] = lambda: secrets.token_hex(8)
    interval: float = 2.0  # seconds between two looks
    _done: list[str] = field(default_factory=list, init=False)  # words whose rooms the next command clears away

    def run(self, script: str, *, stdin: bytes = b"", timeout: float) -> Ran:
        """Run POSIX shell text. ``timeout`` in seconds; a script that takes longer is ended, with exit code 124."""
        return self._run(script.encode(), stdin, timeout)

    def put(self, folder: str, files: Mapping[str, bytes | Secret]) -> None:
        """Make ``folder`` (0700) and ``files`` in it (0600). They travel in the script, which nobody can read back."""
        lines = ["set -eu", "umask 077", f"mkdir -p {shlex.quote(folder)}", f"chmod 700 {shlex.quote(folder)}"]
        for name, content in files.items():
            packed = base64.b64encode(content.reveal().encode() if isinstance(content, Secret) else content).decode()
            path = shlex.quote(f"{folder}/{name}")
            lines.append(f"mkdir -p {shlex.quote(f'{folder}/{name}'.rpartition('/')[0])}")
            lines.append(f"base64 -d >{path}.new <<'DIFY_END'\n{packed}\nDIFY_END\nmv -f {path}.new {path}")
        ran = self._run("\n".join(lines).encode(), b"", 120.0)
        if ran.exit_code != 0:
            raise Failed(
                "azure-command-put",
                "Files could not be put on the machine: {says}",
                next_step="Look whether the disk is full and whether {folder} may be written.",
                says=bounded(ran.err.decode("utf-8", "replace")),
                folder=folder,
            )

    def close(self) -> None:
        """Nothing is held open."""

    def _run(self, script: bytes, stdin: bytes, timeout: float) -> Ran:
        word = self.name()
        stored = [_store(word, *part) for part in _parts(script + stdin)]
        inline = stored[0] if len(stored) == 1 else ""  # each command takes 20 seconds and more: one is usual
        for each in () if inline else stored:
            self._command(f"{each}\nprintf '@@ {word} 0 0\\n@@\\n'", timeout=60.0)
        start = _start(word, len(script), user=self.user, timeout=timeout, done=tuple(self._done))
        total, piece = self._command(f"{inline}\n{start}", timeout=timeout)
        parts = [piece]
        while sum(map(len, parts)) < total:
            _, piece = self._command(_fetch(word, sum(map(len, parts))), timeout=60.0)
            if not piece:
                raise _lost(word)
            parts.append(piece)
        self._done = [word]
        return _unpacked("".join(parts), word)

    def _command(self, text: str, *, timeout: float) -> tuple[int, str]:
        """Run one small script; return the size of the whole packed answer, and the piece that came."""
        message = run_script(self.azure, self.vm, text, timeout=timeout, interval=self.interval)
        found = _ANSWER.search(message.out)
        if not found:
            raise _unreadable(message)
        if int(found[3]) == GONE:
            raise _lost(found[1])
        return int(found[2]), found[4].replace("\n", "")


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


def _parts(content: bytes) -> Iterator[tuple[int, str]]:
    """Yield what is sent, packed, by pieces that fit into a command."""
    packed = base64.b64encode(gzip.compress(content, mtime=0)).decode()
    for number, start in enumerate(range(0, len(packed), UPLOAD)):
        yield number, packed[start : start + UPLOAD]


def _store(word: str, number: int, piece: str) -> str:
    """Return the script that keeps one piece of what is sent; a piece that comes twice is kept once."""
    room = f'"$R"/{word}'
    return f"{_ROOM}mkdir -p {room}\nbase64 -d >{room}/sent.{number:04d} <<'DIFY_END'\n{piece}\nDIFY_END"


def _start(word: str, size: int, *, user: str, timeout: float, done: tuple[str, ...]) -> str:
    """Return the script that runs what was stored, keeps its whole output, and prints the first piece of it.

    The script is the first ``size`` bytes of what was stored, the rest its input. It clears away what earlier commands
    left: those of this run that are ``done``, and any of yesterday.
    """
    cleared = " ".join(f'"$R"/{each}' for each in done or ("none",))
    limit = max(1, int(timeout))
    shell = f"timeout {limit} sh ./run"
    if user:
        shell = f"chown -R {shlex.quote(user)} . && timeout {limit} runuser -u {shlex.quote(user)} -- sh ./run"
    return f"""{_ROOM}mkdir -p "$R"/{word}; chmod 711 "$R"; rm -rf {cleared}
find "$R" -mindepth 1 -maxdepth 1 -mtime +0 -exec rm -rf {{}} +
cd "$R"/{word} || exit 1
if mkdir begun 2>/dev/null; then
  cat sent.* | gzip -dc >all
  head -c {size} all >run; tail -c +{size + 1} all >in
  rm -f sent.* all
  ( {shell} ) <in >out 2>err; echo $? >rc
  rm -f run in
  {{ cat rc; wc -c <out; cat out err; }} | gzip -c | base64 | tr -d '\\n' >packed.new; mv packed.new packed
  rm -f out err
fi
n=0; while [ ! -f packed ] && [ $n -lt {limit + 60} ]; do sleep 1; n=$((n+1)); done
{_print(word, 0)}"""


def _fetch(word: str, offset: int) -> str:
    return f'{_ROOM}cd "$R"/{word} 2>/dev/null\n{_print(word, offset)}'


def _print(word: str, offset: int) -> str:
    return (
        f"if [ -f packed ]; then printf '@@ {word} %d 0\\n' \"$(wc -c <packed)\"; "
        f"tail -c +{offset + 1} packed | head -c {PIECE}; printf '\\n@@\\n'; "
        f"else printf '@@ {word} 0 {GONE}\\n@@\\n'; fi"
    )


def _unpacked(text: str, word: str) -> Ran:
    try:
        code, size, rest = gzip.decompress(base64.b64decode(text)).split(b"\n", 2)
        length = int(size)
        return Ran(int(code), rest[:length], rest[length:])
    except (ValueError, OSError, EOFError) as error:
        raise _lost(word) from error


def _lost(word: str) -> Failed:
    return Failed(
        "azure-command-lost",
        "What the command {word} said could not be fetched from the machine.",
        next_step="Run again; the machine may have been restarted meanwhile.",
        state="",
        word=word,
    )


def _unreadable(message: Message) -> Failed:
    return Failed(
        "azure-command-unreadable",
        "Run Command gave back something that is not ours: {says}",
        next_step="Check that /bin/sh, base64 and gzip are on the machine and that its disk is not full.",
        state="",
        says=bounded(f"{message.head} {message.out[-200:]} {message.err[-200:]}"),
    )
