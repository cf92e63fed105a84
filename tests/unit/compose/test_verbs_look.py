"""How containers and images are found: by one look for many questions, forgotten when it is not true any more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.compose.runbooks import SHELLS, verbs

ALL_SHELLS = pytest.mark.parametrize("shell", sorted(SHELLS))
# An engine with an api whose id is in `id-of-api`, which notes each question; DOWN: it does not answer.
ENGINE = r"""
RUN=. PROJECT=docker DB_SERVICE='' DB_KIND=postgresql DB_MAIN=dify DOWN=
echo 0123 >id-of-api
say() { echo "$*"; }
dc() { echo 4567 >id-of-api; }
client() { cat >/dev/null; [ -z "$DOWN" ]; }
dk() {
  echo "$1" >>told
  [ -z "$DOWN" ] || return 1
  case "$*" in
    'ps -aq '*) cat id-of-api ;;
    'inspect --format {{index'*) echo "api dify-api:1 sha256:1 running 0 $(cat id-of-api)" ;;
    'image ls '*) printf '%s\n' nginx:latest mirror.example:5000/dify-api:1.14.1 ;;
    'image inspect redis:6-alpine') ;;
    'image inspect '*) return 1 ;;
  esac
}
"""


def ran(folder: Path, shell: str, what: str) -> list[str]:
    done = verbs(folder, shell, ("service", "database", "steps", "stop", "change"), ENGINE, "set -eu", what)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


@ALL_SHELLS
def test_one_look_answers_for_all_questions_that_follow(tmp_path: Path, shell: str) -> None:
    assert ran(tmp_path, shell, "look_around; known api; known api; known api") == ["0123"] * 3
    assert (tmp_path / "told").read_text().split() == ["ps", "inspect"]


@ALL_SHELLS
@pytest.mark.parametrize("change", ["starts start-failed api", "DOWN=1; database_answers || dc; DOWN="])
def test_a_look_is_forgotten_where_containers_are_made_or_do_not_answer(
    tmp_path: Path, shell: str, change: str
) -> None:
    assert ran(tmp_path, shell, f"look_around; known api; {change}; known api") == ["0123", "4567"]


@ALL_SHELLS
def test_an_engine_that_fell_silent_is_asked_again_and_nothing_is_made_up(tmp_path: Path, shell: str) -> None:
    assert ran(tmp_path, shell, "DOWN=1; look_around; known api || echo silent; DOWN=; known api") == ["silent", "0123"]


@ALL_SHELLS
def test_images_that_are_here_are_found_by_one_list_and_the_others_one_by_one(tmp_path: Path, shell: str) -> None:
    images = "nginx:latest mirror.example:5000/dify-api:1.14.1 redis:6-alpine nginx:lates nginx.latest"
    look = f"for each in {images}; do if is_here $each; then echo here; else echo away; fi; done"
    assert ran(tmp_path, shell, look) == ["here", "here", "here", "away", "away"]
    assert (tmp_path / "told").read_text().split() == ["image"] * 4
