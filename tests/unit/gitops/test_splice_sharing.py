"""Values that stand once and are read in many places, and edits that meet."""

from __future__ import annotations

import pytest

from difyaction import errors
from difyaction.gitops.editing.splice import Edit, splice
from tests.unit.gitops.editing import FILE, edited, refusal, scalar

ALIASED = "api:\n  tag: &t 1.13.3\nweb:\n  tag: *t\n"
WHOLE = "api: &api\n  tag: 1.13.3\n  pull: Always\nweb: *api\n"
MERGED = "base: &base\n  tag: 1.13.3\napi:\n  <<: *base\n  pull: Always\nweb:\n  <<: [*base]\n  tag: own\n"


def together(text: str, *paths: tuple[str | int, ...], value: str = "1.14.1") -> str:
    return splice(text.encode(), [Edit(path, None, value) for path in paths], file=FILE).decode()


def test_a_scalar_alias_reads_the_anchored_value() -> None:
    found = scalar(ALIASED, "web.tag")
    assert (found.value, found.style, found.alias_of, found.line) == ("1.13.3", "alias", ("api", "tag"), 4)
    assert ALIASED[found.start : found.end] == "*t"


def test_an_edit_of_all_places_that_share_a_value_goes_to_the_anchor() -> None:
    after = ALIASED.replace("1.13.3", "1.14.1")
    assert together(ALIASED, ("api", "tag"), ("web", "tag")) == after


def test_an_edit_through_an_alias_alone_is_refused() -> None:
    assert refusal(ALIASED, "web.tag") == ("path-alias", 4)


def test_an_edit_at_the_anchor_alone_is_refused_unless_it_is_meant_for_all() -> None:
    assert refusal(ALIASED, "api.tag") == ("path-alias", 2)
    assert edited(ALIASED, "api.tag", "1.14.1", shared=True) == ALIASED.replace("1.13.3", "1.14.1")


def test_an_edit_through_an_alias_is_never_meant_for_all() -> None:
    with pytest.raises(errors.Invalid, match=r"web\.tag is shared by anchor and alias with api\.tag \(line 2\)"):
        edited(ALIASED, "web.tag", "1.14.1", shared=True)


def test_an_anchor_without_users_is_edited_and_stays() -> None:
    assert edited("v: &t 1.16.0\n", "v", "1.16.1") == "v: &t 1.16.1\n"


def test_a_path_through_an_alias_of_a_mapping_is_understood() -> None:
    assert scalar(WHOLE, "web.tag").alias_of == ("api", "tag")
    assert refusal(WHOLE, "web.tag") == ("path-alias", 2)
    assert together(WHOLE, ("api", "tag"), ("web", "tag")) == WHOLE.replace("1.13.3", "1.14.1")


def test_a_merge_key_brings_values_that_the_mapping_has_not() -> None:
    assert scalar(MERGED, "api.tag").alias_of == ("base", "tag")
    assert scalar(MERGED, "web.tag").alias_of is None
    assert together(MERGED, ("web", "tag")) == MERGED.replace("own", "1.14.1")
    assert refusal(MERGED, "api.tag") == ("path-alias", 2)
    assert together(MERGED, ("api", "tag"), ("base", "tag")) == MERGED.replace("1.13.3", "1.14.1")


def test_a_place_that_only_defines_need_not_be_named() -> None:
    before = "x-tag: &t 1.13.3\napi: {tag: *t}\nweb: {tag: *t}\n"
    assert together(before, ("api", "tag"), ("web", "tag")) == before.replace("1.13.3", "1.14.1")
    assert refusal(before, "api.tag") == ("path-alias", 2)


def test_of_merged_mappings_the_first_wins() -> None:
    text = "a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc:\n  <<: [*a, *b]\nd:\n  <<: {x: 4}\n  z: 5\n'e':\n  '<<': {x: 6}\n"
    assert (scalar(text, "c.x").value, scalar(text, "c.y").value, scalar(text, "d.x").value) == ("1", "2", "4")
    assert scalar(text, "e.<<.x").value == "6"


def test_aliases_of_aliases_and_of_list_items_lead_to_the_written_value() -> None:
    text = "a: &a [&x 1, {b: *x}]\nc: *a\nd: [*x]\n"
    assert {scalar(text, path).alias_of for path in ("a[1].b", "c[0]", "c[1].b", "d[0]")} == {("a", 0)}


def test_anchors_end_with_their_document() -> None:
    assert refusal("a: &x 1\n---\nb: *x\n", "a") == ("yaml-unparsable", 3)


def test_several_edits_of_one_file_are_one_edit() -> None:
    before = "a: 1.0.0\nb: 'x'\nc: |\n  tag: 1.0.0\n  # c\nd:\n"
    after = together(before, ("d",), ("c", "|", "tag"), ("a",), ("b",), value="2.0.0")
    assert after == "a: 2.0.0\nb: '2.0.0'\nc: |\n  tag: 2.0.0\n  # c\nd: 2.0.0\n"


def test_edits_that_contradict_each_other_are_refused() -> None:
    edits = [Edit(("a",), None, "1.0.1"), Edit(("a",), None, "1.0.2")]
    with pytest.raises(errors.Invalid, match="should become"):
        splice(b"a: 1.0.0\n", edits, file=FILE)


def test_an_edit_of_a_block_and_of_what_is_inside_are_refused_together() -> None:
    assert refusal("c: |\n  tag: 1.0.0\n", "c", "c.|.tag") == ("edit-conflict", 2)


def test_one_bad_edit_spoils_all() -> None:
    assert refusal("a: 1.0.0\nb: {c: 1}\n", "a", "b") == ("path-not-scalar", 2)


def test_the_value_that_stands_there_already_is_left_as_it_is() -> None:
    assert edited("a: !!float 1.9\nb: |\n  1.9\n", "a", "1.9") == "a: !!float 1.9\nb: |\n  1.9\n"
    assert edited("b: |\n  1.9\n", "b", "1.9") == "b: |\n  1.9\n"


def test_a_value_that_is_not_the_expected_one_is_refused() -> None:
    with pytest.raises(errors.Invalid, match="as expected"):
        splice(b"a: 1.0.0\n", [Edit(("a",), None, "1.0.2", expect="1.0.1")], file=FILE)
    assert splice(b"a: |\n  1.0\n", [Edit(("a",), None, "2.0", expect="1.0")], file=FILE) == b"a: |\n  2.0\n"


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\x00", "a\tb", "\ufeffa", "a\u2028b", "a\x85"])
def test_a_value_with_a_control_character_is_refused(value: str) -> None:
    assert refusal("a: 1\n", "a", value=value) == ("edit-value", 1)
