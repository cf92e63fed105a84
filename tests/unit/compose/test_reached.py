"""Who would let users in before the proxy opens: nobody in upstream's own files, and who does is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from difyaction.compose.composed import read_composed
from difyaction.compose.composed_facts import Composed
from difyaction.compose.reached import reached_early
from difyaction.compose.roles import role_of
from tests.unit.compose.runbooks import SHELLS, verbs
from tests.upstream_releases import files_of, tags


def ways(made: Composed) -> tuple[str, ...]:
    return reached_early(
        made, {name: role_of(service.ref, service.environment) for name, service in made.services.items()}
    )


def of(text: str) -> tuple[str, ...]:
    return ways(read_composed(f"services:\n  nginx: {{image: 'nginx:latest'}}\n  {text}\n".encode(), b""))


def test_nobody_gets_past_the_proxy_of_upstreams_own_files() -> None:
    for tag in tags():
        made = read_composed(files_of(tag)["docker-compose.yaml"], b"")
        assert {"api", "web", "nginx"} <= set(made.services)
        assert ways(made) == (), tag


@pytest.mark.parametrize(
    ("service", "way"),
    [
        ("api: {image: 'langgenius/dify-api:1.14.1', ports: ['127.0.0.1:5001:5001']}", "api publishes port 5001"),
        ("web: {image: 'langgenius/dify-web:1.14.1', ports: ['3000']}", "web publishes port 3000"),
        ("web: {image: 'langgenius/dify-web:1.14.1', labels: [traefik.enable=true]}", "web has labels of Traefik"),
        ("api: {image: 'langgenius/dify-api:1.14.1', labels: {caddy_1.reverse_proxy: x}}", "api has labels of Caddy"),
        (
            "api: {image: 'langgenius/dify-api:1.14.1', environment: [VIRTUAL_HOST=dify.example.com]}",
            "api has VIRTUAL_HOST of nginx-proxy",
        ),
        ("second: {image: 'nginx:alpine', labels: {caddy: dify.example.com}}", "second has labels of Caddy"),
    ],
)
def test_what_gets_past_it_is_named(service: str, way: str) -> None:
    assert of(service) == (way,)


@pytest.mark.parametrize(
    "service",
    [
        "worker: {image: 'langgenius/dify-api:1.14.1', environment: {MODE: worker}, ports: ['5001:5001']}",
        "web: {image: 'langgenius/dify-web:1.14.1', labels: {traefik.enable: 'false', traefik.port: '3000'}}",
        "web: {image: 'langgenius/dify-web:1.14.1', environment: {VIRTUAL_HOST: ''}, labels: {caddyshack: x}}",
        "second: {image: 'nginx:alpine', labels: {traefik.enable: 'true'}, environment: {VIRTUAL_HOST: example.com}}",
    ],
)
def test_who_lets_nobody_in_or_is_kept_from_it_is_not(service: str) -> None:
    assert of(service) == ()


def test_where_no_proxy_is_there_nobody_can_be_kept_out() -> None:
    made = read_composed(b"services: {caddy: {image: 'caddy:2', ports: ['443:443']}}", b"")
    assert ways(made) == ("no service of it is the proxy (nginx)",)


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_the_held_proxy_is_hidden_from_those_who_look_for_containers(tmp_path: Path, shell: str) -> None:
    given = "HELD=held RUN=. ; remove_held() { :; }; dc() { printf '%s\\n' \"$@\" >told; }"
    verbs(tmp_path, shell, ("steps", "stop", "change"), given, "hold_proxy nginx")
    told = (tmp_path / "told").read_text().splitlines()
    assert told[-3:] == ["--name", "held", "nginx"]
    assert {"traefik.enable=false", "VIRTUAL_HOST=", "VIRTUAL_HOST_MULTIPORTS="} <= set(told)
