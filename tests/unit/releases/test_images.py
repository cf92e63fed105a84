from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difyaction.releases.images import ImageRef, image_set, split_image
from difyaction.releases.version import Version
from tests.shared import upstream_file, upstream_tags

COMPOSE = """\
x-shared: &shared
  restart: always
services:
  api:
    <<: *shared
    image: langgenius/dify-api:1.16.1
  worker:
    image: langgenius/dify-api:1.16.1
  sandbox: {image: "langgenius/dify-sandbox:0.2.15"}
  weaviate:
    image: cr.weaviate.io/semitechnologies/weaviate:1.39.0
  postgres: {image: postgres:15-alpine}
  postgres_too: {image: "postgres:16"}
  certbot:
    image: certbot/certbot
  couchbase-server:
    build: ./couchbase-server
"""


@pytest.mark.parametrize(
    ("ref", "parts"),
    [
        ("langgenius/dify-api:1.14.1", ("", "langgenius/dify-api", "1.14.1", None)),
        ("langgenius/dify-api", ("", "langgenius/dify-api", "", None)),
        ("busybox:latest", ("", "busybox", "latest", None)),
        (
            "harbor.x:5000/mirror/langgenius/dify-api:1.14.1@sha256:0af1",
            ("harbor.x:5000", "mirror/langgenius/dify-api", "1.14.1", "sha256:0af1"),
        ),
        ("localhost/dify-api@sha256:0af1", ("localhost", "dify-api", "", "sha256:0af1")),
        ("registry:5000/dify-api:1", ("registry:5000", "dify-api", "1", None)),
        (
            "langgenius/dify-api:${DIFY_VERSION:-1.14.1}",
            ("", "langgenius/dify-api", "${DIFY_VERSION:-1.14.1}", None),
        ),
    ],
)
def test_a_reference_falls_into_its_parts(ref: str, parts: tuple[str, str, str, str | None]) -> None:
    image = split_image(ref)

    assert (image.registry, image.name, image.tag, image.digest) == parts
    assert ref.startswith(image.repository)


@pytest.mark.parametrize("ref", ["", "a b", "langgenius/dify-api:", ":1.14.1", "x@y", "a:b@sha256:"])
def test_what_is_no_reference_is_refused(ref: str) -> None:
    with pytest.raises(ValueError, match="is not an image reference"):
        split_image(ref)


@pytest.mark.parametrize(
    ("ref", "name"),
    [
        ("langgenius/dify-web:1.14.1", "langgenius/dify-web"),
        ("harbor.x/mirror/langgenius/dify-web:1.14.1", "langgenius/dify-web"),
        ("langgenius/qdrant:v1.8.3", None),
        ("notlanggenius/dify-web", None),
        ("harbor.x/dify-web", None),
    ],
)
def test_an_image_of_dify_is_known_by_its_last_two_names(ref: str, name: str | None) -> None:
    assert split_image(ref).dify_name == name


name = st.from_regex(r"[a-z0-9]+(?:[_-][a-z0-9]+)*", fullmatch=True)


@given(
    st.sampled_from(["", "harbor.example", "localhost", "registry:5000", "a.b:443"]),
    st.lists(name, min_size=1, max_size=4).map("/".join),
    st.one_of(st.just(""), st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)),
    st.one_of(st.none(), st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True)),
)
def test_any_reference_can_be_put_together_again(registry: str, path: str, tag: str, digest: str | None) -> None:
    path = path if registry or "/" not in path else path.replace("localhost", "host")
    ref = (f"{registry}/{path}" if registry else path) + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")

    assert split_image(ref) == ImageRef(registry, path, tag, digest)


def test_the_set_of_a_release_is_its_images_of_dify_with_the_services_that_run_them() -> None:
    images = image_set(COMPOSE)

    assert images.tags == {"langgenius/dify-api": "1.16.1", "langgenius/dify-sandbox": "0.2.15"}
    assert images.services == {"langgenius/dify-api": ("api", "worker"), "langgenius/dify-sandbox": ("sandbox",)}


def test_other_images_keep_their_first_tag_and_lose_their_registry() -> None:
    assert image_set(COMPOSE).others == {
        "semitechnologies/weaviate": "1.39.0",
        "postgres": "15-alpine",
        "certbot/certbot": "latest",
    }


@pytest.mark.parametrize(
    ("compose", "says"),
    [
        ("services: {a: {image: langgenius/dify-api:1}, b: {image: langgenius/dify-api:2}}", "two tags, 1 and 2"),
        ("services: {a: {image: nginx:latest}}", "names no image"),
        ("just text", "no services"),
        ("services: [1]", "no services"),
        ("services:\n  a: [", "not YAML .line "),
        ("services: {a: {image: 'a b'}}", "not an image reference"),
    ],
)
def test_a_file_that_holds_no_one_set_is_refused(compose: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        image_set(compose)


def test_every_set_that_upstream_shipped_is_read_and_carries_its_own_version() -> None:
    for tag in upstream_tags():
        images = image_set(upstream_file(tag, "docker/docker-compose.yaml"))
        own = {name for name, found in images.tags.items() if found == tag}

        assert {"langgenius/dify-api", "langgenius/dify-web"} <= own
        assert ("langgenius/dify-agent-backend" in own) == (Version.parse(tag) >= Version.parse("1.16.0"))
        assert ("langgenius/dify-plugin-daemon" in images.tags) == (Version.parse(tag) >= Version.parse("1.0.0"))
        assert "semitechnologies/weaviate" in images.others


def test_upstream_s_sixteenth_release_runs_six_images_of_dify() -> None:
    images = image_set(upstream_file("1.16.1", "docker/docker-compose.yaml"))

    assert images.tags == {
        "langgenius/dify-api": "1.16.1",
        "langgenius/dify-web": "1.16.1",
        "langgenius/dify-agent-backend": "1.16.1",
        "langgenius/dify-agent-local-sandbox": "1.16.1",
        "langgenius/dify-sandbox": "0.2.15",
        "langgenius/dify-plugin-daemon": "0.6.3-local",
    }
    assert images.services["langgenius/dify-api"] == ("api", "api_websocket", "worker", "worker_beat")
