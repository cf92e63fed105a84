"""YAML text inside a literal block scalar, as in Argo CD's ``helm.values: |``."""

from __future__ import annotations

import pytest

from tests.unit.gitops.editing import edited, refusal, scalar

APPLICATION = """\
spec:
  source:
    helm:
      values: |
        # 説明 😀
        image:
          api: {tag: "1.13.3"} # api

          web:
            tag: 1.13.3
            empty:
      other: 1
---
a: 1
"""
PATH = "spec.source.helm.values.|.image"


@pytest.mark.parametrize("breaks", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_value_inside_is_changed_and_all_else_stays(breaks: str, mark: str) -> None:
    text = mark + APPLICATION.replace("\n", breaks)
    assert edited(text, f"{PATH}.api.tag", "1.14.1") == text.replace('"1.13.3"', '"1.14.1"')
    assert edited(text, f"{PATH}.web.tag", "1.10") == text.replace("tag: 1.13.3", 'tag: "1.10"')
    assert edited(text, f"{PATH}.web.empty", "x") == text.replace("empty:", "empty: x")


def test_a_value_inside_knows_its_place_in_the_file() -> None:
    found = scalar(APPLICATION, f"{PATH}.web.tag")
    assert (APPLICATION[found.start : found.end], found.line) == ("1.13.3", 10)


@pytest.mark.parametrize("header", ["|", "|-", "|+", "|2", "|2-"])
def test_the_header_of_the_block_stays(header: str) -> None:
    text = f"a:\n  values: {header}\n    tag: 1.0.0\n    x: |\n      y\n\n\nb: 1\n"
    assert edited(text, "a.values.|.tag", "2.0.0") == text.replace("1.0.0", "2.0.0")


def test_text_inside_text_inside_text_is_reached() -> None:
    text = "a: |\n  b: |-\n    c: |\n      tag: 1.0.0\n      x: 1\n  d: 2"
    assert edited(text, "a.|.b.|.c.|.tag", "2.0.0") == text.replace("1.0.0", "2.0.0")


def test_a_duplicate_key_inside_is_refused_with_its_line_in_the_file() -> None:
    assert refusal("a: 1\nvalues: |\n  # c\n  tag: 1\n  tag: 2\n", "values.|.tag") == ("path-duplicate-key", 5)


def test_text_inside_that_is_a_template_is_left_alone_and_refused_on_the_path() -> None:
    text = "tag: 1.0.0\nvalues: |\n  tag: {{ .Values.tag }}\n"
    assert edited(text, "tag", "2.0.0") == text.replace("1.0.0", "2.0.0")
    assert refusal(text, "values.|.tag") == ("path-opaque", 3)


def test_several_documents_inside_are_refused() -> None:
    assert refusal("values: |\n  a: 1\n  ---\n  a: 2\n", "values.|.a") == ("path-opaque", 1)


def test_a_script_is_no_yaml() -> None:
    text = "run: |\n  set -e\n  echo tag: 1\nfolded: >\n  tag: 1\n"
    assert refusal(text, "run.|.tag")[0] == "path-missing"
    assert refusal(text, "folded.|.tag")[0] == "path-missing"


def test_a_block_that_is_read_twice_is_changed_for_both_or_not_at_all() -> None:
    text = "a: &v |\n  tag: 1.0.0\nb: *v\n"
    assert refusal(text, "a.|.tag") == ("path-alias", 2)
    assert edited(text, "a.|.tag", "2.0.0", shared=True) == text.replace("1.0.0", "2.0.0")


def test_a_value_that_would_end_the_block_cannot_be_written() -> None:
    assert edited("v: |\n  a: x\n", "v.|.a", "# y") == 'v: |\n  a: "# y"\n'
