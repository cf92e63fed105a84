from __future__ import annotations

import inspect
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difyaction.releases import conditions, data_conditions, machine_conditions
from difyaction.releases.catalogue import ImageSet
from difyaction.releases.rules import Rule, Situation, all_rules, objections, rule_ids
from difyaction.releases.version import Version
from difyaction.target import Severity

API, WEB = "langgenius/dify-api", "langgenius/dify-web"
BACKEND, SANDBOX = "langgenius/dify-agent-backend", "langgenius/dify-agent-local-sandbox"


def version(tag: str) -> Version:
    return Version.parse(tag)


def situation(installed: str, wanted: str, **known: object) -> Situation:
    facts: dict[str, object] = {"unit": "production", "installed_head": "aaa", "wanted_head": "bbb", **known}
    return Situation(installed=version(installed), wanted=version(wanted), **facts)  # type: ignore[arg-type]


def raised(given_situation: Situation) -> dict[str, Severity]:
    return {objection.rule: objection.severity for objection in objections(given_situation, ())}


def test_every_rule_has_a_condition_and_every_condition_a_rule() -> None:
    functions = {
        name.replace("_", "-")
        for module in (conditions, data_conditions, machine_conditions)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }

    assert functions == set(rule_ids())
    assert len(rule_ids()) == len(functions)


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_every_rule_says_where_it_can_be_read_up_and_what_to_do(rule: Rule) -> None:
    assert rule.source.startswith("https://")
    assert rule.families <= {"repository", "machine"}
    assert rule.families
    for text in (rule.text, rule.machine_text):
        assert len(text) < 600
        assert text.endswith(".")


def test_an_ordinary_step_meets_no_objection() -> None:
    upstream = ImageSet(tags={API: "1.14.0", WEB: "1.14.0", "langgenius/dify-plugin-daemon": "0.6.0-local"})
    own = {API: "1.13.3", WEB: "1.13.3"}

    assert raised(situation("1.13.3", "1.14.0", own_images=own, upstream=upstream, layouts={"borispolonsky"})) == {}


def test_from_0_x_to_1_x_somebody_has_to_migrate_plugins() -> None:
    assert raised(situation("0.15.8", "1.4.3")) == {"plugin-migration": Severity.ACKNOWLEDGE}
    assert raised(situation("0.15.8", "1.0.0-beta.1")) == {"plugin-migration": Severity.ACKNOWLEDGE}
    assert raised(situation("1.0.0-beta.1", "1.0.0")) == {}


def test_an_objection_tells_what_was_found_with_its_consent() -> None:
    (objection,) = objections(situation("0.15.8", "1.4.3"), ())

    assert objection.consent == "plugin-migration@1.4.3"
    assert objection.text.format(**objection.facts).startswith("production goes from 0.15.8 to 1.4.3, and 1.0.0 turned")


def test_consent_is_for_one_version_only() -> None:
    far = situation("0.15.8", "1.4.3")

    assert not objections(far, ["plugin-migration@1.4.3"])[0].in_the_way
    assert objections(far, ["plugin-migration@1.4.2"])[0].in_the_way
    assert objections(far, ["plugin-migration"])[0].in_the_way


def test_agent_images_from_1_16_on_are_missed_where_the_api_runs() -> None:
    upstream = ImageSet(tags={API: "1.16.1", WEB: "1.16.1", BACKEND: "1.16.1", SANDBOX: "1.16.1"})
    lacking = situation("1.15.0", "1.16.1", own_images={API: "1.15.0"}, upstream=upstream)
    having = situation("1.15.0", "1.16.1", own_images={API: "1", BACKEND: "", SANDBOX: "1"}, upstream=upstream)
    only_web = situation("1.15.0", "1.16.1", own_images={WEB: "1.15.0"}, upstream=upstream)

    (objection,) = objections(lacking, ())
    assert objection.rule == "chart-lacks-service"
    assert objection.facts["images"] == f"{BACKEND}, {SANDBOX}"
    assert raised(having) == raised(only_web) == {}


def test_who_has_lived_without_a_service_is_not_asked_again_but_is_for_a_new_one() -> None:
    new = "langgenius/dify-of-tomorrow"
    upstream = ImageSet(tags={API: "1.16.1", BACKEND: "1.16.1", new: "1.16.1"})
    without = situation("1.16.0", "1.16.1", own_images={API: "1.16.0"}, upstream=upstream)

    assert [objection.facts["images"] for objection in objections(without, ())] == [new]


@pytest.mark.parametrize(
    ("layout", "migrates", "objected"),
    [
        ("douban", None, True),
        ("magicsong", None, True),
        ("douban", False, True),
        ("douban", True, False),
        ("borispolonsky", None, False),
        ("borispolonsky", False, True),
        ("manifest", None, False),
    ],
)
def test_a_chart_that_never_migrates_is_told(layout: str, *, migrates: bool | None, objected: bool) -> None:
    step = situation("1.13.3", "1.14.0", layouts={layout}, migrates=migrates)

    assert ("chart-never-migrates" in raised(step)) == objected


def test_where_the_schema_stays_nobody_has_to_migrate() -> None:
    step = situation("1.13.1", "1.13.3", layouts={"douban"}, installed_head="aaa", wanted_head="aaa")

    assert raised(step) == {}


