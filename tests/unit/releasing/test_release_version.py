from __future__ import annotations

import pytest

from scripts.release.refusal import Refused
from scripts.release.version import Version


@pytest.mark.parametrize("text", ["1.2.3", "0.0.1", "10.20.30", "1.2.3-rc.4"])
def test_a_version_is_written_as_it_was_read(text: str) -> None:
    assert str(Version.parse(text)) == text
    assert Version.of_tag(f"v{text}") == Version.parse(text)


@pytest.mark.parametrize(
    "text", ["", "v1.2.3", "1.2", "1.2.3.4", "01.2.3", "1.2.3-beta", "1.2.3-rc.0", "1.2.3\n", "\u0661.2.3"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        Version.parse(text)


@pytest.mark.parametrize("tag", ["v1", "v1.2", "1.2.3", "nightly", "v1.2.3-beta", "v"])
def test_a_tag_that_may_move_names_no_version(tag: str) -> None:
    assert Version.of_tag(tag) is None


def test_versions_are_ordered_as_people_release_them() -> None:
    texts = ["0.9.9", "1.0.0-rc.2", "1.0.0-rc.10", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0"]
    assert [str(each) for each in sorted(map(Version.parse, reversed(texts)))] == texts
