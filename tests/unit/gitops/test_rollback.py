"""The way back, over a history that is given as data."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from difyaction.errors import Failed
from difyaction.gitops import rollback
from difyaction.gitops.files import FileAt
from difyaction.gitops.github.repository import Touch
from difyaction.gitops.planning.plan import make_plan
from difyaction.gitops.planning.reading import Reading, read_files
from difyaction.gitops.records import GitopsFacts, PlanOptions

VALUES = (
    "image:\n  api: {{repository: langgenius/dify-api, tag: '{0}'}}\n"
    "  web: {{repository: langgenius/dify-web, tag: '{0}'}}\n{1}"
)
WHEN = datetime(2026, 5, 1, tzinfo=UTC)


@dataclass(frozen=True)
class History:
    """Commits of one file, newest first; any other question is a mistake."""

    path: str
    commits: Mapping[str, bytes | None]

    def touched(self, path: str) -> tuple[Touch, ...]:
        assert path == self.path
        return tuple(Touch(sha, WHEN) for sha in self.commits)

    def files_at(self, sha: str, paths: Collection[str]) -> dict[str, bytes]:
        assert set(paths) == {self.path}
        content = self.commits[sha]
        return {} if content is None else {self.path: content}

    def file_at(self, sha: str, path: str) -> bytes | None:
        assert path == self.path
        return self.commits[sha]


def history(*versions: str) -> History:
    texts = {str(number) * 40: VALUES.format(version, "").encode() for number, version in enumerate(versions)}
    return History("values.yaml", texts)


def facts(version: str, **options: object) -> GitopsFacts:
    file = FileAt("values.yaml", "100644", "oid", VALUES.format(version, "# ours\n").encode())
    return GitopsFacts(files=(file,), release=None, options=PlanOptions(**options))  # type: ignore[arg-type]


def reading(version: str) -> Reading:
    return read_files(facts(version))


def test_without_a_goal_it_is_the_last_state_that_differs() -> None:
    back = rollback.find(history("1.14.1", "1.14.1", "1.13.3", "1.13.2"), reading("1.14.1"), "")

    assert {value for _, value in back.lines} == {"1.13.3"}
    assert back.reverts == "222222222222"


@pytest.mark.parametrize("goal", ["1.13.2", "3333333"])
def test_a_version_or_a_commit_names_the_state(goal: str) -> None:
    back = rollback.find(history("1.14.1", "1.14.0", "1.13.3", "1.13.2"), reading("1.14.1"), goal)

    assert {value for _, value in back.lines} == {"1.13.2"}


@pytest.mark.parametrize("goal", ["", "1.12.0"])
def test_a_history_without_such_a_state_is_told(goal: str) -> None:
    with pytest.raises(Failed, match="holds no state to go back to") as told:
        rollback.find(history("1.14.1", "1.14.1"), reading("1.14.1"), goal)

    assert told.value.id == "rollback-nothing"


def test_only_the_tags_go_back_and_what_people_wrote_since_stays() -> None:
    back = rollback.find(history("1.14.1", "1.14.0"), reading("1.14.1"), "")

    plan = make_plan(facts("1.14.1", set_lines=back.lines))

    assert plan.files[0].after == VALUES.format("1.14.0", "# ours\n").encode()


@pytest.mark.parametrize(
    ("now", "then", "acknowledge", "stopping"),
    [
        ("1.14.1", "1.14.0", (), ["schema-rollback@1.14.0"]),
        ("1.14.1", "1.14.0", ("schema-rollback@1.14.0",), []),
        ("1.14.1", "1.14.0", ("schema-rollback@1.13.3",), ["schema-rollback@1.14.0"]),
        ("1.13.3", "1.13.2", (), []),
        ("1.99.0", "1.98.0", (), ["schema-rollback@1.98.0"]),
    ],
)
def test_a_database_that_cannot_go_back_stands_in_the_way(
    now: str, then: str, acknowledge: tuple[str, ...], stopping: list[str]
) -> None:
    back = rollback.find(history(now, then), reading(now), "")
    asked = facts(now, set_lines=back.lines, acknowledge=acknowledge)

    plan = rollback.judged(make_plan(asked), asked, back)

    assert [objection.consent for objection in plan.stopping] == stopping
    assert (plan.from_version, plan.to_version) == (now, then)


def test_a_second_rollback_never_goes_forward_again() -> None:
    back = rollback.find(history("1.13.2", "1.13.3", "1.13.2", "1.13.1"), reading("1.13.2"), "")

    assert {value for _, value in back.lines} == {"1.13.1"}


def test_a_newer_state_that_is_asked_for_by_name_is_refused() -> None:
    with pytest.raises(Failed, match="that is an upgrade") as told:
        rollback.find(history("1.13.2", "1.13.3"), reading("1.13.2"), "1.13.3")

    assert told.value.id == "rollback-forward"
