"""Every place that names a tag of Dify is found, and no other."""

from __future__ import annotations

import pytest

from difyaction import errors
from difyaction.gitops.files import Entry
from difyaction.gitops.finding import discover
from difyaction.gitops.planning.plan import PlanOptions
from tests.unit.gitops import samples
from tests.unit.gitops.planning import API, DAEMON, SANDBOX, WEB, file_at


def found(path: str, content: str, **options: object) -> dict[str, tuple[str, str]]:
    """Where images of Dify are found: path -> image, tag."""
    spots = discover.spots(file_at(path, content), PlanOptions(**options))  # type: ignore[arg-type]
    return {spot.where.partition("#")[2]: (spot.image, spot.before) for spot in spots}


def chosen(paths: list[str], *globs: str, with_env: bool = False) -> list[str]:
    entries = [Entry(path, "100644", "oid") for path in paths]
    return [entry.path for entry in discover.candidates(entries, globs, with_env=with_env)]


def test_values_of_boris_chart_name_four_images_and_no_database() -> None:
    assert found("values.yaml", samples.BORIS) == {
        "image.api.tag": (API, "1.13.3"),
        "image.web.tag": (WEB, "1.13.3"),
        "image.sandbox.tag": (SANDBOX, "0.2.14"),
        "image.pluginDaemon.tag": (DAEMON, "0.5.3-local"),
    }


def test_values_below_the_alias_of_a_dependency_are_found() -> None:
    assert found("values.yaml", samples.UMBRELLA_VALUES) == {
        "chat.image.api.tag": (API, "1.13.3"),
        "chat.image.web.tag": (WEB, "1.13.3"),
    }


def test_an_overlay_without_repositories_is_told_by_a_key_that_only_this_chart_has() -> None:
    assert set(found("prod.yaml", samples.BORIS_OVERLAY)) == {
        "image.api.tag",
        "image.web.tag",
        "image.pluginDaemon.tag",
    }


def test_a_common_word_is_not_enough_to_be_dify() -> None:
    text = "image:\n  api:\n    tag: 1.13.3\n"
    assert found("values.yaml", text) == {}
    assert found("apps/dify/values.yaml", text) == {}
    assert found("values.yaml", "dify:\n  image:\n    api:\n      tag: 1.13.3\n") == {}


def test_a_path_or_a_key_that_speaks_of_dify_is_enough_with_two_keys_of_the_layout() -> None:
    text = "image: {api: {tag: 1.13.3}, web: {tag: 1.13.3}}\n"
    assert set(found("apps/dify/values.yaml", text)) == {"image.api.tag", "image.web.tag"}
    assert set(found("values.yaml", f"dify: {{{text.strip()}}}\n")) == {"dify.image.api.tag", "dify.image.web.tag"}
    assert found("apps/dify/values.yaml", "api: {image: {tag: 1.13.3}}\n") == {}
    assert found("apps/dify/keycloak/values.yaml", text.replace("1.13.3", "3.2.1")) == {}
    assert found("apps/dify/keycloak/values.yaml", "global: {image: {tag: 1.9.9}}\n") == {}


REDIS = """
kind: HelmRelease
metadata: {name: dify-redis}
spec:
  chart: {spec: {chart: redis, version: 1.2.3}}
  values:
    global: {image: {tag: 1.4.1}}
    image: {api: {tag: 1.2.1}, sandbox: {tag: 1.0.0}}
    sandbox: {image: {tag: 1.0.0}}
"""


def test_values_for_another_chart_are_none_of_ours_unless_a_key_in_them_says_so() -> None:
    assert found("apps/dify/redis.yaml", REDIS, globs=("apps/**",)) == {}
    umbrella = REDIS.replace("global: {image: {tag: 1.4.1}}", "dify: {image: {api: {tag: 1.2.1}, web: {tag: 1.2.1}}}")
    assert set(found("apps/redis.yaml", umbrella)) == {
        "spec.values.dify.image.api.tag",
        "spec.values.dify.image.web.tag",
    }
    values = "{valuesObject: {global: {image: {tag: 1.9.0}}}}"
    argo = f"spec: {{source: {{chart: shop, repoURL: https://dify.example, helm: {values}}}}}"
    assert found("dify.yaml", argo) == {}


def test_two_keys_of_a_layout_are_enough_in_a_file_that_was_asked_for() -> None:
    text = "image: {api: {tag: 1.13.3}, web: {tag: 1.13.3}}\n"
    assert found("shop/values.yaml", text) == {}
    assert set(found("shop/values.yaml", text, globs=("shop/*",))) == {"image.api.tag", "image.web.tag"}


