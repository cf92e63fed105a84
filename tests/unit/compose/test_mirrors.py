from __future__ import annotations

import json
from dataclasses import replace

import pytest

from difyaction.compose import probe
from difyaction.compose.installed import installed_version, must_be_known
from difyaction.compose.mirrors import mirrors_of
from difyaction.compose.server_plan import ServerPlan, make_plan
from difyaction.errors import Failed, Invalid
from tests.unit.compose.answers_of import DB, answer, container
from tests.unit.compose.machines import compose_text, facts, machine, situation

DIFY = ("api", "web", "sandbox", "plugin-daemon")
NAMES = {
    "a registry's folder of its own": "registry.cn-hangzhou.aliyuncs.com/acme/dify-{}",
    "a registry without folders": "123456789012.dkr.ecr.us-east-1.amazonaws.com/dify-{}",
    "names of their own": "registry.example:5000/dify/{}",
    "names that say nothing": "registry.example/team-7/it-{}-image",
    "Docker Hub, said at length": "docker.io/langgenius/dify-{}",
    "an account of their own on Docker Hub": "acme/{}",
}


def mirrors(form: str) -> dict[str, str]:
    return {f"langgenius/dify-{name}": form.format(name) for name in DIFY}


def plan(form: str, *, told: bool = True, **changes: object) -> ServerPlan:
    image_map = mirrors(form) if told else {}
    return make_plan(facts({"mirrored": mirrors(form), "wishes": {"image_map": image_map}, **changes}))


def do(made: ServerPlan, name: str) -> str:
    return next(step.do for step in made.steps if step.name == name)


@pytest.mark.parametrize("form", NAMES.values(), ids=NAMES)
def test_a_host_that_runs_from_mirrors_is_upgraded_from_them(form: str) -> None:
    made = plan(form)
    assert not made.stopping
    for name, tag in (("api", "1.14.1"), ("web", "1.14.1"), ("sandbox", "0.2.14"), ("plugin-daemon", "0.6.0-local")):
        assert f"pull_image {form.format(name)}:{tag}\n" in do(made, "pull")
        assert "pull_image langgenius/" not in do(made, "pull")
    assert f"runs_image worker {form.format('api')}:1.14.1" in do(made, "verify")
    assert "worker_works worker" in do(made, "verify")
    assert "answers_inside plugin_daemon " in do(made, "verify")
    assert do(made, "stop") == do(make_plan(facts({})), "stop")
    written = bytes(made.delivered["docker-compose.yaml"]).decode()  # type: ignore[arg-type]
    upstream = compose_text("1.14.1")
    for name, mirror in mirrors(form).items():
        upstream = upstream.replace(name, mirror)
    assert written == upstream


@pytest.mark.parametrize("form", NAMES.values(), ids=NAMES)
def test_where_the_mirrors_release_runs_already_nothing_is_done(form: str) -> None:
    made = plan(form, installed="1.14.1", wanted="1.14.1", heads=["a4f2d8c9b731"])
    assert (made.changes, made.steps) == ((), ())


@pytest.mark.parametrize("form", NAMES.values(), ids=NAMES)
def test_whoever_pastes_the_lines_that_an_objection_asks_for_is_let_through(form: str) -> None:
    refused = {objection.rule: objection.facts for objection in plan(form, told=False).stopping}
    if not refused:
        assert form.endswith("langgenius/dify-{}")  # known by its ending
        return
    lines = str(refused["image-strange"]["lines"]).split(", ")
    assert dict(line.split("=") for line in lines) == mirrors(form)


def test_a_mirror_that_is_named_for_the_first_time_is_moved_to() -> None:
    image_map = mirrors("registry.example/dify/{}")
    made = make_plan(facts({"wishes": {"image_map": image_map}}))
    assert not made.stopping
    assert "runs_image web registry.example/dify/web:1.14.1" in do(made, "verify")


def test_from_one_mirror_to_another_and_back_to_upstream() -> None:
    old = mirrors("old.example/dify/langgenius/dify-{}")
    for new in (mirrors("new.example/dify/{}"), {name: name for name in old}):
        made = make_plan(facts({"mirrored": old, "wishes": {"image_map": new}}))
        assert not made.stopping
        assert f"runs_image web {new['langgenius/dify-web']}:1.14.1" in do(made, "verify")


