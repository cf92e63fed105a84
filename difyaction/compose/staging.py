"""The second question to the machine: what its Compose makes of the merged files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources

from difyaction.compose.composed import read_composed
from difyaction.compose.composed_facts import Composed
from difyaction.compose.draft import COMPOSE, ENV
from difyaction.compose.facts import Machine
from difyaction.compose.install import Install
from difyaction.compose.words import call
from difyaction.connections import Connection, Ran
from difyaction.connections.parcel import packed
from difyaction.errors import Failed

_MARK = "dify-upgrade-composed"  # stands before and after what Compose says


def ask_compose(
    connection: Connection, machine: Machine, install: Install, written: Mapping[str, bytes], *, timeout: float
) -> Composed:
    """Put the files that change aside on the machine, among links to what is there, ask, and remove them, in one go.

    A cut leaves none of them. Dify's folder is not touched.

    :raises Failed: ``staging-unwritable``.
    """
    place = _place(machine, install)
    files = packed(_aside(install, written, place))
    ran = connection.run(script(machine, install, place), stdin=files, timeout=timeout)
    # Compose makes paths absolute: what it says of the copy is meant of the path itself.
    return read_composed(*(_meant(said, place) for said in _answer(ran, place)))


def script(machine: Machine, install: Install, place: str) -> str:
    """Return the question."""
    folder, engine = f"{place}{install.folder}", machine.engine
    chosen = [name if name.startswith("/") else f"{folder}/{name}" for name in (COMPOSE, *install.overrides)]
    files = [word for name in chosen for word in ("-f", name)]
    form = ("--format", "json") if engine.compose[-1:] == ("compose",) else ()
    ask = call(*engine.compose, "-p", install.project, "--project-directory", folder, *files, "config", *form)
    literals = {"place": place, "folder": install.folder, "mark": _MARK}
    head = "".join(f"{name}={call(value)}\n" for name, value in literals.items())
    body = resources.files(__package__).joinpath("staging.sh").read_text(encoding="utf-8")
    return f"{head}compose() {{ {ask}; }}\n{body}"


def _place(machine: Machine, install: Install) -> str:
    host = machine.host
    home = host.home.rstrip("/")
    top = "/tmp" if f"{home}/".startswith(f"{install.folder}/") else home  # noqa: S108 - a folder of our own is made in it
    # No hidden folder: Docker from a snap may not read those of a home.
    return f"{top}/dify-upgrade-staging-{host.epoch}{host.nonce and '-'}{host.nonce}"


def _aside(install: Install, written: Mapping[str, bytes], place: str) -> dict[str, bytes]:
    """Return what stands in the copy: what will be written, and what names Dify's folder by its whole path."""
    own = re.compile(rb"(?<![\w.~}/])" + re.escape(install.folder.encode()) + rb"(?![\w.-])")
    read = (name for name in (COMPOSE, ENV, *install.overrides) if name in install.files)
    held = {name: install.files[name].content for name in read}
    led = {
        name: own.sub(lambda found: place.encode() + found[0], content) for name, content in {**held, **written}.items()
    }
    return {name: content for name, content in led.items() if name in written or content != held[name]}


def _meant(said: bytes, place: str) -> bytes:
    return said.replace(f"{place}/".encode(), b"/").replace(place.encode(), b"/")


def _answer(ran: Ran, place: str) -> tuple[bytes, bytes]:
    """Return what Compose itself said, on both outputs."""
    out, err = (said.split(f"{_MARK}\n".encode()) for said in (ran.out, ran.err))
    if len(out) > 2:  # noqa: PLR2004 - what stands between two marks is whole
        return out[1], err[min(1, len(err) - 1)]
    if len(out) > 1:
        raise Failed(
            "staging-cut",
            "Compose's answer about the merged files broke off (exit code {code}).",
            next_step="Look whether the machine is short of memory, then run again.",
            code=ran.exit_code,
        )
    raise Failed(
        "staging-unwritable",
        "The merged files cannot be put into {folder} for a moment, where Compose would look at them: {says}",
        next_step="Check the rights of the user there, and the free space of the disk.",
        folder=place,
        says=ran.err.decode("utf-8", "replace").strip()[-300:],
    )
