"""What an opening carries about itself, where Azure lets it be read back: whose it is, of which run, until when.

Pure, and standard library only. An NSG rule carries its lease in its description (140 characters at most), a Key
Vault address in a tag of the vault (name and value), since addresses there have no name and no description.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

OWNER: Final = "dify-upgrade"
LASTS: Final = 900  # seconds: a handshake takes some, a rule up to a minute, a vault's firewall some minutes
LATEST: Final = 2 * LASTS  # seconds ahead: nobody gives a lease that lasts longer, whatever his clock says
LONGEST_DESCRIPTION: Final = 140
LONGEST_TAG: Final = 256
TAG_PREFIX: Final = f"{OWNER}:"
_RUN = re.compile(r"([0-9]+)\.([0-9]+)\.([0-9a-z]+)")
_SECONDS = re.compile(r"[0-9]{1,12}")
_LAST_SECOND = 10**12
_ADDRESS = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}(/32)?")


@dataclass(frozen=True)
class Run:
    """One job of one attempt of a workflow run. ``nonce`` tells the jobs of a matrix apart (``[0-9a-z]+``)."""

    id: int
    attempt: int
    nonce: str
    repository: str = ""

    @property
    def text(self) -> str:
        """The run as its leases name it: ``123.1.ab12cd``."""
        return f"{self.id}.{self.attempt}.{self.nonce}"

    @classmethod
    def parse(cls, text: str, repository: str = "") -> Run | None:
        """Return the run that a lease names, or nothing when the text is no run's."""
        found = _RUN.fullmatch(text)
        return cls(int(found[1]), int(found[2]), found[3], repository) if found else None


@dataclass(frozen=True)
class Lease:
    """``expires`` in seconds since 1970: from then on anybody may close what carries it."""

    run: Run
    expires: int

    def is_dead(self, now: float, run: Run | None = None) -> bool:
        """Whether nobody holds it: expired, longer than any that is given, or of an earlier attempt of this very run.

        ``now`` is Azure's time, in seconds since 1970.
        """
        earlier = run is not None and self.run.id == run.id and self.run.attempt < run.attempt
        return not now < self.expires <= now + LATEST or earlier

    def description(self) -> str:
        """Return the lease as the description of an NSG rule; the repository is cut where the space ends."""
        record = {"o": OWNER, "r": self.run.text, "x": self.expires, "p": self.run.repository}
        while len(text := json.dumps(record, separators=(",", ":"))) > LONGEST_DESCRIPTION and record["p"]:
            record["p"] = str(record["p"])[:-1]
        return text


def described(text: object) -> Lease | None:
    """Return the lease that a rule's description holds, or nothing when the rule is not ours."""
    try:
        record = json.loads(str(text or ""))
        if not isinstance(record, dict) or record.get("o") != OWNER:
            return None
        run, expires = Run.parse(str(record["r"]), str(record.get("p", ""))), record["x"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if run is None or not isinstance(expires, int) or not 0 <= expires < _LAST_SECOND:
        return None
    return Lease(run, expires)


def seconds_of(text: str) -> int | None:
    """Return a time that somebody wrote into a tag, in seconds since 1970, or nothing when it is none."""
    return int(text) if _SECONDS.fullmatch(text) else None


@dataclass(frozen=True)
class VaultLease:
    """The addresses that a run put on a vault's firewall, as the vault's tag says it: ``1.2.3.4 5.6.7.8|1764000000``.

    An address that stood there before any of us is never written here.
    """

    lease: Lease
    addresses: tuple[str, ...]

    @property
    def tag(self) -> tuple[str, str]:
        """The tag's name and value."""
        return TAG_PREFIX + self.lease.run.text, f"{' '.join(self.addresses)}|{self.lease.expires}"


def vault_leases(tags: Mapping[str, str] | None) -> tuple[VaultLease, ...]:
    """Return every lease that a vault's tags hold.

    Whoever may write tags may write these: what is no single address of the old kind is nothing that we opened.
    """
    return tuple(_vault_leases((tags or {}).items()))


def _vault_leases(tags: Iterable[tuple[str, str]]) -> Iterable[VaultLease]:
    for name, value in tags:
        run = Run.parse(name.removeprefix(TAG_PREFIX)) if name.startswith(TAG_PREFIX) else None
        words, _, last = str(value).partition("|")
        expires, addresses = seconds_of(last), tuple(words.split())
        if run is not None and expires is not None and all(map(_ADDRESS.fullmatch, addresses)):
            yield VaultLease(Lease(run, expires), addresses)
