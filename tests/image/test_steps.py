"""The image, run as GitHub's runner runs it: mounts, environment, working directory, user, files, post step."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.image.runner import RUNNERS_USER, Ended, Job
from tests.image.station import Station
from tests.stage.world import World, world
from tests.unit.actions_runner import commands

VALUES = b"""\
# \xe6\x9c\xac\xe7\x95\xaa\r
image:\r
  api: {repository: langgenius/dify-api, tag: "1.13.3"} # keep\r
"""
EDIT = {"target": "gitops", "delivery": "files", "image-check": "off", "set": "values.yaml#image.api.tag=1.14.1"}
STAGING = "environments/staging/values.yaml"


@pytest.fixture
def stage() -> Iterator[World]:
    with world() as built:
        yield built


@pytest.fixture
def online(station: Station, stage: World) -> Iterator[Job]:
    """A job that reaches the emulated GitHub, upstream and registry under their own addresses."""
    with station.folder() as folder, station.reaching(stage.github.url, stage.registry.url):
        yield Job(station.engine, station.image.name, folder, network="host")


def test_a_checkout_of_the_runners_user_is_edited_and_stays_his(job: Job) -> None:
    values = job.workspace / "values.yaml"
    values.write_bytes(VALUES)
    values.chmod(0o664)
    os.chown(values, RUNNERS_USER, RUNNERS_USER)

    ended = job.act(EDIT)

    assert (ended.exit_code, ended.outputs["status"]) == (0, "proposed"), ended.log
    assert values.read_bytes() == VALUES.replace(b"1.13.3", b"1.14.1")
    after = values.stat()
    assert (after.st_uid, after.st_gid, after.st_mode & 0o777) == (RUNNERS_USER, RUNNERS_USER, 0o664)
    assert [path.name for path in job.workspace.iterdir()] == ["values.yaml"]
    assert ended.summary.startswith("## ")
    assert job.post(ended).exit_code == 0


def test_wrong_inputs_are_annotated_all_at_once(job: Job) -> None:
    ended = job.act({"target": "nowhere", "mode": "later", "timezone": "Asia/Nowhere"})

    assert (ended.exit_code, ended.outputs["status"]) == (2, "invalid"), ended.log
    errors = [command.data for command in commands(ended.log) if command.name == "error"]
    assert len(errors) >= 3
    assert {"nowhere", "later", "Asia/Nowhere"} <= {word.strip("'`") for text in errors for word in text.split()}
    assert job.post(ended).exit_code == 0


def test_a_plan_of_a_repository_on_github_changes_nothing(online: Job, stage: World) -> None:
    before = stage.repository.head("main")

    ended = online.act(stage.inputs(mode="plan"))

    assert (ended.exit_code, ended.outputs["status"], ended.outputs["to-version"]) == (0, "planned", "1.14.1"), (
        ended.log
    )
    assert list(stage.repository.branches) == ["main"]
    assert stage.repository.head("main") == before
    assert "1.14.1" in ended.summary


def test_a_repository_on_github_gets_its_pull_request(online: Job, stage: World) -> None:
    ended = online.act(stage.inputs(language="ja", timezone="Asia/Tokyo"))

    assert (ended.exit_code, ended.outputs["status"]) == (0, "proposed"), ended.log
    pull = stage.repository.pull(int(ended.outputs["pull-request-number"]))
    assert b'"1.14.1"' in stage.repository.read(pull.head, STAGING)
    assert any("\u3040" <= letter <= "\u30ff" for letter in ended.summary), "the summary is not Japanese"
    assert stage.github.calls("DELETE /installation/token")
    assert _leaked(ended, stage) == []
    after = online.post(ended)
    assert after.exit_code == 0, after.log


def test_the_post_step_revokes_what_a_killed_container_left(online: Job, stage: World) -> None:
    stage.github.faults.add("GET /repos/langgenius/dify/releases*", delay=12)
    running = online.start(stage.inputs())
    running.wait_until(lambda: stage.github.calls("GET /repos/langgenius/dify/releases*"))
    online.engine.run("kill", running.container)
    main = running.wait()

    assert main.exit_code == 137
    assert not stage.github.calls("DELETE /installation/token")
    after = online.post(main)

    assert (after.exit_code, after.log) == (0, "The App's token is revoked.\n")
    assert stage.github.calls("DELETE /installation/token")


def test_what_a_job_sets_for_its_own_python_changes_nothing_here(station: Station, job: Job) -> None:
    (job.workspace / "values.yaml").write_bytes(VALUES)
    for name in ("sitecustomize.py", "difyaction.py", "github.py", "json.py"):
        (job.workspace / name).write_text("raise SystemExit('a file of the workspace was run')")
    own = {"PATH": "/nowhere", "PYTHONPATH": "/github/workspace", "PYTHONHOME": "/nowhere"}
    own |= {"PYTHONSTARTUP": "json.py", "PYTHONWARNINGS": "error", "PYTHONUTF8": "0", "LC_ALL": "C"}
    peculiar = Job(station.engine, station.image.name, job.folder, environ=own)

    ended = peculiar.act(EDIT)

    assert ended.exit_code == 0, ended.log
    assert peculiar.post(ended).exit_code == 0
    assert b"1.14.1" in (job.workspace / "values.yaml").read_bytes()


def _leaked(ended: Ended, stage: World) -> list[str]:
    """Return lines with a secret that are not commands to mask it."""
    secret = stage.app.private_key.splitlines()[1]
    texts = [*ended.log.splitlines(), *ended.outputs.values(), *ended.summary.splitlines()]
    return [text for text in texts if secret in text and not text.startswith("::add-mask::")]
