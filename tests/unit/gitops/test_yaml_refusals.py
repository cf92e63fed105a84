"""Files that are not edited: each with file, line and reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difyaction import errors
from difyaction.gitops.editing import yamltext
from tests.unit.gitops.editing import FILE, edited, refusal


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\n  b: 2\n", 2),
        ("a: [1, 2\nb: 3\n", 2),
        ("a: 'x\nb: 1\n", 3),
        ("a: 1\n\tb: 2\n", 2),
        ("a: 1\nb: *none\n", 2),
        ("a: @x\n", 1),
        ("a: !x!y 1\n", 1),
        ('a: "\\q"\n', 1),
        ('a: "\\UFFFFFFFF"\n', 1),
        ("a: 1\nb: x\x07y\n", 2),
        ("a: |x\n  b\n", 1),
        ("%YAML 2.0\n---\na: 1\n", 1),
        ("- 1\n a: 2\n", 2),
        ("a: [:[b]]\n", 1),
        ("a: [\n:{b}]\n", 2),
    ],
)
def test_what_is_not_yaml_is_refused_with_its_line(text: str, line: int) -> None:
    assert refusal(text, "a") == ("yaml-unparsable", line)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\ntag: {{ .Values.tag }}\n", 2),
        ("a: 1\n{{- if .Values.a }}\nb: 2\n{{- end }}\n", 2),
        ("# {{ fine }}\na: '{{ fine }}'\nb: x\n{{ include \"y\" . }}\n", 4),
        ("image: dify-api:{{ .Values.tag }}\n", 1),
        ("a: 1\nlabels:\n  {{- toYaml .Values.labels | nindent 2 }}\n", 3),
        ("a: {{ x }}-{{ y }}\n", 1),
    ],
)
def test_a_helm_template_is_refused_with_its_line(text: str, line: int) -> None:
    assert refusal(text, "a") == ("yaml-template", line)


def test_braces_in_quotes_comments_blocks_and_application_sets_are_text() -> None:
    text = "# {{ .Values.x }}\na: '{{ .Values.x }}'\nb: |\n  {{ .Values.x }}\nc: dify-{{name}}\ntag: 1.0.0\n"
    assert edited(text, "tag", "2.0.0") == text.replace("1.0.0", "2.0.0")


def test_a_value_that_is_itself_a_template_is_refused() -> None:
    assert refusal("a: '{{ tag }}'\n", "a") == ("edit-template", 1)
    assert refusal("b: 1\na: dify-{{name}}\n", "a") == ("edit-template", 2)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_utf_16_and_32_are_refused(encoding: str) -> None:
    assert refusal("tag: 1\n".encode(encoding), "tag") == ("yaml-not-utf8", 1)


def test_a_byte_that_is_not_utf_8_is_refused_with_its_line() -> None:
    assert refusal(b"a: 1\nb: caf\xe9\n", "a") == ("yaml-not-utf8", 2)


def test_a_file_that_is_too_large_is_refused() -> None:
    assert refusal(b"#" * 5_000_001, "a") == ("yaml-too-large", 1)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "a:\n"])
def test_nesting_without_end_is_refused(opening: str) -> None:
    stairs = "".join(" " * depth + opening for depth in range(1_000))
    text = stairs if opening.endswith("\n") else opening * 100_000
    assert refusal(text, "a")[0] == "yaml-unparsable"


def test_a_file_of_aliases_of_aliases_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert refusal("\n".join(lines) + "\n", "a0[0]")[0] == "yaml-unparsable"


def test_an_anchor_that_holds_itself_leads_nowhere() -> None:
    assert edited("a: &a [*a, 1]\ntag: x\n", "tag", "z") == "a: &a [*a, 1]\ntag: z\n"


def test_keys_that_are_collections_hide_what_is_below() -> None:
    text = "? [a, &b c]\n: {tag: 1}\n? *b\n: 2\ntag: 3\n"
    assert edited(text, "tag", "4") == text.replace("3\n", '"4"\n')
    assert edited(text, "c", "x") == text.replace(": 2", ": x")


def test_a_missing_path_names_what_is_near() -> None:
    with pytest.raises(errors.Invalid, match=r"near it: image\.api\.tag") as refused:
        edited("b: 1\nimage:\n  api:\n    tag: 1\n", "image.api.tga", "2")
    assert (refused.value.id, refused.value.line) == ("path-missing", 4)


@pytest.mark.parametrize(("path", "line"), [("a", 2), ("a.b", 2), ("c", 3)])
def test_a_mapping_or_a_list_is_no_value(path: str, line: int) -> None:
    assert refusal("a:\n  b: [1]\nc: {}\n", path) == ("path-not-scalar", line)


def test_an_empty_file_has_no_paths() -> None:
    assert refusal("", "a") == ("path-missing", 1)
    assert refusal("# c\n", "a") == ("path-missing", 1)


@given(st.text(alphabet="ab:-?#&*!|>'\"%@`{}[], \t\r\n\ufeff.~<1\\x", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = yamltext.read(text.encode(), file=FILE)
    except errors.Invalid as refused:
        assert refused.line >= 1  # noqa: PT017 - a reading is as good
        return
    for each in found.scalars:
        assert 0 <= each.start <= each.end <= len(text)
