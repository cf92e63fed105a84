"""known_hosts, read strictly."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difyaction.connections.known_hosts import HostKey, KnownHosts
from difyaction.errors import Invalid


def key(kind: str = "ssh-ed25519", body: bytes = b"1") -> HostKey:
    return HostKey(kind, len(kind).to_bytes(4, "big") + kind.encode() + body)


def line(names: str, pinned: HostKey) -> str:
    return f"{names} {pinned.kind} {base64.b64encode(pinned.blob).decode()}"


def hashed(name: str) -> str:
    salt = b"s" * 20
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


ED, EC, RSA = key(), key("ecdsa-sha2-nistp256"), key("ssh-rsa")


@pytest.mark.parametrize(
    ("names", "host", "port", "speaks"),
    [
        ("dify.example", "dify.example", 22, True),
        ("dify.example", "Dify.Example", 22, True),
        ("DIFY.example", "dify.example", 22, True),
        ("other,dify.example,10.0.0.4", "10.0.0.4", 22, True),
        ("dify.example", "other", 22, False),
        ("[dify.example]:2222", "dify.example", 2222, True),
        ("[dify.example]:2222", "dify.example", 22, False),
        ("dify.example", "dify.example", 2222, True),
        ("*.example", "dify.example", 22, True),
        ("*.example,!dify.example", "dify.example", 22, False),
        ("d?fy", "dify", 22, True),
        ("[d]ify", "dify", 22, False),
        ("2001:db8::1", "2001:db8::1", 22, True),
        (hashed("dify.example"), "dify.example", 22, True),
        (hashed("[dify.example]:2222"), "dify.example", 2222, True),
        (hashed("dify.example"), "other", 22, False),
    ],
)
def test_a_line_speaks_of_a_host_as_for_openssh(names: str, host: str, port: int, *, speaks: bool) -> None:
    assert KnownHosts.parse(line(names, ED)).keys_for(host, port) == ((ED,) if speaks else ())


def test_several_keys_come_in_the_order_of_preference() -> None:
    text = "\n".join([line("h", RSA), "# comment", "", line("h", EC), line("h", ED) + " comment"])
    assert KnownHosts.parse(text).keys_for("h", 22) == (ED, EC, RSA)


def test_the_line_with_the_port_wins() -> None:
    known = KnownHosts.parse(f"{line('h', ED)}\n{line('[h]:2222', EC)}")
    assert known.keys_for("h", 2222) == (EC,)
    assert known.keys_for("h", 22) == (ED,)


@pytest.mark.parametrize("gap", [" ", "\\n", "\r\n", "\\r\\n"])
def test_lines_whose_newlines_were_lost_are_parted(gap: str) -> None:
    known = KnownHosts.parse(gap.join([line("a", ED), f"@revoked {line('b', EC)}", line("c", RSA)]))
    assert known.keys_for("a", 22) == (ED,)
    assert known.keys_for("b", 22) == ()
    assert known.keys_for("c", 22) == (RSA,)


def test_revoked_keys_do_not_count() -> None:
    known = KnownHosts.parse(f"{line('h', ED)}\n{line('h', EC)}\n@revoked {line('*', ED)}")
    assert known.keys_for("h", 22) == (EC,)
    assert known.revokes(ED, "h", 22)
    assert not known.revokes(EC, "h", 22)
    assert not KnownHosts.parse(f"@revoked {line('[h]:2222', ED)}").revokes(ED, "h", 22)


def test_the_name_of_a_file_is_told_from_its_text() -> None:
    with pytest.raises(Invalid, match=r'@FILE is for secrets alone; give its text: "\$\(cat FILE\)"'):
        KnownHosts.parse("@/home/me/.ssh/known_hosts")


def test_a_certificate_authority_is_refused_unless_the_host_is_pinned_too() -> None:
    authority = f"@cert-authority {line('*.example', ED)}"
    assert KnownHosts.parse(f"{authority}\n{line('a.example', EC)}").keys_for("a.example", 22) == (EC,)
    assert KnownHosts.parse(authority).keys_for("elsewhere", 22) == ()
    with pytest.raises(Invalid) as caught:
        KnownHosts.parse(authority).keys_for("a.example", 22)
    assert "@cert-authority" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "pins no key"),
        ("# nothing", "pins no key"),
        (line("", ED).strip(), "names no host"),
        ("h ssh-ed25519", "HOST KIND KEY"),
        ("h ssh-ed25519 AAAA*", "is cut"),
        ("h ssh-rsa " + line("h", ED).split()[2], "another kind"),
        (f"@trusted {line('h', ED)}", "unknown marker"),
        ("|1|*|* ssh-ed25519 AAAA", "another kind"),
    ],
)
def test_what_is_no_line_is_a_complaint_that_names_it(text: str, reason: str) -> None:
    with pytest.raises(Invalid) as caught:
        KnownHosts.parse(text)
    assert caught.value.complaints[0].id == "ssh-known-hosts-invalid"
    assert caught.value.complaints[0].input == "ssh-known-hosts"
    assert reason in str(caught.value)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        known = KnownHosts.parse(text)
    except Invalid:
        return
    known.keys_for("h", 22)


def test_a_fingerprint_is_as_ssh_keygen_prints_it() -> None:
    blob = base64.b64decode("AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl")
    assert HostKey("ssh-ed25519", blob).fingerprint == "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"
