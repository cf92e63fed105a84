from __future__ import annotations

import re

from difyaction.compose.composed import read_composed
from difyaction.compose.draft import Draft, Way, draft, mode_of
from difyaction.compose.install import Held, Install
from difyaction.releases.version import Version
from difyaction.secret import Secret
from tests.unit.compose.machines import FOLDER, compose_text, upstream_files
from tests.upstream_releases import files_of

OLD, NEW = "1.13.3", "1.14.1"


def draft_of(
    changes: dict[str, bytes | None],
    image_map: dict[str, str] | None = None,
    *,
    before: dict[str, bytes] | None = None,
    after: dict[str, bytes] | None = None,
) -> Draft:
    files = {**upstream_files(OLD), ".env": b"DB_HOST=db_postgres\n", **changes}
    held = {path: Held(content=content) for path, content in files.items() if content is not None}
    install = Install(folder=FOLDER, project="docker", compose_files=(), files=held)
    way = Way(
        installed=Version.parse(OLD),
        wanted=Version.parse(NEW),
        before={**upstream_files(OLD), **(before or {})},
        after={**upstream_files(NEW), **(after or {})},
    )
    return draft(install, way, secret_key=Secret("sk-1"), image_map=image_map or {})


def drafted(changes: dict[str, bytes | None], image_map: dict[str, str] | None = None) -> dict[str, bytes]:
    made = draft_of(changes, image_map)
    return {path: made.files[path] for path in made.written}


def beside_images(text: str) -> str:
    """Put a line of theirs below each image of Dify's."""
    return re.sub(r"(?m)^(    image: .*langgenius/dify-.*)$", r"\1\n    pull_policy: missing", text)


def test_files_that_nobody_edited_become_upstreams() -> None:
    assert drafted({})["docker-compose.yaml"] == compose_text(NEW).encode()


def test_an_edited_example_from_which_nothing_runs_is_in_nobodys_way() -> None:
    example = "envs/core-services/api.env.example"
    made = draft_of({example: b"A=3\n"}, before={example: b"A=1\n"}, after={example: b"A=2\n"})
    assert made.files[example] == b"A=2\n"
    assert not [merged for merged in made.merged if merged.conflicts]
    made = draft_of(
        {example: b"A=1\nB=3\nC=4\nD=5\n"}, before={example: b"A=1\nB=3\nC=4\n"}, after={example: b"A=2\nB=3\nC=4\n"}
    )
    assert made.files[example] == b"A=2\nB=3\nC=4\nD=5\n"


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


def test_a_line_of_theirs_beside_an_image_meets_no_new_tag() -> None:
    for mirror in ("", "harbor.example.com:5000/mirror/"):
        theirs, target = (
            beside_images(compose_text(tag)).replace("langgenius/dify-", f"{mirror}langgenius/dify-")
            for tag in (OLD, NEW)
        )
        assert drafted({"docker-compose.yaml": theirs.encode()})["docker-compose.yaml"].decode() == target


def test_that_is_so_with_upstreams_own_files() -> None:
    for old, new in (("1.9.1", "1.9.2"), ("1.11.4", "1.12.1"), ("1.13.3", "1.14.0"), ("1.14.1", "1.15.0")):
        before, after = files_of(old), files_of(new)
        theirs = beside_images(before["docker-compose.yaml"].decode()).encode()
        held = {**{path: Held(content=content) for path, content in before.items()}, ".env": Held(content=b"")}
        held["docker-compose.yaml"] = Held(content=theirs)
        install = Install(folder=FOLDER, project="docker", compose_files=(), files=held)
        way = Way(installed=Version.parse(old), wanted=Version.parse(new), before=before, after=after)
        made = draft(install, way, secret_key=None, image_map={})
        assert made.files["docker-compose.yaml"].decode() == beside_images(after["docker-compose.yaml"].decode())


def test_a_tag_that_they_edited_is_an_edit_and_meets_the_new_one() -> None:
    for own in ("1.13.2", "1.13.3-mine", "${TAG:-1.13.3}", "1.13.3@sha256:1717"):
        theirs = compose_text(OLD).replace(f"dify-web:{OLD}", f"dify-web:{own}").encode()
        (merged,) = (each for each in draft_of({"docker-compose.yaml": theirs}).merged if each.conflicts)
        assert len(merged.conflicts) == 1
    theirs = compose_text(OLD).replace(f"dify-web:{OLD}", f"mine:{OLD}").encode()
    assert [len(each.conflicts) for each in draft_of({"docker-compose.yaml": theirs}).merged if each.conflicts] == [1]
    theirs = compose_text(OLD).replace("redis:6-alpine", "redis:7-alpine").encode()
    assert b"redis:7-alpine" in drafted({"docker-compose.yaml": theirs})["docker-compose.yaml"]


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


def test_a_service_of_which_nobody_wants_a_container_is_none() -> None:
    said = b"""services:
      api: {image: a:1, scale: 1}
      worker: {image: a:1, deploy: {replicas: 2}}
      web: {image: a:1, deploy: {resources: {}}}
      sandbox: {image: a:1, deploy: {replicas: 0}}
      ssrf_proxy: {image: a:1, scale: "0"}
      agent: {image: a:1, scale: 0, deploy: {replicas: 1}}"""
    assert set(read_composed(said, b"").services) == {"api", "worker", "web"}


def test_what_compose_refuses_is_kept_as_its_words() -> None:
    assert read_composed(b"", b"services.api Additional property x\n is not allowed").why_not.endswith("is not allowed")
    assert read_composed(b"[1]", b"").why_not
