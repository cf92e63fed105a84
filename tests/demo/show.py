"""How the demo talks: headings, and what a run left, indented."""

from __future__ import annotations


def say(heading: str, sentence: str) -> None:
    """Begin a scene."""
    print(f"\n{'=' * 100}\n{heading}\n{sentence}\n{'-' * 100}", flush=True)  # noqa: T201 - it is a show


def show(text: str, most: int = 1000) -> None:
    """Print what a run left; of a long text its beginning."""
    lines = text.splitlines()
    print("\n".join(f"  {line}" for line in lines[:most]), flush=True)  # noqa: T201 - it is a show
    if len(lines) > most:
        print(f"  ... and {len(lines) - most} lines more", flush=True)  # noqa: T201 - it is a show


def without_masks(log: str) -> str:
    """Return a log without what is for the runner's eyes alone."""
    return "\n".join(line for line in log.splitlines() if not line.startswith("::add-mask::"))
