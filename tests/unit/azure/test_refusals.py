"""What Azure refuses, in our words, and in the reader's language."""

from __future__ import annotations

import pytest

from difyaction.azure.arm import Unanswered
from difyaction.azure.refusals import refused
from difyaction.errors import ActionError
from difyaction.language import Language
from tests.unit.azure.scripted import error

OPENING = "opening the way to SSH"


def in_japanese(why: ActionError) -> str:
    language = Language.of("ja")
    return language.say(why.what, **language.facts(why.facts))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("SecurityRuleLimitReached", "No more."),
        ("BadRequest", "Cannot create more than 1000 security rules for network security group nsg."),
    ],
)
def test_a_group_that_has_as_many_rules_as_azure_allows_has_its_advice(code: str, message: str) -> None:
    found = refused(Unanswered(error(400, code, message), "PUT /x"), OPENING)
    assert found.id == "azure-nsg-full"
    assert "Remove rules that nobody needs any more" in str(found)


def test_a_refusal_that_names_no_right_and_no_resource_is_quoted_and_nothing_is_made_up() -> None:
    found = refused(Unanswered(error(403, "AuthorizationFailed", "Not allowed."), "PUT /x"), OPENING)
    assert str(found).startswith("We have no right for opening the way to SSH: Not allowed. Nothing was changed.")
    assert in_japanese(found).endswith("Not allowed.")
    assert "We have" not in in_japanese(found)
    assert "the resource" not in in_japanese(found)


def test_a_refusal_that_names_both_says_them() -> None:
    says = "does not have authorization to perform action 'a/b/write' over scope '/s/x' or the scope is invalid."
    found = refused(Unanswered(error(403, "AuthorizationFailed", says), "PUT /x"), OPENING)
    assert "a/b/write on /s/x." in str(found)
