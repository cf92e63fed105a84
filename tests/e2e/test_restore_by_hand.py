"""The way back that docs/restore.md describes, walked with the very commands that stand there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.server_runs import PATIENT, assert_serves, consents, run, vectors_of
from tests.rig.catalogue import PARTS
from tests.rig.session import rig_or_skip
from tests.rig.stack import Rig

PAGE = Path(__file__).parents[2] / "docs" / "restore.md"
ACROSS_1_9 = ("datasource-credentials", "weaviate-client-v4", "weaviate-jump")
BACKUPS = "/var/lib/dify-upgrade-action/backups"


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    yield from rig_or_skip()


def commands(backup: str, old: str, *steps: int) -> str:
    """Return the first block of the page's way back to a release, and the first of each of these steps."""
    way = PAGE.read_text(encoding="utf-8").partition("## The way back")[2]
    parts = re.split(r"^\*\*(\d)\. ", way, flags=re.MULTILINE)
    texts = {0: parts[0], **{int(number): text for number, text in zip(parts[1::2], parts[2::2], strict=True)}}
    blocks = [re.findall(r"^```sh\n(.*?)^```", texts[step], re.MULTILINE | re.DOTALL)[0] for step in (0, *steps)]
    return "".join(blocks).replace(f"{BACKUPS}/ID", f"{BACKUPS}/{backup}").replace("dify-api:OLD", f"dify-api:{old}")


@pytest.mark.parametrize(
    ("old", "new", "rules", "steps"),
    [
        pytest.param("1.13.3", "1.14.1", (), (1, 2, 3, 4, 5, 7), marks=pytest.mark.hosts),
        # another service for the database, another owner of the storage, and a store of another version
        ("1.0.0", "1.11.4", ACROSS_1_9, (1, 2, 3, 4, 5, 6, 7)),
    ],
    ids=["1.13.3-1.14.1", "1.0.0-1.11.4"],
)
def test_an_upgrade_is_whole_and_the_commands_of_the_page_lead_back_to_the_old_release(
    rig: Rig, old: str, new: str, rules: tuple[str, ...], steps: tuple[int, ...]
) -> None:
    with rig.install(version=old, layout="git") as dify:
        before, files, images = dify.rows(), dify.files(), dify.running_images()
        vectors = vectors_of(dify)
        rig.fault("reads-older", version=new, image="weaviate")

        told = run(rig, dify, dify_version=new, acknowledge=consents(new, *rules), **PATIENT)

        assert_serves(dify, told, new, before)
        # 1.10.1 gave the database's service its name, and every container of Dify's a user
        assert dify.running_images()["db_postgres"] == "postgres:15-alpine"
        assert "db" not in dify.running_images()
        assert dify.compose("exec", "-T", "api", "id", "-u").strip() == "1001"
        git = ["git", "-C", "/opt/dify", "describe", "--tags"]
        assert dify.machine.run(git).stdout.decode().strip() == new
        assert vectors_of(dify) == PARTS[new][2]
        script = commands(told.outputs["backup-id"], old, *steps)

        ran = dify.machine.run(["sh", "-euc", script])

        said = ran.stdout.decode()
        assert '"step":"finished"' in said.replace(" ", "").replace("\n", "")
        assert f"{dify.head()} (head)" in said
        assert dify.rows() == before
        assert dify.running_images() == images
        assert vectors_of(dify) == vectors == PARTS[old][2]
        kept = {each["HostConfig"]["RestartPolicy"]["Name"] for each in dify.containers() if each["State"]["Running"]}
        assert kept == {"always"}
        assert {path: sha for path, sha in dify.files().items() if path in files} == files
