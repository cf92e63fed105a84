"""Who may do what where, and which locks stand in the way all the same."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.emulators.azure.directory import Application
from tests.emulators.azure.problems import Json, Problem

AUTHORIZATION = "/providers/Microsoft.Authorization/"


@dataclass(frozen=True)
class Role:
    """Patterns with ``*``, as in a role definition."""

    actions: tuple[str, ...] = ()
    but: tuple[str, ...] = ()
    data: tuple[str, ...] = ()

    def permits(self, action: str, *, data: bool) -> bool:
        given = self.data if data else self.actions
        return _matches(action, given) and not _matches(action, self.but)

    def show(self, api_version: str) -> Json:
        shown = {"actions": list(self.actions), "notActions": list(self.but)}
        if api_version < "2018":
            return shown
        return {**shown, "dataActions": list(self.data), "notDataActions": []}


EVERYTHING = Role(("*",), (), ("*",))


def _matches(action: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)


def within(scope: str, resource_id: str) -> bool:
    """Tell whether an id is the scope or lies below it."""
    scope, resource_id = scope.lower().rstrip("/"), resource_id.lower()
    return resource_id == scope or resource_id.startswith(scope + "/")


class Rights:
    """All role assignments."""

    def __init__(self) -> None:
        self._assigned: dict[str, list[tuple[str, Role]]] = {}

    def assign(self, application: Application, scope: str, role: Role) -> None:
        self._assigned.setdefault(application.object_id, []).append((scope, role))

    def withdraw(self, application: Application, role: Role) -> None:
        held = self._assigned.get(application.object_id, [])
        self._assigned[application.object_id] = [one for one in held if one[1] is not role]

    def held(self, application: Application, resource_id: str) -> list[Role]:
        """Return the roles that count at an id, the farthest first."""
        assigned = self._assigned.get(application.object_id, [])
        return [role for scope, role in sorted(assigned, key=lambda one: len(one[0])) if within(scope, resource_id)]

    def may(self, application: Application, action: str, resource_id: str, *, data: bool = False) -> bool:
        return any(role.permits(action, data=data) for role in self.held(application, resource_id))

    def require(self, application: Application, action: str, resource_id: str) -> None:
        if not self.may(application, action, resource_id):
            who = application.object_id
            raise Problem(
                403,
                "AuthorizationFailed",
                f"The client '{who}' with object id '{who}' does not have authorization to perform action '{action}'"
                f" over scope '{resource_id}' or the scope is invalid. If access was recently granted, please refresh"
                " your credentials.",
            )

    def require_linked(self, application: Application, action: str, linked: tuple[str, str]) -> None:
        """Require the right that a write needs on another resource: ``linked`` is that action and that id."""
        if not self.may(application, *linked):
            who = application.object_id
            raise Problem(
                403,
                "LinkedAuthorizationFailed",
                f"The client '{who}' with object id '{who}' has permission to perform action '{action}'; however, it"
                f" does not have permission to perform action(s) '{linked[0]}' on the linked scope(s) '{linked[1]}' or"
                " the linked scope(s) are invalid.",
            )


@dataclass
class Lock:
    """A management lock; ``level`` is CanNotDelete or ReadOnly."""

    scope: str
    level: str
    name: str
    notes: str = ""
    locks: list[Lock] = field(default_factory=list, repr=False)

    @property
    def id(self) -> str:
        return f"{self.scope}{AUTHORIZATION}locks/{self.name}"

    def show(self) -> Json:
        properties = {"level": self.level} | ({"notes": self.notes} if self.notes else {})
        return {"properties": properties, "id": self.id, "type": "Microsoft.Authorization/locks", "name": self.name}

    def remove(self) -> None:
        self.locks.remove(self)


def refuse_locked(locks: Sequence[Lock], method: str, resource_id: str) -> None:
    """Raise when a lock at the id or above it forbids this method."""
    if method in ("GET", "HEAD"):
        return
    forbidding = ("CanNotDelete", "ReadOnly") if method == "DELETE" else ("ReadOnly",)
    standing = [lock.scope for lock in locks if lock.level in forbidding and within(lock.scope, resource_id)]
    if standing:
        word = "delete" if method == "DELETE" else "write"
        named = ",".join(f"'{scope}'" for scope in standing)
        raise Problem(
            409,
            "ScopeLocked",
            f"The scope '{resource_id}' cannot perform {word} operation because following scope(s) are locked: {named}."
            " Please remove the lock and try again.",
        )
