"""A value that `set` writes stays what it was: a number, a boolean, or a text."""

from __future__ import annotations

import pytest

from difyaction.gitops.editing.address import parse_set
from tests.unit.gitops.planning import after, plan


@pytest.mark.parametrize(
    ("old", "value", "new"),
    [
        ("1", "2", "2"),
        ("1", "1.5", "1.5"),
        ("-3", "0", "0"),
        ("true", "false", "false"),
        ("False", "true", "true"),
        ("1", "010", '"010"'),
        ("1", "1_000", '"1_000"'),
        ("1", "0x1f", '"0x1f"'),
        ("1", "true", '"true"'),
        ("1", "many", "many"),
        ("true", "1", '"1"'),
        ("true", "yes", '"yes"'),
        ("yes", "no", '"no"'),  # a boolean to YAML 1.1 alone
        ("'1'", "2", "'2'"),
        ('"true"', "false", '"false"'),
        ("!!str 1", "2", "!!str 2"),
        ("word", "2", '"2"'),
        ("null", "true", '"true"'),
        ("1.9", "1.10", '"1.10"'),
        ("1.9", "1.11", "1.11"),
    ],
)
def test_a_number_stays_a_number_and_a_boolean_a_boolean(old: str, value: str, new: str) -> None:
    for text in ("a: %s\n", "values: |\n  a: %s\n", "{x: [a], a: %s }\n"):
        path = "values.|.a" if "|" in text else "a"
        made = plan({"f.yaml": text % old}, release=None, set_lines=(parse_set(f"f.yaml#{path}={value}", number=1),))
        assert after(made, "f.yaml") == text % new


@pytest.mark.parametrize("key", ["tag", "newTag", "version", "targetRevision", "image", "appVersion"])
def test_a_tag_is_always_a_text(key: str) -> None:
    made = plan(
        {"f.yaml": f"a: {{{key}: 1.9}}\n"}, release=None, set_lines=(parse_set(f"f.yaml#a.{key}=1.10", number=1),)
    )
    assert after(made, "f.yaml") == f'a: {{{key}: "1.10"}}\n'


def test_the_tag_of_an_image_is_a_text_under_whatever_key() -> None:
    text = "images: [{name: langgenius/dify-api, newTag: 1.9}]\nenv: {replicas: 1}\n"
    lines = ("f.yaml#images[0].newTag=1.10", "f.yaml#env.replicas=2")
    made = plan({"f.yaml": text}, release=None, set_lines=tuple(parse_set(line, number=1) for line in lines))
    assert after(made, "f.yaml") == text.replace("1.9", '"1.10"').replace("replicas: 1", "replicas: 2")
