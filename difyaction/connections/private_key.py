"""The private key of an SSH connection: mended, read in memory only, told apart from what is none."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field

import paramiko
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from difyaction.connections.known_hosts import HostKey
from difyaction.errors import Complaint, Invalid
from difyaction.private_key import Mended, checked
from difyaction.secret import Secret

_FIELD = "ssh-key"
_CLASSES: Mapping[type, type[paramiko.PKey]] = {
    ed25519.Ed25519PrivateKey: paramiko.Ed25519Key,
    ec.EllipticCurvePrivateKey: paramiko.ECDSAKey,
    rsa.RSAPrivateKey: paramiko.RSAKey,
}
_Readable = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class PrivateKey:
    """A key that can sign. ``repairs`` say what was mended, for the log; ``public`` names it."""

    pkey: paramiko.PKey = field(repr=False)
    public: HostKey
    repairs: tuple[str, ...] = ()


def load(key: Secret, passphrase: Secret, *, name: str = _FIELD) -> PrivateKey:
    """Read a key: ed25519, ECDSA or RSA; OpenSSH's form, PEM or PKCS#8. Raises Invalid, naming the input ``name``."""
    mended = checked(key, passphrase, name=name)
    read = _read(mended, passphrase, name)
    pkey = _as_paramiko(read, name)
    return PrivateKey(pkey, HostKey(pkey.get_name(), pkey.asbytes()), mended.repairs)


def _read(mended: Mended, passphrase: Secret, name: str) -> object:
    pem, word = mended.key.reveal().encode(), passphrase.reveal().encode() if mended.encrypted else None
    reader = load_ssh_private_key if mended.kind.startswith("OPENSSH") else load_pem_private_key
    try:
        return reader(pem, word)
    except UnsupportedAlgorithm:
        raise _unreadable("it is of a kind that this action does not read", name) from None
    except (ValueError, TypeError, InvalidTag):
        # The library's own words may quote from the key.
        if mended.encrypted:
            raise _passphrase(f"{name}: the passphrase does not open the key", name) from None
        raise _unreadable("it is damaged (was it cut, or changed in pasting?)", name) from None


def _as_paramiko(read: object, name: str) -> paramiko.PKey:
    for kind, wrapper in _CLASSES.items():
        if isinstance(read, kind) and isinstance(read, _Readable):
            text = read.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
            try:
                return wrapper.from_private_key(io.StringIO(text))
            except (paramiko.SSHException, ValueError):
                break
    raise _unreadable(
        "it is neither ed25519 nor RSA nor ECDSA on a NIST curve; make one with `ssh-keygen -t ed25519`", name
    )


def _unreadable(reason: str, name: str) -> Invalid:
    return Invalid(
        [Complaint(id="ssh-key-unreadable", text=f"{name}: the private key cannot be read: {reason}", input=name)]
    )


def _passphrase(text: str, name: str) -> Invalid:
    return Invalid([Complaint(id="ssh-key-passphrase", text=text, input=name)])
