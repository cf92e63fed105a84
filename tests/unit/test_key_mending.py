"""Keys in the shapes that secret stores leave them in, and what is said of what is no key."""

from __future__ import annotations

import base64
import textwrap

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from difyaction.private_key import Unreadable, mend
from difyaction.secret import Secret

RSA = rsa.generate_private_key(65537, 2048)
KEYS = {
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
    "ecdsa": ec.generate_private_key(ec.SECP384R1()),
    "rsa": RSA,
}
SHAPES = [
    (kind, form)
    for kind in KEYS
    for form in (PrivateFormat.OpenSSH, PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL)
    if (kind, form) != ("ed25519", PrivateFormat.TraditionalOpenSSL)
]


def text_of(kind: str, form: PrivateFormat, passphrase: bytes = b"") -> str:
    lock: KeySerializationEncryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return KEYS[kind].private_bytes(Encoding.PEM, form, lock).decode()


def joined(text: str) -> str:
    """Leave out what tools differ in: where lines are broken."""
    return "".join(text.split())


TEXTS = [text_of(kind, form) for kind, form in SHAPES]
ENCRYPTED = [text_of("rsa", form, b"correct horse") for _, form in SHAPES[-3:]]
LOSSES = {
    "nothing": lambda text: text,
    "blanks": lambda text: text.replace("\n", " "),
    "literal": lambda text: text.replace("\n", "\\n"),
    "escaped twice": lambda text: text.replace("\n", "\\\\n"),
    "literal crlf": lambda text: text.replace("\n", "\\r\\n"),
    "crlf": lambda text: text.replace("\n", "\r\n"),
    "one line": lambda text: text.replace("\n", ""),
    "no blank at all": lambda text: text.replace("\n", "").replace(" ", ""),
    "bom": lambda text: f"\ufeff{text}",
    "indented": lambda text: textwrap.indent(text, "    "),
    "quoted": lambda text: f'"{text.strip()}"',
    "no final newline": lambda text: text.rstrip("\n"),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "wrapped base64": lambda text: textwrap.fill(base64.b64encode(text.replace("\n", "\r\n").encode()).decode(), 76),
}


@pytest.mark.parametrize("loss", sorted(LOSSES))
@pytest.mark.parametrize("text", TEXTS, ids=[f"{kind}-{number}" for number, (kind, _) in enumerate(SHAPES)])
def test_every_loss_is_mended_to_the_very_key(text: str, loss: str) -> None:
    mended = mend(Secret(LOSSES[loss](text)))
    assert joined(mended.key.reveal()) == joined(text)
    assert not mended.encrypted
    assert bool(mended.repairs) == (loss not in {"nothing", "quoted", "no final newline"})


@pytest.mark.parametrize("loss", [loss for loss in LOSSES if loss != "no blank at all"])
@pytest.mark.parametrize("text", ENCRYPTED, ids=["openssh", "pkcs8", "pem"])
def test_an_encrypted_key_is_mended_too_and_known_as_such(text: str, loss: str) -> None:
    mended = mend(Secret(LOSSES[loss](text)))
    assert joined(mended.key.reveal()) == joined(text)
    assert mended.encrypted


@given(st.sampled_from(TEXTS), st.lists(st.sampled_from([" ", "\t", "\r\n", "\n", "\\n", ""]), min_size=1))
def test_any_mixture_of_losses_gives_the_key(text: str, gaps: list[str]) -> None:
    lines = text.splitlines()
    damaged = "".join(line + gaps[number % len(gaps)] for number, line in enumerate(lines))
    assert joined(mend(Secret(damaged)).key.reveal()) == joined(text)


@pytest.mark.parametrize(
    ("given_text", "reason"),
    [
        ("", "empty"),
        (TEXTS[0] + TEXTS[1], "2 private keys"),
        (TEXTS[0][:200], "END line is missing"),
        (TEXTS[0].replace("b3Bl", "*", 1), "is it cut"),
        (TEXTS[0][:100] + TEXTS[0][103:], "is it cut"),
        (TEXTS[2].replace("-----END OPENSSH", "-----END"), "do not belong together"),
        ("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", "puttygen"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI a@b", "public key"),
        ("-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----", "public key"),
        ("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "certificate"),
        ("~/.ssh/id_ed25519", "path"),
        ("/home/me/.ssh/id_rsa", "path"),
        ("hunter2", "no BEGIN line"),
        ("aGVsbG8=", "no BEGIN line"),
    ],
)
def test_what_is_no_key_is_told_apart_and_never_repeated(given_text: str, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        mend(Secret(given_text))
    assert reason in str(caught.value)
    assert "b3Bl" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


@given(st.text())
def test_any_text_is_a_key_or_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        mend(Secret(text))
