"""How Azure says no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = Any  # whatever json.dumps takes
MORE = "For more details please go to https://aka.ms/ARMResourceNotFoundFix"


class NotModelled(Exception):
    """A request for something that this emulator leaves out."""


@dataclass
class Problem(Exception):
    """An error of Resource Manager, of a resource provider or of Key Vault; ``details`` None leaves them out."""

    status: int
    code: str
    message: str
    details: Sequence[Mapping[str, str]] | None = None
    inner: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def body(self) -> Json:
        error: dict[str, Json] = {"code": self.code, "message": self.message}
        if self.details is not None:
            error["details"] = list(self.details)
        if self.inner:
            error["innererror"] = {"code": self.inner}
        return {"error": error}


def resource_not_found(kind: str, name: str, group: str) -> Problem:
    """Return the gateway's 404 for a top-level resource."""
    message = f"The Resource '{kind}/{name}' under resource group '{group}' was not found. {MORE}"
    return Problem(404, "ResourceNotFound", message, headers={"x-ms-failure-cause": "gateway"})


def child_not_found(resource_id: str) -> Problem:
    """Return the provider's 404 for a nested resource."""
    return Problem(404, "NotFound", f"Resource {resource_id} not found.", details=[])


def parent_not_found(name: str) -> Problem:
    message = f"Can not perform requested operation on nested resource. Parent resource '{name}' not found."
    return Problem(404, "ParentResourceNotFound", message, headers={"x-ms-failure-cause": "gateway"})


def invalid_parameter(message: str) -> Problem:
    return Problem(400, "InvalidParameter", message)
