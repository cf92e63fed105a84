"""Whole runs of the target ``server`` against the rig: real SSH, a real engine, upstream's own files."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from difyaction import inputs, report, story
from difyaction.connections import Connection
from difyaction.errors import ActionError
from difyaction.inputs import Inputs
from difyaction.journal import Journal
from difyaction.language import Language
from difyaction.releases import heads
from difyaction.releases.catalogue import Published, Release
from difyaction.releases.images import image_set
from difyaction.releases.version import Version
from difyaction.runner import Runner
from difyaction.statuses import EXIT_CODES
from difyaction.story import Ending
from difyaction.summary import summary
from difyaction.surroundings import Surroundings
from difyaction.targets.server import Server, connection_of
from tests.published import valid
from tests.rig.install import Install, Rows
from tests.rig.stack import Rig

LONGEST_PAUSE = 0.5
QUICK = {"start-timeout": "150s", "drain-timeout": "5s", "migration-idle": "45s"}
PATIENT = {"start_timeout": "300s", "migration_idle": "300s"}  # of machines that are busier than usual


class ShippedFiles:
    """Upstream's releases, from the files that the rig's installs are made of."""

    def __init__(self, rig: Rig, source: str) -> None:
        self._rig, self._source = rig, source

    def release(self, text: str, installed: Version | None) -> Release:
        del installed
        compose = self.folder(text)["docker-compose.yaml"].decode()
        return Release(Published(Version.parse(text), text, None), image_set(compose))

    def folder(self, tag: str) -> Mapping[str, bytes]:
        files = self._rig.upstream_files(tag, self._source)
        return {path.removeprefix("docker/"): content for path, content in files.items() if path.startswith("docker/")}

    def head(self, tag: str) -> str:
        if heads.is_known(Version.parse(tag)):
            raise AssertionError(f"the schema of {tag} is known here")
        return ""  # as of migrations that do not say where they lead: the image is asked

    def close(self) -> None:
        """Hold nothing."""


@dataclass
class Told:
    """How a run ended, and what it printed."""

    status: str
    error: str
    outputs: Mapping[str, str]
    log: str
    sentences: tuple[str, ...] = ()


def run(
    rig: Rig, dify: Install, *, through: Callable[[Connection], Connection] = lambda same: same, **given: str
) -> Told:
    """Run the target once, over SSH as root, and return how it ended. Inputs by their names with underscores.

    ``through`` may put something of a test's own around the connection.
    """
    sshd = rig.sshd("root")
    asked = {
        "target": "server",
        "host": sshd.host,
        "port": str(sshd.port),
        "user": sshd.user,
        "ssh-key": sshd.key,
        "ssh-known-hosts": sshd.known_hosts,
        **QUICK,
        **{name.replace("_", "-"): text for name, text in given.items()},
    }
    out = io.StringIO()
    runner = Runner({}, out, monotonic=time.monotonic)
    surroundings = Surroundings(
        environ={"USER": "tester"},
        runner=runner,
        now=lambda: datetime.now(UTC),
        pause=lambda seconds: time.sleep(min(seconds, LONGEST_PAUSE)),
        monotonic=time.monotonic,
    )
    read = inputs.read(asked)
    releases = ShippedFiles(rig, dify.wanted.source)
    target = Server(read, surroundings, through(connection_of(read, surroundings)), releases)
    journal = Journal(runner, time.monotonic)
    try:
        ending = story.tell(target, mode=read.mode, approved="", say=journal)
    except ActionError as why:
        _published(report_of(read, journal, Ending(why.status), error=why))
        return Told(why.status, why.id, why.left, f"{out.getvalue()}\n{why}\n")
    _published(report_of(read, journal, ending))
    outputs, sentences = (ending.outcome.outputs, ending.outcome.sentences) if ending.outcome else ({}, ())
    return Told(ending.status, "", outputs, out.getvalue(), sentences)


def consents(version: str, *rules: str) -> str:
    """Return the value of ``acknowledge`` for objections to one release."""
    return ",".join(f"{rule}@{version}" for rule in rules)


def vectors_of(dify: Install) -> str:
    """Return the version of the store that wrote the volume of vectors."""
    return (dify.path / "volumes/weaviate/version").read_text(encoding="ascii")


def assert_serves(dify: Install, told: Told, version: str, before: Mapping[str, Rows]) -> None:
    """Hold what an upgrade ended with against what there was: the release that was asked for, and every row."""
    assert (told.status, told.error) == ("upgraded", ""), told.log[-3000:]
    assert dify.serves()
    assert dify.credentials_open()
    images = dify.running_images()
    assert {images[service] for service in ("api", "worker")} == {f"langgenius/dify-api:{version}"}
    assert dify.start_after_a_reboot()
    after = dify.rows()
    assert {table for table in before if after.get(table, Rows(-1, "")).count < before[table].count} == set()


def report_of(read: Inputs, journal: Journal, ending: Ending, error: ActionError | None = None) -> report.Told:
    """Return what the report of such a run is made of."""
    return report.Told(
        status=ending.status,
        exit_code=error.exit_code if error else EXIT_CODES[ending.status],
        mode=read.mode,
        target=read.target,
        ended=datetime.now(UTC),
        seconds=sum(stage.seconds for stage in journal.stages),
        stages=journal.stages,
        plan=journal.plan,
        outcome=ending.outcome,
        error=error,
        left=error.left if error else {},
    )


def _published(told: report.Told) -> None:
    """Hold what later steps are told against docs/schema, and what people are told against having a text at all."""
    given = report.outputs(told)
    assert given.keys() == report.OUTPUTS.keys()
    valid("report", given["report"])
    if told.plan is not None:
        valid("plan", given["plan"])
    for code in ("en", "ja"):
        assert summary(told, Language.of(code)).startswith("## ")
