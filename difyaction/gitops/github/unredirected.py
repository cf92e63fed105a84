"""PyGithub's connections, taught to hand a redirect over instead of following it with the credential.

The library follows a 301 to any path of the same host, so also to another repository. It is asked for these classes
through the one hook that it offers, and keeps its own for everybody else.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, Requester, RequestsResponse

REDIRECTED_TO: Final = "x-redirected-to"  # where the address goes: without a Location nothing is followed
_HOOK = threading.Lock()  # the library's hook is its class's own


class _Plain(HTTPRequestsConnectionClass):
    def getresponse(self) -> RequestsResponse:
        return _told(super().getresponse())


class _Encrypted(HTTPSRequestsConnectionClass):
    def getresponse(self) -> RequestsResponse:
        return _told(super().getresponse())


def _told(response: RequestsResponse) -> RequestsResponse:
    if response.status in range(300, 400):
        headers = response.headers.copy()
        headers[REDIRECTED_TO] = headers.pop("location", "")
        response.headers = headers
    return response


@contextmanager
def no_redirects() -> Iterator[None]:
    """Let what is built inside follow no redirect."""
    with _HOOK:
        Requester.injectConnectionClasses(_Plain, _Encrypted)
        try:
            yield
        finally:
            Requester.resetConnectionClasses()
