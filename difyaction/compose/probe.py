"""One question to a machine, one answer: the probe's text, and how the answer is read.

The answer comes from a machine that we do not trust to be well: every line may be missing, cut or odd. What
cannot be read is absent from the facts; only what nothing can be done without is an error.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import replace
from importlib import resources

from difyaction.compose.answers import Answers, lines, number, text
from difyaction.compose.facts import Disk, Engine, Host, Machine
from difyaction.compose.lacking import host_lacks
from difyaction.compose.mirrors import fetched_from, known_by
from difyaction.compose.probe_database import database
from difyaction.compose.probe_docker import containers, local_images
from difyaction.compose.probe_files import install
from difyaction.compose.probe_past import backups, lock, runs
from difyaction.errors import Failed

_SUDO_ASKS = re.compile(r"password|terminal|\btty\b|not allowed")  # what sudo -n says to whom it knows
_NOBODY_THERE = re.compile(r"Cannot connect to the Docker daemon|connection refused", re.IGNORECASE)
_START_IT = "Start the engine (`sudo systemctl start docker`), or set docker-host where it is another user's."
_OTHER_HOST = (
    "Correct docker-host, which is {asked}, or leave it out; "
    "if it is right, start that engine, or let the user in there."
)
_LET_IN = "Add the user to the group `docker`, allow it sudo without a password, or set docker-host."


def script(  # noqa: PLR0913 - each is something that the caller may know better
    *, folder: str = "", project: str = "", backup: str = "", state: str = "", docker_host: str = "", api: str = ""
) -> str:
    """Return the probe as one command. Where Docker answers only to root, it runs by ``sudo -n``."""
    wants = {
        "folder": folder,
        "project": project,
        "backup": backup,
        "state": state,
        "docker_host": docker_host,
        "api": api,
    }
    head = "".join(f"want_{name}={shlex.quote(value)}\n" for name, value in wants.items())
    body = "\n".join(
        resources.files(__package__).joinpath(name).read_text(encoding="utf-8") for name in ("follow.sh", "probe.sh")
    )
    reach = f"DOCKER_HOST={shlex.quote(docker_host)} " if docker_host else ""
    return (
        f"probe={shlex.quote(head + body)}\n"
        f'if {reach}docker version >/dev/null 2>&1 || [ -S "${{XDG_RUNTIME_DIR:-/run/user/$(id -u)}}/docker.sock" ]'
        ' || [ -S "$HOME/.docker/run/docker.sock" ]'
        f" || ! sudo -n sh -c {shlex.quote(f'{reach}docker version')} >/dev/null 2>&1\n"
        'then exec sh -c "$probe"\n'
        'else exec sudo -n sh -c "$probe"\n'
        "fi\n"
    )


def read(
    answer: bytes, image_map: Mapping[str, str] | None = None, *, docker_host: str = "", ended: str = "it did not end"
) -> Machine:
    """Read what the probe printed. ``image_map`` tells which images of upstream's others stand for.

    ``docker_host`` is the address of the engine that the probe was told to ask, where it was told; ``ended`` is how the
    script ended, in words.

    :raises Failed: ``probe-cut`` when it did not come to its end, ``host-lacks-tool``, ``docker-missing`` or
        ``docker-unreachable``.
    """
    answers = lines(answer)
    if b"probe-lacks-base64" in answer.split():
        raise host_lacks("base64")
    if answers.get("end") != b"whole":
        raise Failed(
            "probe-cut",
            "The look at the machine broke off after {count} answers ({ended}).",
            next_step="After none, the account runs no commands: it needs a shell that knows `sh` and `base64` (no "
            "nologin, ForceCommand or restricted shell). Else look whether the machine is short of memory; run again.",
            count=len(answers),
            ended=ended,
        )
    engine = _engine(answers, docker_host)
    found = known_by(containers(answers), image_map or {})
    served = database(answers, found)
    if served is not None and served.external:
        served = replace(served, client_image=fetched_from(served.client_image, image_map or {}))
    return Machine(
        host=_host(answers),
        engine=engine,
        install=install(answers, found),
        containers=found,
        images=local_images(answers),
        database=served,
        disk=_disk(answers),
        backups=backups(answers),
        runs=runs(answers),
        lock=lock(answers),
        listening=tuple(int(word) for word in text(answers, "listening").split() if word.isdecimal())[:500],
        state=text(answers, "state"),
        backup_folder=text(answers, "backup"),
        sought=text(answers, "folder"),
        started=tuple(text(answers, "started").splitlines()),
    )


def _host(answers: Answers) -> Host:
    memory, _, swap = text(answers, "memory").partition(" ")
    return Host(
        system=text(answers, "system"),
        machine=text(answers, "machine"),
        user=text(answers, "user"),
        uid=number(text(answers, "uid") or "-1"),
        home=text(answers, "home"),
        boot_id=text(answers, "boot"),
        epoch=number(text(answers, "epoch")),
        memory=number(memory),
        swap=number(swap),
        lacking=tuple(text(answers, "lacking").split()),
        nonce=re.sub(r"[^0-9a-f]", "", text(answers, "nonce"))[:8],
    )


def _engine(answers: Answers, asked: str) -> Engine:
    if "docker" not in answers:
        raise Failed(
            "docker-missing",
            "There is no command `docker` for user {user}.",
            next_step="Check host and user: Dify's containers have to be this user's to see.",
            user=text(answers, "user"),
        )
    said = text(answers, "docker")
    version = said.splitlines()[-1].strip() if said else ""
    if not version[:1].isdecimal():
        raise _unreachable(text(answers, "user"), said, text(answers, "sudo-says"), asked)
    root, _, options = text(answers, "info").partition("\n")
    return Engine(
        version=version,
        root=root,
        rootless="rootless" in options,
        sudo=bool(text(answers, "sudo")),
        docker_host=text(answers, "docker-host"),
        docker_config=text(answers, "docker-config"),
        compose=tuple(text(answers, "compose").split()),
        compose_version=text(answers, "compose-version").removeprefix("v"),
    )


def _unreachable(user: str, said: str, sudo_says: str, asked: str) -> Failed:
    told = " ".join(said.split())[:300] or "it says nothing"
    is_down = _NOBODY_THERE.search(told) is not None
    if _SUDO_ASKS.search(sudo_says) and not is_down and not asked:
        return Failed(
            "sudo-asks",
            "Docker does not answer user {user} ({said}), and sudo does not make {user} root without asking: {sudo}.",
            next_step="Add the user to the group `docker`, or let sudo ask no password, by a file in /etc/sudoers.d "
            "that says `{user} ALL=(root) NOPASSWD: ALL`.",
            user=user,
            said=told,
            sudo=" ".join(sudo_says.split())[:300],
        )
    advice = _START_IT if is_down else _LET_IN
    return Failed(
        "docker-unreachable",
        "Docker does not answer user {user}: {said}",
        next_step=_OTHER_HOST if asked else advice,
        asked=asked,
        user=user,
        said=told if told.endswith((".", "?")) else f"{told}.",
    )


def _disk(answers: Answers) -> Disk | None:
    if "free-engine" not in answers:
        return None
    engine, folder, backup, data = (_free(answers, place) for place in ("engine", "folder", "backup", "database"))
    # A container may call a file system by another name than its host does, and has the same number for it.
    here = {number: device for _, number, device in (engine, folder, backup) if number}
    own = data[2] if data[2].startswith("/") or data[2] not in here.values() else f"{data[2]} of the database"
    return Disk(
        engine=engine[0],
        engine_device=engine[2],
        folder=folder[0],
        folder_device=folder[2],
        backup=backup[0],
        backup_device=backup[2],
        database=data[0],
        database_device=here.get(data[1], own),
    )


def _free(answers: Answers, place: str) -> tuple[int, str, str]:
    """Return free bytes, and number and name of the file system: empty texts where nobody could tell."""
    free, _, device = text(answers, f"free-{place}").strip().partition(" ")
    known, _, name = device.rpartition(" ")
    return number(free), known, name
