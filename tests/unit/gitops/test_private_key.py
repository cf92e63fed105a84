"""An App's private key in the shapes that secret stores leave it in."""

from __future__ import annotations

import base64
import math
import textwrap

import jwt
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from difyaction.errors import Invalid
from difyaction.gitops.github.app_token import App, assertion, permissions_for
from difyaction.gitops.github.private_key import mend
from difyaction.gitops.github.signing import NoRsaKey, signed
from difyaction.secret import Secret
from tests.emulators.github.credentials import pem, rsa_key

PEM = pem(rsa_key("dify-upgrader"))


@pytest.mark.parametrize(
    "given",
    [
        PEM,
        PEM.replace("\n", "\\n"),
        PEM.replace("\n", "\\r\\n"),
        PEM.replace("\n", "\r\n"),
        PEM.replace("\n", " "),
        PEM.replace("\n", ""),
        f'"{PEM}"',
        f"\ufeff  {PEM}  ",
    ],
)
def test_a_key_whose_newlines_were_lost_is_mended(given: str) -> None:
    mended = mend(Secret(given)).reveal()
    assert mended == PEM
    assert load_pem_private_key(mended.encode(), None)


@pytest.mark.parametrize(
    "given",
    ["", "not a key", PEM + PEM, PEM[:400], PEM.replace("-----END RSA", "-----END"), PEM.replace("M", "*", 1)],
)
def test_what_is_no_key_is_refused_without_repeating_it(given: str) -> None:
    with pytest.raises(Invalid) as caught:
        mend(Secret(given))
    assert caught.value.complaints[0].id == "app-private-key-unreadable"
    assert "MII" not in str(caught.value)


def test_a_key_that_cannot_sign_is_refused_without_repeating_it() -> None:
    broken = "-----BEGIN RSA PRIVATE KEY-----\nMIIBroken\n-----END RSA PRIVATE KEY-----"
    with pytest.raises(Invalid) as caught:
        assertion(App("Iv1.x", Secret(broken)), 0.0)
    assert "MIIBroken" not in str(caught.value)


def test_a_token_gets_no_more_than_the_run_needs() -> None:
    assert permissions_for(writes=False) == {"contents": "read", "pull_requests": "read"}
    assert permissions_for(writes=True, paths=["a/values.yaml"]) == {"contents": "write", "pull_requests": "write"}
    assert permissions_for(writes=True, paths=["./.github/workflows/x.yml"])["workflows"] == "write"
    assert permissions_for(writes=True, team_reviewers=["acme/platform"])["members"] == "read"
    assert "members" not in permissions_for(writes=True, team_reviewers=[])


def test_what_an_app_says_of_itself_is_what_another_library_reads() -> None:
    key = rsa_key("dify-upgrader")
    said = assertion(App("Iv1.x", Secret(PEM)), 1000.0)
    options = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(said, key.public_key(), algorithms=["RS256"], options=options)
    assert claims == {"iat": 940, "exp": 1540, "iss": "Iv1.x"}


@pytest.mark.parametrize("damaged", ["p", "q", "d", "dmp1", "dmq1", "iqmp"])
def test_a_key_whose_numbers_do_not_belong_together_signs_nothing(damaged: str) -> None:
    numbers = _numbers(rsa_key("dify-upgrader"))
    with pytest.raises(NoRsaKey):
        signed({}, _written(numbers | {damaged: numbers[damaged] + 2}))


def test_a_key_of_factors_that_are_no_primes_signs_nothing() -> None:
    its = _numbers(rsa_key("dify-upgrader"))
    p, e = its["p"] * 3, its["e"]
    while math.gcd(e, p - 1) != 1:
        p += 2 * its["p"]
    d = pow(e, -1, math.lcm(p - 1, its["q"] - 1))
    halves = {"dmp1": d % (p - 1), "dmq1": d % (its["q"] - 1), "iqmp": pow(its["q"], -1, p)}
    with pytest.raises(InvalidSignature):
        signed({}, _written(its | halves | {"p": p, "d": d, "n": p * its["q"]}))


def test_a_key_of_another_kind_signs_nothing() -> None:
    with pytest.raises(NoRsaKey):
        signed({}, Secret(pem(ec.generate_private_key(ec.SECP256R1()))))


def _numbers(key: rsa.RSAPrivateKey) -> dict[str, int]:
    its = key.private_numbers()
    names = ("p", "q", "d", "dmp1", "dmq1", "iqmp")
    return {name: getattr(its, name) for name in names} | {"n": its.public_numbers.n, "e": its.public_numbers.e}


def _written(its: dict[str, int]) -> Secret:
    """Write the numbers as RFC 8017 says; the library would not write such a key."""
    names = ("n", "e", "d", "p", "q", "dmp1", "dmq1", "iqmp")
    content = b"".join(
        _der(2, number.to_bytes(number.bit_length() // 8 + 1)) for number in (0, *(its[name] for name in names))
    )
    lines = "\n".join(textwrap.wrap(base64.b64encode(_der(0x30, content)).decode(), 64))
    return Secret(f"-----BEGIN RSA PRIVATE KEY-----\n{lines}\n-----END RSA PRIVATE KEY-----\n")


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    long = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, size] if size < 128 else [tag, 128 + len(long), *long]) + content
