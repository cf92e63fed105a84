"""What the rules get to see of a unit, and the globs that choose its files."""

from __future__ import annotations

import pytest

from difyaction.gitops.finding import globs
from difyaction.gitops.planning import judge
from difyaction.gitops.planning.plan import read_files
from difyaction.releases.situation import Situation
from tests.unit.gitops import samples
from tests.unit.gitops.planning import API, OLD, facts, kinds, plan

WEAVIATE = """
weaviate:
  enabled: %s
  image: {registry: cr.weaviate.io, repo: semitechnologies/weaviate, tag: 1.27.27}
"""


def situation(content: str) -> Situation:
    given = facts({"values.yaml": content})
    reading = read_files(given)
    (unit,) = reading.units
    seen = judge.situation(unit, given, reading.survey.of(unit))
    assert seen is not None
    return seen


def test_a_unit_is_seen_with_its_images_its_layout_and_its_schema() -> None:
    seen = situation(samples.BORIS)
    assert (str(seen.installed), str(seen.wanted)) == ("1.13.3", "1.14.1")
    assert seen.own_images == OLD
    assert seen.layouts == {"borispolonsky"}
    assert seen.installed_head
    assert seen.installed_head != seen.wanted_head


@pytest.mark.parametrize(
    ("content", "migrates"),
    [
        (samples.BORIS, True),
        (samples.BORIS.replace("migration: true", "migration: false"), False),
        (samples.BORIS.replace("migration: true", "replicas: 1"), None),
        (samples.DOUBAN, None),
        (
            samples.DOUBAN.replace(
                "extraBackendEnvs: []", "extraBackendEnvs: [{name: MIGRATION_ENABLED, value: 'true'}]"
            ),
            True,
        ),
        (samples.COMPOSE.replace("{MODE: api}", "{MODE: api, MIGRATION_ENABLED: false}"), False),
    ],
)
def test_whether_migrations_run_is_read_where_it_is_said(content: str, migrates: bool | None) -> None:  # noqa: FBT001
    assert situation(content).migrates is migrates


def test_other_images_are_seen_unless_they_are_switched_off() -> None:
    seen = situation(samples.BORIS + WEAVIATE % "true").other_images
    assert seen["semitechnologies/weaviate"] == "1.27.27"
    assert "semitechnologies/weaviate" not in situation(samples.BORIS + WEAVIATE % "false").other_images


def test_a_floating_tag_is_no_installed_version() -> None:
    made = plan({"a.yaml": f"image: {API}:latest\n"})
    assert "installed-unknown" in {objection.rule for objection in made.objections}
    assert "floating-tag" in kinds(made)


def test_where_nothing_is_found_it_is_said() -> None:
    assert kinds(plan({"a.yaml": "a: 1\n"})) == ["nothing-found"]


@pytest.mark.parametrize(
    ("glob", "hits"),
    [
        ("a/*.yaml", ["a/x.yaml"]),
        ("./a/**", ["a/x.yaml", "a/b/y.yml"]),
        ("a/", ["a/x.yaml", "a/b/y.yml"]),
        ("**/*.{yaml,yml}", ["a/x.yaml", "a/b/y.yml", "z.yaml", "axx.yaml"]),
        ("a/[xy].yaml", ["a/x.yaml"]),
        ("?.yaml", ["z.yaml"]),
        ("a.x.yaml", []),
    ],
)
def test_globs_choose_paths(glob: str, hits: list[str]) -> None:
    paths = ["a/x.yaml", "a/b/y.yml", "z.yaml", "axx.yaml"]
    assert [path for path in paths if globs.matches(path, [glob])] == hits
