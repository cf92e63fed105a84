"""MODE=beat: runs, and does not answer."""

from __future__ import annotations

import signal
import sys
import threading

from standin.settings import fault, say


def main() -> None:
    if fault("beat-crash-loop"):
        sys.exit("ImportError: asked for by the test")
    done = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: done.set())
    say("celery beat is starting.")
    say("beat: Starting...")
    done.wait()


if __name__ == "__main__":
    main()
