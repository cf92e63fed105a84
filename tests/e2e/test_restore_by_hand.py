"""The way back that docs/restore.md describes, walked with the very commands that stand there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.server_runs import run
from tests.rig.session import rig_or_skip
from tests.rig.stack import Rig

PAGE = Path(__file__).parents[2] / "docs" / "restore.md"
BACKUPS = "/var/lib/dify-upgrade-action/backups"


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    yield from rig_or_skip()


def commands(backup: str, *steps: int) -> str:
    """Return the first block of the page's way back, and the first of each of these steps."""
    way = PAGE.read_text(encoding="utf-8").partition("## The way back")[2]
    parts = re.split(r"^\*\*(\d)\. ", way, flags=re.MULTILINE)
    texts = {0: parts[0], **{int(number): text for number, text in zip(parts[1::2], parts[2::2], strict=True)}}
    blocks = [re.findall(r"^```sh\n(.*?)^```", texts[step], re.MULTILINE | re.DOTALL)[0] for step in (0, *steps)]
    return "".join(blocks).replace(f"{BACKUPS}/ID", f"{BACKUPS}/{backup}")


@pytest.mark.parametrize(("old", "new"), [("1.13.3", "1.14.1"), ("1.10.0", "1.10.1")])
def test_the_commands_of_the_page_lead_back_to_the_old_release(rig: Rig, old: str, new: str) -> None:
    with rig.install(version=old, layout="git") as dify:
        before, files, images = dify.rows(), dify.files(), dify.running_images()
        told = run(rig, dify, dify_version=new, migration_idle="300s", start_timeout="300s")
        assert told.status == "upgraded", told.log[-3000:]
        script = commands(told.outputs["backup-id"], 1, 2, 3, 4, 5, 7)

        ran = dify.machine.run(["sh", "-euc", script])

        said = ran.stdout.decode()
        assert '"step":"finished"' in said.replace(" ", "").replace("\n", "")
        assert f"{dify.head()} (head)" in said
        assert dify.rows() == before
        assert dify.running_images() == images
        kept = {each["HostConfig"]["RestartPolicy"]["Name"] for each in dify.containers() if each["State"]["Running"]}
        assert kept == {"always"}
        assert {path: sha for path, sha in dify.files().items() if path in files} == files
