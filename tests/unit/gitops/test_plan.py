"""What a plan says, and what it refuses to say."""

from __future__ import annotations

import pytest

from difyaction import errors
from difyaction.gitops.editing.address import parse_set
from difyaction.gitops.planning.plan import Overtaken, make_plan, reapply, wanted_images
from tests.unit.gitops import samples
from tests.unit.gitops.planning import (
    API,
    DAEMON,
    NEW_DIGEST,
    OLD_DIGEST,
    SANDBOX,
    SET,
    WEB,
    Environment,
    Finding,
    after,
    facts,
    kinds,
    moved,
    plan,
    release,
)

FINDINGS = tuple(Finding("", image, tag, NEW_DIGEST) for image, tag in SET.items())


def sets(*lines: str) -> tuple[object, ...]:
    return tuple(parse_set(line, number=number) for number, line in enumerate(lines, 1))


def complaints(**given: object) -> list[str]:
    with pytest.raises(errors.Invalid) as raised:
        plan(**given)  # type: ignore[arg-type]
    return [complaint.id for complaint in raised.value.complaints]


def test_all_images_of_a_unit_move_and_every_other_byte_stays() -> None:
    made = plan({"values.yaml": samples.BORIS})
    assert (made.from_version, made.to_version) == ("1.13.3", "1.14.1")
    assert after(made, "values.yaml") == samples.BORIS.lstrip("\n").replace('"1.13.3"', '"1.14.1"').replace(
        "0.2.14", "0.2.15"
    ).replace("0.5.3-local", "0.6.0-local")
    assert {change.what for change in made.changes} == {API, WEB, SANDBOX, DAEMON}
    assert {change.unit for change in made.changes} == {"root"}


@pytest.mark.parametrize(
    "content",
    [
        samples.BORIS,
        samples.BORIS_OVERLAY,
        samples.DOUBAN,
        samples.MAGICSONG,
        samples.MANIFESTS,
        samples.COMPOSE,
        samples.KUSTOMIZATION,
        samples.ARGO,
        samples.APPLICATION_SET,
        samples.FLUX,
        samples.UMBRELLA_VALUES,
    ],
)
def test_planning_on_the_result_changes_nothing(content: str) -> None:
    first = plan({"dify.yaml": content})
    assert first.changes
    again = plan({"dify.yaml": first.files[0].after})
    assert (again.changes, again.files) == ((), ())
    assert wanted_images(facts({"dify.yaml": first.files[0].after})) == ()


def test_compose_defaults_move_inside_their_variables() -> None:
    made = plan({"compose.yaml": samples.COMPOSE})
    text = after(made, "compose.yaml")
    assert "langgenius/dify-web:${DIFY_VERSION:-1.14.1}" in text
    assert "${REGISTRY:-docker.io}/langgenius/dify-sandbox:0.2.15" in text
    assert "${DAEMON_IMAGE:-langgenius/dify-plugin-daemon:0.6.0-local}" in text
    assert kinds(made).count("variable-default") == 2


def test_a_daemon_keeps_its_flavour() -> None:
    made = plan({"a.yaml": "image: langgenius/dify-plugin-daemon:0.5.3-serverless\n"})
    assert after(made, "a.yaml") == "image: langgenius/dify-plugin-daemon:0.6.0-serverless\n"


def test_a_mixed_state_is_named_and_cured() -> None:
    made = plan({"values.yaml": samples.BORIS.replace('"1.13.3"', '"1.14.1"', 1)})
    assert "mixed-state" in kinds(made)
    assert made.from_version == "1.13.3"
    assert moved(made)["values.yaml#image.web.tag"] == "1.14.1"
    assert "values.yaml#image.api.tag" not in moved(made)


def test_a_unit_whose_api_is_right_still_gets_the_daemon_that_belongs_to_it() -> None:
    made = plan({"values.yaml": samples.BORIS.replace('"1.13.3"', '"1.14.1"').replace("0.2.14", "0.2.15")})
    assert moved(made) == {"values.yaml#image.pluginDaemon.tag": "0.6.0-local"}