def test_a_tag_beside_somebody_elses_repository_is_left_alone() -> None:
    text = "image:\n  api: {repository: acme/shop, tag: 2.0.0}\n  pluginDaemon: {tag: 0.5.3-local}\n"
    assert set(found("values.yaml", text)) == {"image.pluginDaemon.tag"}


def test_a_web_address_of_dify_makes_no_other_application_dify() -> None:
    text = "image: {api: {tag: 2.0.1}, web: {tag: 2.0.1}}\nenv:\n  DIFY_URL: https://dify.example\n"
    assert found("values.yaml", text) == {}


def test_the_global_tag_of_douban_is_the_knob_and_empty_tags_are_no_places() -> None:
    spots = discover.spots(file_at("values.yaml", samples.DOUBAN), PlanOptions())
    assert [spot.where for spot in spots] == [
        "values.yaml#global.image.tag",
        "values.yaml#sandbox.image.tag",
        "values.yaml#pluginDaemon.image.tag",
    ]
    assert spots[0].names == ((API, API), (WEB, WEB))
    assert {spot.layout for spot in spots} == {"douban"}


def test_the_registry_of_magicsong_stands_before_every_repository() -> None:
    spots = discover.spots(file_at("values.yaml", samples.MAGICSONG), PlanOptions())
    assert {spot.layout for spot in spots} == {"magicsong"}
    assert spots[0].names == ((API, f"registry.example:5000/{API}"), (WEB, f"registry.example:5000/{WEB}"))


def test_manifests_of_several_documents_name_images_of_every_container() -> None:
    assert found("all.yaml", samples.MANIFESTS) == {
        "spec.template.spec.initContainers[0].image": (API, "1.13.3"),
        "spec.template.spec.containers[0].image": (API, "1.13.3"),
        "spec.template.spec.containers[1].image": (DAEMON, "0.5.3-local"),
        "[1].spec.template.spec.containers[0].image": (WEB, "1.13.3"),
    }


def test_compose_files_name_images_and_defaults_of_variables() -> None:
    assert found("compose.yaml", samples.COMPOSE) == {
        "services.api.image": (API, "1.13.3"),
        "services.web.image": (WEB, "1.13.3"),
        "services.sandbox.image": (SANDBOX, "0.2.14"),
        "services.plugin_daemon.image": (DAEMON, "0.5.3-local"),
    }


def test_kustomize_names_the_image_by_its_old_name_and_the_registry_by_its_new_one() -> None:
    spots = discover.spots(file_at("kustomization.yaml", samples.KUSTOMIZATION), PlanOptions())
    assert [(spot.where.partition("#")[2], spot.image, spot.repository) for spot in spots] == [
        ("images[0].newTag", API, API),
        ("images[1].newTag", WEB, "registry.example/mirror/web"),
    ]


def test_argo_cd_is_found_in_parameters_objects_inline_values_and_kustomize_images() -> None:
    helm = "spec.sources[0].helm"
    assert found("app.yaml", samples.ARGO) == {
        "spec.sources[0].targetRevision": ("", "0.36.0"),
        f"{helm}.parameters[0].value": (API, "1.13.3"),
        f"{helm}.valuesObject.image.web.tag": (WEB, "1.13.3"),
        f"{helm}.values.|.image.pluginDaemon.tag": (DAEMON, "0.5.3-local"),
        "spec.sources[1].kustomize.images[0]": (SANDBOX, "0.2.14"),
        "spec.sources[1].kustomize.images[1]": (API, "1.13.3"),
    }


def test_an_application_set_is_read_like_an_application() -> None:
    helm = "spec.template.spec.source.helm.parameters"
    assert found("set.yaml", samples.APPLICATION_SET) == {
        "spec.template.spec.source.targetRevision": ("", "0.36.0"),
        f"{helm}[0].value": (API, "1.13.3"),
        f"{helm}[1].value": (WEB, "1.13.3"),
    }


def test_a_release_of_flux_is_found_by_the_chart_that_it_names() -> None:
    assert found("release.yaml", samples.FLUX) == {
        "[1].spec.chart.spec.version": ("", "0.36.0"),
        "[1].spec.values.image.api.tag": (API, "1.13.3"),
        "[1].spec.values.image.web.tag": (WEB, "1.13.3"),
    }