def test_a_registry_in_a_variable_stays_one() -> None:
    images = {
        "langgenius/dify-web": "harbor.example/acme/web",
        "langgenius/dify-api": "harbor.example/langgenius/dify-api",
    }
    compose = (
        b"  web:\n    image: ${REGISTRY:-docker.io}/acme/web:1.13.3\n"
        b"  api:\n    image: '${REGISTRY:-docker.io}/langgenius/dify-api:1.13.3'\n"
        b"  other:\n    image: ${OTHER:?no}/langgenius/dify-sandbox:0.2.14 # ours\n"
        b"  odd:\n    image: ${ODD}/x:1\n"
    )
    found = mirrors_of(compose, images, {"REGISTRY": "harbor.example", "ODD": "a b"}.get)
    plain = found.plain(compose).decode()
    assert "image: langgenius/dify-web:1.13.3\n" in plain
    assert "image: 'langgenius/dify-api:1.13.3'\n" in plain
    assert "image: langgenius/dify-sandbox:0.2.14 # ours\n" in plain
    assert found.back(plain.encode()) == compose
    assert found.back(b"  image: langgenius/dify-web:1.14.1") == b"  image: ${REGISTRY:-docker.io}/acme/web:1.14.1"


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("langgenius/dify-apii=r.example/x", "langgenius/dify-api"),
        ("r.example/x=langgenius/dify-api", "langgenius/dify-api=r.example/x"),
        ("ngnix=r.example/nginx", "nginx"),
    ],
)
def test_a_line_that_begins_with_no_image_of_the_release_is_refused(line: str, meant: str) -> None:
    image, _, mirror = line.partition("=")
    with pytest.raises(Invalid) as raised:
        facts({"wishes": {"image_map": {image: mirror}}})
    (found,) = raised.value.complaints
    assert (found.id, found.suggestion) == ("image-map-unknown", meant)


def test_an_image_is_weighed_by_what_it_stands_for() -> None:
    here = {"disk": {"engine": 5_000_000_000, "engine_device": "/dev/sdb1"}}
    plain, mirrored = make_plan(facts(here)), plan("registry.example/dify/{}", **here)
    assert "disk-space" in {objection.rule for objection in plain.objections}
    assert [o.facts for o in mirrored.objections] == [o.facts for o in plain.objections]


def test_containers_of_a_mirror_tell_where_the_database_is() -> None:
    image = "registry.example/dify/api"
    api = container("api", f"{image}:1.13.3", env=["MODE=api", "DB_HOST=db_postgres"])
    told = answer(containers="\n".join(map(json.dumps, (api, DB))))
    found = probe.read(told, {"langgenius/dify-api": f"other.{image}"})
    assert found.database is None  # another registry
    found = probe.read(told, {"langgenius/dify-api": image})
    assert found.database is not None
    assert found.database.service == "db_postgres"
    assert must_be_known(found).overrides == ("own.yaml",)
    assert str(installed_version(found)) == "1.13.3"


def test_the_clients_of_a_database_elsewhere_come_from_the_mirror_too() -> None:
    told = answer(database_container="")
    found = probe.read(told, {"postgres": "registry.example/base/pg"})
    assert found.database is not None
    assert found.database.client_image == "registry.example/base/pg:15-alpine"


def test_an_api_of_another_name_is_asked_about() -> None:
    found = machine("1.13.3", {"mirrored": {"langgenius/dify-api": "registry.example/dify/api"}})
    with pytest.raises(Failed, match="runs registry") as refused:
        must_be_known(found)
    assert refused.value.id == "api-unknown"
    assert "langgenius/dify-api=registry.example/dify/api" in str(refused.value)
    with pytest.raises(Failed) as never:
        must_be_known(replace(found, containers=found.containers[-1:]))
    assert never.value.id == "dify-never-ran"


def test_the_situation_with_mirrors_of_everything_knows_every_role() -> None:
    made, plain = make_plan(facts(situation("mirror-named"))), make_plan(facts({}))
    assert [step.name for step in made.steps] == [step.name for step in plain.steps]
    for name in ("drain", "stop", "final-backup", "migrate"):
        assert do(made, name) == do(plain, name)
    assert "hold_proxy nginx" in do(made, "verify")