def test_images_that_only_one_side_has_are_reported_and_left() -> None:
    tags = {API: "1.14.1", WEB: "1.14.1", "langgenius/dify-agent-backend": "1.14.1"}
    made = plan({"values.yaml": samples.BORIS}, release=release(tags=tags))
    assert set(moved(made)) == {"values.yaml#image.api.tag", "values.yaml#image.web.tag"}
    assert {"unit-lacks", "unit-extra"} <= set(kinds(made))


def test_a_build_of_ones_own_holds_its_unit_back_unless_it_is_set_by_hand() -> None:
    own = {
        "a/values.yaml": samples.BORIS.replace('tag: "1.13.3"', "tag: 1.13.3-acme.2", 1),
        "b/values.yaml": samples.BORIS,
    }
    made = plan(own)
    assert {change.unit for change in made.changes} == {"b"}
    assert "own-build" in kinds(made)
    assert complaints(files=own, globs=("*/values.yaml",)) == ["own-build"]
    by_hand = plan(own, set_lines=sets("a/values.yaml#image.api.tag=1.14.1-acme.1"))
    assert moved(by_hand)["a/values.yaml#image.api.tag"] == "1.14.1-acme.1"
    assert moved(by_hand)["a/values.yaml#image.pluginDaemon.tag"] == "0.6.0-local"


def test_a_variable_that_nobody_named_holds_its_unit_back() -> None:
    text = "services:\n  api: {image: 'langgenius/dify-api:${V}'}\n  d: {image: 'langgenius/dify-sandbox:0.2.14'}\n"
    made = plan({"compose.yaml": text})
    assert made.changes == ()
    assert "tag-from-variable" in kinds(made)
    assert complaints(files={"compose.yaml": text}, globs=("compose.yaml",)) == ["tag-from-variable"]


def test_a_named_variable_moves_by_its_own_bytes() -> None:
    files = {
        ".env": "A=1 # keep\r\nexport V='1.13.3'  # tag\r\n",
        "compose.yaml": "services:\n  api: {image: 'langgenius/dify-api:${V}'}\n",
    }
    made = plan(files, env_variables={"V": API})
    assert made.files[0].after == b"A=1 # keep\r\nexport V='1.14.1'  # tag\r\n"
    assert [file.path for file in made.files] == [".env"]


def test_one_variable_for_images_with_different_tags_is_refused() -> None:
    files = {
        ".env": "V=1.13.3\n",
        "compose.yaml": "services:\n  api: {image: 'langgenius/dify-api:${V}'}\n"
        "  d: {image: 'langgenius/dify-sandbox:${V}'}\n",
    }
    assert complaints(files=files, env_variables={"V": API}, globs=("*",)) == ["tag-shared"]
    left = plan(files, env_variables={"V": API})
    assert (left.changes, kinds(left)[0]) == ((), "file-left")
    assert wanted_images(facts(files, env_variables={"V": API})) == ()


def test_set_lines_win_and_are_added() -> None:
    files = {"values.yaml": samples.BORIS, "notes.yaml": "seen: {version: '1.9'}\n"}
    made = plan(files, set_lines=sets("values.yaml#image.web.tag=1.14.0", "notes.yaml#seen.version=1.10"))
    assert moved(made)["values.yaml#image.web.tag"] == "1.14.0"
    assert moved(made)["values.yaml#image.api.tag"] == "1.14.1"
    assert after(made, "notes.yaml") == "seen: {version: '1.10'}\n"


def test_set_lines_work_without_a_release() -> None:
    made = plan({"values.yaml": samples.BORIS}, release=None, set_lines=sets("values.yaml#image.api.tag=1.13.4"))
    assert moved(made) == {"values.yaml#image.api.tag": "1.13.4"}
    assert made.objections == ()


def test_wrong_set_lines_are_named_together() -> None:
    lines = sets(
        "gone.yaml#a=1", "values.yaml#image.nope.tag=1", "values.yaml#image.api.tag=2", "values.yaml#image.api.tag=3"
    )
    assert complaints(files={"values.yaml": samples.BORIS}, set_lines=lines) == [
        "set-file-missing",
        "path-missing",
        "set-conflict",
    ]


