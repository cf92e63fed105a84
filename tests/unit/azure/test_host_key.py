from __future__ import annotations

import subprocess

from difyaction.azure.host_key import SCRIPT, known_hosts, parse

ED25519 = "AAAAC3NzaC1lZDI1NTE5AAAAIKlFbgp32kG+8bN33aF/MDxPyvxYo3AGTlAS2ssUh7rI"


def test_keys_are_taken_and_everything_else_is_not() -> None:
    text = f"ssh-ed25519 {ED25519}\nnoise\nssh-rsa {ED25519}\nssh-ed25519 {ED25519}\nssh-ed25519 !!!\n"
    (key,) = parse(text)
    assert (key.kind, key.text) == ("ssh-ed25519", ED25519)
    assert key.fingerprint.startswith("SHA256:")


def test_known_hosts_names_an_unusual_port() -> None:
    keys = parse(f"ssh-ed25519 {ED25519}")
    assert known_hosts(keys, "203.0.113.20") == f"203.0.113.20 ssh-ed25519 {ED25519}\n"
    assert known_hosts(keys, "10.0.0.4", 2222).startswith("[10.0.0.4]:2222 ssh-ed25519 ")


def test_the_script_is_plain_shell() -> None:
    subprocess.run(["/bin/sh", "-n"], input=SCRIPT.encode(), check=True)
