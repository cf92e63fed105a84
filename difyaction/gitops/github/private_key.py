"""A GitHub App's private key, mended where a secret store lost its newlines. Pure."""

from __future__ import annotations

import re
import textwrap

from difyaction.errors import Complaint, Invalid
from difyaction.secret import Secret

_PEM = re.compile(r"-----BEGIN ((?:RSA )?PRIVATE KEY)-----(.*?)-----END \1-----", re.DOTALL)
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


def mend(key: Secret, *, field: str = "app-private-key") -> Secret:
    r"""Return a PEM key with its lines in place: literal ``\n``, blanks for newlines, or none at all are accepted.

    Raises Invalid where this is not one unencrypted private key.
    """
    text = key.reveal().replace("\\r", "").replace("\\n", "\n")
    found = _PEM.findall(text)
    if len(found) != 1:
        raise _unreadable("it is not one private key between BEGIN and END lines", field)
    kind, inner = found[0]
    body = "".join(inner.split())
    if not _BASE64.fullmatch(body):
        raise _unreadable("what stands between BEGIN and END is not a plain key (is it encrypted or cut?)", field)
    return Secret(f"-----BEGIN {kind}-----\n{textwrap.fill(body, 64)}\n-----END {kind}-----\n")


def _unreadable(reason: str, field: str) -> Invalid:
    text = f"{field}: the App's private key cannot be read: {reason}. Paste the downloaded .pem file whole"
    return Invalid([Complaint(id="app-private-key-unreadable", text=text, input=field)])
