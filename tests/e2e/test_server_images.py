"""The target ``server`` where images have other names than upstream's: mirrors, and builds of the host's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.server_runs import PATIENT, run
from tests.rig import catalogue
from tests.rig.session import rig_or_skip
from tests.rig.stack import Rig

OLD, NEW = "1.13.3", "1.14.1"
MIRROR = "127.0.0.1:5000/team-7"


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    yield from rig_or_skip()


def mirrors(rig: Rig) -> dict[str, str]:
    """Copy the images of both releases to a mirror under names of its own, and return them by upstream's."""
    names = {}
    for version in (OLD, NEW):
        for name, tag, image in catalogue.release(rig.base, version):
            if name.startswith("langgenius/"):
                names[name] = f"{MIRROR}/{name.removeprefix('langgenius/dify-')}"
                rig.registry.push(names[name].partition("/")[2], tag, image)
    return names


def test_a_host_whose_images_come_from_a_mirror_is_upgraded_from_there_and_then_left_alone(rig: Rig) -> None:
    names = mirrors(rig)
    compose = rig.upstream_files(OLD)["docker/docker-compose.yaml"].decode()
    for name, mirror in names.items():
        compose = compose.replace(f"image: {name}:", f"image: {mirror}:")
    with rig.install(version=OLD, edits={"docker-compose.yaml": compose}) as dify:
        before = dify.rows()
        refused = run(rig, dify, dify_version=NEW)
        assert (refused.status, refused.error) == ("failed", "api-unknown")
        assert f"langgenius/dify-api={MIRROR}/api" in refused.log
        image_map = "\n".join(f"{name}={mirror}" for name, mirror in names.items())

        told = run(rig, dify, dify_version=NEW, image_map=image_map, **PATIENT)

        assert (told.status, told.error) == ("upgraded", ""), told.log[-3000:]
        assert dify.serves()
        assert dify.rows().keys() >= before.keys()
        images = dify.running_images()
        assert {images[name] for name in ("api", "worker", "worker_beat")} == {f"{MIRROR}/api:{NEW}"}
        assert {images[name].partition(":5000/")[2].rpartition(":")[0] for name in ("web", "plugin_daemon")} == {
            "team-7/web",
            "team-7/plugin-daemon",
        }
        assert run(rig, dify, dify_version=NEW, image_map=image_map).status == "unchanged"
