from __future__ import annotations

from collections.abc import Mapping

import pytest

from difyaction import command_line, inputs
from difyaction.errors import Invalid
from difyaction.input_table import table

FILES = {"key.pem": "-----BEGIN", "-": "from standard input", "empty": " \n"}


def contents(path: str) -> str:
    if path not in FILES:
        raise FileNotFoundError(path)
    return FILES[path]


def read(*argv: str) -> Mapping[str, str]:
    flags = command_line.read(argv, contents=contents)
    assert not flags.complaints
    return flags.given


def complaint(*argv: str) -> str:
    [found] = command_line.read(argv, contents=contents).complaints
    return found.text


def test_flags_are_inputs() -> None:
    given = read("--target", "gitops", "--delivery=files", "--set", "a.yaml#b=1", "--set=c.yaml#d=2")
    assert given == {"target": "gitops", "delivery": "files", "set": "a.yaml#b=1\nc.yaml#d=2"}


def test_a_file_for_the_summary_is_no_input() -> None:
    flags = command_line.read(["--summary", "out.md", "--title=x"], contents=contents)
    assert (flags.summary, flags.given, flags.complaints) == ("out.md", {"title": "x"}, ())


def test_a_boolean_needs_no_value() -> None:
    assert read("--draft", "--pin-digests", "false", "--allow-prerelease") == {
        "draft": "true",
        "pin-digests": "false",
        "allow-prerelease": "true",
    }


def test_a_word_after_a_boolean_is_its_value_and_a_wrong_one_is_named_as_such() -> None:
    assert read("--draft", "maybe", "--title", "x") == {"draft": "maybe", "title": "x"}
    with pytest.raises(Invalid, match=r"draft: 'maybe' is neither true nor false\."):
        inputs.read({"draft": "maybe", "target": "gitops", "dify-version": "1.14.1", "delivery": "files"})


def test_a_secret_comes_from_a_file_or_from_standard_input() -> None:
    given = read("--app-private-key", "@key.pem", "--token=@-")
    assert given == {"app-private-key": "-----BEGIN", "token": "from standard input"}


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("--mod", "plan"), "There is no flag '--mod'. Did you mean '--mode'?"),
        (("plan",), "There is no flag 'plan'. Did you mean '--mode plan'?"),
        (("server",), "There is no flag 'server'. Did you mean '--target server'?"),
        (("--ssh-key", "-----BEGIN OPENSSH PRIVATE KEY-----\nghs_secret"), "other users can read a command line"),
        (("--token", "--ghs_secret words"), "other users can read a command line"),
        (("--token", "--title", "x"), "--token needs a value."),
        (("-----BEGIN OPENSSH PRIVATE KEY-----\nghs_secret",), "It is not shown, for it may be a secret"),
        (("ghs_secret",), "It is not shown, for it may be a secret"),
        (("--title",), "--title needs a value."),
        (("--summary",), "--summary needs a value."),
        (("--summry", "x"), "There is no flag '--summry'. Did you mean '--summary'?"),
        (("--title", "--draft"), "--title needs a value."),
        (("--token", "ghs_secret"), "other users can read a command line"),
        (("--token", "@missing"), "--token: missing cannot be read"),
        (("--token", "@empty"), "--token: empty is empty."),
        (("--target", "gitops", "--target", "gitops"), "--target is given twice."),
    ],
)
def test_a_wrong_flag_is_explained(argv: tuple[str, ...], expected: str) -> None:
    said = complaint(*argv)
    assert expected in said
    assert "ghs_secret" not in said


def test_a_misspelt_flag_and_a_wrong_value_are_told_together() -> None:
    flags = command_line.read(
        ["--target", "gitop", "--delivry", "files", "--dify-version", "1.14.1"], contents=contents
    )

    with pytest.raises(Invalid) as caught:
        inputs.read(flags.given, flags.complaints)

    assert [complaint.input for complaint in caught.value.complaints] == ["--delivry", "target"]


@pytest.mark.parametrize(
    ("flag", "near"),
    [
        ("--nonsense", ""),
        ("--verbose", ""),
        ("--delivry", "--delivery"),
        ("delivery", "--delivery"),
        ("--vmname", "--vm-name"),
    ],
)
def test_only_what_is_alike_without_the_hyphens_before_it_is_suggested(flag: str, near: str) -> None:
    [found] = command_line.read((flag,), contents=str).complaints
    assert (found.id, found.suggestion) == ("input-unknown", near)


def test_help_lists_every_input() -> None:
    text = command_line.help_text()
    assert all(f"  --{name}" in text for name in table())
    assert max(map(len, text.splitlines())) < 110
    assert command_line.asks_for_help(["--target", "gitops", "-h"])
