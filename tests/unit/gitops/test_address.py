from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difyaction import errors
from difyaction.gitops.editing.address import INLINE, Address, file_of, format_path, parse_path, parse_set


@pytest.mark.parametrize(
    ("line", "address", "value"),
    [
        (
            "charts/dify/values.yaml#image.api.tag=1.13.3",
            Address("charts/dify/values.yaml", ("image", "api", "tag"), None),
            "1.13.3",
        ),
        ('f.yaml#a."b.c".d=x', Address("f.yaml", ("a", "b.c", "d"), None), "x"),
        ("f.yaml#a[0].b=x", Address("f.yaml", ("a", 0, "b"), None), "x"),
        ("f.yaml#a.0.b=x", Address("f.yaml", ("a", 0, "b"), None), "x"),
        ('f.yaml#a."0".b=x', Address("f.yaml", ("a", "0", "b"), None), "x"),
        ("f.yaml#[1].a=x", Address("f.yaml", ("a",), 1), "x"),
        ("f.yaml#0.image=x", Address("f.yaml", (0, "image"), None), "x"),
        ("  ./f.yaml#a=k=v  ", Address("f.yaml", ("a",), None), "k=v"),
        ("f.yaml#a=repo:1@sha256:ab#c", Address("f.yaml", ("a",), None), "repo:1@sha256:ab#c"),
        ("f.yaml#helm.values.|.tag=1", Address("f.yaml", ("helm", "values", INLINE, "tag"), None), "1"),
        ('f.yaml#"a \\"b\\" \\\\=.[0]"=1', Address("f.yaml", ('a "b" \\=.[0]',), None), "1"),
        ('"team #1/v.yaml"#a.b=#1', Address("team #1/v.yaml", ("a", "b"), None), "#1"),
        ('"a \\"b\\".yaml"#a=1', Address('a "b".yaml', ("a",), None), "1"),
        ('a "b".yaml#a=1', Address('a "b".yaml', ("a",), None), "1"),
        ("値.yaml#画像.タグ=1.14.1", Address("値.yaml", ("画像", "タグ"), None), "1.14.1"),
    ],
)
def test_a_set_line_names_a_place_and_its_value(line: str, address: Address, value: str) -> None:
    assert parse_set(line, number=1) == (address, value)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("values.yaml", "set-line"),
        ("values.yaml#a.b", "set-line"),
        ("values.yaml#=1", "set-line"),
        ("values.yaml#a..b=1", "set-line"),
        ("values.yaml#a[x]=1", "set-line"),
        ('values.yaml#"a=1', "set-line"),
        ("values.yaml#a[99999999999]=1", "set-line"),
        ("#a=1", "set-file"),
        ("/etc/values.yaml#a=1", "set-file"),
        ("../values.yaml#a=1", "set-file"),
        ("a\\b.yaml#a=1", "set-file"),
        ("values.yaml#a=", "set-value"),
        ("values.yaml#a=1\x072", "set-value"),
    ],
)
def test_a_malformed_set_line_is_refused_with_its_number(line: str, kind: str) -> None:
    with pytest.raises(errors.Invalid) as refusal:
        parse_set(line, number=7)
    complaint = refusal.value.complaints[0]
    assert (complaint.id, complaint.input, complaint.line) == (kind, "set", 7)


def test_an_address_prints_as_the_line_that_means_it() -> None:
    assert str(Address("v.yaml", ("a", 0, "b.c"), 2)) == 'v.yaml#[2].a[0]."b.c"'


ELEMENTS = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1) | st.integers(0, 10**6)


@given(st.lists(ELEMENTS, min_size=1).map(tuple), st.none() | st.integers(0, 99))
def test_a_path_is_read_back_as_it_was_written(path: tuple[str | int, ...], document: int | None) -> None:
    assert parse_path(format_path(path, document)) == (document, path)


FILES = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="/\\"), min_size=1)


@given(FILES.filter(lambda name: name not in {".", ".."}), ELEMENTS)
def test_an_address_in_any_file_is_read_back_as_it_was_written(file: str, key: str | int) -> None:
    address = Address(file, (key,), None)
    assert parse_set(f"{address}=1", number=1) == (address, "1")
    assert file_of(f"{address}=1") == file
