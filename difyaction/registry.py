"""Which targets there are, and where each is built. A target's libraries are imported when it is chosen."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast

from difyaction.inputs import Inputs
from difyaction.surroundings import Surroundings
from difyaction.target import Outcome, Target

BUILDERS: Mapping[str, str] = {
    "gitops": "difyaction.targets.gitops:build",
    "server": "difyaction.targets.server:build",
    "azure-vm": "difyaction.targets.azure_vm:build",
}


MATRIX = "difyaction.gitops.waves:run"
SWEEP = "difyaction.targets.azure_vm:sweep"


class Build(Protocol):
    """Makes a target of what was asked for. Contacts nobody; that is `inspect`."""

    def __call__(self, inputs: Inputs, surroundings: Surroundings) -> Target[Any, Any]:
        """Compose the target."""
        ...


def builder(name: str, builders: Mapping[str, str] = BUILDERS) -> Build:
    """Import and return the builder of a target."""
    return cast("Build", _found(builders[name]))


def matrix() -> Callable[[Inputs, Surroundings], Outcome]:
    """Import and return what mode matrix runs."""
    return cast("Callable[[Inputs, Surroundings], Outcome]", _found(MATRIX))


def sweep() -> Callable[[Inputs, Surroundings], Outcome]:
    """Import and return what mode sweep runs."""
    return cast("Callable[[Inputs, Surroundings], Outcome]", _found(SWEEP))


def _found(place: str) -> object:
    module, _, function = place.partition(":")
    return getattr(importlib.import_module(module), function)
