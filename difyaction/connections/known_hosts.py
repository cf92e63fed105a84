"""Which host keys are pinned: OpenSSH's known_hosts, read strictly. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from difyaction.errors import Complaint, Invalid

DEFAULT_PORT = 22
# As a client prefers them.
KINDS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")
_OTHER_KINDS = re.compile(r"(ssh|sk-ssh|ecdsa|sk-ecdsa)-[a-z0-9@.-]+")
_HASHED = re.compile(r"\|1\|([A-Za-z0-9+/=]+)\|([A-Za-z0-9+/=]+)")
_ESCAPED = re.compile(r"\\+[rn]")
_FIELD = "ssh-known-hosts"


@dataclass(frozen=True)
class HostKey:
    """A public key as the protocol writes it."""

    kind: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """The SHA-256 fingerprint, as `ssh-keygen -l` prints it."""
        return f"SHA256:{base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip('=')}"


@dataclass(frozen=True)
class Entry:
    """One line: whom it speaks of, and with which key; ``marker`` is ``cert-authority``, ``revoked`` or empty."""

    marker: str
    patterns: str
    key: HostKey

    def names(self, name: str) -> bool:
        """Whether the line speaks of a host, given as known_hosts writes it."""
        if hashed := _HASHED.fullmatch(self.patterns):
            salt, digest = (base64.b64decode(part) for part in hashed.groups())
            return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest)
        matches = False
        for pattern in self.patterns.casefold().split(","):
            if pattern.startswith("!") and _matches(name, pattern[1:]):
                return False
            matches = matches or _matches(name, pattern)
        return matches


@dataclass(frozen=True)
class KnownHosts:
    """All lines of a known_hosts text."""

    entries: tuple[Entry, ...]

    @classmethod
    def parse(cls, text: str, *, field: str = _FIELD) -> KnownHosts:
        r"""Read it; raises Invalid for what is no line of known_hosts. Lines joined by blanks or ``\n`` are parted."""
        complaints: list[Complaint] = []
        entries: list[Entry] = []
        for number, line in enumerate(_ESCAPED.sub("\n", text.lstrip("\ufeff")).splitlines(), 1):
            for part in _parted(line):
                try:
                    entry = _entry(part)
                except ValueError as why:
                    complaints.append(_complaint(f"{field}: line {number} {why}", field))
                else:
                    entries += [entry] if entry else []
        if not entries and not complaints:
            complaints.append(
                _complaint(f"{field}: it pins no key; give the lines of `ssh-keyscan HOST`, checked", field)
            )
        if complaints:
            raise Invalid(complaints)
        return cls(tuple(entries))

    def keys_for(self, host: str, port: int, *, field: str = _FIELD) -> tuple[HostKey, ...]:
        """Return the keys pinned for a host, as preferred. A line for ``[host]:port`` wins over one for ``host``."""
        for name in _names(host, port):
            speaking = [entry for entry in self.entries if entry.names(name)]
            revoked = {entry.key for entry in speaking if entry.marker == "revoked"}
            pinned = {entry.key for entry in speaking if not entry.marker and entry.key.kind in KINDS} - revoked
            if pinned:
                return tuple(sorted(pinned, key=lambda key: (KINDS.index(key.kind), key.blob)))
            if any(entry.marker == "cert-authority" for entry in speaking):
                text = f"{field}: {host} is only known by @cert-authority, which is not supported; pin its own keys"
                raise Invalid([_complaint(text, field)])
        return ()

    def revokes(self, key: HostKey, host: str, port: int) -> bool:
        """Whether a line says of a key that it must not be trusted at that host."""
        said = (each for each in self.entries if each.marker == "revoked" and each.key == key)
        return any(each.names(name) for each in said for name in _names(host, port))


def _names(host: str, port: int) -> tuple[str, str]:
    plain = host.casefold()
    return f"[{plain}]:{port}", plain


def _matches(name: str, pattern: str) -> bool:
    # In OpenSSH's patterns, brackets are brackets; fnmatch would read a set.
    return fnmatchcase(name, pattern.replace("[", "[[]"))


def _parted(line: str) -> Iterator[str]:
    words = line.split()
    if not words or words[0].startswith("#"):
        return
    starts = [
        index - 1 - (index > 1 and words[index - 2].startswith("@"))
        for index in range(1, len(words) - 1)
        if _OTHER_KINDS.fullmatch(words[index]) and words[index + 1].startswith("AAAA")
    ] or [0]
    for start, end in zip([0, *starts[1:]], [*starts[1:], len(words)], strict=True):
        yield " ".join(words[start:end])


def _entry(line: str) -> Entry | None:
    words = line.split()
    marker = words.pop(0)[1:] if words[0].startswith("@") else ""
    if marker not in {"", "cert-authority", "revoked"} and not words:
        raise ValueError('names a file, and @FILE is for secrets alone; give its text: "$(cat FILE)"')
    if marker not in {"", "cert-authority", "revoked"}:
        raise ValueError(f"begins with an unknown marker @{marker}")
    if words and _OTHER_KINDS.fullmatch(words[0]):
        raise ValueError("names no host in front of the key's kind; write `HOST ssh-ed25519 AAAA...`")
    if len(words) < 3:  # noqa: PLR2004 - hosts, kind, key
        raise ValueError("is not `HOST KIND KEY`")
    patterns, kind, coded = words[:3]
    try:
        blob = base64.b64decode(coded, validate=True)
        if hashed := _HASHED.fullmatch(patterns):
            base64.b64decode(hashed[1], validate=True), base64.b64decode(hashed[2], validate=True)
    except binascii.Error:
        raise ValueError("is cut, or no line of known_hosts") from None
    length = int.from_bytes(blob[:4], "big")
    if blob[4 : 4 + length] != kind.encode():
        raise ValueError(f"says {kind[:30]}, but its key is of another kind")
    return Entry(marker, patterns, HostKey(kind, blob))


def _complaint(text: str, field: str) -> Complaint:
    return Complaint(id="ssh-known-hosts-invalid", text=text, input=field)
