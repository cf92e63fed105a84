"""The target ``server`` where images have other names than upstream's: mirrors, and builds of the host's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.server_runs import PATIENT, run
from tests.rig import catalogue
from tests.rig.session import rig_or_skip
from tests.rig.stack import Rig

pytestmark = pytest.mark.hosts

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


OVERRIDE = """\
services:
  tool:
    build: ./tool
    restart: always
  web:
    build: ./ours
"""
BUILDS = {
    "tool/Dockerfile": 'FROM rig/base:1\nENTRYPOINT ["sleep", "infinity"]\n',
    "ours/Dockerfile": f"ARG VERSION={OLD}\nFROM {MIRROR}/web:$VERSION\nLABEL ours=yes\n",
}


def test_a_host_with_a_mirror_and_builds_of_its_own_is_upgraded_with_them_and_then_left_alone(rig: Rig) -> None:
    names = mirrors(rig)
    compose = rig.upstream_files(OLD)["docker/docker-compose.yaml"].decode()
    for name, mirror in names.items():
        compose = compose.replace(f"image: {name}:", f"image: {mirror}:")
    with rig.install(version=OLD, override=OVERRIDE, edits={"docker-compose.yaml": compose, **BUILDS}) as dify:
        before, tool = dify.rows(), dify.container("tool")
        refused = run(rig, dify, dify_version=NEW)
        assert (refused.status, refused.error) == ("failed", "api-unknown")
        assert f"langgenius/dify-api={MIRROR}/api" in refused.log
        image_map = "\n".join(f"{name}={mirror}" for name, mirror in names.items())
        refused = run(rig, dify, dify_version=NEW, image_map=image_map)
        assert refused.status == "refused"
        assert f"build-bypassed@{NEW}" in refused.log
        build = ["docker", "build", "-t", f"{MIRROR}/web:{NEW}", "--build-arg", f"VERSION={NEW}", f"{dify.folder}/ours"]
        rig.machine.run(build)

        consent = f"build-bypassed@{NEW}"
        told = run(rig, dify, dify_version=NEW, image_map=image_map, acknowledge=consent, **PATIENT)

        assert (told.status, told.error) == ("upgraded", ""), told.log[-3000:]
        assert dify.serves()
        after = dify.rows()
        assert {table for table in before if after[table].count < before[table].count} == set()
        images = dify.running_images()
        assert {images[name] for name in ("api", "worker", "worker_beat")} == {f"{MIRROR}/api:{NEW}"}
        assert images["plugin_daemon"].startswith(f"{MIRROR}/plugin-daemon:")
        labels = rig.machine.docker("inspect", "--format", "{{.Config.Labels.ours}}", dify.container("web"))
        assert labels.strip() == "yes"
        assert dify.container("tool") == tool
        assert dify.start_after_a_reboot()
        assert run(rig, dify, dify_version=NEW, image_map=image_map).status == "unchanged"
