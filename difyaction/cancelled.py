"""Cancelling: the runner's signals become an exception, so that what was opened is closed on the way out."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Cancelled(BaseException):
    """Somebody cancelled the run. No `except Exception` may swallow it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = signal.Signals(number).name
        self.exit_code = 128 + number


@contextmanager
def signals_cancel() -> Iterator[None]:
    """Raise `Cancelled` for the first signal inside. Later ones are ignored: closing is under way by then.

    The runner sends SIGINT, 7.5 s later SIGTERM, and kills 2.5 s after that.
    """

    def cancel(number: int, _: FrameType | None) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise Cancelled(number)

    before = {each: signal.signal(each, cancel) for each in _SIGNALS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
