"""A GitHub App's private key, mended where a secret store lost its newlines. Pure."""

from __future__ import annotations

from difyaction import private_key
from difyaction.errors import Complaint, Invalid
from difyaction.secret import Secret

_KINDS = frozenset({"RSA PRIVATE KEY", "PRIVATE KEY"})


def mend(key: Secret, *, field: str = "app-private-key") -> Secret:
    """Return a PEM key with its lines in place; raises Invalid where this is not one unencrypted RSA key."""
    try:
        mended = private_key.mend(key)
    except private_key.Unreadable as why:
        raise _unreadable(str(why), field) from None
    if mended.encrypted or mended.kind not in _KINDS:
        raise _unreadable(f"it is no plain RSA key but {mended.kind}", field)
    return mended.key


def _unreadable(reason: str, field: str) -> Invalid:
    text = f"{field}: the App's private key cannot be read: {reason}. Paste the downloaded .pem file whole"
    return Invalid([Complaint(id="app-private-key-unreadable", text=text, input=field)])
