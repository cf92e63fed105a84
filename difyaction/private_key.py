"""A private key, mended where a secret store lost its newlines. Pure; it never repeats a piece of the key."""

from __future__ import annotations

import base64
import binascii
import re
import textwrap
from dataclasses import dataclass

from difyaction.errors import Complaint, Invalid
from difyaction.secret import Secret

_BLOCK = re.compile(
    r"-----\s*BEGIN\s*((?:OPENSSH|RSA|EC|DSA|ENCRYPTED)?\s*PRIVATE\s*KEY)\s*-----(.*?)"
    r"-----\s*END\s*((?:OPENSSH|RSA|EC|DSA|ENCRYPTED)?\s*PRIVATE\s*KEY)\s*-----",
    re.DOTALL,
)
_LEGACY = re.compile(
    r"\s*Proc-Type:\s*4,\s*ENCRYPTED\s*DEK-Info:\s*(AES-[0-9]{3}-CBC,\s*[0-9A-F]{32}|DES-EDE3-CBC,\s*[0-9A-F]{16})"
)
_ESCAPED = re.compile(r"\\+[rn]")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u2060"))
_HEALTHY = re.compile(r"\n((Proc-Type|DEK-Info): [^ ]+\n|[A-Za-z0-9+/=]{,76}\n)+")
_MAGIC = b"openssh-key-v1\0"
_LOOKS = (
    ("PuTTY-User-Key-File", "it is a PuTTY key (.ppk); export it as an OpenSSH key with puttygen"),
    ("PUBLIC KEY-----", "it is a public key; the private one is needed"),
    ("ssh-", "it is a public key; the private one is needed"),
    ("ecdsa-sha2-", "it is a public key; the private one is needed"),
    ("-----BEGIN CERTIFICATE", "it is a certificate; the private key is needed"),
    ("/", "it is a path; give what is in that file"),
    ("~", "it is a path; give what is in that file"),
)


class Unreadable(ValueError):
    """It is not one private key. ``str()`` says why, in a clause."""


@dataclass(frozen=True)
class Mended:
    """A key with its lines in place. ``kind`` is the word of its BEGIN line; ``repairs`` say what was wrong."""

    key: Secret
    kind: str
    encrypted: bool
    repairs: tuple[str, ...] = ()


def checked(key: Secret, passphrase: Secret, *, name: str) -> Mended:
    """Return an SSH key mended, as far as it can be told without reading it. ``Invalid`` names the input ``name``."""
    try:
        mended = mend(key)
    except Unreadable as why:
        text = f"{name}: the private key cannot be read: {why}"
        raise Invalid([Complaint(id="ssh-key-unreadable", text=text, input=name)]) from None
    if mended.encrypted and not passphrase:
        text = f"{name}: the key is encrypted; give its passphrase, or a key without one"
        raise Invalid([Complaint(id="ssh-key-passphrase", text=text, input=name)])
    return mended


def mend(key: Secret) -> Mended:
    r"""Return the key as its tool wrote it.

    Mended are a byte order mark, CRLF, literal ``\n``, blanks or nothing where newlines were, quotes and indentation
    around it, and base64 around the whole. Raises `Unreadable` where that does not lead to one private key.
    """
    repairs: list[str] = []
    text = _unwrapped(key.reveal(), repairs)
    if text != (text := text.translate(_INVISIBLE)):
        repairs.append("a byte order mark")
    if text != (text := _ESCAPED.sub("\n", text)):
        repairs.append(r"literal \n")
    if "\r" in text:
        repairs.append("CRLF")
    found = _BLOCK.findall(text)
    if len(found) != 1:
        raise Unreadable(_what_else(text, len(found)))
    kind, inner, ending = found[0]
    if _words(kind) != _words(ending):
        raise Unreadable("its BEGIN and END lines do not belong together")
    mended, encrypted = _laid_out(_words(kind), inner)
    if not _HEALTHY.fullmatch(inner.replace("\r", "")):
        repairs.append("lost newlines")
    return Mended(Secret(mended), _words(kind), encrypted, tuple(repairs))


def _unwrapped(text: str, repairs: list[str]) -> str:
    if "-----" in text:
        return text
    try:
        inner = base64.b64decode("".join(text.translate(_INVISIBLE).split()), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return text
    if "-----" not in inner:
        return text
    repairs.append("base64 around it")
    return inner


def _words(kind: str) -> str:
    name = "".join(kind.split()).removesuffix("PRIVATEKEY")
    return f"{name} PRIVATE KEY".lstrip()


def _laid_out(kind: str, inner: str) -> tuple[str, bool]:
    legacy = _LEGACY.match(inner)
    headers = f"Proc-Type: 4,ENCRYPTED\nDEK-Info: {''.join(legacy[1].split())}\n\n" if legacy else ""
    body = "".join(inner[legacy.end() if legacy else 0 :].split())
    if not _BASE64.fullmatch(body) or len(body) % 4:
        raise Unreadable("what stands between BEGIN and END is not a key (is it cut?)")
    encrypted = bool(legacy) or kind == "ENCRYPTED PRIVATE KEY" or _openssh_encrypted(base64.b64decode(body))
    lines = textwrap.fill(body, 64)
    return f"-----BEGIN {kind}-----\n{headers}{lines}\n-----END {kind}-----\n", encrypted


def _openssh_encrypted(body: bytes) -> bool:
    if not body.startswith(_MAGIC):
        return False
    length = int.from_bytes(body[len(_MAGIC) : len(_MAGIC) + 4], "big")
    return body[len(_MAGIC) + 4 :][:length] != b"none"


def _what_else(text: str, count: int) -> str:
    if count > 1:
        return f"it holds {count} private keys; one is needed"
    if not text.strip():
        return "it is empty"
    for sign, reason in _LOOKS:
        if sign in text if sign.startswith(("P", "-")) else text.lstrip().startswith(sign):
            return reason
    if "BEGIN" in text:
        return "its END line is missing (is it cut?)"
    return "there is no BEGIN line of a private key in it"