def test_a_mirror_is_known_by_its_ending_or_by_the_image_map() -> None:
    text = "image: registry.example:5000/proxy/langgenius/dify-api:1.13.3\nother: registry.example/ai/chat-api:1.13.3\n"
    assert set(found("a.yaml", text)) == {"image"}
    assert set(found("a.yaml", text, image_map={API: "registry.example/ai/chat-api"})) == {"image", "other"}


def test_a_named_variable_is_a_place_and_gathers_the_images_that_use_it() -> None:
    files = (
        file_at(".env", "export DIFY_VERSION=1.13.3 # both\nSANDBOX=0.2.14\n"),
        file_at(
            "compose.yaml",
            "services:\n  api: {image: 'langgenius/dify-api:${DIFY_VERSION}'}\n"
            "  web: {image: 'r.example/langgenius/dify-web:$DIFY_VERSION'}\n",
        ),
    )
    survey = discover.survey(files, PlanOptions(env_variables={"DIFY_VERSION": API}))
    (spot,) = [spot for found in survey.found for spot in found.spots]
    assert spot.names == ((API, API), (WEB, "r.example/langgenius/dify-web"))
    assert [gap for found in survey.found for gap in found.gaps] == []


def test_a_variable_that_no_file_sets_is_an_error() -> None:
    with pytest.raises(errors.Invalid) as raised:
        discover.survey((file_at("compose.yaml", samples.COMPOSE),), PlanOptions(env_variables={"DIFY_TAG": API}))
    assert [complaint.id for complaint in raised.value.complaints] == ["env-variable-missing"]


def test_an_anchored_value_and_its_alias_are_two_places() -> None:
    text = (
        "image:\n  api: {repository: langgenius/dify-api, tag: &v 1.13.3}\n"
        "  web: {repository: langgenius/dify-web, tag: *v}\n"
    )
    assert found("values.yaml", text) == {"image.api.tag": (API, "1.13.3"), "image.web.tag": (WEB, "1.13.3")}


def test_without_globs_the_yaml_files_are_candidates_but_workflows_and_templates_are_not() -> None:
    paths = ["a/values.yaml", "b.yml", ".github/workflows/x.yaml", "README.md", ".env"]
    paths += ["chart/Chart.yaml", "chart/templates/sub/d.yaml"]
    assert chosen(paths) == ["a/values.yaml", "b.yml", "chart/Chart.yaml"]
    assert chosen(paths, with_env=True) == ["a/values.yaml", "b.yml", ".env", "chart/Chart.yaml"]
    assert chosen(["dify/templates/d.yaml"]) == ["dify/templates/d.yaml"]


def test_what_is_passed_over_is_said() -> None:
    entries = [Entry("c/Chart.yaml", "100644", "1"), Entry("c/templates/x.yaml", "100644", "2")]
    entries += [Entry("big.yaml", "100644", "3", 3_000_000), Entry("a.yaml", "100644", "4", 10)]
    assert [remark.kind for remark in discover.skipped(entries, ())] == ["file-too-large", "templates-skipped"]
    assert discover.skipped(entries, ["*.yaml"]) == ()


def test_the_base_values_of_named_files_are_read_and_the_variables_beside_compose() -> None:
    paths = ["env/prod/values.yaml", "env/dev/values.yaml", "base/d.yaml", "values.yaml", "x/base/y.yaml"]
    assert chosen(paths, "env/prod/**") == ["env/prod/values.yaml", "base/d.yaml", "values.yaml"]
    assert chosen(["a/docker-compose.yaml", "a/.env", ".env"], "a/*.yaml") == ["a/docker-compose.yaml", "a/.env"]


def test_globs_choose_any_file_and_a_glob_without_a_file_is_an_error() -> None:
    paths = ["env/dev/values.yaml", "env/prod/values.yaml", "env/prod/old/values.yaml", "x.txt"]
    assert chosen(paths, "env/*/values.yaml") == paths[:2]
    assert chosen(paths, "env/**/values.yaml", "!env/dev/**") == paths[1:3]
    with pytest.raises(errors.Invalid) as raised:
        chosen(paths, "x.txt", "enc/*.yaml", "nowhere.yaml")
    assert [complaint.id for complaint in raised.value.complaints] == ["files-match-nothing"] * 2


def test_globs_that_only_take_away_mean_every_other_file() -> None:
    paths = ["env/dev/values.yaml", "env/prod/values.yaml", "old/values.yaml", "old/Chart.yaml", "x.txt"]
    assert chosen(paths, "!env/dev/**", "!old/**") == ["env/prod/values.yaml"]
    entries = [Entry("old/Chart.yaml", "100644", "o"), Entry("old/templates/a.yaml", "100644", "o")]
    assert discover.skipped(entries, ["!old/**"]) == ()
    assert discover.skipped(entries, ["!new/**"]) != ()


