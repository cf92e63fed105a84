"""`make demo`: the real `entrypoint.py` runs as GitHub's runner would run it, once for each target.

GitHub, upstream, the registry and Azure are emulated on this machine; the repository behind the emulated GitHub is a
real one. So are the engine and the Compose install that the targets `server` and `azure-vm` upgrade, where they can
stand. Arguments name the parts to show; without any, all are shown.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Mapping, Sequence

from tests.demo import azure, gitops, server
from tests.demo.show import say

PARTS: Mapping[str, Callable[[], bool]] = {
    "gitops": gitops.show_all,
    "server": server.show_all,
    "azure-vm": azure.show_all,
}


def main(asked: Sequence[str]) -> int:
    """Show them; the exit code is 0 when everything ended as it should, and the last words say so, or what did not."""
    failed = [name for name in asked or PARTS if not _went_well(name)]
    if failed:
        say(
            "This did not end as it should",
            f"{', '.join(failed)}: what is above says where; CONTRIBUTING.md who to tell.",
        )
        return 1
    say("That was it", "docs/architecture.md says how it is built; README.md how to use it.")
    return 0


def _went_well(name: str) -> bool:
    try:
        return PARTS[name]()
    except Exception:  # noqa: BLE001 - the other parts are shown all the same
        traceback.print_exc(file=sys.stdout)
        return False


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        say("Stopped", "What was started here is ended and removed.")
        sys.exit(130)
