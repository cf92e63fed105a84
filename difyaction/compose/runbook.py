"""The runbook: the fixed prelude and the steps, as the one shell script that runs on the host. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources

from difyaction.compose.steps import Step, literal, words

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MOST_STEPS = 999


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """What a run is called and where it lives. All paths are absolute and on the host; times are seconds.

    ``folder`` is the run's own; ``backup`` this run's backup; ``workdir`` where fragments start (Dify's docker folder).
    ``compose`` is what ``dc`` stands for, ``docker`` what ``dk`` does. ``verbs`` are shell functions for the fragments.
    ``lock`` is the directory that is the lock; a living run renews it, and where nobody can see whether its owner
    lives it counts as held for ``lock_expiry``. An undo that fails within ``again_within`` is tried once more, after
    ``again_after``. ``owner`` (repository and run) and ``summary`` are for people.
    ``audit_log`` gets a line at begin and end. ``grace`` is what a process has between TERM and KILL.
    """

    run_id: str
    folder: str
    backup: str
    lock: str
    workdir: str = "/"
    docker_env: Mapping[str, str] = field(default_factory=dict)
    docker: Sequence[str] = ("docker",)
    compose: Sequence[str] = ("docker", "compose")
    verbs: str = ""
    owner: str = ""
    summary: str = ""
    audit_log: str = ""
    lock_expiry: int = 900
    live_every: int = 10
    grace: int = 10
    again_within: int = 120
    again_after: int = 5
    shell: Sequence[str] = ("sh",)

    def __post_init__(self) -> None:
        if not _RUN_ID.fullmatch(self.run_id):
            raise ValueError(f"{self.run_id!r} cannot name a run")
        paths = (self.folder, self.backup, self.lock, self.workdir, self.audit_log or "/")
        if wrong := [path for path in paths if not path.startswith("/") or "\n" in path]:
            raise ValueError(f"not an absolute path: {wrong[0]!r}")
        if wrong := [name for name in self.docker_env if not _VARIABLE.fullmatch(name)]:
            raise ValueError(f"not a variable: {wrong[0]!r}")


def prelude() -> str:
    """Return the fixed part."""
    return resources.files("difyaction.compose").joinpath("runbook.sh").read_text(encoding="utf-8")


def render(steps: Sequence[Step], settings: RunSettings) -> str:
    """Return the script. Its verbs are ``run`` and ``recover``; it belongs into the run's folder as ``runbook.sh``."""
    names = [step.name for step in steps]
    if len(set(names)) != len(names) or len(names) > MOST_STEPS:
        raise ValueError("steps need names of their own, and no more than fit")
    numbered = [(f"{number:03}", step) for number, step in enumerate(steps, 1)]
    numbers = [number for number, _ in numbered]
    parts = [
        *_literals(settings),
        f"STEPS={literal(' '.join(numbers))}",
        f"BACKWARDS={literal(' '.join(reversed(numbers)))}",
        "",
        prelude(),
        "about() { # NUMBER: what is known of a step",
        "  case $1 in",
        *(_known(number, step) for number, step in numbered),
        "  esac",
        "}",
        "",
    ]
    if settings.verbs:
        parts += ["# --- what the steps are said in", settings.verbs.strip("\n"), ""]
    for number, step in numbered:
        parts += _functions(number, step, len(steps))
    return "\n".join([*parts, 'main "$@"', ""])


def _literals(settings: RunSettings) -> Iterator[str]:
    yield "#!/bin/sh"
    # Words for fragments are used by some, and a fragment that prints may be all there is of a step.
    yield "# shellcheck disable=SC2034,SC2317,SC2329"
    literals = {
        "RUN_ID": settings.run_id,
        "RUN": settings.folder,
        "FILES": f"{settings.folder}/files",
        "BACKUP": settings.backup,
        "WORKDIR": settings.workdir,
        "LOCK": settings.lock,
        "LOCK_EXPIRY": str(settings.lock_expiry),
        "LIVE_EVERY": str(settings.live_every),
        "GRACE": str(settings.grace),
        "AGAIN_WITHIN": str(settings.again_within),
        "AGAIN_AFTER": str(settings.again_after),
        "AUDIT_LOG": settings.audit_log,
        "OWNER": _line(settings.owner),
        "SUMMARY": _line(settings.summary),
        "SHELL_WORDS": " ".join(settings.shell),
    }
    for name, value in literals.items():
        yield f"{name}={literal(value)}"
    for name, value in settings.docker_env.items():
        yield f"export {name}={literal(value)}"
    yield f'dk() {{ {words(settings.docker)} "$@"; }}'
    yield f'dc() {{ {words(settings.compose)} "$@"; }}'


def _known(number: str, step: Step) -> str:
    known = {
        "NAME": step.name,
        "TITLE": _line(step.title or step.name),
        "TIMEOUT": _seconds(step.timeout),
        "HAS_UNDO": "1" if step.undo.strip() else "",
        "UNDO_TIMEOUT": _seconds(step.undo_timeout),
        "TOUCHES": "1" if step.changes_service else "",
        "NO_RETURN": "1" if step.no_return else "",
    }
    return f"    {number}) {' '.join(f'{name}={literal(value)}' for name, value in known.items())} ;;"


def _functions(number: str, step: Step, count: int) -> Iterator[str]:
    yield f"# --- {int(number)} of {count}: {_line(step.title or step.name)}"
    for verb, fragment in (("do", step.do), ("undo", step.undo), ("live", step.live)):
        if fragment.strip():
            yield f"{verb}_{number}() {{"
            yield fragment.strip("\n")
            yield "}" if _has_command(fragment) else ":\n}"
    yield ""


def _has_command(fragment: str) -> bool:
    lines = (line.strip() for line in fragment.splitlines())
    return any(line and not line.startswith("#") for line in lines)


def _line(text: str) -> str:
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def _seconds(seconds: int | None) -> str:
    return "" if seconds is None else str(seconds)
