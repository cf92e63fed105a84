"""What can be wrong with the inputs that lead to a host over SSH, before anybody is called. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from difyaction.errors import Complaint, Invalid
from difyaction.input_table import SSH_PORT

if TYPE_CHECKING:
    from difyaction.inputs import Inputs

_JUMP = re.compile(r"(?:(?P<user>[^@\s]+)@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^@:\s\[\]]+)(?::(?P<port>[0-9]{1,5}))?")
_MORE_THAN_A_HOST = re.compile(r".*[/@].*|[^:]+:[0-9]*|\[.*\]:[0-9]*")
_MOST_PORT = 65535


def host(inputs: Inputs) -> Iterator[Complaint]:
    """Complain of an address, a user or a port where the name of a host alone is meant."""
    if _MORE_THAN_A_HOST.fullmatch(inputs.host):
        text = f"host: {inputs.host!r} is more than a name or an address; users belong into user, ports into port."
        yield Complaint(id="input-invalid", text=text, input="host")
    elif inputs.host.startswith("[") or inputs.host.endswith("]"):
        text = f"host: {inputs.host!r} has brackets, which only addresses with a port need; leave them out."
        yield Complaint(id="input-invalid", text=text, input="host")


def jump_host(inputs: Inputs) -> Iterator[Complaint]:
    """Complain of a jump host that cannot be called."""
    if not inputs.jump_host:
        return
    _, name, port = jump_parts(inputs.jump_host)
    if not name:
        text = f"jump-host: {inputs.jump_host!r} is not of the form user@host:port."
        yield Complaint(id="input-invalid", text=text, input="jump-host")
    elif not 1 <= port <= _MOST_PORT:
        text = f"jump-host: there is no port {port}; they go from 1 to {_MOST_PORT}."
        yield Complaint(id="input-invalid", text=text, input="jump-host")


def legible(inputs: Inputs) -> Iterator[Complaint]:
    """Yield what is wrong with keys and host keys, which are only read once somebody goes in."""
    from difyaction.connections.known_hosts import KnownHosts  # noqa: PLC0415 - other targets do not pay for it
    from difyaction.private_key import checked  # noqa: PLC0415 - as above

    keys = (("ssh-key", inputs.ssh_key), ("jump-ssh-key", inputs.jump_ssh_key))
    reads: list[Callable[[], object]] = [
        partial(checked, key, inputs.ssh_key_passphrase, name=name) for name, key in keys if key
    ]
    if inputs.ssh_known_hosts:
        reads.append(partial(KnownHosts.parse, "\n".join(inputs.ssh_known_hosts)))
    for read in reads:
        try:
            read()
        except Invalid as why:
            yield from why.complaints


def jump_parts(text: str) -> tuple[str, str, int]:
    """Return user, host and port of ``user@host:port``; an empty host when it cannot be read."""
    found = _JUMP.fullmatch(text)
    if found is None:
        return "", "", SSH_PORT
    return found["user"] or "", found["host"].strip("[]"), int(found["port"] or SSH_PORT)
