from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping

import pytest
import requests

from difyaction.errors import Failed
from difyaction.secret import Secret
from difyaction.upstream_folder import Archive, release_archive
from difyaction.websession import Web
from tests.unit.scripted_web import Answer, ScriptedAdapter, Time

COMPOSE = {"docker/docker-compose.yaml": "services: {}\n"}
FIRST = "revision = 'aaa111'\ndown_revision = None\n"
SECOND = "import x\n\n# revision identifiers\nrevision: str = 'bbb222'\ndown_revision: str | None = 'aaa111'\n"


def packed(files: Mapping[str, str]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"langgenius-dify-0f1e2d3/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return raw.getvalue()


def fetched(answer: Answer) -> tuple[Archive, ScriptedAdapter]:
    adapter, time = ScriptedAdapter(answer), Time()
    session = requests.Session()
    session.mount("https://", adapter)
    web = Web(session, clock=time.clock, pause=time.pause)
    return release_archive(web, "https://api.github.com", "langgenius/dify", "1.99.0", Secret("t0ken")), adapter


def archive(files: Mapping[str, str]) -> Archive:
    return fetched(Answer(chunks=(packed(files),)))[0]


def test_the_files_of_the_docker_folder_are_told_by_their_path_in_it() -> None:
    found = archive({**COMPOSE, "docker/nginx/a.template": "x", "api/app.py": "y", "docker-legacy/b": "z"})
    assert dict(found.files) == {"docker-compose.yaml": b"services: {}\n", "nginx/a.template": b"x"}


def test_the_schema_is_the_migration_that_no_other_one_follows() -> None:
    folder = "api/migrations/versions"
    found = archive(
        {**COMPOSE, f"{folder}/1_a.py": FIRST, f"{folder}/2_b.py": SECOND, "api/other.py": "revision = 'c'"}
    )
    assert found.head == "bbb222"


@pytest.mark.parametrize("migrations", [{}, {"a.py": FIRST, "b.py": FIRST.replace("aaa111", "ccc333")}])
def test_migrations_that_do_not_say_it_leave_the_schema_open(migrations: Mapping[str, str]) -> None:
    assert (
        archive({**COMPOSE, **{f"api/migrations/versions/{name}": text for name, text in migrations.items()}}).head
        == ""
    )


@pytest.mark.parametrize(
    "answer", [Answer(status=404), Answer(chunks=(b"no archive",)), Answer(chunks=(packed({"README.md": "x"}),))]
)
def test_an_archive_that_is_of_no_use_is_said(answer: Answer) -> None:
    with pytest.raises(Failed) as caught:
        fetched(answer)
    assert caught.value.id == "upstream-archive"


def test_the_token_goes_to_github() -> None:
    _, adapter = fetched(Answer(chunks=(packed(COMPOSE),)))
    assert adapter.seen[0].headers["Authorization"] == "Bearer t0ken"
