"""Words of a shell script, written from values."""

from __future__ import annotations

import shlex
from importlib import resources

from difyaction.compose.facts import CONTROL
from difyaction.compose.shift import Shift
from difyaction.compose.tables import counted_beside, read_back_whole

_VERBS = tuple(
    f"verbs_{name}.sh" for name in ("service", "database", "restore", "files", "room", "stop", "change", "steps")
)
_CONTROL = {"postgresql": CONTROL, "mysql": "mysql"}


class Variable(str):
    """A word that the shell expands: it is written as it stands."""

    __slots__ = ()


def call(*texts: object) -> str:
    """Return a command, or arguments of one: each text is one word."""
    return " ".join(text if isinstance(text, Variable) else shlex.quote(str(text)) for text in texts)


def literals(shift: Shift) -> str:
    """Return the values that the verbs look at, as assignments."""
    database = shift.database
    values = {
        "PROJECT": shift.project,
        "FOLDER": shift.folder,
        "TOP": shift.install.checkout.top if shift.install.checkout else "",
        "API": shift.api,
        "PROXY": shift.proxy,
        "URL": shift.url,
        "CELERY": shift.celery,
        "TOOLS": shift.tools,
        "HELD": f"dify-upgrade-proxy-{shift.project}",
        "MIGRATION": f"dify-upgrade-migration-{shift.project}",
        "DB_KIND": database.kind,
        "DB_SERVICE": database.service,
        "DB_USER": database.user,
        "DB_MAIN": database.main,
        "DB_NAMES": " ".join(database.names),
        "DB_CONTROL": _CONTROL[database.kind],
        "DB_CLIENT": database.client_image,
        "DB_NETWORK": shift.network,
        "DB_HOST": database.host,
        "DB_AT": f"--host={database.host}" if database.kind == "mysql" and database.external else "",
        "DB_CREATES": "yes" if database.creates else "",
        "COUNTED": " ".join(shift.counted),
        "SUMMED": " ".join(shift.summed),
        "BESIDE": " ".join(counted_beside(database)),
        "WHOLE": " ".join(read_back_whole(database, shift.wishes.restore_test_max)),
    }
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())


def verbs() -> str:
    """Return what the steps say, as shell functions: the same for every plan."""
    texts = (resources.files(__package__).joinpath(name).read_text(encoding="utf-8") for name in _VERBS)
    return "\n".join(texts)
