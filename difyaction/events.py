"""What a debugged run tells beside its log: one line of JSON for each event, on the runner's debug channel.

A run that is not debugged tells nothing and computes nothing of it. Paths are told without what anybody named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

LONGEST_FACT: Final = 300  # characters: a line of the debug channel stays below the runner's 4096
NO_ANSWER: Final = 0
# The words of the interfaces that we talk to. What else stands in a path was named by somebody: a repository, a
# branch, a file, a machine; or it is a number, a digest or a token.
_WORDS: Final = frozenset(
    """
    _catalog access_tokens api app archive assignees authorizations blobs branches codeload commits comments compare
    contents git graphql heads installation installations instanceview issues labels locks manifests matching-refs
    merge networksecuritygroups oauth2 operations permissions providers pulls ref refs releases repos
    requested_reviewers resourcegroups reviews rules rulesets runcommand runcommands secrets securityrules snapshots
    subscriptions tags tar.gz tarball token trees v1 v2 v2.0 v3 vaults virtualmachines index.yaml
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
_PROVIDER = re.compile(r"Microsoft\.[A-Za-z]{1,40}")
_OTHER: Final = "{}"


@dataclass
class Asked:
    """A request that is under way; ``status`` is what came back, 0 while nothing has."""

    status: int = NO_ANSWER


class Events:
    """Tells events. ``write`` takes one line of JSON; without it nothing is told. ``monotonic`` gives seconds.

    ``redact`` takes secrets out of a text; it is asked before the text is written as JSON, which would disguise them.
    """

    def __init__(
        self,
        write: Callable[[str], None] | None = None,
        *,
        monotonic: Callable[[], float] = lambda: 0.0,
        redact: Callable[[str], str] = lambda text: text,
    ) -> None:
        self._write = write
        self._monotonic = monotonic
        self._redact = redact
        self._began = monotonic() if write else 0.0

    @property
    def on(self) -> bool:
        """Whether anybody listens: what costs something to put together is told only then."""
        return self._write is not None

    def tell(self, event: str, **facts: object) -> None:
        """Tell one event. ``at`` is added: seconds since the run began. Numbers stay numbers."""
        if self._write is None:
            return
        told = {"event": event, "at": round(self._monotonic() - self._began, 3)}
        told |= {name.replace("_", "-"): self._shown(fact) for name, fact in facts.items()}
        self._write(json.dumps(told, ensure_ascii=False))

    @contextmanager
    def request(self, method: str, url: str) -> Iterator[Asked]:
        """Surround one request, also one that fails, and tell of it when it is over."""
        asked = Asked()
        if self._write is None:
            yield asked
            return
        began, broken = self._monotonic(), ""
        try:
            yield asked
        except BaseException as why:
            broken = type(why).__name__
            raise
        finally:
            host, path = place(url)
            seconds = round(self._monotonic() - began, 3)
            more = {"error": broken} if broken else {}
            self.tell("request", method=method, host=host, path=path, status=asked.status, seconds=seconds, **more)

    def pausing(self, pause: Callable[[float], None]) -> Callable[[float], None]:
        """Return a pause that tells how long it waits; the same one when nobody listens."""
        if self._write is None:
            return pause

        def told(seconds: float) -> None:
            self.tell("wait", seconds=round(seconds, 3))
            pause(seconds)

        return told

    def _shown(self, fact: object) -> object:
        if fact is None or isinstance(fact, bool | int | float):
            return fact
        return self._redact(str(fact))[:LONGEST_FACT]


def place(url: str) -> tuple[str, str]:
    """Return the host of an address, and its path with ``{}`` for every run of words that somebody named.

    User, query and fragment are left out, as they may hold what is secret.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "") + (f":{parts.port}" if parts.port else "")
    except ValueError:
        return _OTHER, _OTHER
    kept: list[str] = []
    for word in parts.path.strip("/").split("/"):
        shown = word if word.lower() in _WORDS or _PROVIDER.fullmatch(word) else _OTHER
        if word and not (shown == _OTHER and kept[-1:] == [_OTHER]):
            kept.append(shown)
    return host, "/" + "/".join(kept)


QUIET: Final = Events()