@pytest.mark.parametrize(
    ("installed", "wanted", "tag", "rules"),
    [
        ("1.9.1", "1.14.1", "1.19.0", {"weaviate-client-v4"}),
        ("1.9.1", "1.14.1", "1.27.3", set()),
        ("1.16.1", "1.17.1", "1.27.27", {"weaviate-builtin"}),
        ("1.16.1", "1.17.1", "v1.39.2-amd64", set()),
        ("1.16.1", "1.17.1", "latest", {"weaviate-builtin"}),
        ("1.9.1", "1.17.1", "1.19.0", {"weaviate-client-v4", "weaviate-builtin"}),
        ("1.17.1", "1.18.0", "1.27.27", set()),
    ],
)
def test_an_old_weaviate_stands_in_the_way_where_dify_leaves_it(
    installed: str, wanted: str, tag: str, rules: set[str]
) -> None:
    upstream = ImageSet(tags={}, others={"semitechnologies/weaviate": "1.39.1"})
    step = situation(installed, wanted, other_images={"semitechnologies/weaviate": tag}, upstream=upstream)

    assert raised(step).keys() - {"datasource-credentials"} == rules


def test_without_a_weaviate_of_one_s_own_there_is_nothing_to_climb() -> None:
    assert raised(situation("1.16.1", "1.17.1", other_images={"qdrant/qdrant": "v1.8.3"})) == {}


def test_back_across_schemas_is_never_possible() -> None:
    back = situation("1.15.0", "1.14.1", allow_downgrade=True)
    unknown = situation("1.15.0", "1.14.1", installed_head=None, wanted_head=None, allow_downgrade=True)

    assert raised(back) == raised(unknown) == {"schema-downgrade": Severity.NEVER}
    assert objections(back, ["schema-downgrade@1.14.1"])[0].in_the_way


def test_back_within_a_schema_needs_to_be_asked_for() -> None:
    same = {"installed_head": "aaa", "wanted_head": "aaa"}

    assert raised(situation("1.14.2", "1.14.1", **same)) == {"downgrade": Severity.NEVER}
    assert raised(situation("1.14.2", "1.14.1", **same, allow_downgrade=True)) == {}


def test_from_a_fix_back_to_its_base_is_a_downgrade() -> None:
    assert "schema-downgrade" in raised(situation("1.10.1-fix.1", "1.10.1"))


def test_no_way_leads_to_the_abandoned_line_or_away_from_it() -> None:
    assert raised(situation("1.9.0", "2.0.0-beta.2")) == {"abandoned-line": Severity.NEVER}
    assert "abandoned-line" in raised(situation("2.0.0-beta.2", "1.16.1"))
    assert "abandoned-line" in raised(situation("2.0.0-beta.2", "2.0.0"))
    assert raised(situation("2.0.0-beta.1", "2.0.0-beta.2")) == {}


def test_a_release_that_nobody_here_knows_is_read_about_first() -> None:
    assert raised(situation("1.16.1", "1.19.0", wanted_known=False)) == {"unknown-release": Severity.ACKNOWLEDGE}


def test_a_tag_that_is_no_version_hides_what_lies_on_the_way() -> None:
    blind = Situation(wanted=version("1.14.1"), own_images={API: "latest"}, unit="staging")

    (objection,) = objections(blind, ())
    assert objection.rule == "installed-unknown"
    assert "in staging is latest" in objection.text.format(**objection.facts)


def test_the_gravest_objection_comes_first() -> None:
    step = situation("0.15.8", "2.0.0-beta.1", layouts={"compose"}, own_images={API: "0.15.8"})

    severities = [objection.severity for objection in objections(step, ())]
    assert severities[0] is Severity.NEVER
    assert severities == sorted(severities, key=["never", "acknowledge", "automatic"].index)


def test_files_of_one_s_own_are_told_what_upstream_s_compose_file_changed() -> None:
    found = raised(situation("1.9.2", "1.14.1", layouts={"compose"}, own_images={API: "1.9.2"}))

    assert found == {
        "storage-owner": Severity.ACKNOWLEDGE,
        "database-service": Severity.AUTOMATIC,
        "env-layout": Severity.AUTOMATIC,
    }


def test_a_rule_speaks_to_its_family_only() -> None:
    step = situation("1.10.0", "1.10.1", layouts={"manifest"}, own_images={API: "1.10.0"}, family="machine")

    assert raised(step) == {}


tags = st.sampled_from(["0.15.8", "1.0.0", "1.9.0", "1.10.1-fix.1", "1.14.0-rc1", "1.16.1", "1.17.1", "2.0.0-beta.2"])
image_maps = st.dictionaries(
    st.sampled_from([API, WEB, BACKEND, "semitechnologies/weaviate"]), st.sampled_from(["", "latest", "1.27.0"])
)
situations = st.builds(
    Situation,
    wanted=tags.map(version),
    installed=st.none() | tags.map(version),
    wanted_known=st.booleans(),
    own_images=image_maps,
    upstream=st.builds(ImageSet, tags=image_maps, others=image_maps),
    other_images=image_maps,
    layouts=st.frozensets(st.sampled_from(["douban", "compose", "manifest", "borispolonsky"])),
    migrates=st.none() | st.booleans(),
    installed_head=st.none() | st.just("aaa"),
    wanted_head=st.none() | st.just("bbb"),
    unit=st.just("a"),
    family=st.sampled_from(["repository", "machine"]),
)


@given(situations)
def test_every_objection_has_the_facts_that_its_text_names(step: Situation) -> None:
    for objection in objections(step, ()):
        named = {field for _, field, _, _ in string.Formatter().parse(objection.text) if field is not None}

        assert named <= objection.facts.keys()
        assert objection.text.format(**objection.facts)


@given(situations)
def test_the_way_back_always_meets_a_word_that_says_so(step: Situation) -> None:
    if step.goes_back:
        assert {"downgrade", "schema-downgrade"} & raised(step).keys()
