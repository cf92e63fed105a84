"""What a run is about, as a name: of its branch, its pull request, its trailer."""

from __future__ import annotations

import hashlib
import re

from difyaction.gitops.editing.address import file_of
from difyaction.inputs import Inputs

EVERYTHING = "all"
_SLUG = 40  # characters of a branch name that people still read


def unit_of(inputs: Inputs) -> str:
    """Name what this run is about: runs about other files have other branches and never touch each other's."""
    prefix = "rollback-" if inputs.mode == "rollback" else ""  # a usual run leaves the way back alone
    return prefix + (inputs.environment or _about(inputs))


def _about(inputs: Inputs) -> str:
    about = (*inputs.files, *(file_of(line) for line in inputs.set_lines))
    if not about:
        return EVERYTHING
    slug = re.sub(r"[^a-z0-9]+", "-", about[0].lower()).strip("-")[:_SLUG].strip("-")
    digest = hashlib.sha256("\n".join(sorted(set(about))).encode()).hexdigest()[:6]
    return f"{slug}-{digest}" if slug else f"files-{digest}"
