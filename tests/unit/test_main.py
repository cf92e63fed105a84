from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

import difyaction
from difyaction.main import World, main
from tests.unit import fake_targets
from tests.unit.actions_runner import commands, key_values

WORLD = World(
    stdin=lambda: "ghs_from_stdin\n",
    now=lambda: datetime(2026, 11, 3, tzinfo=UTC),
    pause=lambda _: None,
    monotonic=lambda: 0.0,
    builders={"gitops": "tests.unit.fake_targets:build"},
)
RUNNER = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_REPOSITORY": "acme/gitops",
    "GITHUB_SERVER_URL": "https://ghe.example",
    "GITHUB_ACTION_REPOSITORY": "acme/dify-upgrade-action",
    "GITHUB_ACTION_REF": "v1",
}
INPUTS = {"TARGET": "gitops", "DIFY-VERSION": "1.14.1", "TOKEN": "ghs_very_secret"}


@dataclass(frozen=True)
class Run:
    code: int
    log: str
    outputs: Mapping[str, str]
    summary: str
    environ: Mapping[str, str]


@pytest.fixture
def act(tmp_path: Path):  # noqa: ANN201 - a function of this module
    def _act(**given: str) -> Run:
        out = io.StringIO()
        environ = {f"INPUT_{name}": text for name, text in INPUTS.items()}
        environ |= {f"INPUT_{name.replace('_', '-').upper()}": text for name, text in given.items()}
        files = {name: str(tmp_path / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        environ |= {**RUNNER, "RUNNER_DEBUG": "1", **files}
        code = main(environ, out=out, world=WORLD)
        written = {name: Path(path).read_text("utf-8") for name, path in files.items()}
        outputs = key_values(written["GITHUB_OUTPUT"])
        return Run(code, out.getvalue(), outputs, written["GITHUB_STEP_SUMMARY"], environ)

    return _act


def test_a_good_run_ends_in_outputs_a_summary_and_exit_code_0(act) -> None:  # noqa: ANN001
    run = act()
    assert run.code == 0
    assert run.outputs["status"] == "proposed"
    assert json.loads(run.outputs["report"])["seconds"] == 0.0
    assert run.summary.startswith("## 📬 Proposed: Dify 1.13.3 → 1.14.1.")
    assert [command.data for command in commands(run.log) if command.name == "group"] == [
        "Inspect",
        "Plan",
        "Guard",
        "Apply",
        "Close",
    ]


def test_an_expression_for_the_mode_that_came_out_empty_changes_nothing(act) -> None:  # noqa: ANN001
    run = act(mode="")
    assert (run.code, run.outputs["status"]) == (2, "invalid")
    assert "the expression in the workflow came out empty" in run.summary
    assert "/acme/dify-upgrade-action/blob/v1/docs/troubleshooting.md#input-missing)" in run.summary
    assert not [command.data for command in commands(run.log) if command.name == "group"]


def test_a_workflow_cannot_mean_the_action_s_own_container_by_local(act) -> None:  # noqa: ANN001
    run = act(target="server", host="local", token="")
    assert (run.code, run.outputs["status"]) == (2, "invalid")
    [error] = [command for command in commands(run.log) if command.name == "error"]
    assert error.properties["title"] == "input-conflict"
    assert error.data.startswith("host: local would be the Action's own container")


def test_a_step_of_a_workflow_may_call_the_command_line_for_its_own_machine() -> None:
    out = io.StringIO()
    argv = ["--target", "server", "--host", "local", "--dify-version", "1.14.1", "--port", "0"]
    assert main(dict(RUNNER), out=out, argv=argv, world=WORLD) == 2
    assert [command.data for command in commands(out.getvalue())] == ["port: '0' is no whole number from 1 to 65535."]


def test_an_input_of_another_target_is_a_warning_and_no_more(act) -> None:  # noqa: ANN001
    run = act(vm_name="dify", port="22", host="")
    assert run.code == 0
    said = [command.data for command in commands(run.log) if command.name == "warning"]
    assert said == ["vm-name: target gitops takes no notice of it. It belongs to target azure-vm."]


def test_the_mask_comes_first_and_the_secret_never_after_it(act) -> None:  # noqa: ANN001
    run = act()
    first, _, rest = run.log.partition("\n")
    assert first == "::add-mask::ghs_very_secret"
    assert "ghs_very_secret" not in rest
    assert "the token is ***" in rest


def test_the_environment_loses_its_secrets_and_targets_see_no_inputs(act) -> None:  # noqa: ANN001
    run = act()
    assert "INPUT_TOKEN" not in run.environ
    assert not [name for name in fake_targets.SEEN[-1].environ if name.startswith("INPUT_")]
    assert fake_targets.SEEN[-1].environ["GITHUB_REPOSITORY"] == "acme/gitops"


@pytest.mark.parametrize(
    ("title", "code", "status"),
    [
        ("fails", 4, "failed"),
        ("is stopped", 3, "refused"),
        ("breaks in apply", 4, "failed"),
        ("is cancelled", 143, "cancelled"),
        ("is interrupted", 130, "cancelled"),
    ],
)
def test_every_other_end_has_its_exit_code_its_status_and_a_summary(act, title: str, code: int, status: str) -> None:  # noqa: ANN001
    run = act(title=title)
    assert (run.code, run.outputs["status"]) == (code, status)
    assert json.loads(run.outputs["report"])["exit-code"] == code
    assert run.summary
    assert run.log.endswith(f"{status}, exit code {code}\n")


@pytest.mark.parametrize(("title", "code"), [("", 0), ("fails", 4)])
def test_a_full_disk_of_the_runner_takes_neither_the_ending_nor_the_exit_code(
    tmp_path: Path, title: str, code: int
) -> None:
    out = io.StringIO()
    environ = {f"INPUT_{name}": text for name, text in {**INPUTS, "TITLE": title}.items()}
    files = {"GITHUB_OUTPUT": "/dev/full", "GITHUB_STEP_SUMMARY": str(tmp_path / "gone" / "summary")}
    assert main(RUNNER | environ | files, out=out, world=WORLD) == code
    said = [(each.name, each.properties.get("title")) for each in commands(out.getvalue())]
    lost = ("warning", "runner-file-unwritable")
    ending = ("error", "lost") if code else ("notice", "proposed")
    assert [each for each in said if each[1]] == [ending, lost, lost]
    assert "(GITHUB_OUTPUT: No space left on device)" in out.getvalue()
    assert "(GITHUB_STEP_SUMMARY: No such file or directory)" in out.getvalue()
    assert ("Next step: Look.\n" in out.getvalue()) == bool(code)
    assert out.getvalue().endswith(", exit code 4\n" if code else ", exit code 0\n")


def test_outputs_that_cannot_be_handed_on_stand_in_the_log_and_the_summary_is_there(tmp_path: Path) -> None:
    out, kept = io.StringIO(), tmp_path / "summary"
    environ = {f"INPUT_{name}": text for name, text in INPUTS.items()}
    files = {"GITHUB_OUTPUT": "/dev/full", "GITHUB_STEP_SUMMARY": str(kept)}
    assert main(RUNNER | environ | files, out=out, world=WORLD) == 0
    assert "\npull-request-number: 12\n" in out.getvalue()
    assert kept.read_text("utf-8").startswith("## 📬 Proposed")


def test_a_bug_is_told_by_type_and_place_and_never_by_message(act) -> None:  # noqa: ANN001
    run = act(title="breaks in apply")
    error = json.loads(run.outputs["report"])["error"]
    assert error["id"] == "internal-error"
    assert error["state"] == "It broke while changes were being made; some of them may be there."
    assert "unit/sample_plan.py" in run.log
    assert "ghs_very_secret" not in run.log.partition("\n")[2] + run.summary + run.outputs["report"]


def test_cancelling_closes_even_when_the_runner_insists_and_leaves_the_signals_as_they_were(act) -> None:  # noqa: ANN001
    before = signal.getsignal(signal.SIGTERM)
    fake_targets.CLOSED.clear()
    act(title="is cancelled")
    assert fake_targets.CLOSED == ["closed"]
    assert signal.getsignal(signal.SIGTERM) is before


class ReadByNobody(io.StringIO):
    """A pipe whose reader goes away after the first line."""

    def write(self, text: str) -> int:
        if self.getvalue():
            raise BrokenPipeError
        return super().write(text)


def test_a_log_that_nobody_reads_any_more_ends_no_run_and_keeps_no_door_open() -> None:
    environ = RUNNER | {f"INPUT_{name}": text for name, text in INPUTS.items()} | {"INPUT_TITLE": "is cancelled"}
    fake_targets.CLOSED.clear()
    assert main(environ, out=ReadByNobody(), world=WORLD) == 143
    assert fake_targets.CLOSED == ["closed"]


def test_a_real_pipe_without_a_reader_takes_what_is_left_of_the_log() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as out:
        os.close(reading)
        environ = RUNNER | {f"INPUT_{name}": text for name, text in INPUTS.items()}
        assert main(environ, out=out, world=WORLD) == 0


@pytest.mark.parametrize(("before", "code"), [(signal.SIG_DFL, 129), (signal.SIG_IGN, 0)])
def test_a_terminal_that_goes_away_cancels_a_run_without_nohup(act, before: signal.Handlers, code: int) -> None:  # noqa: ANN001
    kept = signal.signal(signal.SIGHUP, before)
    try:
        assert act(title="loses its terminal").code == code
        assert signal.getsignal(signal.SIGHUP) is before
    finally:
        signal.signal(signal.SIGHUP, kept)


def test_invalid_inputs_are_one_error_each_and_contact_nobody(act) -> None:  # noqa: ANN001
    built = len(fake_targets.SEEN)
    run = act(mode="aply", timezone="Nowhere", language="ja")
    assert run.code == 2
    assert [each.name for each in commands(run.log) if each.name != "debug"] == ["add-mask", "error", "error"]
    assert len(fake_targets.SEEN) == built
    assert "書き直してください。 (mode: 'aply' is none of plan, apply, rollback, sweep, matrix." in run.summary
    assert "**現在の状態:**" in run.summary


def test_a_document_in_the_log_cannot_command_the_runner(act) -> None:  # noqa: ANN001
    assert "error" not in [command.name for command in commands(act(title="has a document").log)]


def test_plan_mode_plans(act) -> None:  # noqa: ANN001
    assert act(mode="plan").outputs["status"] == "planned"


def test_flags_go_before_the_environment_and_need_no_runner() -> None:
    out = io.StringIO()
    argv = ["--target", "gitops", "--set", "a.yaml#b=1", "--token", "@-", "--repository", "a/b", "--mode=plan"]
    assert main({"INPUT_MODE": "apply"}, out=out, argv=argv, world=WORLD) == 0
    assert "== Plan\n" in out.getvalue()
    assert "status: planned\n" in out.getvalue()
    assert not [line for line in out.getvalue().splitlines() if line.startswith("::")]
    assert "ghs_from_stdin" not in out.getvalue()


def at_the_desk(*argv: str, **environ: str) -> tuple[int, str]:
    out = io.StringIO()
    code = main(dict(environ), out=out, argv=argv, world=WORLD)
    return code, out.getvalue()


def test_an_error_at_ones_desk_has_its_id_its_advice_and_where_to_read_on() -> None:
    code, log = at_the_desk("--target", "gitops", "--mod", "plan", "--delivery", "files")
    assert code == 2
    assert "error: There is no flag '--mod'. Did you mean '--mode'? [input-unknown]\n" in log
    assert "error: dify-version: say which release is wanted, or give explicit edits in set. [input-missing]\n" in log
    assert log.endswith(
        "  input-unknown: There is no input or flag of that name: correct its spelling.\n"
        "  input-missing: An input that this run needs was not given, or an expression came out empty: give it.\n"
        "State now: Nothing was changed.\nNext step: Correct what is named and run again.\n"
        "docs/troubleshooting.md tells more of input-unknown, input-missing.\ninvalid, exit code 2\n"
    )


def test_a_failure_at_ones_desk_says_its_advice_once() -> None:
    code, log = at_the_desk("--target", "gitops", "--delivery", "files", "--set", "a.yaml#b=1", "--title", "fails")
    assert code == 4
    [said] = [line for line in log.splitlines() if "error: " in line]
    found = re.search(r" \[([a-z-]+)\]$", said)
    assert found is not None
    assert f"docs/troubleshooting.md tells more of {found[1]}.\n" in log
    assert log.count("Nothing was changed.") == 1


def test_a_run_at_ones_desk_ends_in_the_language_that_is_asked_for() -> None:
    given = ("--target", "gitops", "--delivery", "files", "--dify-version", "1.14.1", "--mode", "plan")
    assert "\nPlanned: Dify 1.13.3 → 1.14.1. Nothing was changed.\n" in at_the_desk(*given)[1]
    assert "\n計画済み: Dify 1.13.3 → 1.14.1。" in at_the_desk(*given, "--language", "ja")[1]


def test_the_whole_summary_is_written_where_somebody_at_a_desk_wants_it(tmp_path: Path) -> None:
    given = ("--target", "gitops", "--delivery", "files", "--dify-version", "1.14.1", "--mode", "plan")
    code, log = at_the_desk(*given, "--summary", str(tmp_path / "summary.md"))
    assert code == 0
    assert f"The whole summary: {tmp_path}/summary.md\n" in log
    assert (tmp_path / "summary.md").read_text("utf-8").startswith("## 📋 Planned: Dify 1.13.3 → 1.14.1.")


def test_a_summary_that_cannot_be_written_is_a_warning_and_changes_no_ending(tmp_path: Path) -> None:
    given = ("--target", "gitops", "--delivery", "files", "--dify-version", "1.14.1", "--mode", "plan")
    code, log = at_the_desk(*given, "--summary", str(tmp_path / "nowhere" / "summary.md"))
    assert code == 0
    assert f"warning: The summary cannot be written to {tmp_path}/nowhere/summary.md: No such file" in log
    assert "The whole summary" not in log


def test_variables_at_ones_desk_may_have_underscores_and_must_not_contradict() -> None:
    given = {"INPUT_TARGET": "gitops", "INPUT_DELIVERY": "files", "INPUT_DIFY_VERSION": "1.14.1"}
    assert at_the_desk("--mode", "plan", **given)[0] == 0
    code, log = at_the_desk("--mode", "plan", **given, **{"INPUT_DIFY-VERSION": "1.14.0"})
    assert code == 2
    assert (
        "error: dify-version: INPUT_DIFY-VERSION and INPUT_DIFY_VERSION are both set, and differ. [input-conflict]"
        in log
    )


def test_a_password_in_an_address_is_not_in_the_log() -> None:
    code, log = at_the_desk("--target", "gitops", "--dify-api-url", "https://user:hunter2-pw@ghe.example")
    assert code == 2
    assert "hunter2" not in log


def test_a_closed_standard_input_is_no_bug_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    out = io.StringIO()
    assert main({}, out=out, argv=["--target", "server", "--ssh-key", "@-"]) == 2
    assert (
        "error: --ssh-key: standard input cannot be read: [Errno 9] it is closed [secret-unreadable]" in out.getvalue()
    )


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_who_asks_into_a_full_disk_gets_no_traceback(flag: str) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", '"$0" -m difyaction "$1" >/dev/full', sys.executable, flag],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(difyaction.__file__).parents[1],
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_help_needs_nothing() -> None:
    out = io.StringIO()
    assert main({}, out=out, argv=["--help"], world=WORLD) == 0
    assert "--dify-version" in out.getvalue()


def test_the_version_is_the_one_that_is_kept_in_the_package() -> None:
    assert at_the_desk("--version") == (0, f"dify-upgrade-action {difyaction.__version__}\n")
