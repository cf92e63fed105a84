"""Whether nothing is left to do, what the registry is asked, and what an approval binds."""

from __future__ import annotations

import pytest

from difyaction import errors
from difyaction.gitops.editing.address import parse_set
from difyaction.gitops.planning.plan import make_plan, read_files, settled, wanted_images
from tests.unit.gitops import samples
from tests.unit.gitops.planning import API, NEW_DIGEST, OLD_DIGEST, SET, WEB, Finding, after, facts, plan

DONE = after(plan({"values.yaml": samples.BORIS}), "values.yaml")


def is_settled(files: dict[str, str], **given: object) -> bool:
    known = facts(files, **given)  # type: ignore[arg-type]
    reading = read_files(known)
    return settled(known, reading, make_plan(known, reading))


def test_settled_is_what_has_places_that_all_hold_the_release() -> None:
    assert is_settled({"values.yaml": DONE})
    assert not is_settled({"values.yaml": samples.BORIS})
    assert not is_settled({"values.yaml": "a: 1\n"})
    assert not is_settled({"a/values.yaml": DONE, "b/v.yaml": "image: langgenius/dify-api:1.13.3-acme\n"})
    assert not is_settled(
        {"a/values.yaml": DONE, "b/v.yaml": "image: langgenius/dify-api:1.13.3\nx: {{ .Values.x }}\n"}
    )
    assert not is_settled({"v.yaml": "image: langgenius/dify-agent-backend:1.13.3\n"})


def test_a_chart_whose_next_version_nobody_knows_is_not_settled() -> None:
    app = "spec: {source: {repoURL: https://charts.example, chart: dify, targetRevision: 0.37.0}}\n"
    assert not is_settled({"a.yaml": app})
    assert is_settled({"a.yaml": app}, chart_versions={"https://charts.example": "0.37.0"})


def test_explicit_edits_are_settled_when_they_stand_there() -> None:
    lines = (parse_set("values.yaml#image.api.tag=1.14.1", number=1),)
    assert is_settled({"values.yaml": DONE}, release=None, set_lines=lines)


def test_a_digest_that_stands_there_is_compared_and_a_wrong_one_is_replaced() -> None:
    files = {"a.yaml": f"image: langgenius/dify-api:1.14.1@{OLD_DIGEST}\n"}
    assert wanted_images(facts(files)) == (("", API, "1.14.1"),)
    assert plan(files).changes == ()
    made = plan(files, image_findings=(Finding("", API, "1.14.1", NEW_DIGEST),))
    assert after(made, "a.yaml") == f"image: langgenius/dify-api:1.14.1@{NEW_DIGEST}\n"
    assert plan(files, image_findings=(Finding("", API, "1.14.1", OLD_DIGEST),)).changes == ()


def test_the_registry_is_asked_for_what_the_users_own_lines_write() -> None:
    files = {
        "a.yaml": "image: r.example/langgenius/dify-api:1.13.3\n"
        "x: {image: {repository: langgenius/dify-web, tag: 1.13.3}}\n"
    }
    lines = (
        "a.yaml#image=r.example/langgenius/dify-api:1.12.1",
        "a.yaml#x.image.tag=1.12.0",
    )
    parsed = tuple(parse_set(line, number=1) for line in lines)
    wanted = (("r.example", API, "1.12.1"), ("", WEB, "1.12.0"))
    assert wanted_images(facts(files, release=None, set_lines=parsed)) == wanted
    assert set(wanted) <= set(wanted_images(facts(files, set_lines=parsed)))
    same = (parse_set("a.yaml#x.image.tag=1.13.3", number=1),)
    assert wanted_images(facts(files, release=None, set_lines=same)) == ()


def test_the_plan_id_binds_what_is_approved_with_it() -> None:
    files = {"values.yaml": samples.BORIS}
    plain, merged = plan(files), plan(files, bound=(("auto-merge", "squash"), ("base", "main")))
    assert plain.plan_id != merged.plan_id
    assert plan(files, bound=(("base", "main"), ("auto-merge", "squash"))).plan_id == merged.plan_id


@pytest.mark.parametrize(
    ("given", "complaint", "suggestion"),
    [
        ({"image_map": {"langgenius/dify-apii": "r.example/x"}}, "image-map-unknown", API),
        ({"image_map": {"r.example/x": API}}, "image-map-unknown", f"{API}=r.example/x"),
        ({"image_map": {API: "r.example/x:1.14.1"}}, "image-map-unknown", f"{API}=r.example/x"),
        ({"image_map": {API: f"r.example/x@sha256:{'1' * 64}"}}, "image-map-unknown", f"{API}=r.example/x"),
        ({"env_variables": {"V": "langgenius/dify-wep"}}, "env-variable-image-unknown", WEB),
    ],
)
def test_images_that_no_release_knows_are_refused(given: dict[str, object], complaint: str, suggestion: str) -> None:
    files = {"values.yaml": samples.BORIS, ".env": "V=1.13.3\n"}
    for made in (make_plan, wanted_images):
        with pytest.raises(errors.Invalid) as raised:
            made(facts(files, **given))
        (found,) = raised.value.complaints
        assert (found.id, found.suggestion) == (complaint, suggestion)


def test_one_objection_names_all_units_that_meet_it() -> None:
    old = samples.BORIS.replace("1.13.3", "0.15.3")
    made = plan({"a/v.yaml": old, "b/v.yaml": old.replace("0.15.3", "0.14.2"), "c/v.yaml": samples.BORIS})
    assert [objection.rule for objection in made.objections] == ["plugin-migration", "datasource-credentials"]
    assert made.objections[0].facts["unit"] == "a, b"
    assert made.objections[0].facts["installed"] == "0.15.3, 0.14.2"


def test_going_back_is_judged_by_the_highest_version_of_a_unit() -> None:
    both = {"a.yaml": "x: langgenius/dify-api:1.17.0\n", "b.yaml": "x: langgenius/dify-api:1.13.3\n"}
    for files in (both, {"a.yaml": "x: langgenius/dify-web:1.17.0\n"}):
        assert "schema-downgrade" in [objection.rule for objection in plan(files).stopping]
    mixed = {"a.yaml": "x: langgenius/dify-api:1.14.1\ny: langgenius/dify-api:2.0.0-beta.2\n"}
    assert "abandoned-line" in [objection.rule for objection in plan(mixed).stopping]
    assert SET[API] == "1.14.1"
