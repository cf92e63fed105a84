"""What is said when the action itself breaks: never more than types and places, for a message may quote a secret."""

from __future__ import annotations

import traceback
from collections.abc import Collection, Iterator
from pathlib import PurePath

from difyaction.cancelled import Cancelled
from difyaction.errors import NOTHING_TOUCHED, Failed
from difyaction.language import N_

_MAY_HAVE_CHANGED = N_("It broke while changes were being made; some of them may be there.")


def as_error(broken: Exception, *, stages: Collection[str]) -> Failed:
    """Explain an unexpected exception. ``stages`` are those that were entered: `apply` may have left something."""
    return Failed(
        "internal-error",
        "The action itself broke with {kind}; this is a bug.",
        state=_MAY_HAVE_CHANGED if "apply" in stages else NOTHING_TOUCHED,
        next_step="Run again with debug logging switched on, and report the bug with the log.",
        kind=type(broken).__name__,
    )


def as_cancelled(why: Cancelled, *, stages: Collection[str]) -> Failed:
    """Say in what state a cancelled run leaves things. ``stages`` are those that were entered."""
    if why.host_state:
        state = N_("The run on the host had ended by then, as {ended}: {folder}.")
    elif why.host_run:
        state = N_(
            "What began on the host goes on there without this job, in {folder}; the next run follows it to its end."
            " Users may be without service until then; `kill $(cat {folder}/pid)` there has it undone."
        )
    elif "apply" not in stages:
        state = NOTHING_TOUCHED
    elif why.left.get("pull-request-url"):
        state = N_("The pull request {url} stands; what was to follow may be missing.")
    else:
        state = N_("It was changing things; some changes may be there, and the next run goes on from them.")
    return Failed(
        "cancelled",
        "The run was cancelled ({signal}).",
        state=state,
        next_step="Run again when you are ready: what is done already is found and kept.",
        signal=why.signal,
        url=why.left.get("pull-request-url", ""),
        folder=why.host_run,
        ended=why.host_state,
    )


def trace(broken: BaseException) -> Iterator[str]:
    """Yield where it broke, the innermost call of each exception last; no message, no value."""
    chain: list[BaseException] = []
    link: BaseException | None = broken
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    for each in reversed(chain):
        yield type(each).__name__
        for frame in traceback.extract_tb(each.__traceback__):
            yield f"  {'/'.join(PurePath(frame.filename).parts[-3:])}:{frame.lineno} {frame.name}"
