"""The script as text: shellcheck is content, every literal arrives as it was, the prelude keeps its budget."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from difyaction.compose.runbook import RunSettings, prelude, render
from difyaction.compose.steps import Step, quote, words

RUN = RunSettings(run_id="r1", folder="/run's/folder", backup="/b", lock="/l", owner="a\nb", summary="x\ty")
FULL = [
    Step("pull", "say pulling\ndk pull x", undo="say nothing", timeout=60, title="Pull the\nimages", live="echo 1"),
    Step("open", "dc up -d nginx", no_return=True, undo="dc up -d nginx", undo_timeout=30),
    Step("check", "until_deadline 3 1 test -e \"$RUN/x\" || fail never 'it never came'\nfact a b"),
]
PATIENCE = 60  # seconds for a shell that takes milliseconds: one that waits for something shall fail, not hang
anything = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]))


def shellcheck() -> str:
    program = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("shellcheck is not here")
        pytest.skip("shellcheck is not here")
    return program


def test_shellcheck_finds_nothing(tmp_path: Path) -> None:
    (tmp_path / "runbook.sh").write_text(render(FULL, RUN), encoding="utf-8")
    ran = subprocess.run([shellcheck(), "runbook.sh"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.stdout == ""


@pytest.mark.parametrize("name", ["runbook.sh", "follow.sh"])
def test_shellcheck_finds_nothing_in_the_fixed_parts(name: str) -> None:
    file = Path(sys.modules[RunSettings.__module__].__file__ or "").with_name(name)
    ran = subprocess.run([shellcheck(), "-s", "sh", str(file)], capture_output=True, text=True, check=False)
    assert ran.stdout == ""


def test_the_prelude_keeps_its_budget_and_knows_nothing_of_dify() -> None:
    assert len(prelude().splitlines()) <= 250
    assert not re.search(r"docker|postgres|alembic|nginx|compose", prelude())


@pytest.mark.parametrize("shell", [["dash"], ["bash"], ["busybox", "sh"]])
@settings(max_examples=25, deadline=None)
@given(st.lists(anything, min_size=1, max_size=4))
def test_every_word_arrives_as_it_was(shell: list[str], given_words: list[str]) -> None:
    if shutil.which(shell[0]) is None:
        assert os.environ.get("CI") != "true"
        return
    script = f"printf '%s\\0' {words(given_words)}"
    ran = subprocess.run([*shell, "-c", script], capture_output=True, check=True, timeout=PATIENCE)
    assert ran.stdout.decode().split("\0")[:-1] == given_words


@settings(max_examples=15, deadline=None)
@given(title=anything, value=anything, summary=anything)
def test_no_title_value_or_summary_becomes_code(title: str, value: str, summary: str) -> None:
    run = RunSettings(
        run_id="r1", folder="/r", backup="/b", lock="/l", summary=summary, docker_env={"DOCKER_HOST": value}
    )
    script = render([Step("only", 'printf %s "$DOCKER_HOST"', title=title)], run)
    program = script.replace('main "$@"\n', "about 001; do_001\n")
    ran = subprocess.run(["dash"], input=program.encode(), capture_output=True, check=True, timeout=PATIENCE)
    assert ran.stdout.decode() == value
    assert ran.stderr == b""


def test_a_fragment_of_comments_alone_is_still_a_program() -> None:
    script = render([Step("only", "# later")], RUN)
    assert subprocess.run(["dash", "-n"], input=script.encode(), check=False).returncode == 0


@pytest.mark.parametrize(
    "step",
    [
        {"name": "Pull", "do": ":"},
        {"name": "end", "do": ":"},
        {"name": "a b", "do": ":"},
        {"name": "a", "do": " \n"},
        {"name": "a", "do": ":", "timeout": 0},
        {"name": "a", "do": ":", "undo_timeout": -1},
    ],
)
def test_what_is_no_step_cannot_be_made(step: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"step|name"):
        Step(**step)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [{"run_id": "a/b"}, {"folder": "relative"}, {"lock": "/a\nb"}, {"docker_env": {"A-B": "x"}}, {"workdir": ""}],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    right: dict[str, object] = {"run_id": "r1", "folder": "/r", "backup": "/b", "lock": "/l"}
    with pytest.raises(ValueError, match=r"run|path|variable"):
        RunSettings(**(right | wrong))  # type: ignore[arg-type]


def test_two_steps_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="names"):
        render([Step("a", ":"), Step("a", ":")], RUN)


def test_a_word_with_a_nul_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        quote("a\0b")
