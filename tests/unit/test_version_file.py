from __future__ import annotations

from pathlib import Path

import pytest
import requests

from difyaction import inputs
from difyaction.errors import Failed, Invalid
from difyaction.version_file import asked_version
from difyaction.websession import Web
from tests.unit.scripted_web import Answer, ScriptedAdapter, Time

GIVEN = {"target": "gitops", "dify-version": "file:.dify-version", "repository": "acme/ops", "token": "t0ken-t0ken"}


def asked(
    workspace: Path, *script: Answer, version: str = "file:.dify-version", **environ: str
) -> tuple[str, ScriptedAdapter]:
    adapter, time, session = ScriptedAdapter(*script), Time(), requests.Session()
    session.mount("https://", adapter)
    web = Web(session, clock=time.clock, pause=time.pause)
    given = inputs.read({**GIVEN, "dify-version": version})
    return asked_version(given, {"GITHUB_WORKSPACE": str(workspace), **environ}, web), adapter


def test_a_version_that_is_named_asks_nobody(tmp_path: Path) -> None:
    assert asked(tmp_path, version="1.14.x")[0] == "1.14.x"


def test_the_checkout_of_the_job_comes_first(tmp_path: Path) -> None:
    (tmp_path / ".dify-version").write_text("# moved by Renovate\n1.14.1\n")
    assert asked(tmp_path)[0] == "1.14.1"


def test_without_a_checkout_the_workflow_s_own_commit_is_asked(tmp_path: Path) -> None:
    answer = Answer(chunks=(b"1.14.1\n",))
    text, adapter = asked(tmp_path, answer, GITHUB_REPOSITORY="acme/ops", GITHUB_SHA="0f1e2d")
    assert text == "1.14.1"
    (request,) = adapter.seen
    assert request.url == "https://api.github.com/repos/acme/ops/contents/.dify-version?ref=0f1e2d"
    assert request.headers["Authorization"] == "Bearer t0ken-t0ken"
    assert request.headers["Accept"] == "application/vnd.github.raw+json"


def test_the_commit_of_another_repository_means_nothing(tmp_path: Path) -> None:
    _, adapter = asked(tmp_path, Answer(chunks=(b"1.14.1",)), GITHUB_REPOSITORY="acme/other", GITHUB_SHA="0f1e2d")
    assert str(adapter.seen[0].url).endswith("/contents/.dify-version")


def test_a_link_that_leads_out_of_the_checkout_is_no_file_of_it(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("1.0.0\n")
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / ".dify-version").symlink_to(tmp_path / "outside")
    assert asked(checkout, Answer(chunks=(b"1.14.1",)))[0] == "1.14.1"


@pytest.mark.parametrize(("status", "said"), [(404, "has no file"), (403, "GitHub answers 403")])
def test_a_file_that_is_nowhere_is_said(tmp_path: Path, status: int, said: str) -> None:
    with pytest.raises(Failed) as caught:
        asked(tmp_path, Answer(status=status))
    assert caught.value.id == "version-file-missing"
    assert said in str(caught.value)


def test_a_file_that_says_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / ".dify-version").write_text("# nothing yet\n")
    with pytest.raises(Invalid) as caught:
        asked(tmp_path)
    assert [complaint.id for complaint in caught.value.complaints] == ["version-file-empty"]


@pytest.mark.parametrize("wrong", ["1.14", "file:other", "newest"])
def test_a_file_whose_version_cannot_be_read_is_named_with_its_line(tmp_path: Path, wrong: str) -> None:
    (tmp_path / ".dify-version").write_text(f"# what we run, not {wrong}\n{wrong} # since May\n")
    with pytest.raises(Invalid) as caught:
        asked(tmp_path)
    [complaint] = caught.value.complaints
    assert (complaint.id, complaint.file, complaint.line) == ("input-invalid", ".dify-version", 2)
    assert complaint.text.startswith(f"dify-version: .dify-version, line 2: '{wrong}'")
