"""Why a host cannot be reached over SSH: in words, each with what to do."""

from __future__ import annotations

from collections.abc import Sequence

from difyaction.connections import HOST_GOES_ON, Lost, Unreachable
from difyaction.connections.known_hosts import HostKey
from difyaction.errors import Failed, Refused
from difyaction.language import N_


def name_unknown(where: str) -> Unreachable:
    """Report that the name does not resolve."""
    return Unreachable(
        "ssh-name-unknown",
        "The name of {where} does not resolve.",
        next_step="Check the input `host`; a private name resolves only on a runner inside that network.",
        where=where,
    )


def refused(where: str) -> Unreachable:
    """Report that nobody listens."""
    return Unreachable(
        "ssh-refused",
        "{where} refuses the connection: nothing listens at this port, or a firewall rejects it.",
        next_step="Check the inputs `host` and `port`, and that sshd runs there.",
        where=where,
    )


def silent(where: str, seconds: float) -> Unreachable:
    """Report that no packet came back."""
    return Unreachable(
        "ssh-timeout",
        "{where} did not answer within {seconds:g} s.",
        next_step="Usually a firewall drops the packets: let the runner's address in, or use a jump host.",
        where=where,
        seconds=seconds,
    )


def no_route(where: str, why: str) -> Unreachable:
    """Report that the network knows no way."""
    return Unreachable(
        "ssh-no-route",
        "{where} cannot be reached from here: {why}.",
        next_step="Check the input `host` and the runner's network, or use a jump host.",
        where=where,
        why=why,
    )


def no_banner(where: str) -> Unreachable:
    """Report that what listens does not speak SSH, or is too busy to."""
    return Unreachable(
        "ssh-no-banner",
        "{where} accepts connections, but does not begin to speak SSH.",
        next_step="Check the port; if it is sshd, its host is starting or overloaded, or refuses more connections.",
        where=where,
    )


def no_agreement(where: str, why: str) -> Failed:
    """Report that both sides have no algorithm in common."""
    return Failed(
        "ssh-no-agreement",
        "{where} and this action have no way of encrypting in common: {why}.",
        next_step="Update sshd on the host; SHA-1 and DSA are not accepted here.",
        where=where,
        why=why,
    )


def jump_forbids(where: str, jump: str) -> Failed:
    """Report that the jump host does not forward."""
    return Failed(
        "ssh-jump-forbids",
        "The jump host {jump} does not forward connections to {where}.",
        next_step="Set `AllowTcpForwarding yes` (or `local`) and a fitting `PermitOpen` in its sshd_config.",
        where=where,
        jump=jump,
    )


def host_key_unknown(where: str, line_name: str, shown: HostKey) -> Refused:
    """Report that nothing is pinned for the host."""
    return Refused(
        "ssh-host-key-unknown",
        "No key is pinned for {where}; it shows {kind} {fingerprint}.",
        next_step="Compare that with `ssh-keygen -lf /etc/ssh/ssh_host_{algorithm}_key.pub` on the host; if it is "
        "the same, add the line of `ssh-keyscan` that begins with {name} to `ssh-known-hosts`.",
        where=where,
        kind=shown.kind,
        fingerprint=shown.fingerprint,
        algorithm=_algorithm(shown),
        name=line_name,
    )


def host_key_revoked(where: str, shown: HostKey) -> Refused:
    """Report that the host shows a key that must not be trusted."""
    return Refused(
        "ssh-host-key-revoked",
        "{where} shows the key {kind} {fingerprint}, which a line of `ssh-known-hosts` revokes.",
        next_step="Find out why it was revoked. Give the host a new key (`ssh-keygen -A`, once the old one is gone) "
        "and pin that; if it was revoked by mistake, take the line with @revoked out.",
        where=where,
        kind=shown.kind,
        fingerprint=shown.fingerprint,
    )


def host_key_changed(where: str, pinned: Sequence[HostKey], shown: HostKey) -> Refused:
    """Report that the host shows another key than the pinned ones."""
    return Refused(
        "ssh-host-key-changed",
        "{where} shows the key {kind} {fingerprint}, but pinned is {pinned}. Somebody may be in between.",
        next_step="If the host was set up anew, compare with `ssh-keygen -lf /etc/ssh/ssh_host_{algorithm}_key.pub` "
        "there, and replace its line in `ssh-known-hosts`.",
        where=where,
        kind=shown.kind,
        fingerprint=shown.fingerprint,
        pinned=", ".join(f"{key.kind} {key.fingerprint}" for key in pinned),
        algorithm=_algorithm(shown),
    )


def auth_refused(where: str, user: str, key: HostKey, *, before: bool) -> Failed:
    """Report that the key does not open the account. ``before``: it did earlier in this run, so a boot may go on."""
    kind = Unreachable if before else Failed
    return kind(
        "ssh-auth-refused",
        "{where} does not let {user} in with the key {kind} {fingerprint}.",
        next_step="Put its public key into ~/.ssh/authorized_keys of {user} there, or correct `user`.",
        where=where,
        user=user,
        kind=key.kind,
        fingerprint=key.fingerprint,
    )


def auth_slow(where: str, seconds: float) -> Unreachable:
    """Report that nobody decides about the login."""
    return Unreachable(
        "ssh-login-slow",
        "{where} did not decide about the login within {seconds:g} s.",
        next_step="Look at its load and its disks, and at what sshd asks there (AuthorizedKeysCommand, LDAP, SSSD); or "
        "raise `connect-timeout`.",
        where=where,
        seconds=seconds,
    )


def login_cut(where: str, user: str, banner: str, *, before: bool) -> Lost:
    """Report that the server hung up during the login. ``before``: it let the same key in earlier."""
    if before:
        return cut(where)
    return Unreachable(
        "ssh-login-cut",
        "{where} hung up while {user} logged in{banner}.",
        next_step="Look at sshd's log there: an account that is locked or expired, PAM (pam_access) or /etc/nologin "
        "refuse after the key was right. Otherwise run again.",
        where=where,
        user=user,
        banner=f": {banner.rstrip('.')}" if banner else "",
    )


def key_not_enough(where: str, wanted: Sequence[str]) -> Failed:
    """Report that the server wants something besides a key, or instead of it."""
    return Failed(
        "ssh-key-not-enough",
        "{where} does not let a key alone in; it asks for {wanted}.",
        next_step="Let the account in with a public key alone (`AuthenticationMethods publickey` in a Match block).",
        where=where,
        wanted=", ".join(wanted) or N_("something else"),
    )


def cut(where: str) -> Lost:
    """Report that a connection broke off."""
    return Lost(
        "connection-lost",
        "The connection to {where} was cut.",
        state=HOST_GOES_ON,
        next_step="Run again: it finds what goes on there.",
        where=where,
    )


def slow(where: str, seconds: float) -> Lost:
    """Report that a command was not answered; the connection is given up, for nothing else tells a dead one."""
    return Lost(
        "host-slow",
        "{where} did not answer within {seconds:.0f} s.",
        state=HOST_GOES_ON,
        next_step="Look at its load and its disks, then run again: it finds what goes on there.",
        where=where,
        seconds=seconds,
    )


def too_much(where: str, most: int) -> Failed:
    """Report an answer beyond all measure."""
    return Failed(
        "host-answer-too-long",
        "{where} answered with more than {megabytes} MiB.",
        next_step="Check what the login shell of the user prints there.",
        where=where,
        megabytes=most // 1024 // 1024,
    )


def _algorithm(key: HostKey) -> str:
    return key.kind.removeprefix("ssh-").split("-", maxsplit=1)[0]
