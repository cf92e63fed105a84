"""Start a runbook detached, follow its journal by offset through cuts, find it again, finish a dead one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TypeVar

from difyaction.compose.lacking import host_lacks
from difyaction.compose.run_journal import FINAL, JournalRow, Reader
from difyaction.compose.steps import quote
from difyaction.compose.wishes import SNAPSHOT_WAIT
from difyaction.connections import HOST_GOES_ON, Connection, Lost, Ran
from difyaction.errors import ActionError, Failed, Running, Stranded
from difyaction.language import N_
from difyaction.secret import Secret

_T = TypeVar("_T")
MOST_RECOVERIES = 3
_ANSWER = re.compile(rb"(?:^|\n)dify-run ([a-z-]{1,20}) ([0-9]{1,15})\n")
_ROUND_TRIP = 60.0  # seconds, beyond what the host was asked to wait
_LONGEST_PAUSE = 15.0
_MARGIN = 20.0  # seconds of the host's waiting that are for the way there and back
_LONGEST_REASON = 400
_TOOL_MISSING = 69
_NOT_BEGUN = frozenset({"run-not-started", "host-lacks-tool"})


@dataclass(frozen=True, kw_only=True)
class Watch:
    """How a run is followed. ``say`` prints a line of the log.

    ``patience``: seconds without contact until `Lost` is passed on; ``poll``: seconds that the host waits for news
    before it answers that there are none; ``gather``: seconds for which it collects news before it answers, where each
    question is dear; ``shell``: what runs the script, as in the run's settings. ``keep`` keeps the host's disks within
    so many seconds, or raises: it is asked when a run stands still for that (``final-backup: snapshot``). ``check``
    is called after every look, and raises when a run has been followed for as long as it may be.
    """

    clock: Callable[[], float]
    pause: Callable[[float], None]
    say: Callable[[str], None]
    patience: float = 900.0
    poll: int = 10
    gather: int = 0
    shell: Sequence[str] = ("sh",)
    keep: Callable[[float], None] | None = None
    check: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Look:
    """What the host answered: ``state`` is `absent`, `going`, `dead` or one of FINAL; ``size`` is the journal's."""

    state: str
    size: int
    data: bytes


class _Told:
    """The rows that were told of a journal, which may be read again from its beginning."""

    def __init__(self) -> None:
        self._rows: list[JournalRow] = []
        self._at = 0

    def from_the_beginning(self) -> None:
        self._at = 0

    def is_new(self, row: JournalRow) -> bool:
        """Whether nobody was told this row; from the first such on, what was told has not come to be there."""
        known = self._rows[self._at : self._at + 1] == [row]
        if not known:
            self._rows[self._at :] = [row]
        self._at += 1
        return not known


def start(connection: Connection, folder: str, script: str, files: Mapping[str, bytes | Secret], watch: Watch) -> None:
    """Put ``script`` and ``files`` (below ``$FILES``) into the run's folder and start it detached.

    A connection that is cut meanwhile is made anew; a run that has begun is not begun twice. Raises `Running` when
    nobody can tell any more whether it began.
    """
    staged: dict[str, bytes | Secret] = {f"files/{name}": content for name, content in files.items()}
    staged["runbook.sh"] = script.encode()

    if _through_cuts(lambda: look(connection, folder), watch).state != "absent":
        return
    _through_cuts(lambda: connection.put(folder, staged), watch)
    try:
        _through_cuts(lambda: _launched(connection, folder, "run", watch.shell), watch)
    except Lost as why:
        raise time_is_up(folder) from why


def follow(connection: Connection, folder: str, watch: Watch) -> Iterator[JournalRow]:
    """Yield every row from the beginning, as it is written, each once; the last one is final.

    It is the same for a run that was just started, one that goes on since an earlier job, and one that ended unread.
    A run that is found dead (killed, or the host was rebooted) is recovered, and followed to its end.
    Raises `Lost` when there was no contact for ``watch.patience`` seconds, and at once `Running` for what no patience
    mends (the host key has changed, the key is not let in any more): the host goes on in either case.
    """
    reader, told, offset, recoveries, awaits = Reader(), _Told(), 0, 0, False
    while True:
        seen = _seen(connection, folder, offset, watch)
        if seen.size < offset:  # the journal lost its end in a power cut, and may have grown again since
            reader, offset, awaits = Reader(), 0, False
            told.from_the_beginning()
            continue
        offset += len(seen.data)
        for row in filter(told.is_new, reader.feed(seen.data)):
            yield row
            if row.is_final:
                _mark_read(connection, folder)
                return
            awaits = row.awaits_snapshot or (awaits and row.is_live)
        # there may be more than the size says: what was written between the look at it and the reading
        if awaits and seen.state == "going" and offset >= seen.size:
            awaits = False
            _keep(connection, folder, watch)
        watch.check()
        if seen.data or seen.state == "going":
            continue
        if seen.state in FINAL:  # true, but its last row found no room on the disk
            yield JournalRow(0, 0, "end", seen.state, 0, "")
            _mark_read(connection, folder)
            return
        if seen.state == "absent":
            raise _absent(folder)
        recoveries += 1
        if recoveries > MOST_RECOVERIES:
            raise _unrecoverable(folder)
        watch.say("the run on the host is dead; it is being undone")
        _recovered(connection, folder, watch)


def recover(connection: Connection, folder: str, shell: Sequence[str] = ("sh",)) -> None:
    """Let the host finish a dead run's undos, detached; follow it afterwards. Harmless to a run that lives or ended."""
    _launched(connection, folder, "recover", shell)


def forget(connection: Connection, folder: str) -> None:
    """Remove what was delivered and never started, unless its controller may still be about to start it."""
    _ask(connection, folder, "forget", timeout=_ROUND_TRIP)


