"""Cancelling: the runner's signals become an exception, so that what was opened is closed on the way out."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Cancelled(BaseException):
    """Somebody cancelled the run. No `except Exception` may swallow it.

    ``left`` holds the outputs of what stands by then, such as the pull request's number. ``host_run`` is the folder of
    a run on a host, which goes on without us; ``host_state`` how that run ended, empty when that is not known.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = signal.Signals(number).name
        self.exit_code = 128 + number
        self.left: dict[str, str] = {}
        self.host_run = ""
        self.host_state = ""


class Watch:
    """The runner's signals during one run: SIGINT, 7.5 s later SIGTERM, and 2.5 s after that the end.

    A terminal that goes away says SIGHUP, which `nohup` has made ignored already. The first one raises `Cancelled`;
    later ones are ignored, because closing is under way by then.
    """

    def __init__(self) -> None:
        self._holds = 0
        self._waiting: int | None = None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Surround the run; what was there before is put back."""
        deaf = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        watched = [each for each in _SIGNALS if not (deaf and each is signal.SIGHUP)]
        before = {each: signal.signal(each, self._take) for each in watched}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Let a signal wait while something is made that has to be written down before it can be undone."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
        if not self._holds and self._waiting is not None:
            number, self._waiting = self._waiting, None
            raise Cancelled(number)

    def ignore(self) -> None:
        """Ignore signals from here on: the run has ended, only its report is left to write."""
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_IGN)

    def _take(self, number: int, _: FrameType | None) -> None:
        self.ignore()
        if self._holds:
            self._waiting = number
            return
        raise Cancelled(number)
