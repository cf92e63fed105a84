"""What moves together."""

from __future__ import annotations

import pytest

from difyaction import errors
from difyaction.gitops.planning.plan import read_files
from tests.unit.gitops import samples
from tests.unit.gitops.planning import API, SANDBOX, Environment, facts, kinds, moved, plan

BASE = "image: {sandbox: {repository: langgenius/dify-sandbox, tag: 0.2.14}, api: {repository: langgenius/dify-api}}\n"
OVERLAY = "image:\n  api: {repository: langgenius/dify-api, tag: %s}\n"


def units(files: dict[str, str], **given: object) -> dict[str, tuple[str, ...]]:
    reading = read_files(facts(files, **given))  # type: ignore[arg-type]
    return {unit.name: unit.files for unit in reading.units}


def test_a_directory_is_a_unit() -> None:
    files = {
        "a/values.yaml": samples.BORIS,
        "a/values-eu.yaml": samples.BORIS,
        "b/values.yaml": samples.BORIS,
        "c.yaml": "x: 1",
    }
    assert units(files) == {"a": ("a/values.yaml", "a/values-eu.yaml"), "b": ("b/values.yaml",)}


def test_an_environment_is_a_unit_and_may_share_files() -> None:
    files = {"shared.yaml": samples.BORIS, "dev.yaml": samples.BORIS_OVERLAY, "prod.yaml": samples.BORIS_OVERLAY}
    environments = (Environment("dev", ["shared.yaml", "dev.yaml"]), Environment("prod", ["shared.yaml", "p*.yaml"]))
    assert units(files, environments=environments) == {
        "dev": ("shared.yaml", "dev.yaml"),
        "prod": ("shared.yaml", "prod.yaml"),
    }


def test_base_values_belong_to_every_unit_that_inherits_them() -> None:
    files = {
        "env/base/values.yaml": BASE,
        "env/dev/values.yaml": OVERLAY % "1.13.3",
        "env/prod/values.yaml": OVERLAY % "1.12.1",
    }
    assert units(files) == {
        "env/dev": ("env/base/values.yaml", "env/dev/values.yaml"),
        "env/prod": ("env/base/values.yaml", "env/prod/values.yaml"),
    }
    made = plan(files)
    (remark,) = [str(finding) for finding in made.findings if finding.kind == "base-tag"]
    assert SANDBOX in remark
    assert remark.endswith("inherited by env/dev, env/prod.")
    assert made.from_version == "1.12.1"


def test_values_above_under_the_same_name_are_base_values() -> None:
    assert units({"dify/values.yaml": BASE, "dify/eu/values.yaml": OVERLAY % "1.13.3"}) == {
        "dify/eu": ("dify/values.yaml", "dify/eu/values.yaml")
    }


def test_a_compose_file_at_the_root_is_no_base_of_values_below() -> None:
    assert set(units({"compose.yaml": samples.COMPOSE, "env/values.yaml": samples.BORIS})) == {"root", "env"}


def test_a_unit_that_stands_still_keeps_its_base_and_the_other_heirs() -> None:
    files = {
        "env/base/values.yaml": BASE,
        "env/dev/values.yaml": OVERLAY % "1.13.3",
        "env/prod/values.yaml": OVERLAY % "1.13.3-acme",
        "else/values.yaml": samples.BORIS,
    }
    made = plan(files)
    assert {change.unit for change in made.changes} == {"else"}
    assert {"own-build", "held-back"} <= set(kinds(made))


def test_directories_that_each_hold_a_part_are_one_unit() -> None:
    files = {
        "dify/api/api.yaml": "spec: {template: {spec: {containers: [{image: 'langgenius/dify-api:1.13.3'}]}}}\n",
        "dify/web/web.yaml": "spec: {template: {spec: {containers: [{image: 'langgenius/dify-web:1.13.2'}]}}}\n",
    }
    assert set(units(files)) == {"dify"}
    assert "mixed-state" in kinds(plan(files))


def test_a_run_may_be_limited_to_one_unit() -> None:
    files = {"a/values.yaml": samples.BORIS, "b/values.yaml": samples.BORIS}
    assert {where.partition("/")[0] for where in moved(plan(files, units=("b",)))} == {"b"}
    with pytest.raises(errors.Invalid) as raised:
        plan(files, units=("bb",))
    (complaint,) = raised.value.complaints
    assert (complaint.id, complaint.suggestion) == ("unit-unknown", "b")


def test_the_installed_version_is_the_lowest_that_an_api_has() -> None:
    files = {"a/values.yaml": OVERLAY % "1.13.3", "b/values.yaml": OVERLAY % "1.10.1-fix.1"}
    assert str(read_files(facts(files)).installed) == "1.10.1-fix.1"
    assert read_files(facts({"a.yaml": f"image: {API}:latest\n"})).installed is None
