"""What each complaint means in general: one sentence for each id, read from explanations.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path


@cache
def explanations() -> Mapping[str, str]:
    """Return every sentence by the complaint's id, in English, with code spans and without facts."""
    return tomllib.loads(Path(__file__).with_name("explanations.toml").read_text("utf-8"))


def explanation(complaint: str) -> str:
    """Return the sentence for a complaint's id; empty when there is none."""
    return explanations().get(complaint, "")
