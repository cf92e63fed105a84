from __future__ import annotations

from difyaction.compose.composed import read_composed
from difyaction.compose.draft import Way, draft, mode_of
from difyaction.compose.install import Held, Install
from difyaction.releases.version import Version
from difyaction.secret import Secret
from tests.unit.compose.machines import FOLDER, compose_text, upstream_files

OLD, NEW = "1.13.3", "1.14.1"


def drafted(changes: dict[str, bytes | None], image_map: dict[str, str] | None = None) -> dict[str, bytes]:
    files = {**upstream_files(OLD), ".env": b"DB_HOST=db_postgres\n", **changes}
    held = {path: Held(content=content) for path, content in files.items() if content is not None}
    install = Install(folder=FOLDER, project="docker", compose_files=(), files=held)
    way = Way(
        installed=Version.parse(OLD), wanted=Version.parse(NEW), before=upstream_files(OLD), after=upstream_files(NEW)
    )
    made = draft(install, way, secret_key=Secret("sk-1"), image_map=image_map or {})
    return {path: made.files[path] for path in made.written}


def test_files_that_nobody_edited_become_upstreams() -> None:
    assert drafted({})["docker-compose.yaml"] == compose_text(NEW).encode()


def test_files_of_their_own_are_not_written() -> None:
    assert set(drafted({"docker-compose.override.yaml": b"services: {}\n", "notes.txt": b"x"})) == {
        ".env",
        "docker-compose.yaml",
    }


def test_a_mirror_in_their_compose_file_stays_their_mirror_with_the_new_tags() -> None:
    theirs = compose_text(OLD).replace("langgenius/dify-", "harbor.example.com:5000/mirror/langgenius/dify-")
    merged = drafted({"docker-compose.yaml": theirs.encode()})["docker-compose.yaml"].decode()
    assert merged == compose_text(NEW).replace("langgenius/dify-", "harbor.example.com:5000/mirror/langgenius/dify-")


def test_a_mirror_that_is_asked_for_is_written() -> None:
    merged = drafted({}, {"langgenius/dify-api": "registry.example.com/dify/api"})["docker-compose.yaml"].decode()
    assert merged.count(f"image: registry.example.com/dify/api:{NEW}") == 3
    assert f"image: langgenius/dify-web:{NEW}" in merged


def test_a_file_that_they_removed_and_upstream_left_alone_stays_removed() -> None:
    assert "nginx/nginx.conf.template" not in drafted({"nginx/nginx.conf.template": None})


def test_a_new_env_file_is_for_its_owner_alone() -> None:
    assert mode_of(".env", None) == 0o600
    assert mode_of("nginx/start.sh", None) == 0o755
    assert mode_of("x", Held(content=b"", mode=0o640)) == 0o640


def test_what_compose_says_is_read_from_json_and_from_yaml() -> None:
    ports = b'"ports": [{"published": "80", "target": 5001}]'
    json = b'{"services": {"api": {"image": "a:1", "environment": {"A": null}, ' + ports + b"}}}"
    yaml = b"services:\n  api:\n    image: a:1\n    ports: ['127.0.0.1:80:5001/tcp']\n    volumes: ['./x:/y:rw']\n"
    assert read_composed(json, b"").services["api"].ports == (("", 80, 5001),)
    assert read_composed(yaml, b"").services["api"].ports == (("127.0.0.1", 80, 5001),)
    assert read_composed(yaml, b"").services["api"].mounts[0].source == "./x"


def test_a_dollar_sign_that_compose_writes_twice_is_one() -> None:
    json = b'{"services": {"api": {"image": "a:1", "environment": {"SECRET_KEY": "a$$b$$$$c"}}}}'
    assert read_composed(json, b"").services["api"].environment["SECRET_KEY"].reveal() == "a$b$$c"


def test_what_compose_refuses_is_kept_as_its_words() -> None:
    assert read_composed(b"", b"services.api Additional property x\n is not allowed").why_not.endswith("is not allowed")
    assert read_composed(b"[1]", b"").why_not
