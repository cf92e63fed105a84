"""Which file holds the base values of which other, by the conventions of GitOps repositories."""

from __future__ import annotations

from pathlib import PurePosixPath

_BASE_NAMES = frozenset({"base", "bases", "common", "shared", "default", "defaults", "global"})


def directory(path: str) -> str:
    """Return the directory of a path."""
    return str(PurePosixPath(path).parent)


def is_base(base: str, file: str) -> bool:
    """Whether ``base`` in another directory holds values that ``file`` goes on from.

    It does in a directory named so (`base/`, `common/`) beside or above the file, or under the same
    name in a directory above.
    """
    above, below = PurePosixPath(base).parent, PurePosixPath(file).parent
    if above == below:
        return False
    if above.name in _BASE_NAMES:
        return below.is_relative_to(above.parent) and (below.name not in _BASE_NAMES or below.is_relative_to(above))
    return below.is_relative_to(above) and _continues(PurePosixPath(base), PurePosixPath(file))


def goes_on_from(file: str, base: str) -> bool:
    """Whether ``file`` overrides values of ``base``: `values-prod.yaml` those of `values.yaml`, or see `is_base`."""
    if directory(file) != directory(base):
        return is_base(base, file)
    return file != base and _continues(PurePosixPath(base), PurePosixPath(file))


def _continues(base: PurePosixPath, file: PurePosixPath) -> bool:
    rest = file.stem.removeprefix(base.stem)
    return file.stem.startswith(base.stem) and (not rest or not rest[0].isalnum())