def test_a_link_is_named_as_a_link() -> None:
    entries = [Entry("a/v.yaml", "100644", "o"), Entry("link.yaml", "120000", "o"), Entry("la", "120000", "o")]
    with pytest.raises(errors.Invalid) as raised:
        discover.candidates(entries, ["link.yaml", "la/*.yaml", "none/*.yaml"])
    first, second, third = raised.value.complaints
    assert (first.id, second.id, third.id) == ("file-not-regular", "file-not-regular", "files-match-nothing")
    assert "files: link.yaml is a link, and links are never followed" in first.text
    assert "files: la/*.yaml leads through the link la" in second.text
    said = [complaint.text for complaint in discover.through_links(entries, ["a/v.yaml", "la/v.yaml", "link.yaml"])]
    assert [text.partition(",")[0] for text in said] == [
        "set: la/v.yaml leads through the link la",
        "set: link.yaml is a link",
    ]
    [remark] = discover.skipped(entries, ["**/*.yaml"])
    assert (remark.kind, remark.facts["links"]) == ("link-left", "link.yaml")


def test_an_exclusion_that_keeps_nothing_out_is_named() -> None:
    entries = [Entry("old/v.yaml", "100644", "oid"), Entry("link.yaml", "120000", "oid")]
    [remark] = discover.skipped(entries, ["**/*.yaml", "!old/**", "!link.yaml", "!odl/**", "!./new/"])
    assert (remark.kind, remark.facts["globs"]) == ("exclusion-idle", "!odl/**, !./new/")
    [remark] = discover.skipped(entries, ["!odl/**"])
    assert remark.kind == "exclusion-idle"


def test_links_and_submodules_are_no_candidates() -> None:
    entries = [Entry("a.yaml", "120000", "oid"), Entry("b.yaml", "160000", "oid"), Entry("c.yaml", "100755", "oid")]
    assert [entry.path for entry in discover.candidates(entries, ())] == ["c.yaml"]


def test_a_file_that_only_speaks_of_dify_in_a_comment_breaks_nothing() -> None:
    text = "# once ran langgenius/dify-api:1.0.0\n{{ not yaml\n"
    survey = discover.survey((file_at("notes.yaml", text),), PlanOptions())
    assert (survey.found, survey.remarks) == ((), ())


def test_a_helm_template_that_nobody_asked_for_is_left_alone_with_a_remark() -> None:
    text = "{{- if .Values.on }}\nimage: langgenius/dify-api:1.13.3\n{{- end }}\n"
    survey = discover.survey((file_at("chart/deploy.yaml", text),), PlanOptions())
    assert [remark.kind for remark in survey.remarks] == ["template-left"]
    with pytest.raises(errors.Invalid) as raised:
        discover.survey((file_at("chart/deploy.yaml", text),), PlanOptions(), ("chart/deploy.yaml",))
    assert [complaint.id for complaint in raised.value.complaints] == ["yaml-template"]


def test_every_bad_file_is_named_at_once() -> None:
    bad = "image: langgenius/dify-api:1.13.3\n  broken: [\n"
    twice = "image: langgenius/dify-api:1.13.3\nimage: langgenius/dify-api:1.13.3\n"
    files = (file_at("a.yaml", bad), file_at("b.yaml", samples.BORIS), file_at("c.yaml", twice))
    with pytest.raises(errors.Invalid) as raised:
        discover.survey(files, PlanOptions(), ["*.yaml"])
    assert [(complaint.id, complaint.file, complaint.line) for complaint in raised.value.complaints] == [
        ("yaml-unparsable", "a.yaml", 2),
        ("path-duplicate-key", "c.yaml", 2),
    ]


def test_an_overlay_learns_from_its_base_which_path_is_dify() -> None:
    files = (
        file_at("base/values.yaml", "chat: {server: {image: {repository: langgenius/dify-api, tag: 1.13.3}}}\n"),
        file_at("prod/values.yaml", "chat: {server: {image: {tag: 1.12.1}}}\n"),
        file_at("prod/other.yaml", "chat: {server: {image: {repository: acme/chat, tag: 1.12.1}}}\n"),
    )
    survey = discover.survey(files, PlanOptions())
    assert {(spot.file, spot.before) for found in survey.found for spot in found.spots} == {
        ("base/values.yaml", "1.13.3"),
        ("prod/values.yaml", "1.12.1"),
    }
