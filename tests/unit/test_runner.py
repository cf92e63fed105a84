from __future__ import annotations

import io
import resource
import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difyaction.errors import Failed
from difyaction.runner import ANNOTATION_CHARACTERS, Runner
from difyaction.runner_files import SUMMARY_BYTES
from difyaction.secret import Secret
from tests.unit.actions_runner import Command, commands, key_values

ON_GITHUB = {"GITHUB_ACTIONS": "true"}
PIECES = (
    "::",
    "##[",
    "error",
    "add-mask",
    "]",
    "%0A",
    "%",
    ",",
    ":",
    "=",
    "<<",
    " ",
    "\n",
    "\r",
    "\x0b",
    "\u200b",
    "é",
)
HOSTILE = st.lists(st.sampled_from(PIECES), max_size=20).map("".join) | st.text(
    st.characters(exclude_categories=["Cs"])
)


class Ticking:
    """A clock that moves one and a half seconds whenever somebody looks."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 1.5
        return self.seconds


def runner(out: io.StringIO, **environ: str) -> Runner:
    return Runner(environ, out, monotonic=Ticking())


@given(text=HOSTILE, title=HOSTILE)
def test_an_annotation_is_read_back_as_it_was_meant(text: str, title: str) -> None:
    out = io.StringIO()
    runner(out, **ON_GITHUB).error(text, title=title, file="a,b:c.yaml", line=7)
    [command] = commands(out.getvalue())
    wanted = {"title": title, "file": "a,b:c.yaml", "line": "7"}
    assert command == Command("error", text, {key: value for key, value in wanted.items() if value})


@given(text=HOSTILE)
def test_a_line_of_the_log_is_never_a_command(text: str) -> None:
    out = io.StringIO()
    runner(out, **ON_GITHUB).say(text)
    assert commands(out.getvalue()) == []


@given(text=HOSTILE)
def test_foreign_text_is_never_a_command_and_never_stops_ours(text: str) -> None:
    out = io.StringIO()
    one = runner(out, **ON_GITHUB)
    one.foreign(text)
    one.warning("after")
    assert commands(out.getvalue()) == [Command("warning", "after")]


@given(values=st.dictionaries(st.from_regex(r"[a-z][a-z-]{0,8}", fullmatch=True), HOSTILE))
def test_outputs_arrive_as_they_were_given(values: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("runner") / "output"
    runner(io.StringIO(), GITHUB_OUTPUT=str(path), **ON_GITHUB).output(values)
    text = path.read_bytes().decode("utf-8") if path.exists() else ""
    assert key_values(text) == values


@given(first=HOSTILE, second=HOSTILE)
def test_a_mask_covers_every_line_of_a_secret(first: str, second: str) -> None:
    secret = f"begin-{first}x\nx{second}-end"
    out = io.StringIO()
    runner(out, **ON_GITHUB).mask(Secret(secret))
    assert commands(out.getvalue()) == [Command("add-mask", secret)]


def test_a_mask_is_told_once_and_nothing_of_the_secret_leaves_afterwards(tmp_path: Path) -> None:
    out = io.StringIO()
    names = ("GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY")
    one = runner(out, **ON_GITHUB, **{name: str(tmp_path / name) for name in names})
    one.mask(Secret("first-line\nsecond-line"))
    one.mask(Secret("first-line\nsecond-line"))
    one.say("got first-line")
    one.foreign("second-line")
    one.error("first-line", title="second-line")
    one.output({"a": "first-line\nsecond-line"})
    one.state({"b": "second-line"})
    one.summary("# first-line")
    with one.group("second-line"):
        pass
    log = out.getvalue()
    assert log.count("::add-mask::") == 1
    rest = log.partition("\n")[2] + "".join((tmp_path / name).read_text("utf-8") for name in names)
    assert "first-line" not in rest
    assert "second-line" not in rest


def test_short_texts_are_not_masked_because_they_would_black_out_the_log() -> None:
    out = io.StringIO()
    one = runner(out, **ON_GITHUB)
    one.mask(Secret("1"))
    one.say("110")
    assert out.getvalue() == "110\n"


def test_only_ten_annotations_of_a_kind_are_commands_and_the_rest_are_lines() -> None:
    out = io.StringIO()
    one = runner(out, **ON_GITHUB)
    for number in range(12):
        one.warning(f"warning {number}", file="a.yaml", line=number)
    one.error("x" * 9000)
    found = commands(out.getvalue())
    assert [command.name for command in found] == ["warning"] * 10 + ["error"]
    assert "warning: a.yaml:11: warning 11\n" in out.getvalue()
    assert len(found[-1].data) == ANNOTATION_CHARACTERS


def test_a_group_is_closed_and_timed_also_when_it_fails() -> None:
    out = io.StringIO()
    one = runner(out, **ON_GITHUB)
    with pytest.raises(KeyError), one.group("Plan"), one.group("inner"):
        raise KeyError
    assert out.getvalue() == "::group::Plan\n::endgroup::\n::group::inner\n::endgroup::\nPlan: 3.0 s\n"


def test_what_follows_a_group_in_a_group_is_seen_without_unfolding() -> None:
    out = io.StringIO()
    one = runner(out, **ON_GITHUB)
    with one.group("Apply"):
        with one.group("Stop"):
            one.say("inside")
        one.say("Stop: done after 3 s")
        with one.group("Start"):
            pass
    folded = "::group::Apply\n::endgroup::\n::group::Stop\ninside\n::endgroup::\nStop: done after 3 s\n"
    assert out.getvalue() == f"{folded}::group::Start\n::endgroup::\nApply: 4.5 s\n"


def test_foreign_text_is_cut_and_loses_what_a_terminal_would_obey() -> None:
    out = io.StringIO()
    runner(out).foreign("\x1b[31mred\n" + "line\n" * 5, lines=2)
    assert out.getvalue() == "[31mred\nline\n... and 4 lines more\n"


def test_the_word_that_ends_stopped_commands_is_another_each_time() -> None:
    out = io.StringIO()
    one = runner(out, **ON_GITHUB)
    one.foreign("a")
    one.foreign("a")
    first, second = (line for line in out.getvalue().splitlines() if "stop-commands" in line)
    assert first != second


def test_a_summary_that_is_too_long_is_cut_at_a_line_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    runner(io.StringIO(), GITHUB_STEP_SUMMARY=str(path), **ON_GITHUB).summary("日本語\n" * 200_000)
    text = path.read_text("utf-8")
    assert len(text.encode()) < SUMMARY_BYTES + 100
    assert text.endswith("日本語\n\n*The summary was cut at 900 KiB.*\n")


def test_a_name_that_would_break_the_file_is_refused(tmp_path: Path) -> None:
    one = runner(io.StringIO(), GITHUB_OUTPUT=str(tmp_path / "output"))
    with pytest.raises(ValueError, match="cannot be handed"):
        one.output({"a=b": "c"})
    assert not (tmp_path / "output").exists()


def test_at_ones_desk_it_is_plain_text_without_commands() -> None:
    out = io.StringIO()
    one = runner(out)
    one.mask(Secret("a-long-secret"))
    with one.group("Plan"):
        one.say("a-long-secret")
        one.foreign("::error::x")
    one.error("wrong", file="a.yaml", line=3)
    one.error("a.yaml, line 3: no such path", title="path-missing", file="a.yaml", line=3)
    one.error("set: b.yaml is no file", title="set-file-missing", file="b.yaml")
    one.error("no such path", title="path-missing", file="c.yaml")
    one.output({"status": "planned", "plan": "x" * 5000})
    one.state({"a": "b"})
    one.summary("## Done")
    one.debug("hidden")
    assert out.getvalue() == (
        "== Plan\n***\n::error::x\nPlan: 1.5 s\nerror: a.yaml:3: wrong\n"
        "error: a.yaml, line 3: no such path [path-missing]\nerror: set: b.yaml is no file [set-file-missing]\n"
        "error: c.yaml: no such path [path-missing]\nstatus: planned\n## Done\n"
    )


def test_debug_lines_are_commands_on_the_runner_and_shown_at_the_desk_when_asked_for() -> None:
    on, off, quiet = io.StringIO(), io.StringIO(), io.StringIO()
    runner(on, **ON_GITHUB, RUNNER_DEBUG="1").debug("look")
    runner(off, RUNNER_DEBUG="1").debug("look")
    runner(quiet, **ON_GITHUB).debug("look")
    assert on.getvalue() == "::debug::look\n"
    assert quiet.getvalue() == ""
    assert off.getvalue() == "look\n"


def test_half_an_entry_is_no_entry(tmp_path: Path) -> None:
    path = tmp_path / "output"
    path.write_text("a=b\n")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))  # the disk is full after a thousand bytes
    try:
        with pytest.raises(Failed, match=r"GITHUB_OUTPUT: File too large"):
            runner(io.StringIO(), GITHUB_OUTPUT=str(path)).output({"c": "d" * 5000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert path.read_text() == "a=b\n"


def test_a_state_that_cannot_be_written_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"GITHUB_STATE: No such file or directory") as raised:
        runner(io.StringIO(), GITHUB_STATE=str(tmp_path / "none" / "state")).state({"azure_doors": "x"})
    assert raised.value.id == "runner-state-unwritable"


def test_who_hands_over_a_state_is_told_where_there_is_no_way(tmp_path: Path) -> None:
    assert not runner(io.StringIO()).state({"azure_doors": "x"})
    assert runner(io.StringIO(), GITHUB_STATE=str(tmp_path / "state")).state({"azure_doors": "x"})
