"""All of a unit moves, or none of it: what keeps a part from moving is said, and holds the rest back."""

from __future__ import annotations

import pytest

from difyaction import errors
from difyaction.gitops.finding import discover
from difyaction.gitops.planning.plan import PlanOptions, read_files
from tests.unit.gitops import samples
from tests.unit.gitops.planning import API, Environment, after, facts, file_at, kinds, moved, plan

WEB_ELSEWHERE = "web: langgenius/dify-web:1.13.3\n"
BASE = """
spec: {template: {spec: {containers: [
  {name: api, image: "langgenius/dify-api:1.13.3"},
  {name: web, image: "langgenius/dify-web:1.13.3"}]}}}
"""
OVERLAY = "resources: [../../base]\nimages:\n- name: langgenius/dify-api\n  newTag: %s\n"
WEB_TAG = "- name: langgenius/dify-web\n  newTag: 1.13.3\n"
TREE = {
    "base/d.yaml": BASE,
    "environments/prod/kustomization.yaml": OVERLAY % "1.13.3",
    "environments/stg/kustomization.yaml": OVERLAY % "1.10.1",
}
ENVIRONMENTS = (Environment("prod", ["environments/prod/**"]), Environment("stg", ["environments/stg/**"]))


def ids(files: dict[str, str | bytes], *globs: str) -> list[str]:
    with pytest.raises(errors.Invalid) as raised:
        plan(files, globs=globs)
    return [complaint.id for complaint in raised.value.complaints]


def test_a_base_that_the_run_does_not_name_holds_back_the_environment_that_inherits_from_it() -> None:
    made = plan(TREE, environments=ENVIRONMENTS, units=("prod",))
    assert (made.changes, made.held) == ((), ("prod",))
    assert {"base-outside", "base-tag"} <= set(kinds(made))
    (remark,) = (finding for finding in made.findings if finding.kind == "base-outside")
    assert (remark.file, "langgenius/dify-web" in str(remark)) == ("base/d.yaml", True)


def test_an_environment_with_tags_of_its_own_moves_alone_and_leaves_the_base_to_others() -> None:
    own = TREE | {"environments/prod/kustomization.yaml": OVERLAY % "1.13.3" + WEB_TAG}
    made = plan(own, environments=ENVIRONMENTS, units=("prod",))
    assert {spot.file for unit in made.units for spot in unit.spots} == {"environments/prod/kustomization.yaml"}
    assert {change.where.partition("#")[0] for change in made.changes} == {"environments/prod/kustomization.yaml"}


@pytest.mark.parametrize(("patched", "held"), [(1, ("prod",)), (2, ())])
def test_containers_that_are_patched_overrule_as_many_of_the_base(patched: int, held: tuple[str, ...]) -> None:
    containers = "spec: {containers: [" + "{image: 'langgenius/dify-api:1.13.3'}, " * 2 + "]}\n"
    patch = "--- {spec: {containers: [{image: 'langgenius/dify-api:1.13.3'}]}}\n" * patched
    files = {"base/d.yaml": containers, "environments/prod/patch.yaml": patch}
    assert plan(files, environments=ENVIRONMENTS, units=("prod",)).held == held


def test_named_files_do_not_move_without_the_base_values_that_stand_elsewhere() -> None:
    files = {
        "env/base/values.yaml": samples.BORIS,
        "env/prod/values.yaml": "image: {api: {tag: 1.13.3}, web: {tag: 1.13.3}}\n",
    }
    assert plan(files, globs=("env/prod/**",)).held == ("env/prod",)
    assert len(plan(files, globs=("env/**",)).changes) == 6


def test_a_base_that_is_overridden_is_no_mixed_state() -> None:
    whole = OVERLAY % "1.10.1" + WEB_TAG.replace("1.13.3", "1.10.1")
    made = plan({"base/d.yaml": BASE, "environments/stg/kustomization.yaml": whole})
    assert "mixed-state" not in kinds(made)
    assert made.from_version == "1.10.1"


@pytest.mark.parametrize(
    "text",
    [
        'values: "image:\\n  api:\\n    repository: langgenius/dify-api\\n    tag: 1.13.3\\n"\n',
        "cmd: docker run langgenius/dify-api:1.13.3 flask db upgrade\n",
        'values: \'{"image": {"repository": "langgenius/dify-api", "tag": "1.13.3"}}\'\n',
        "script: |\n  set -e\n  docker run langgenius/dify-api:1.13.3 flask\n",
        "note: >\n  image langgenius/dify-api@sha256:0123 runs\n",
    ],
)
def test_a_tag_that_no_place_covers_holds_its_unit_back(text: str) -> None:
    files = {"a/x.yaml": WEB_ELSEWHERE + text, "b/x.yaml": WEB_ELSEWHERE}
    made = plan(files)
    assert set(moved(made)) == {"b/x.yaml#web"}
    (remark,) = (finding for finding in made.findings if finding.kind == "image-uncovered")
    assert (remark.file, remark.line) == ("a/x.yaml", 2)
    assert ids(files, "a/*.yaml") == ["image-uncovered"]


@pytest.mark.parametrize(
    "text",
    [
        "# docker run langgenius/dify-api:1.13.3\n",
        "script: |\n  # docker run langgenius/dify-api:1.13.3\n  true\n",
        "note: the langgenius/dify-api image\n",
        "image: langgenius/dify-api-custom:7\n",
        "metadata: {annotations: {argocd-image-updater.argoproj.io/image-list: 'api=langgenius/dify-api:~1.13'}}\n",
        "args: ['--image=langgenius/dify-api:1.14.1']\n",
    ],
)
def test_comments_words_and_lists_of_an_updater_hold_nothing_back(text: str) -> None:
    assert set(moved(plan({"a/x.yaml": WEB_ELSEWHERE + text}))) == {"a/x.yaml#web"}