def test_a_set_line_for_a_file_with_the_sign_in_its_path_says_how_to_write_it() -> None:
    files = {"team #1/values.yaml": samples.BORIS}
    with pytest.raises(errors.Invalid, match="A path with a # in it stands in double quotes"):
        plan(files, set_lines=sets("team #1/values.yaml#image.api.tag=1"))
    made = plan(files, release=None, set_lines=sets('"team #1/values.yaml"#image.api.tag=1.13.4'))
    assert moved(made) == {'"team #1/values.yaml"#image.api.tag': "1.13.4"}


BROKEN = "image: langgenius/dify-api:1.13.3\nlist: [\n"


def test_a_wrong_address_is_told_beside_a_file_that_cannot_be_read() -> None:
    files = {"values.yaml": samples.BORIS, "other/broken.yaml": BROKEN}
    lines = sets("values.yaml#image.apo.tag=1.14.1")
    assert complaints(files=files, set_lines=lines) == ["path-missing", "yaml-unparsable"]
    assert complaints(files=files, set_lines=sets("other/broken.yaml#image=x")) == ["yaml-unparsable"]


def test_explicit_edits_alone_do_not_mind_a_broken_file_that_they_do_not_name() -> None:
    files = {"values.yaml": samples.BORIS, "other/broken.yaml": BROKEN}
    given = {"files": files, "release": None, "only_set": True}
    made = plan(**given, set_lines=sets("values.yaml#image.sandbox.tag=0.2.15"))
    assert moved(made) == {"values.yaml#image.sandbox.tag": "0.2.15"}
    assert kinds(made) == ["file-unread"]
    assert "other/broken.yaml" in made.remarks[0]
    assert complaints(**given, set_lines=sets("other/broken.yaml#image=x")) == ["yaml-unparsable"]


def test_what_exclusions_take_away_is_not_edited_and_the_rest_is_as_found() -> None:
    template = "{{- if .on }}\nimage: langgenius/dify-api:1.13.3\n{{- end }}\n"
    files = {"a/values.yaml": samples.BORIS, "old/values.yaml": samples.BORIS, "t/deploy.yaml": template}
    made = plan(files, globs=("!old/**",))
    assert {where.partition("#")[0] for where in moved(made)} == {"a/values.yaml"}
    assert kinds(made) == ["template-left"]


def test_an_exclusion_takes_away_from_the_files_of_an_environment() -> None:
    files = {f"{folder}/values.yaml": samples.BORIS for folder in ("env/prod/a", "env/prod/old", "env/dev")}
    given = {"environments": (Environment("prod", ("env/prod/**",)),), "units": ("prod",)}
    made = plan(files, **given, globs=("!**/old/**",))
    assert {where.partition("#")[0] for where in moved(made)} == {"env/prod/a/values.yaml"}
    assert {change.unit for change in made.changes} == {"prod"}


def test_a_broken_file_that_an_exclusion_takes_away_stops_nothing() -> None:
    files = {"a/values.yaml": samples.BORIS, "base/broken.yaml": BROKEN}
    assert complaints(files=files) == ["yaml-unparsable"]
    made = plan(files, globs=("!base/**",))
    assert (kinds(made), len(made.changes)) == (["file-unread"], 4)


def test_a_base_that_an_exclusion_takes_away_is_not_edited_for_those_who_need_it() -> None:
    files = {"base/values.yaml": samples.BORIS, "prod/values.yaml": "image: {web: {tag: 1.13.3}, api: {tag: 1.13.3}}\n"}
    assert plan(files).changes != ()
    made = plan(files, globs=("!base/**",))
    assert (made.changes, "base-outside" in kinds(made)) == ((), True)


def test_a_mixed_state_that_explicit_edits_make_is_told() -> None:
    one, both = "values.yaml#image.api.tag=1.14.1", "values.yaml#image.web.tag=1.14.1"
    files = {"values.yaml": samples.BORIS}
    made = plan(files, release=None, only_set=True, set_lines=sets(one))
    assert kinds(made) == ["mixed-by-set"]
    assert "langgenius/dify-api 1.14.1, langgenius/dify-web 1.13.3" in made.remarks[0]
    assert kinds(plan(files, release=None, only_set=True, set_lines=sets(one, both))) == []
    whole = "a.yaml#api.image=langgenius/dify-api:1.14.1"
    manifest = {"a.yaml": "api: {image: langgenius/dify-api:1.13.3}\nweb: {image: langgenius/dify-web:1.14.1}\n"}
    assert kinds(plan(manifest, release=None, only_set=True, set_lines=sets(whole))) == []