def stop(connection: Connection, folder: str) -> None:
    """Ask a living run to stop now and undo what it did; follow it afterwards."""
    _ask(connection, folder, "stop", timeout=_ROUND_TRIP)


def look(connection: Connection, folder: str, *, offset: int = 0, wait: int = 0, gather: int = 0) -> Look:
    """Ask how far a run is, in one round trip: its state, and at most 64 KiB of its journal from ``offset`` on."""
    ran = _ask(connection, folder, f"look {offset} {wait} {gather}", timeout=max(wait, gather) + _ROUND_TRIP)
    found = _ANSWER.search(ran.out)
    state = found[1].decode() if found else ""
    if found is None or state not in {"absent", "going", "dead", *FINAL}:
        raise Lost(
            "run-unanswered",
            "The host does not say how the run in {folder} is (exit code {code}).",
            state=HOST_GOES_ON,
            next_step="Check that the login shell of the user prints nothing and runs `sh`.",
            folder=folder,
            code=ran.exit_code,
        )
    return Look(state, int(found[2]), ran.out[found.end() :])


def _ask(connection: Connection, folder: str, question: str, *, timeout: float, shell: Sequence[str] = ()) -> Ran:
    verbs = resources.files("difyaction.compose").joinpath("follow.sh").read_text(encoding="utf-8")
    literals = f"RUN={quote(folder)} SHELL_WORDS={quote(' '.join(shell))}"
    return connection.run(f"{literals}\n{verbs}\n{question}\n", timeout=timeout)


def _seen(connection: Connection, folder: str, offset: int, watch: Watch) -> Look:
    def ask() -> Look:
        return look(connection, folder, offset=offset, wait=watch.poll, gather=watch.gather)

    try:
        return _through_cuts(ask, watch)
    except Lost as error:
        error.state = HOST_GOES_ON
        raise
    except ActionError as error:
        raise _out_of_sight(error) from error


def _recovered(connection: Connection, folder: str, watch: Watch) -> None:
    try:
        _through_cuts(lambda: recover(connection, folder, watch.shell), watch)
    except Lost:
        raise
    except ActionError as error:
        raise (_unrecoverable(folder) if error.id in _NOT_BEGUN else _out_of_sight(error)) from error


def _launched(connection: Connection, folder: str, verb: str, shell: Sequence[str]) -> None:
    ran = _ask(connection, folder, f"launch {verb}", timeout=_ROUND_TRIP, shell=shell)
    if ran.exit_code == 0:
        return
    if verb == "run":  # nothing will remove the staged secrets but this
        connection.run(f"rm -rf {quote(folder)}/files", timeout=_ROUND_TRIP)
    if ran.exit_code == _TOOL_MISSING:
        last = ran.out.decode("ascii", "replace").split()[-1:]  # a shell may print texts of its own before it
        raise host_lacks(" ".join(last)[:20])
    raise Failed(
        "run-not-started",
        "The script in {folder} did not start.",
        next_step="Check on the host that the folder can be written and that the disk is not full.",
        folder=folder,
    )


def _through_cuts(ask: Callable[[], _T], watch: Watch) -> _T:
    heard, pause = watch.clock(), 1.0
    while True:
        try:
            return ask()
        except Lost as lost:
            if watch.clock() - heard >= watch.patience:
                raise
            watch.check()
            watch.say(f"no contact ({lost.id}); trying again")
        watch.pause(pause)
        pause = min(_LONGEST_PAUSE, pause * 2)


def _keep(connection: Connection, folder: str, watch: Watch) -> None:
    """Have the disks kept, and tell the host to go on, or to undo; without a word from us it undoes by itself.

    Who cannot keep disks says nothing: somebody else may follow this run, who can.
    """
    if watch.keep is None:
        return
    watch.say("the host waits until its disks are kept")
    file, said = "go", "they are kept"
    try:
        watch.keep(SNAPSHOT_WAIT - _MARGIN)
    except ActionError as why:
        file, said = "no-go", str(why)
        watch.say(f"the disks could not be kept: {said}")
    text = quote(said.replace("\0", "")[:_LONGEST_REASON])
    path = f"{quote(folder)}/{file}"
    _through_cuts(lambda: connection.run(f"printf %s {text} >{path}.new && mv {path}.new {path}", timeout=60.0), watch)


def _mark_read(connection: Connection, folder: str) -> None:
    try:
        connection.run(f": >{quote(folder)}/read", timeout=_ROUND_TRIP)
    except ActionError:
        return  # the next run reads it once more, which harms nobody


def _absent(folder: str) -> Failed:
    return Failed(
        "run-absent",
        "There is no run in {folder} on the host.",
        next_step="Check that `host` names the machine of the earlier run; if so, start a new run.",
        folder=folder,
    )


def _unrecoverable(folder: str) -> Stranded:
    return Stranded(
        "run-unrecoverable",
        "The run in {folder} died on the host, and undoing what it did does not even begin.",
        state=N_("Some of its changes are there."),
        next_step="Run `sh {folder}/runbook.sh recover` there as the same user, and read the end of {folder}/journal.",
        folder=folder,
    )


def time_is_up(folder: str) -> Running:
    """Report that nobody looks any longer; the host goes on."""
    return Running(
        "job-time-over",
        "The time to follow the host is over, or there is no contact any more.",
        state="The upgrade goes on there by itself, in {folder}.",
        next_step="Run again later: the next run looks how it ended.",
        folder=folder,
    )


def _out_of_sight(why: ActionError) -> Running:
    """Report what keeps us out: it keeps nothing from going on there."""
    return Running(why.id, why.what, state=HOST_GOES_ON, next_step=why.next_step, **why.facts)  # type: ignore[arg-type]