def test_an_image_that_is_only_named_alike_is_nobodys_business() -> None:
    files = {"a.yaml": "image: langgenius/dify-api-custom:1\n b: [\n", "b.yaml": WEB_ELSEWHERE}
    assert set(moved(plan(files))) == {"b.yaml#web"}


def test_a_list_inside_a_literal_is_read() -> None:
    text = "patches:\n- patch: |-\n    - op: replace\n      path: /x\n      value: langgenius/dify-api:1.13.3  # n\n"
    assert after(plan({"a.yaml": text}), "a.yaml") == text.replace("1.13.3", "1.14.1")


def test_a_registry_with_a_directory_stands_before_the_repository() -> None:
    text = "api: {image: {registry: r.example/langgenius, repository: dify-api, tag: 1.13.3}}\n"
    (spot,) = discover.spots(file_at("dify.yaml", text), PlanOptions())
    assert (spot.image, spot.repository) == (API, "r.example/langgenius/dify-api")


def test_inline_values_that_cannot_be_read_are_an_error_in_a_file_that_was_named() -> None:
    text = "values: |\n  host: {{ .x }}\n  image: langgenius/dify-api:1.13.3\n"
    assert ids({"a.yaml": text}, "a.yaml") == ["path-opaque"]
    assert kinds(plan({"a.yaml": text}))[0] == "path-opaque"


def test_values_for_the_chart_that_cannot_be_read_are_seen_without_an_image_in_them() -> None:
    helm = 'helm: {values: "image:\\n  api:\\n    tag: 1.13.3\\n"}'
    app = f"spec: {{source: {{repoURL: https://charts.example, chart: dify, targetRevision: 0.1.0, {helm}}}}}\n"
    assert ids({"a.yaml": app}, "a.yaml") == ["image-uncovered"]


def test_a_file_that_is_not_utf_8_is_an_error_where_it_was_named() -> None:
    assert ids({"a.yaml": samples.BORIS.encode("utf-16")}, "*.yaml") == ["yaml-not-utf8"]
    assert kinds(plan({"a.yaml": samples.BORIS.encode("utf-16")})) == ["nothing-found"]


@pytest.mark.parametrize(
    ("text", "complaint", "remark"),
    [
        ("v: &v 1.13.3\nother: *v\nimage: {repository: langgenius/dify-api, tag: *v}\n", "path-alias", "file-left"),
        ("a: {image: langgenius/dify-api:1.13.3}\na: {b: 1}\n", "path-duplicate-key", "path-duplicate-key"),
        (f"image: langgenius/dify-api:1.13.3@sha256:{'a' * 64}\n", "digest-unknown", "file-left"),
    ],
)
def test_what_cannot_be_edited_ends_the_run_only_in_a_named_file(text: str, complaint: str, remark: str) -> None:
    files = {"a/x.yaml": text, "b/x.yaml": WEB_ELSEWHERE}
    made = plan(files)
    assert set(moved(made)) == {"b/x.yaml#web"}
    assert (made.held, kinds(made)[0]) == (("a",), remark)
    assert ids(files, "a/*") == [complaint]


def test_a_default_whose_variable_is_set_beside_it_moves_only_with_the_variable() -> None:
    files = {
        "d/docker-compose.yaml": "services: {api: {image: 'langgenius/dify-api:${V:-1.13.3}'}}\n",
        "d/.env": "A=1\nV=1.13.3\n",
    }
    left = plan(files)
    (remark,) = (finding for finding in left.findings if finding.kind == "tag-in-env-file")
    assert left.changes == ()
    assert "d/.env (line 2)" in str(remark)
    assert ids(files, "d/docker-compose.yaml") == ["tag-in-env-file"]
    assert len(plan(files, env_variables={"V": API}).changes) == 2
    assert len(plan(files | {"d/.env": "A=1\n"}).changes) == 1


def test_what_is_noted_of_another_time_stays_and_is_said() -> None:
    text = (
        "image: langgenius/dify-api:1.13.3\npreviousImage: langgenius/dify-api:1.12.1\n"
        "knownGood: [langgenius/dify-api:1.12.1]\nrollback: {repository: langgenius/dify-api, tag: 1.12.1}\n"
        "history: {web: {image: langgenius/dify-web:1.12.1}}\n"
    )
    made = plan({"a.yaml": text})
    assert set(moved(made)) == {"a.yaml#image"}
    assert (kinds(made).count("record-left"), made.from_version) == (4, "1.13.3")


@pytest.mark.parametrize(
    "tag", ["langgenius/dify-sandbox:0.2.14-acme1", "langgenius/dify-plugin-daemon:0.5.3-local-acme"]
)
def test_builds_of_ones_own_are_told_by_their_shape(tag: str) -> None:
    assert "own-build" in kinds(plan({"a.yaml": f"image: {tag}\n"}))


def test_units_are_those_of_the_named_files_alone() -> None:
    reading = read_files(facts(TREE, globs=("environments/prod/**",)))
    assert [unit.name for unit in reading.every_unit] == ["environments/prod"]
    assert reading.is_outside("base/d.yaml")
