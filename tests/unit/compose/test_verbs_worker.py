"""How a new release's worker is proven: it takes from every queue that was taken from before."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.compose.runbooks import SHELLS, verbs

# A worker that answers for the queues that are named in ANSWERS, one answer after the other; `-` is none.
WORKER = r"""
RUN=. CELERY=app.celery
of_service() { echo 0123abcd; }
last_words() { echo 'its last words'; }
dk() {
  echo x >>asked
  answer=$(printf '%s' "$ANSWERS" | cut -d ' ' -f "$(wc -l <asked)")
  [ "$answer" != - ] || return 69
  for queue in $(printf '%s' "$answer" | tr , ' '); do echo "    * {'name': '$queue', 'routing_key': '$queue'}"; done
}
printf '%s\n' dataset mail >queues
proven() { worker_works worker && worker_works worker && worker_works worker && echo proven; }
"""


def ran(folder: Path, shell: str, answers: str, what: str) -> str:
    return verbs(folder, shell, ("service",), f"ANSWERS='{answers}'", WORKER, what).stdout


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_a_worker_that_works_is_asked_once_for_each_question_loads_the_release(tmp_path: Path, shell: str) -> None:
    assert ran(tmp_path, shell, "dataset,mail,plugin", "proven") == "proven\n"
    assert (tmp_path / "asked").read_text() == "x\n"


@pytest.mark.parametrize("shell", sorted(SHELLS))
@pytest.mark.parametrize(
    ("first", "reason"),
    [
        ("-", "worker-silent the worker worker does not answer: its last words"),
        ("dataset", "queues-missing the worker worker takes nothing from mail "),
    ],
)
def test_a_worker_that_does_not_work_yet_is_asked_again(tmp_path: Path, shell: str, first: str, reason: str) -> None:
    told = ran(tmp_path, shell, f"{first} dataset,mail", "proven || { reason; echo; proven; }")
    assert told == f"{reason}\nproven\n"
    assert (tmp_path / "asked").read_text() == "x\nx\n"
