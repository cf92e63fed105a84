"""What is saved of vector stores: all that belongs together, wherever it lies, and nothing that is only settings."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from difyaction.compose.composed import read_composed
from difyaction.compose.facts import Backup, Container, Mount
from difyaction.compose.restore_plan import RestoreFacts, make_restore_plan
from difyaction.compose.server_plan import ServerFacts, make_plan
from difyaction.compose.stores import parts_of
from difyaction.compose.wishes import Wishes
from difyaction.releases.version import Version
from tests.unit.compose.machines import FOLDER, facts, situation
from tests.upstream_releases import files_of, tags

MILVUS = {
    "milvus-standalone": {
        "image": "milvusdb/milvus:v2.6.3",
        "volumes": ["./volumes/milvus/milvus:/var/lib/milvus"],
        "depends_on": ["etcd", "minio"],
    },
    "etcd": {"image": "quay.io/coreos/etcd:v3.5.5", "volumes": ["./volumes/milvus/etcd:/etcd"]},
    "minio": {"image": "minio/minio:RELEASE.2023-03-20T20-16-18Z", "volumes": ["./volumes/milvus/minio:/minio_data"]},
}
OLDER: dict[str, dict[str, object]] = {
    "milvus-standalone": {"image": "milvusdb/milvus:v2.5.15"},
    "etcd": {},
    "minio": {},
}
CROSSING = {"installed": "1.10.1", "wanted": "1.12.1", "heads": ["09cfdda155d1"], "beside": MILVUS, "containers": OLDER}


def done(given: ServerFacts) -> dict[str, str]:
    return {step.name: step.do for step in make_plan(given).steps}


def packed(do: str) -> dict[str, str]:
    """Return what a step packs: name of the copy -> where it is from."""
    said = (line.removeprefix("with_room ") for line in do.splitlines())
    lines = [line.split() for line in said if line.startswith("pack ") and "config.tar" not in line]
    return {target.strip('"').removeprefix("$BACKUP/").removesuffix(".tar"): source for _, source, target in lines}


def with_mounts(given: ServerFacts, service: str, *mounts: Mount) -> ServerFacts:
    def mounted(container: Container) -> Container:
        return replace(container, mounts=mounts) if container.service == service else container

    return replace(given, machine=replace(given.machine, containers=tuple(map(mounted, given.machine.containers))))


def weaviate(*mounts: Mount) -> dict[str, str]:
    jump = {"running": {"weaviate": "semitechnologies/weaviate:1.19.0"}}
    return packed(done(with_mounts(facts(jump), "weaviate", *mounts)).get("save-volumes", ""))


def test_etcd_and_minio_stop_after_milvus_and_are_saved_and_started_with_it() -> None:
    steps = done(facts(CROSSING))
    *_, stores, parts = shlex.split(steps["stop"])
    assert parts.split() == ["id-of-etcd", "id-of-minio"]
    assert "id-of-milvus-standalone" in stores.split()
    assert packed(steps["save-volumes"]) == {
        "milvus-standalone-0": f"{FOLDER}/volumes/milvus/milvus",
        "etcd-0": f"{FOLDER}/volumes/milvus/etcd",
        "minio-0": f"{FOLDER}/volumes/milvus/minio",
    }
    assert {"etcd", "minio", "milvus-standalone"} <= set(steps["start"].split())


def test_they_run_on_where_milvus_keeps_its_image() -> None:
    steps = done(facts(CROSSING | {"containers": {"milvus-standalone": {}, "etcd": {}, "minio": {}}}))
    assert "save-volumes" not in steps
    assert not any(f"id-of-{name}" in steps["stop"] for name in MILVUS)


def test_a_minio_that_milvus_does_not_use_is_left_alone() -> None:
    alone = {**MILVUS, "milvus-standalone": {**MILVUS["milvus-standalone"], "depends_on": {"etcd": {}}}}
    steps = done(facts(CROSSING | {"beside": alone}))
    assert set(packed(steps["save-volumes"])) == {"milvus-standalone-0", "etcd-0"}
    assert "id-of-minio" not in steps["stop"]


def test_on_the_way_back_they_stop_too_before_their_data_are_read_back() -> None:
    upgrade = make_plan(facts(CROSSING))
    manifest = json.loads(bytes(upgrade.delivered[".manifest.json"]))  # type: ignore[arg-type]
    same = {"milvus-standalone": {}, "etcd": {}, "minio": {}}
    there = facts({"installed": "1.12.1", "heads": ["788d3099ae3a"], "beside": MILVUS, "containers": same}).machine
    backup = Backup(id="b", folder="/srv/backups/b", complete=True, manifest=manifest)
    back = RestoreFacts(machine=there, installed=Version.parse("1.12.1"), backup=backup, wishes=Wishes())
    steps = {step.name: step.do for step in make_restore_plan(back).steps}
    assert "id-of-etcd id-of-minio" in steps["stop"]
    read = [line.split()[1] for line in steps["restore"].splitlines() if line.startswith("read_back ")]
    assert read == [f"{FOLDER}/volumes/milvus/{name}" for name in ("etcd", "milvus", "minio")]
    assert {"etcd", "minio", "milvus-standalone"} <= set(steps["start"].split())


def test_upstreams_own_files_say_which_services_belong_to_milvus() -> None:
    for tag in tags():
        made = read_composed(files_of(tag)["docker-compose.yaml"], b"")
        assert parts_of(["milvus-standalone"], made) == ("etcd", "minio"), tag
        assert parts_of(set(made.services) - {"milvus-standalone"}, made) == (), tag


def test_data_are_saved_wherever_they_are_mounted_from() -> None:
    for kind, source in (
        ("bind", f"{FOLDER}/volumes/weaviate"),
        ("bind", f"{FOLDER}/data/weaviate"),
        ("bind", "/mnt/data/weaviate"),
        ("bind", "/usr/local/weaviate"),
        ("volume", "docker_weaviate"),
    ):
        assert weaviate(Mount(kind=kind, source=source, target="/var/lib/weaviate")) == {"weaviate-0": source}


def test_data_are_saved_wherever_dify_itself_is() -> None:
    jump = facts({"running": {"weaviate": "semitechnologies/weaviate:1.19.0"}})
    for folder in ("/usr/local/dify/docker", "/usr/share/dify", "/etc/dify/docker", "/run/dify", "/srv/dify/docker"):
        data = Mount(kind="bind", source=f"{folder}/volumes/weaviate", target="/var/lib/weaviate")
        given = with_mounts(jump, "weaviate", data)
        assert given.machine.install is not None
        there = replace(given.machine.install, folder=folder)
        steps = done(replace(given, machine=replace(given.machine, install=there)))
        assert packed(steps["save-volumes"]) == {"weaviate-0": f"{folder}/volumes/weaviate"}


def test_settings_and_what_cannot_be_written_are_not() -> None:
    for source, target, writable in (
        ("/mnt/models", "/models", False),
        ("/etc/localtime", "/etc/localtime", True),
        ("/usr/share/weaviate", "/var/lib/weaviate", True),
        ("/var/run/docker.sock", "/var/run/docker.sock", True),
        ("/srv/weaviate/conf.yaml", "/etc/weaviate/conf.yaml", True),
        (f"{FOLDER}/nginx", "/etc/nginx", True),
        (f"{FOLDER}/nginx/nginx.conf.template", "/etc/nginx/nginx", True),
        ("/", "/host", True),
    ):
        assert weaviate(Mount(kind="bind", source=source, target=target, writable=writable)) == {}


def saved(backup: str, beside: Mapping[str, Any]) -> dict[str, str]:
    changes = {"beside": beside, "containers": {name: {} for name in beside}, "wishes": {"backup": (backup,)}}
    return packed(done(facts({"without": ["weaviate"], **changes}))["save-files"])


def test_vectors_are_saved_whatever_store_holds_them() -> None:
    qdrant = {"qdrant": {"image": "langgenius/qdrant:v1.8.3", "volumes": ["./volumes/qdrant:/qdrant/storage"]}}
    for backup in ("vectors", "all"):
        assert saved(backup, qdrant)["vectors"] == f"{FOLDER}/volumes/qdrant"
    assert saved("vectors", MILVUS) == {
        "vectors-milvus-standalone-0": f"{FOLDER}/volumes/milvus/milvus",
        "vectors-etcd-0": f"{FOLDER}/volumes/milvus/etcd",
        "vectors-minio-0": f"{FOLDER}/volumes/milvus/minio",
    }
    assert saved("storage", qdrant) == {"storage": f"{FOLDER}/volumes/app/storage"}


def test_where_no_vectors_are_found_it_is_said_where_they_would_be() -> None:
    objections = make_plan(facts(situation("vectors-elsewhere"))).objections
    assert [dict(each.facts)["store"] for each in objections if each.rule == "vectors-missing"] == ["tidb_on_qdrant"]