def test_digests_are_pinned_where_asked() -> None:
    made = plan({"values.yaml": samples.BORIS}, image_findings=FINDINGS, pin_digests=True)
    assert moved(made)["values.yaml#image.pluginDaemon.tag"] == f"0.6.0-local@{NEW_DIGEST}"
    again = facts({"values.yaml": made.files[0].after}, image_findings=FINDINGS, pin_digests=True)
    assert make_plan(again).changes == ()


def test_one_tag_for_two_images_cannot_be_pinned() -> None:
    findings = (*FINDINGS[1:], Finding("", API, "1.14.1", OLD_DIGEST))
    given = {"image_findings": findings, "pin_digests": True}
    assert complaints(files={"values.yaml": samples.DOUBAN}, globs=("values.yaml",), **given) == ["digest-shared"]
    assert kinds(plan({"values.yaml": samples.DOUBAN}, **given))[0] == "file-left"


def test_an_old_digest_is_replaced_or_refused_but_never_kept() -> None:
    files = {"a.yaml": f"image: langgenius/dify-api:1.13.3@{OLD_DIGEST}\n"}
    assert complaints(files=files, globs=("a.yaml",)) == ["digest-unknown"]
    assert plan(files).held == ("root",)
    made = plan(files, image_findings=FINDINGS)
    assert after(made, "a.yaml") == f"image: langgenius/dify-api:1.14.1@{NEW_DIGEST}\n"


def test_a_digest_alone_gets_its_tag_back() -> None:
    files = {"a.yaml": f"image: langgenius/dify-api@{OLD_DIGEST}\n"}
    made = plan(files, image_findings=FINDINGS)
    assert after(made, "a.yaml") == f"image: langgenius/dify-api:1.14.1@{NEW_DIGEST}\n"
    assert plan({"a.yaml": made.files[0].after}, image_findings=FINDINGS).changes == ()


def test_a_digest_beside_the_tag_moves_with_it() -> None:
    text = (
        f"images:\n  - name: langgenius/dify-api\n    newTag: 1.13.3\n    digest: {OLD_DIGEST}\n"
        f"  - name: langgenius/dify-web\n    digest: {OLD_DIGEST}\n"
    )
    made = plan({"kustomization.yaml": text}, image_findings=FINDINGS)
    assert after(made, "kustomization.yaml") == text.replace(OLD_DIGEST, NEW_DIGEST).replace("1.13.3", "1.14.1")


def test_the_registry_is_asked_by_the_names_that_the_files_use() -> None:
    assert wanted_images(facts({"values.yaml": samples.MAGICSONG})) == (
        ("registry.example:5000", API, "1.14.1"),
        ("registry.example:5000", WEB, "1.14.1"),
        ("registry.example:5000", SANDBOX, "0.2.15"),
        ("registry.example:5000", DAEMON, "0.6.0-local"),
    )
    assert wanted_images(facts({"kustomization.yaml": samples.KUSTOMIZATION})) == (
        ("", API, "1.14.1"),
        ("registry.example", "mirror/web", "1.14.1"),
    )


def test_a_draft_may_carry_what_can_be_acknowledged_and_a_commit_may_not() -> None:
    files = {"values.yaml": samples.DOUBAN}
    proposed, committed = plan(files), plan(files, delivery="commit")
    assert "chart-never-migrates" in {objection.rule for objection in proposed.objections}
    assert proposed.stopping == ()
    assert {objection.rule for objection in committed.stopping} >= {"chart-never-migrates"}


def test_going_back_across_schemas_stops_every_delivery() -> None:
    made = plan({"values.yaml": samples.BORIS.replace("1.13.3", "1.16.1")})
    assert [objection.rule for objection in made.stopping] == ["schema-downgrade"]


