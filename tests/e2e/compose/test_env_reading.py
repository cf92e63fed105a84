"""Our reading of env files against Compose's own."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from difyaction.compose.env_file import read_env
from difyaction.compose.env_value import written
from difyaction.errors import Invalid
from tests.rig.compose import compose_or_skip, environment_of
from tests.unit.compose.customised import OWN

COMPOSE = "services:\n  reader:\n    image: reader\n    env_file: [{name}]\n"

TRICKY = rb"""
# comment
BARE=value
SPACES =  spaced out   # comment
HASH=not#comment
ONLY_HASH= # still a value
YAML: style
export EXPORTED=yes
export	TABBED=yes
DOUBLE="a \"quoted\" $$dollar \$escaped ${BARE} \n line \t tab \\ \x \0101 \07"   # comment
SINGLE='it\'s $BARE ${BARE} \n'
NESTED=${NOPE:-${BARE:-x}}-${BARE:+set}-${NOPE:+set}-${NOPE-unset}-${EMPTY-unset}-${EMPTY:-empty}-${BARE?needed}
SEVERAL=${BARE:-a},${NOPE:-b},c
BRACES=${NOPE:-http://localhost/e/{hook_id}}/x
LONE=pa$5word$ and $
EMPTY=
QUOTED_EMPTY=""
AFTER="x" NEXT=y
MULTI="one
two = 2
# three
"
dotted.key-with_dash[0]=1
TWICE=1
TWICE=${TWICE}2
TABBED_HASH=a	#b
BACKSLASH=C:\new\table
OPENSEARCH_INITIAL_ADMIN_PASSWORD=Qazwsxedc!@#123
LOG_DATEFORMAT=%Y-%m-%d %H:%M:%S
"""

CONTENTS = {
    "unix": TRICKY,
    "windows": TRICKY.replace(b"\n", b"\r\n"),
    "byte order mark": b"\xef\xbb\xbf" + TRICKY.lstrip(),
    "no end": TRICKY + b"LAST='x'",
    "own": OWN,
}


@pytest.fixture(autouse=True)
def _compose() -> None:
    compose_or_skip()


def compose_reads(folder: Path, content: bytes, *, name: str = "once.env") -> dict[str, str]:
    (folder / "docker-compose.yaml").write_text(COMPOSE.format(name=name), encoding="utf-8")
    (folder / name).write_bytes(content)
    return environment_of("reader", folder)


@pytest.mark.parametrize("name", CONTENTS)
def test_we_read_what_compose_reads(tmp_path: Path, name: str) -> None:
    content = CONTENTS[name]
    assert dict(read_env(content, file=".env").values) == compose_reads(tmp_path, content)


@pytest.mark.parametrize("name", CONTENTS)
def test_we_know_what_a_container_gets_from_the_projects_own_env_file(tmp_path: Path, name: str) -> None:
    content = CONTENTS[name]
    assert dict(read_env(content, file=".env").given) == compose_reads(tmp_path, content, name=".env")


def test_compose_reads_what_we_write(tmp_path: Path) -> None:
    chosen = random.Random(14)  # noqa: S311 - not for secrets
    values = {
        f"KEY_{number}": "".join(chosen.choices("ab$ {}'\"\\#=:-\n\t§0n", k=chosen.randrange(12)))
        for number in range(400)
    }
    lines = "".join(f"{key}={written(value)}\n" for key, value in values.items())
    assert compose_reads(tmp_path, lines.encode()) == values


def test_we_read_any_line_as_compose_does_or_refuse_it(tmp_path: Path) -> None:
    chosen = random.Random(3)  # noqa: S311 - not for secrets
    lines = (b"K_%d=" % number + bytes(chosen.choices(b"ab$ {}'\"\\#=:-?+_\tn0", k=9)) + b"\n" for number in range(600))
    content = b"".join(line for line in lines if is_read(line))
    assert content.count(b"\n") > 200
    assert dict(read_env(content, file=".env").values) == compose_reads(tmp_path, content)


def is_read(line: bytes) -> bool:
    try:
        return bool(read_env(line, file=".env").values)
    except Invalid:
        return False
