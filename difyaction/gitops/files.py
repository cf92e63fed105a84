"""Files of the repository, as read and as they shall be."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

REGULAR = "100644"
EXECUTABLE = "100755"
LINK = "120000"


@dataclass(frozen=True)
class Entry:
    """One entry of the repository's tree. ``mode`` and ``oid`` are Git's; ``size`` is in bytes, None if unknown."""

    path: str
    mode: str
    oid: str
    size: int | None = None

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file: links and submodules are never edited."""
        return self.mode in {REGULAR, EXECUTABLE}

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link, to a file or to a folder."""
        return self.mode == LINK


@dataclass(frozen=True)
class FileAt:
    """A file's content at the commit that we plan over. ``oid`` is the blob's id, empty outside of Git."""

    path: str
    mode: str
    oid: str
    content: bytes


@dataclass(frozen=True)
class ChangedFile:
    """A file that changes: the whole content before and after; its mode stays."""

    path: str
    mode: str
    before: bytes
    after: bytes


def not_followed(path: str, link: str) -> str:
    """Say of a path that it is a link, or leads through one, and what to do instead."""
    what = "is a link" if path == link else f"leads through the link {link}"
    return f"{path} {what}, and links are never followed: name the file that it leads to."


Choose = Callable[[tuple[Entry, ...]], Iterable[Entry]]
"""Which of all files are worth reading."""
