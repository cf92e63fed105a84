"""The order of Dify's versions, which is Dify's own: ``1.10.1-fix.1`` is newer than ``1.10.1``."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field

_SHAPE = re.compile(
    r"v?(?P<major>0|[1-9][0-9]*)\.(?P<minor>0|[1-9][0-9]*)\.(?P<patch>0|[1-9][0-9]*)"
    r"(?:-(?P<stage>alpha|beta|preview|rc|fix)(?P<label>-[a-z]+)?\.?(?P<step>[0-9]*))?"
)


class Stage(enum.IntEnum):
    """How far a version had come when it was tagged, oldest first."""

    ALPHA = 0
    BETA = 1
    PREVIEW = 2
    RC = 3
    PLAIN = 4
    FIX = 5  # made after the plain release, to mend it; semver would call it older


@dataclass(frozen=True, order=True)
class Version:
    """A version of Dify. Equal versions may be written differently: ``2.0.0-beta.2``, ``v2.0.0-beta2``.

    ``numbers`` are major, minor and patch. ``label`` is the word between stage and step, as in
    ``0.6.0-preview-workflow.1``. ``tag`` is what was parsed, and takes no part in the order.
    """

    numbers: tuple[int, int, int]
    stage: Stage
    label: str
    step: int
    tag: str = field(compare=False)

    @classmethod
    def parse(cls, tag: str) -> Version:
        """Read a tag of upstream. ``ValueError`` says that it names no version (``browser-profile``)."""
        found = _SHAPE.fullmatch(tag)
        if found is None:
            raise ValueError(f"'{tag}' is not a version of Dify; versions look like 1.14.1 or 1.10.1-fix.1")
        return cls(
            numbers=(int(found["major"]), int(found["minor"]), int(found["patch"])),
            stage=Stage[(found["stage"] or "plain").upper()],
            label=found["label"] or "",
            step=int(found["step"] or 0),
            tag=tag,
        )

    @property
    def text(self) -> str:
        """The tag without a leading ``v``, otherwise as written."""
        return self.tag.removeprefix("v")

    @property
    def is_prerelease(self) -> bool:
        """Whether it was tagged before the plain release of its numbers."""
        return self.stage < Stage.PLAIN

    @property
    def is_abandoned(self) -> bool:
        """Whether it belongs to ``2.0.0-beta.*`` of 2025: its schema never reached the main line."""
        return self.numbers == (2, 0, 0) and self.is_prerelease

    def __str__(self) -> str:
        return self.text


def leading_numbers(text: str) -> tuple[int, int, int]:
    """Return the first three numbers of a foreign version, like ``v2.4.0-rc1`` of a Compose; those that lack are 0."""
    first, second, third, *_ = [*(int(word) for word in re.findall(r"[0-9]+", text)), 0, 0, 0]
    return first, second, third
