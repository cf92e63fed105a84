import pytest

from difyaction.errors import Invalid
from difyaction.gitops.wording import placeholders


def test_placeholders_are_filled_and_doubled_braces_are_braces() -> None:
    facts = {"from": "1.13.3", "to": "{from}", "compare-url": "u"}

    assert placeholders.fill("{{{from}}} -> {to} {compare-url}", facts, input="title") == "{1.13.3} -> {from} u"


@pytest.mark.parametrize(
    ("template", "complaint", "suggestion"),
    [
        ("{form}", "template-placeholder", "{from}"),
        ("{compare_url}", "template-placeholder", "{compare-url}"),
        ("{whatever}", "template-placeholder", ""),
        ("{}", "template-placeholder", ""),
        ("a } b", "template-brace", ""),
        ("a { b", "template-brace", ""),
        ("x" * 10_001, "template-too-long", ""),
    ],
)
def test_a_wrong_template_is_a_complaint_about_its_input(template: str, complaint: str, suggestion: str) -> None:
    (found,) = placeholders.complaints(template, input="title")

    assert (found.id, found.input, found.suggestion) == (complaint, "title", suggestion)


def test_all_complaints_come_together() -> None:
    with pytest.raises(Invalid) as caught:
        placeholders.fill("{form} {too}", {}, input="body")

    assert [complaint.suggestion for complaint in caught.value.complaints] == ["{from}", "{to}"]
