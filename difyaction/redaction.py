"""What must not be seen, and texts without it."""

from __future__ import annotations

SHORTEST = 6  # a shorter text stands in too many others


class Redaction:
    """Secrets, whole and line by line; each leaves a text as ``***``."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def add(self, text: str) -> None:
        """Know a text, and each of its lines, from here on."""
        lines = (line.strip() for line in text.splitlines())
        self._known.update(part for part in (text, *lines) if len(part) >= SHORTEST)

    def of(self, text: str) -> str:
        """Return a text without what is known."""
        for known in sorted(self._known, key=len, reverse=True):
            text = text.replace(known, "***")
        return text
