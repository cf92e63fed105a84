"""A value that cannot be printed by accident."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret text. It prints as ``***`` and is no ``str``: joining or formatting it leaks nothing.

    ``reveal()`` belongs in the one call that sends it. An empty secret is false.
    """

    _value: str = field(repr=False)

    def reveal(self) -> str:
        """Return the text itself."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "***"

    def __str__(self) -> str:
        return "***"

    def __format__(self, format_spec: str) -> str:
        return "***"

    def __reduce__(self) -> str | tuple[object, ...]:
        msg = "a Secret is never pickled"
        raise TypeError(msg)
