"""An error's id leads to its explanation at the release that ran, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from difyaction.manual import page, with_links

ROOT = Path(__file__).resolve().parents[2]
KNOWN = {
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_ACTION_REPOSITORY": "acme/dify-upgrade-action",
    "GITHUB_ACTION_REF": "v1",
}


@pytest.mark.parametrize("ref", ["v1", "v1.2.3", "0f" * 20, "releases/v1.2"])
def test_the_page_is_the_one_of_the_ref_that_the_workflow_names(ref: str) -> None:
    address = page(KNOWN | {"GITHUB_ACTION_REF": ref})
    path = "docs/troubleshooting.md"
    assert address == f"https://github.com/acme/dify-upgrade-action/blob/{ref}/{path}"
    assert (ROOT / path).exists()


def test_a_server_of_ones_own_may_have_a_port() -> None:
    assert page(KNOWN | {"GITHUB_SERVER_URL": "https://ghe.example:8443"}).startswith("https://ghe.example:8443/acme/")


def test_another_page_that_a_sentence_names_becomes_a_link_where_the_release_is_known() -> None:
    said = "Look at {folder}. docs/restore.md says how; /srv/docs/restore.md and `docs/x.md` are others."
    folder = "https://github.com/acme/dify-upgrade-action/blob/v1"
    linked = said.replace(" docs/restore.md", f" [docs/restore.md]({folder}/docs/restore.md)")
    assert with_links(said, page(KNOWN)) == linked
    assert with_links(said, "") == said


@pytest.mark.parametrize("name", KNOWN)
def test_without_one_of_the_names_there_is_no_page(name: str) -> None:
    assert page(KNOWN | {name: ""}) == page({each: text for each, text in KNOWN.items() if each != name}) == ""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("GITHUB_SERVER_URL", "http://github.com"),
        ("GITHUB_SERVER_URL", "https://github.com/"),
        ("GITHUB_SERVER_URL", "https://user:word@github.com"),
        ("GITHUB_SERVER_URL", "javascript:alert(1)"),
        ("GITHUB_SERVER_URL", "https://github.com\n"),
        ("GITHUB_ACTION_REPOSITORY", "acme"),
        ("GITHUB_ACTION_REPOSITORY", "acme/.."),
        ("GITHUB_ACTION_REPOSITORY", "acme/x/y"),
        ("GITHUB_ACTION_REPOSITORY", "acme/x)[y](z"),
        ("GITHUB_ACTION_REF", "../../elsewhere"),
        ("GITHUB_ACTION_REF", "v1/../x"),
        ("GITHUB_ACTION_REF", "v1//x"),
        ("GITHUB_ACTION_REF", "v1)"),
        ("GITHUB_ACTION_REF", "v1 x"),
        ("GITHUB_ACTION_REF", "v1\n"),
        ("GITHUB_ACTION_REF", "v1#x"),
        ("GITHUB_ACTION_REF", "v1?x"),
        ("GITHUB_ACTION_REF", "x" * 201),
    ],
)
def test_a_name_with_odd_signs_becomes_no_link(name: str, text: str) -> None:
    assert page(KNOWN | {name: text}) == ""
