"""The barrier of ``final-backup: snapshot``: the host stands still until its disks are kept, or undoes everything."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from difyaction.compose import follow
from difyaction.compose.outcome import outcome_of
from difyaction.compose.run_journal import JournalRow, RunRecord, record
from difyaction.compose.runbook import render
from difyaction.compose.steps import Step
from difyaction.compose.wishes import SNAPSHOT_WAIT
from difyaction.compose.words import call, verbs
from difyaction.connections import Connection, Ran
from difyaction.connections.local import Local
from difyaction.errors import Failed, RolledBack
from tests.unit.compose.runbooks import SHELLS, Bench, change, shell_words, until
from tests.unit.compose.test_runbook_follow import Cutting, Watcher


@pytest.fixture(params=SHELLS)
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bench]:
    bench = Bench(tmp_path, shell_words(request.param))
    bench.world.touch()
    return bench


def steps(seconds: int = SNAPSHOT_WAIT) -> list[Step]:
    return [change("stop"), Step("snapshot", call("await_snapshot", seconds)), change("switch")]


def begin(bench: Bench, watch: follow.Watch, connection: Connection, seconds: int = SNAPSHOT_WAIT) -> None:
    script = render(steps(seconds), bench.settings(verbs=verbs()))
    follow.start(connection, str(bench.folder), script, {}, watch)


def followed(bench: Bench, watch: follow.Watch, connection: Connection | None = None) -> RunRecord:
    return record(follow.follow(connection or here(), str(bench.folder), watch))


def here() -> Local:
    return Local(os.environ)


class Keeper:
    """Keeps disks, and what it saw of the world when it did; or refuses."""

    def __init__(self, bench: Bench, refusal: str = "") -> None:
        self._bench, self._refusal = bench, refusal
        self.saw: list[list[str]] = []
        self.had: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.saw.append(self._bench.changed())
        self.had.append(seconds)
        if self._refusal:
            raise Failed("azure-snapshot-wrong", self._refusal, next_step="Look at it.", state="")


def test_the_host_goes_on_when_its_disks_are_kept_with_nobody_writing(bench: Bench) -> None:
    keeper = Keeper(bench)
    watch = replace(Watcher().watch(bench.shell), keep=keeper)
    begin(bench, watch, here())
    assert followed(bench, watch).state == "done"
    assert keeper.saw == [["stop"]]
    assert 0 < keeper.had[0] < SNAPSHOT_WAIT
    assert bench.changed() == ["stop", "switch"]
    assert not (bench.folder / "awaiting").exists()


def test_a_word_that_is_cut_off_is_said_again_and_the_disks_are_kept_once(bench: Bench) -> None:
    keeper, connection = Keeper(bench), Cutting(here())
    watch = replace(Watcher().watch(bench.shell), keep=keeper)
    begin(bench, watch, connection)
    assert followed(bench, watch, connection).state == "done"
    assert keeper.saw == [["stop"]]


class Late(Local):
    """What the host says of the journal's size is older than what is read of it then."""

    def run(self, script: str, **rest: object) -> Ran:
        ran = super().run(script, **rest)  # type: ignore[arg-type]
        answer = re.fullmatch(rb"dify-run going ([0-9]+)\n(.+)", ran.out, re.DOTALL)
        return replace(ran, out=b"dify-run going %d\n%b" % (int(answer[1]) - 1, answer[2])) if answer else ran


def test_a_host_that_begins_to_wait_while_its_journal_is_read_is_answered(bench: Bench) -> None:
    keeper = Keeper(bench)
    watch = replace(Watcher().watch(bench.shell), keep=keeper)
    begin(bench, watch, here(), seconds=20)
    assert followed(bench, watch, Late(os.environ)).state == "done"
    assert keeper.saw == [["stop"]]


def test_disks_that_could_not_be_kept_end_the_upgrade_at_once_and_undo_it(bench: Bench) -> None:
    watch = replace(Watcher().watch(bench.shell), keep=Keeper(bench, 'it\'s of "another" $(disk)'))
    begin(bench, watch, here())
    began = time.monotonic()
    told = followed(bench, watch)
    assert time.monotonic() - began < SNAPSHOT_WAIT / 2
    assert bench.undone()
    with pytest.raises(RolledBack, match=r"it's of \"another\" \$\(disk\)") as raised:
        outcome_of(told, folder="/run", backup="/backup")
    assert raised.value.id == "snapshot-refused"


def test_a_host_whose_controller_died_undoes_everything_by_itself(bench: Bench) -> None:
    watch = Watcher().watch(bench.shell)
    begin(bench, watch, here(), seconds=1)
    until(lambda: (bench.folder / "state").exists() and bench.state() == "rolled-back", "the end, with nobody looking")
    assert bench.undone()
    told = followed(bench, replace(watch, keep=Keeper(bench)))
    assert told.failure is not None
    assert told.failure.id == "snapshot-unconfirmed"


def test_a_later_controller_keeps_the_disks_of_a_host_that_still_waits_and_of_no_other(bench: Bench) -> None:
    keeper = Keeper(bench)
    watch = replace(Watcher().watch(bench.shell), keep=keeper)
    begin(bench, watch, here())
    until((bench.folder / "awaiting").exists, "the barrier")
    assert followed(bench, watch).state == "done"
    assert followed(bench, watch).state == "done"
    assert len(keeper.saw) == 1


def test_who_can_keep_nothing_leaves_the_answer_to_another(bench: Bench) -> None:
    watch = Watcher().watch(bench.shell)
    begin(bench, watch, here())
    rows: list[JournalRow] = []
    for row in follow.follow(here(), str(bench.folder), watch):
        rows.append(row)
        if row.awaits_snapshot:
            (bench.folder / "go").touch()
    assert record(rows).state == "done"


def test_where_questions_are_dear_news_are_gathered_but_a_host_that_waits_is_answered_at_once(bench: Bench) -> None:
    asked: list[str] = []

    class Counting(Local):
        def run(self, script: str, **rest: object) -> object:
            asked.append(script)
            return super().run(script, **rest)  # type: ignore[arg-type]

    talk = Step("talk", "for n in 1 2 3 4 5 6 7 8 9; do say $n; sleep 0.2; done")
    keeper = Keeper(bench)
    watch = replace(Watcher().watch(bench.shell), keep=keeper, gather=60)
    script = render([talk, *steps()[:2]], bench.settings(verbs=verbs()))
    follow.start(here(), str(bench.folder), script, {}, watch)
    told = followed(bench, watch, Counting(os.environ))  # type: ignore[arg-type]
    assert told.state == "done"
    assert len(keeper.saw) == 1
    assert len(asked) <= 5  # up to the barrier, the answer to it, the end, that it was read; and one for slowness
