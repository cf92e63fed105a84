"""Delivery ``files``: the checkout as it lies on the disk, read and edited in place. All files change, or none does."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from difyaction.errors import ActionError, Complaint, Failed, Invalid, Refused, Stranded
from difyaction.gitops.files import EXECUTABLE, LINK, REGULAR, ChangedFile, Entry, FileAt, not_followed
from difyaction.gitops.github.blobs import blob_oid

LARGEST = 5_000_000  # bytes of the largest file that is read
PRUNED = frozenset({".git", ".venv", "node_modules"})

_REPOSITORY = "160000"
_PREFIX = ".dify-upgrade-"

Replace = Callable[[Path, Path], None]


class Worktree:
    """A checkout below ``root``. ``replace`` moves one file over another, at once."""

    def __init__(self, root: Path, *, replace: Replace = os.replace) -> None:
        self._root = root.resolve(strict=True)
        self._replace = replace

    def entries(self) -> tuple[Entry, ...]:
        """List all files, sorted by path. Their ``oid`` is empty: it is known once a file is read."""
        return tuple(sorted(self._walk(self._root), key=lambda entry: entry.path))

    def _walk(self, folder: Path) -> Iterator[Entry]:
        """Yield the files below. What is gone while it is looked at is none, nor is what nobody may look into.

        Such a folder is a container's data beside its compose file; a checkout has none.
        """
        with suppress(FileNotFoundError, PermissionError), os.scandir(folder) as found:
            for each in found:
                path = Path(each.path).relative_to(self._root).as_posix()
                if each.is_symlink():
                    yield Entry(path, LINK, "")
                elif each.is_dir(follow_symlinks=False):
                    if each.name in PRUNED:
                        continue
                    if os.path.lexists(Path(each.path) / ".git"):
                        yield Entry(path, _REPOSITORY, "")  # another repository's files are not this one's
                    else:
                        yield from self._walk(Path(each.path))
                elif each.is_file(follow_symlinks=False):
                    with suppress(FileNotFoundError):
                        status = each.stat(follow_symlinks=False)
                        yield Entry(path, _mode(status), "", status.st_size)

    def read(self, entries: Iterable[Entry]) -> tuple[FileAt, ...]:
        """Read files. ``errors.Invalid`` with every one that may not be read, or cannot."""
        files: list[FileAt] = []
        complaints: list[Complaint] = []
        for entry in entries:
            try:
                place, status = self._place(entry.path)
                content = place.read_bytes()
                files.append(FileAt(entry.path, _mode(status), blob_oid(content), content))
            except Invalid as why:
                complaints += why.complaints
            except OSError as why:
                complaints += _wrong("file-unreadable", entry.path, f"it cannot be read: {why.strerror}").complaints
        if complaints:
            raise Invalid(complaints)
        return tuple(files)

    def write(self, changed: Sequence[ChangedFile]) -> None:
        """Write every file, or leave every file as it is: also on a full disk, and on Ctrl-C.

        ``errors.Refused`` when a file is no longer what the plan was made from; ``errors.Failed`` when one cannot
        be written; ``errors.Stranded`` when then an old content cannot be put back either.
        """
        swaps: list[_Swap] = []
        try:
            for file in changed:
                swaps.append(_Swap(file.path, self._place(file.path)[0]))
                self._prepare(swaps[-1], file)
            for swap in swaps:
                swap.begun = True
                self._replace(swap.new, swap.place)
        except BaseException as why:
            self._put_back(swaps)
            if isinstance(why, OSError):
                raise _not_written(swaps[-1].path if not _begun(swaps) else _begun(swaps)[-1].path, why) from why
            raise
        finally:
            for swap in swaps:
                swap.clean()

    def _prepare(self, swap: _Swap, file: ChangedFile) -> None:
        """Lay the new content beside the file, with its mode and owner, and a second name for the old one."""
        status = swap.place.stat(follow_symlinks=False)
        if swap.place.read_bytes() != file.before:
            raise Refused(
                "file-changed",
                "{file} was changed while the plan was made.",
                next_step="Run again, so that the plan is made from what is there now.",
                file=file.path,
            )
        handle, name = tempfile.mkstemp(dir=swap.place.parent, prefix=_PREFIX)
        swap.new = Path(name)
        with os.fdopen(handle, "wb") as new:
            new.write(file.after)
            if (status.st_uid, status.st_gid) != (os.getuid(), os.getgid()):
                os.fchown(new.fileno(), status.st_uid, status.st_gid)
            os.fchmod(new.fileno(), stat.S_IMODE(status.st_mode))
        swap.old = swap.new.with_name(f"{swap.new.name}.old")
        try:
            os.link(swap.place, swap.old, follow_symlinks=False)
        except OSError:  # a file system without hard links
            shutil.copy2(swap.place, swap.old)

    def _put_back(self, swaps: Sequence[_Swap]) -> None:
        lost: list[str] = []
        for swap in reversed(_begun(swaps)):
            try:
                os.replace(swap.old, swap.place)  # noqa: PTH105 - the twin of `replace`, which is os.replace too
            except OSError:
                lost.append(swap.path)
                swap.keep = True
        if lost:
            raise Stranded(
                "files-half-written",
                "Some files were written, then one could not be, and the old content of {files} could not be put back.",
                state="Those files may hold the new content; beside each lies the old one, named {prefix}*.old.",
                next_step="Move each of those .old files back over the file that it lies beside, then run again.",
                files=" ".join(lost),
                prefix=_PREFIX,
            )

    def _place(self, path: str) -> tuple[Path, os.stat_result]:
        """Return where a file lies, and what it is. ``errors.Invalid`` unless it is ours to read and write."""
        parts = PurePosixPath(path).parts
        if not parts or "\0" in path or path.startswith("/") or ".." in parts:
            raise _wrong("file-outside", path, "it is no path inside the repository")
        if any(part.lower() == ".git" for part in parts):
            raise _wrong("file-outside", path, "git's own files are never touched")
        place, status = self._root, self._root.lstat()
        try:
            for part in parts:
                place /= part
                status = place.lstat()
                if stat.S_ISLNK(status.st_mode):
                    text = not_followed(path, place.relative_to(self._root).as_posix())
                    raise Invalid([Complaint(id="file-not-regular", text=text, file=path)])
        except OSError as why:
            raise _wrong("file-unreadable", path, f"it cannot be read: {why.strerror}") from None
        if not stat.S_ISREG(status.st_mode):
            raise _wrong("file-not-regular", path, "it is no regular file")
        if status.st_size > LARGEST:
            raise _wrong("file-too-large", path, f"it has {status.st_size:,} bytes; at most {LARGEST:,} are read")
        return place, status


@dataclass
class _Swap:
    """One file on its way: the new content beside it, and a second name for the old one."""

    path: str
    place: Path
    new: Path = Path()
    old: Path = Path()
    begun: bool = False
    keep: bool = False

    def clean(self) -> None:
        """Take away what lies beside the file; what was replaced is gone already."""
        for path in (self.new, self.old):
            if path.name.startswith(_PREFIX) and not (self.keep and path is self.old):
                with suppress(OSError):
                    path.unlink(missing_ok=True)


def _begun(swaps: Iterable[_Swap]) -> list[_Swap]:
    return [swap for swap in swaps if swap.begun]


def _mode(status: os.stat_result) -> str:
    return EXECUTABLE if status.st_mode & stat.S_IXUSR else REGULAR


def _wrong(kind: str, path: str, why: str) -> Invalid:
    return Invalid([Complaint(id=kind, text=f"{path}: {why}", file=path)])


def _not_written(path: str, why: OSError) -> ActionError:
    return Failed(
        "file-not-written",
        "{path} could not be written: {why}.",
        state="Every file has the content that it had before.",
        next_step="See that the checkout may be written to and that the disk has room, then run again.",
        file=path,
        path=path,
        why=why.strerror or type(why).__name__,
    )
