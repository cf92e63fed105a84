"""The files that the switch writes, whoever they are of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from difyaction.compose.draft import Draft, mode_of
from difyaction.compose.install import Held, Install


@dataclass(frozen=True, kw_only=True)
class WrittenFile:
    """A file that the switch writes. ``before`` is the SHA-256 of what stands there now, empty when nothing does.

    ``kept_in`` is the folder of the backup that has it, where it is not the one that is gone back to. ``perhaps``:
    only that backup itself can tell whether it was there.
    """

    path: str
    mode: int
    before: str
    kept_in: str = ""
    perhaps: bool = False


def kept_files(install: Install, drafted: Draft) -> tuple[str, ...]:
    """Return the files of theirs that a checkout of the wanted release would replace or take away, committed or not.

    Also those that its commit would bring, and that are there though the commit of now has them not: it stayed once
    where it was, and the checkout that undoes this one would take them away.
    """
    checkout = install.checkout
    if checkout is None:
        return ()
    replaced = {*checkout.tracked, *checkout.edited} & set(install.files)
    brought = (drafted.upstream.keys() & install.files.keys()) - {*checkout.tracked}
    return tuple(sorted((replaced & {*drafted.own, *checkout.edited}) | brought))


def written_file(there: Mapping[str, Held], path: str) -> WrittenFile:
    """Return what the switch is to write at a path, over the files that are there now."""
    held = there.get(path)
    digest = hashlib.sha256(held.content).hexdigest() if held else ""
    return WrittenFile(path=path, mode=mode_of(path, held), before=digest)
