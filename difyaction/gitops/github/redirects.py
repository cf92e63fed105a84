"""What a redirect means. Pure: nobody follows one, whatever it says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from difyaction.errors import Failed
from difyaction.gitops.github.answers import bounded

MOVED = "repository-moved"

_NAMED = re.compile(r"/repos/([^/]+/[^/]+)(?:/|$)")
_NUMBERED = re.compile(r"/repositories/(\d+)(?:/|$)")


def redirected(api_url: str, path: str, headers: Mapping[str, str]) -> Failed:
    """Return the error for an answer that leads elsewhere."""
    location = headers.get("x-redirected-to") or headers.get("location", "")
    asked, moved_to = _NAMED.match(path), _repository_at(api_url, location)
    if asked and moved_to and moved_to.lower() != asked[1].lower():
        return repository_moved(asked[1], moved_to)
    return Failed(
        "api-redirected",
        "The server redirected {path} to another address; the token was not sent there.",
        next_step="Give the API's own address, and the repository's present name if it was renamed or moved.",
        path=path,
    )


def _repository_at(api_url: str, location: str) -> str:
    """Return the repository that an address of the same server is about, by its name or its number."""
    here, there = urlsplit(api_url), urlsplit(location)
    if there.netloc and (there.scheme, there.netloc) != (here.scheme, here.netloc):
        return ""
    if named := _NAMED.search(there.path):
        return bounded(unquote(named[1]))
    numbered = _NUMBERED.search(there.path)
    return f"repositories/{numbered[1]}" if numbered else ""


def repository_moved(name: str, moved_to: str) -> Failed:
    """Return the error for a name that a repository no longer has: what has it next may be somebody else's."""
    return Failed(
        "repository-moved",
        "{repository} is {moved_to} by now; the token was not used there.",
        next_step="Correct the input repository (and, for an App, install it where the repository is now).",
        repository=name,
        moved_to=moved_to,
    )
