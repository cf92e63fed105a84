"""What an App signs with its private key: claims as a JSON web token by RS256 (RFC 7515, 7519)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from difyaction.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


class NoRsaKey(ValueError):
    """It is a private key of another kind, or its numbers do not belong together."""


def signed(claims: Mapping[str, object], pem: Secret) -> str:
    """Return the token. What the key signed is proved by its public half before anybody else sees it.

    Raises `NoRsaKey`, or what the library says of a text that it cannot read.
    """
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415 - only Apps pay for it
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - the same

    key = _loaded(pem)
    text = f"{_segment(_json({'alg': 'RS256', 'typ': 'JWT'}))}.{_segment(_json(claims))}"
    signature = key.sign(text.encode(), PKCS1v15(), SHA256())
    key.public_key().verify(signature, text.encode(), PKCS1v15(), SHA256())
    return f"{text}.{_segment(signature)}"


def _loaded(pem: Secret) -> RSAPrivateKey:
    """Read the key without proving once more that both its factors are primes, which takes longer than a request.

    Everything that is quickly told is looked at here; a factor that is none shows when a signature is not true.
    """
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415 - only Apps pay for it
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - the same

    key = load_pem_private_key(pem.reveal().encode(), password=None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, RSAPrivateKey) or not _belongs_together(key):
        raise NoRsaKey
    return key


def _belongs_together(key: RSAPrivateKey) -> bool:
    its = key.private_numbers()
    n, e = its.public_numbers.n, its.public_numbers.e
    return (
        min(its.p, its.q, e) > 1
        and its.p % 2 == its.q % 2 == e % 2 == 1
        and its.p * its.q == n
        and its.dmp1 == its.d % (its.p - 1)
        and its.dmq1 == its.d % (its.q - 1)
        and its.iqmp * its.q % its.p == 1
        and its.d * e % (its.p - 1) == its.d * e % (its.q - 1) == 1
    )


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _segment(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
