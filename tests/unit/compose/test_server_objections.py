from __future__ import annotations

import pytest

from difyaction.compose.server_plan import make_plan
from difyaction.releases.rules import all_rules
from tests.unit.compose.machines import FACTS, facts, situation

SITUATIONS = sorted(path.stem for path in FACTS.glob("*.toml"))


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_situation_meets_these_objections_and_no_others(name: str) -> None:
    known = situation(name)
    plan = make_plan(facts(known))
    assert {objection.rule: str(objection.severity) for objection in plan.objections} == known["expect"]


@pytest.mark.parametrize("name", SITUATIONS)
def test_every_objection_reads_as_a_sentence_with_all_its_facts(name: str) -> None:
    for objection in make_plan(facts(situation(name))).objections:
        text = objection.text.format(**objection.facts)
        assert "{" not in text
        assert text.endswith(".")


def test_every_rule_for_machines_alone_has_a_situation() -> None:
    own = {rule.id for rule in all_rules() if rule.families == {"machine"}}
    met = {rule for name in SITUATIONS for rule in situation(name)["expect"]}
    assert own - met == set()


def test_consent_is_for_one_release() -> None:
    known = dict(situation("broken"))
    for word, in_the_way in (("broken-before@1.14.1", 0), ("broken-before@1.14.0", 1)):
        plan = make_plan(facts({**known, "wishes": {"acknowledge": (word,)}}))
        assert len(plan.stopping) == in_the_way


def test_what_is_switched_off_is_neither_started_nor_looked_at() -> None:
    plan = make_plan(facts({**situation("sandbox-switched-off"), "wishes": {"acknowledge": ("service-off@1.14.1",)}}))
    assert not plan.stopping
    assert "sandbox" not in "".join(step.do + step.undo for step in plan.steps)


@pytest.mark.parametrize(
    ("web", "api", "hosts"),
    [
        ("https://app.example.com", "https://api.example.com", "api.example.com, app.example.com"),
        ("console.example.com", "https://console.example.com/", None),
        ("app.example.com:8443", "https://api.example.com", "api.example.com, app.example.com"),
        ("https://[your-domain]", "https://[your-domain]", None),
        ("https://[your-domain]", "https://api.example.com", None),
        ("", "https://api.example.com", None),
    ],
)
def test_hosts_of_console_and_api_are_read_as_people_write_them(web: str, api: str, hosts: str | None) -> None:
    env = {"CONSOLE_WEB_URL": web, "CONSOLE_API_URL": api}
    plan = make_plan(facts({"installed": "1.9.1", "wanted": "1.9.2", "heads": ["68519ad5cd18"], "env": env}))
    found = [each.facts["hosts"] for each in plan.objections if each.rule == "split-domain-cookies"]
    assert found == ([hosts] if hosts else [])