def test_the_plan_id_names_what_is_done_and_not_what_is_said_about_it() -> None:
    first = plan({"values.yaml": samples.BORIS})
    assert plan({"values.yaml": samples.BORIS, "other.yaml": "a: 1\n"}).plan_id == first.plan_id
    assert plan({"values.yaml": samples.BORIS}, acknowledge=("x@1.14.1",)).plan_id == first.plan_id
    assert plan({"values.yaml": samples.BORIS + "# new\n"}).plan_id != first.plan_id
    assert plan({"values.yaml": samples.BORIS}, delivery="commit").plan_id != first.plan_id
    assert plan({"values.yaml": samples.BORIS_OVERLAY}).plan_id != first.plan_id


def test_the_diff_shows_each_file() -> None:
    (document,) = plan({"a.yaml": "image: langgenius/dify-api:1.13.3"}).documents
    assert document.title == "a.yaml"
    assert document.text.splitlines()[-4:] == [
        "-image: langgenius/dify-api:1.13.3",
        "\\ No newline at end of file",
        "+image: langgenius/dify-api:1.14.1",
        "\\ No newline at end of file",
    ]


def test_edits_are_applied_again_to_fresh_content() -> None:
    made = plan({"values.yaml": samples.BORIS})
    fresh = b"# somebody's line\n" + made.files[0].before
    (changed,) = reapply(made, {"values.yaml": fresh})
    assert changed.after == b"# somebody's line\n" + made.files[0].after
    assert reapply(made, {"values.yaml": made.files[0].after}) == ()


@pytest.mark.parametrize(
    "fresh", [{}, {"values.yaml": b"image: {}\n"}, {"values.yaml": samples.BORIS.replace("1.13.3", "1.12.1").encode()}]
)
def test_content_that_was_changed_by_another_is_planned_again(fresh: dict[str, bytes]) -> None:
    with pytest.raises(Overtaken):
        reapply(plan({"values.yaml": samples.BORIS}), fresh)


def test_a_bad_file_keeps_the_good_ones_from_being_planned() -> None:
    files = {f"{number}/values.yaml": samples.BORIS for number in range(20)} | {
        "bad/values.yaml": samples.BORIS + " - x: [\n"
    }
    assert complaints(files=files) == ["yaml-unparsable"]
    assert complaints(files=files, globs=("*/values.yaml",)) == ["yaml-unparsable"]


def test_a_place_that_is_decided_elsewhere_is_seen_to_by_a_set_line_for_it() -> None:
    text = (
        "spec: {generators: [{list: {elements: [{dify: 1.13.3}]}}], template: {spec: {source: {chart: dify, helm: "
        "{parameters: [{name: image.api.tag, value: '{{dify}}'}, {name: image.sandbox.tag, value: 0.2.14}]}}}}}\n"
    )
    assert kinds(plan({"set.yaml": text}))[0] == "tag-from-template"
    made = plan({"set.yaml": text}, set_lines=sets("set.yaml#spec.generators[0].list.elements[0].dify=1.14.1"))
    assert after(made, "set.yaml") == text.replace("1.13.3", "1.14.1").replace("0.2.14", "0.2.15")


def test_images_without_a_tag_get_theirs_from_kustomize_or_hold_the_unit_back() -> None:
    deployment = "spec: {template: {spec: {containers: [{image: langgenius/dify-api}]}}}\n"
    daemon = "image: langgenius/dify-plugin-daemon:0.5.3-local\n"
    files = {"deployment.yaml": deployment, "daemon.yaml": daemon}
    assert plan(files).changes == ()
    assert kinds(plan(files))[0] == "tag-from-chart"
    moves = moved(plan(files | {"kustomization.yaml": samples.KUSTOMIZATION}))
    assert moves["kustomization.yaml#images[0].newTag"] == "1.14.1"
    assert moves["daemon.yaml#image"] == "0.6.0-local"


def test_a_variable_that_is_set_twice_is_named_as_that_and_not_as_one_that_changed() -> None:
    given = {"files": {".env": "V=1.0\nV=2.0\n"}, "release": None, "set_lines": sets(".env#V=3.0")}
    assert complaints(**given) == ["env-duplicate"]
