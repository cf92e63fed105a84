"""Asks Resource Manager which actions we hold and which locks stand, for each scope once. Only reads."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from difyaction.azure.arm import LOCKS, PERMISSIONS, Arm, Unanswered, properties
from difyaction.azure.refusals import refused
from difyaction.azure.rights import Standing

_AUTHORIZATION: Final = "providers/Microsoft.Authorization"
_MUTE: Final = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})


def read_standing(arm: Arm, scopes: Iterable[str]) -> dict[str, Standing]:
    """Return what stands for each scope. Where we may not ask, permissions are None and locks are empty."""
    return {scope: _standing(arm, scope) for scope in dict.fromkeys(scopes)}


def _standing(arm: Arm, scope: str) -> Standing:
    permissions = _list(arm, f"{scope}/{_AUTHORIZATION}/permissions", PERMISSIONS, {})
    locks = _list(arm, f"{scope}/{_AUTHORIZATION}/locks", LOCKS, {"$filter": "atScope()"})
    levels = ((str(properties(lock).get("level")), str(lock.get("id"))) for lock in locks or ())
    return Standing(permissions, tuple(levels))


def _list(arm: Arm, path: str, version: str, query: dict[str, str]) -> list[dict[str, object]] | None:
    try:
        return [dict(each) for each in arm.listed(path, version=version, query=query)]
    except Unanswered as error:
        if error.answer.status in _MUTE:
            return None
        raise refused(error, "reading rights and locks") from error
