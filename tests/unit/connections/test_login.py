"""What a login that fails is told as, where no server here can be made to fail like that."""

from __future__ import annotations

import paramiko
import pytest

from difyaction.connections.handshake import Hop, Timeouts, log_in
from difyaction.connections.known_hosts import HostKey
from difyaction.connections.private_key import PrivateKey
from difyaction.errors import ActionError
from difyaction.secret import Secret

KEY = PrivateKey(paramiko.RSAKey.generate(1024), HostKey("ssh-rsa", b"key"), ())


class Handler:
    banner: bytes | None = None


class Failing:
    """A session whose login fails with an error of paramiko's, after a word of the server's."""

    def __init__(self, error: Exception, *, active: bool, banner: bytes | None = None) -> None:
        self.auth_timeout = 0.0
        self.auth_handler = Handler()
        self.auth_handler.banner = banner
        self._error, self._active = error, active

    def auth_publickey(self, user: str, key: paramiko.PKey) -> list[str]:
        assert (user, key) == ("dify", KEY.pkey)
        raise self._error

    def is_active(self) -> bool:
        return self._active


def told(session: Failing, *, before: bool = False) -> ActionError:
    hop = Hop("vm.example", 22, "dify", Secret("key"))
    with pytest.raises(ActionError) as caught:
        log_in(session, hop, KEY, Timeouts(), before=before)  # type: ignore[arg-type]
    return caught.value


def test_a_server_that_takes_rsa_keys_with_sha_1_alone_is_told_with_the_way_out() -> None:
    why = paramiko.AuthenticationException("Unable to agree on a pubkey algorithm for signing a 'ssh-rsa' key!")
    error = told(Failing(why, active=False))
    assert error.id == "ssh-no-agreement"
    assert "ed25519" in str(error)


def test_what_a_server_said_before_it_hung_up_is_quoted_on_one_line() -> None:
    why = paramiko.AuthenticationException("Authentication failed: transport shut down or saw EOF")
    error = told(Failing(why, active=False, banner=b"Your account\x1b[31m has\r\nexpired.\n"))
    assert error.id == "ssh-login-cut"
    assert "hung up while dify logged in: Your account [31m has expired. Nothing" in str(error)


def test_a_cut_where_the_key_was_let_in_before_is_a_cut() -> None:
    why = paramiko.AuthenticationException("Authentication failed: transport shut down or saw EOF")
    assert told(Failing(why, active=False), before=True).id == "connection-lost"
