from __future__ import annotations

import pytest

from difyaction.compose.outcome import is_past, outcome_of
from difyaction.compose.run_journal import Reason, RunRecord
from difyaction.errors import ActionError
from difyaction.language import Language

PLACES = {"folder": "/state/runs/r", "backup": "/srv/backups/b7"}
WHY = Reason("migrate", "migration-failed", "flask db upgrade ended with exit code 1.")


def ended(state: str, **known: object) -> ActionError:
    with pytest.raises(ActionError) as caught:
        outcome_of(RunRecord(state=state, failure=WHY, **known), **PLACES)  # type: ignore[arg-type]
    return caught.value


def test_a_good_run_says_how_long_users_were_without_service() -> None:
    facts = {"seconds-without-service": "17", "tasks-cut": "2", "git": "stays"}
    outcome = outcome_of(RunRecord(state="done", facts=facts), **PLACES)
    assert outcome.status == "upgraded"
    assert outcome.outputs == {"backup-id": "b7", "seconds-without-service": "17"}
    assert len(outcome.sentences) == 3


def test_going_back_to_a_backup_is_not_called_an_upgrade() -> None:
    outcome = outcome_of(RunRecord(state="done", facts={"restored": "b3", "tasks-cut": "10"}), **PLACES)
    assert outcome.status == "restored"
    assert outcome.sentences == ("Dify is as it was in the backup b3.", "10 running tasks were cut off.")


def test_what_a_run_did_is_told_in_the_reader_s_language() -> None:
    facts = {"seconds-without-service": "17", "tasks-cut": "2", "git": "stays", "restored": "b3"}
    record = RunRecord(state="done", facts=facts)
    english, japanese = (outcome_of(record, **PLACES, language=code).sentences for code in ("en", "ja"))
    assert len(english) == len(japanese) == 4
    assert not set(english) & set(japanese)
    assert "b3" in japanese[0]


@pytest.mark.parametrize(
    ("state", "status", "code"),
    [
        ("failed", "failed", 4),
        ("rolled-back", "rolled-back", 5),
        ("stranded", "stranded", 6),
        ("degraded", "degraded", 7),
    ],
)
def test_every_ending_has_its_status_and_exit_code(state: str, status: str, code: int) -> None:
    error = ended(state)
    assert (error.status, error.exit_code, error.id) == (status, code, "migration-failed")
    assert "exit code 1" in str(error)


@pytest.mark.parametrize("state", ["failed", "rolled-back", "stranded", "degraded"])
def test_later_steps_are_told_of_a_whole_backup_however_the_run_ended(state: str) -> None:
    error = ended(state, facts={"backup": "b7", "seconds-without-service": "41"})
    assert error.left == {"backup-id": "b7", "seconds-without-service": "41"}


@pytest.mark.parametrize("state", ["rolled-back", "stranded", "degraded"])
def test_tasks_that_were_cut_off_are_told_however_the_run_ended(state: str) -> None:
    text = str(ended(state, facts={"tasks-cut": "4"}))
    assert ". 4 running tasks were cut off. " in text
    assert "cut off" not in str(ended(state, facts={"tasks-cut": "0"}))


@pytest.mark.parametrize("state", ["done", "failed", "rolled-back", "stranded", "degraded"])
def test_databases_that_were_read_back_without_rows_are_told_however_the_run_ended(state: str) -> None:
    facts = {"without-rows-dify": "restore-test-max", "without-rows-dify_plugin": "restore-test-max"}
    if state == "done":
        (text,) = outcome_of(RunRecord(state=state, facts=facts), **PLACES).sentences
    else:
        text = str(ended(state, facts=facts))
    assert "`restore-test-max`, or of unknown size, and therefore read back without rows: dify, dify_plugin. " in text


def test_what_is_told_of_a_failed_run_is_told_in_the_reader_s_language() -> None:
    error = ended("rolled-back", facts={"tasks-cut": "4", "without-rows-dify": "restore-test-max"})
    told = Language.of("ja").say(error.state, **error.facts)
    assert "running tasks" not in told
    assert "Larger" not in told
    assert "4" in told
    assert "dify" in told


@pytest.mark.parametrize("state", ["failed", "rolled-back", "stranded", "degraded"])
def test_a_backup_that_never_became_whole_is_not_handed_out(state: str) -> None:
    error = ended(state)
    assert error.left == {}
    assert "is kept" not in str(error)


def test_images_that_went_back_with_the_same_schema_are_a_rollback() -> None:
    assert ended("degraded", facts={"went-back": "yes"}).status == "rolled-back"


def test_the_stranded_learn_their_way_out_and_what_failed_twice() -> None:
    undo = Reason("stop", "step-failed", "the old release does not serve")
    text = str(ended("stranded", failed_undos=(undo,)))
    for word in ("/state/runs/r", "/srv/backups/b7", "docs/restore.md", "stop: the old release does not serve"):
        assert word in text


def test_the_stranded_are_told_that_dify_may_be_down() -> None:
    assert "Dify may be down." in str(ended("stranded"))


def test_a_degraded_run_names_the_way_back_as_it_is_typed() -> None:
    text = str(ended("degraded", facts={"backup": "b7"}))
    assert "`mode: rollback` with `rollback-to: b7`" in text
    assert "`acknowledge: lose-writes@b7`" in text
    assert "/srv/backups" not in text


def test_a_run_that_gives_no_reason_is_still_told() -> None:
    with pytest.raises(ActionError) as caught:
        outcome_of(RunRecord(state="stranded"), **PLACES)
    assert caught.value.id == "run-unexplained"


@pytest.mark.parametrize(
    ("state", "found", "goes_on_to"),
    [
        ("rolled-back", "rolled-back", {"apply", "rollback"}),
        ("failed", "dead", {"apply", "rollback"}),
        ("rolled-back", "going", set()),
        ("degraded", "degraded", {"rollback"}),
        ("stranded", "stranded", {"rollback"}),
        ("stranded", "dead", set()),
        ("degraded", "going", set()),
    ],
)
def test_who_goes_back_is_not_kept_from_it_by_how_an_unread_run_had_ended(
    state: str, found: str, goes_on_to: set[str]
) -> None:
    why = ended(state)
    assert {mode for mode in ("apply", "rollback") if is_past(why, found, mode)} == goes_on_to
