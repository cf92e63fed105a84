"""How GitHub's runner reads what we print and write: a port of ActionCommand.cs and of FileCommandManager.cs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

REGISTERED = frozenset(
    {"add-mask", "debug", "echo", "endgroup", "error", "group", "notice", "stop-commands", "warning", "set-output"}
)


@dataclass(frozen=True)
class Command:
    name: str
    data: str
    properties: dict[str, str] = field(default_factory=dict)


def commands(log: str) -> list[Command]:
    """Return the commands that the runner would execute, honouring stop-commands."""
    found: list[Command] = []
    token = ""
    for line in re.split(r"\r\n|\r|\n", log):
        command = _version_2(line, token) or _version_1(line, token)
        if command is None:
            continue
        if token:
            token = "" if command.name == token else token
        elif command.name == "stop-commands":
            token = command.data
        else:
            found.append(command)
    assert not token, "commands stay stopped"
    return found


def _version_2(line: str, token: str) -> Command | None:
    message = line.lstrip()
    end = message.find("::", 2)
    if not message.startswith("::") or end < 0:
        return None
    name, _, properties = message[2:end].partition(" ")
    if name.lower() not in REGISTERED | {token.lower()}:
        return None
    pairs = (part.split("=", 1) for part in properties.strip().split(",") if "=" in part)
    return Command(name, _data(message[end + 2 :]), {key: _property(value) for key, value in pairs})


def _version_1(line: str, token: str) -> Command | None:
    found = re.search(r"##\[([^\]]*)\](.*)", line, re.DOTALL)
    if found is None:
        return None
    name = found[1].split(" ")[0]
    return Command(name, found[2]) if name.lower() in REGISTERED | {token.lower()} else None


def _data(text: str) -> str:
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def _property(text: str) -> str:
    text = text.replace("%0D", "\r").replace("%0A", "\n")
    return text.replace("%3A", ":").replace("%2C", ",").replace("%25", "%")


def key_values(text: str) -> dict[str, str]:
    """Return what the runner reads from an environment file on Linux, where only LF ends a line."""
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        line, at = _line(text, at)
        equals, heredoc = line.find("="), line.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            found[line[:equals]] = line[equals + 1 :]
        elif heredoc >= 0:
            name, delimiter = line[:heredoc], line[heredoc + 2 :]
            assert name, "invalid format"
            assert delimiter, "invalid format"
            found[name], at = _until(text, at, delimiter)
        else:
            assert not line, f"invalid format {line!r}"
    return found


def _until(text: str, at: int, delimiter: str) -> tuple[str, int]:
    lines: list[str] = []
    while True:
        assert at < len(text), f"matching delimiter not found {delimiter!r}"
        line, after = _line(text, at)
        if line == delimiter:
            return "\n".join(lines), after
        assert text[after - 1 : after] == "\n", "EOF marker missing new line"
        lines.append(line)
        at = after


def _line(text: str, at: int) -> tuple[str, int]:
    end = text.find("\n", at)
    return (text[at:], len(text)) if end < 0 else (text[at:end], end + 1)
