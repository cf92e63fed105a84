"""A Docker Compose install of Dify on one host: look, plan, deliver a runbook, follow it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import requests

from difyaction.cancelled import Cancelled
from difyaction.compose import follow, probe
from difyaction.compose.compose_text import service_names
from difyaction.compose.draft import COMPOSE, Way
from difyaction.compose.env_records import shown
from difyaction.compose.facts import Machine
from difyaction.compose.installed import installed_version, must_be_known
from difyaction.compose.journal_log import JournalLog
from difyaction.compose.outcome import ended, is_past, made, outcome_of
from difyaction.compose.probe_database import client_version
from difyaction.compose.restore_plan import RestoreFacts, make_restore_plan
from difyaction.compose.run_journal import JournalRow, RunRecord, record
from difyaction.compose.server_plan import ServerFacts, ServerPlan, draft_for, make_plan
from difyaction.compose.staging import ask_compose
from difyaction.compose.ways_back import chosen
from difyaction.compose.wishes import Wishes
from difyaction.connections import Connection, Lost
from difyaction.connections.as_root import AsRoot
from difyaction.connections.observed import observed
from difyaction.errors import ActionError, Running
from difyaction.input_table import SSH_PORT
from difyaction.inputs import Inputs
from difyaction.releases import heads
from difyaction.releases.catalogue import Policy
from difyaction.releases.images import API, HUB
from difyaction.secret import Secret
from difyaction.ssh_inputs import jump_parts
from difyaction.surroundings import Surroundings
from difyaction.target import Outcome
from difyaction.upstream_releases import FromUpstream, Releases
from difyaction.websession import Web


class Server:
    """The target ``server``. ``watch``: how it follows the host; whoever builds on it may replace that beforehand."""

    def __init__(self, inputs: Inputs, surroundings: Surroundings, connection: Connection, releases: Releases) -> None:
        self._inputs = inputs
        self._surroundings = surroundings
        self._connection = observed(connection, surroundings.runner.events)
        self._releases = releases
        self._wishes = wishes_of(inputs)
        self._deadline = surroundings.monotonic() + (inputs.job_time or 0)
        self._earlier: Outcome | None = None  # how a run ended well that an earlier job had begun
        self.watch = follow.Watch(clock=surroundings.monotonic, pause=surroundings.pause, say=surroundings.say)

    def inspect(self) -> ServerFacts | RestoreFacts:
        """Look at the machine, ask for the release, then ask the machine's Compose about the merged files."""
        machine = self._look()
        if self._inputs.mode != "plan" and self._end_what_runs(machine):
            machine = self._look()
        install = must_be_known(machine)
        installed = installed_version(machine)
        owner = _owner(self._surroundings.environ)
        if self._inputs.mode == "rollback":
            backup = chosen(machine, self._inputs.rollback_to, installed)
            return RestoreFacts(machine=machine, installed=installed, backup=backup, wishes=self._wishes, owner=owner)
        release = self._releases.release(self._inputs.dify_version, installed)
        self._surroundings.say(f"Dify {installed} is installed in {install.folder}, {release.version} is wanted")
        tag = release.version.tag
        way = Way(
            installed=installed,
            wanted=release.version,
            before=self._releases.folder(installed.tag),
            after=self._releases.folder(tag),
            head=heads.head_of(release.version) or self._releases.head(tag),
        )
        drafted = draft_for(machine, way, self._wishes)
        written = {path: drafted.files[path] for path in drafted.written}
        timeout = self._inputs.command_timeout or 300
        composed = ask_compose(self._connection, machine, install, written, timeout=timeout)
        return ServerFacts(
            machine=machine,
            way=way,
            release=release,
            draft=drafted,
            composed=composed,
            wishes=self._wishes,
            owner=owner,
        )

    def plan(self, facts: ServerFacts | RestoreFacts) -> ServerPlan:
        """Decide, over facts alone."""
        return make_restore_plan(facts) if isinstance(facts, RestoreFacts) else make_plan(facts)

    def apply(self, plan: ServerPlan) -> Outcome:
        """Deliver the runbook, start it, follow it to its end."""
        if not plan.steps:
            return self._earlier or Outcome("unchanged", changed=False)
        folder, backup = plan.settings.folder, plan.settings.backup
        with _telling_where(folder, backup):
            follow.start(self._connection, folder, plan.script, plan.delivered, self.watch)
        return self._outcome(self._told(folder, backup), folder, backup)

    def close(self) -> None:
        """Let go of everything."""
        self._connection.close()
        self._releases.close()

    def _look(self) -> Machine:
        inputs, wishes = self._inputs, self._wishes
        script = probe.script(
            folder=wishes.folder,
            project=wishes.project,
            backup=wishes.backup_folder,
            docker_host=wishes.docker_host,
            api=wishes.image_map.get(API, "").removeprefix(HUB),
        )
        ran = self._connection.run(script, timeout=inputs.command_timeout or 300)
        machine = probe.read(ran.out, wishes.image_map, docker_host=wishes.docker_host, ended=ended(ran))
        if machine.engine.sudo and not isinstance(self._connection, AsRoot):
            self._connection = AsRoot(self._connection)
        if wishes.client_image and machine.database and machine.database.external:
            client = client_version(wishes.client_image)
            database = replace(machine.database, client_image=wishes.client_image, client=client)
            machine = replace(machine, database=database)
        for secret in (machine.database.password if machine.database else None, *_secrets(machine)):
            if secret:
                self._surroundings.runner.mask(secret)
        return machine

    def _end_what_runs(self, machine: Machine) -> bool:
        """Follow what an earlier job left: a run that goes on, or broke off and has to be undone, or ended unread.

        Whether there was anything that may have changed the machine.
        """
        for run in machine.runs:
            if run.state == "absent":
                follow.forget(self._connection, run.folder)
        left = [run for run in machine.runs if not run.read and run.state != "absent"]
        for run in left:
            self._surroundings.say(f"run {run.id} of an earlier job is {run.state}; following it")
            backup = f"{machine.backup_folder}/{run.id}"
            told = self._told(run.folder, backup)
            try:
                self._earlier = self._outcome(told, run.folder, backup)
            except ActionError as why:
                if not is_past(why, run.state, self._inputs.mode):
                    raise
                self._surroundings.say(f"it ended: {why}")
        return bool(left)

    def _told(self, folder: str, backup: str) -> RunRecord:
        """Follow a run to its end, and return what it told."""
        surroundings = self._surroundings
        log = JournalLog(surroundings.runner)

        def check() -> None:
            if surroundings.monotonic() > self._deadline:
                raise follow.time_is_up(folder)

        with _telling_where(folder, backup, log.rows):
            try:
                for row in follow.follow(self._connection, folder, replace(self.watch, check=check)):
                    log.tell(row)
            except Lost as why:
                raise follow.time_is_up(folder) from why
            finally:
                log.close()
        return record(log.rows)

    def _outcome(self, told: RunRecord, folder: str, backup: str) -> Outcome:
        return outcome_of(told, folder=folder, backup=backup, language=self._inputs.language)


@contextmanager
def _telling_where(folder: str, backup: str, rows: Sequence[JournalRow] = ()) -> Iterator[None]:
    """Tell whoever ends before the run does what the host goes on with and has made; ``rows`` grow meanwhile."""
    try:
        yield
    except Cancelled as why:
        known = record(rows)
        why.host_run, why.host_state = folder, known.state
        why.left |= made(known, backup)
        raise
    except Running as why:
        why.left |= made(record(rows), backup)
        raise


def wishes_of(inputs: Inputs) -> Wishes:
    """Return what the plan looks at of the inputs."""
    usual = Wishes()
    return Wishes(
        folder=inputs.dify_folder.rstrip("/"),
        project=inputs.project_name,
        docker_host=inputs.docker_host,
        image_map={image.removeprefix(HUB): mirror for image, mirror in inputs.image_map.items()},
        acknowledge=inputs.acknowledge,
        allow_downgrade=inputs.allow_downgrade,
        backup=inputs.backup,
        backup_folder=inputs.backup_dir.rstrip("/"),
        backup_keep=inputs.backup_keep or usual.backup_keep,
        backup_max=inputs.backup_max,
        restore_test_max=inputs.restore_test_max,
        final_backup=inputs.final_backup,
        client_image=inputs.database_client_image,
        max_downtime=inputs.max_downtime or 0,
        drain_timeout=inputs.drain_timeout or 0,
        migration_timeout=inputs.migration_timeout,
        migration_idle=inputs.migration_idle or usual.migration_idle,
        start_timeout=inputs.start_timeout or usual.start_timeout,
        pull_timeout=inputs.pull_timeout or usual.pull_timeout,
    )


def build(inputs: Inputs, surroundings: Surroundings) -> Server:
    """Make the target. Nobody is contacted yet."""
    return Server(inputs, surroundings, connection_of(inputs, surroundings), releases_of(inputs, surroundings))


def releases_of(inputs: Inputs, surroundings: Surroundings) -> FromUpstream:
    """Return upstream, as the inputs name it."""
    session = requests.Session()
    return FromUpstream(
        inputs,
        session,
        Web(
            session,
            clock=surroundings.monotonic,
            pause=surroundings.pause,
            say=surroundings.say,
            events=surroundings.runner.events,
        ),
        Policy(surroundings.now(), inputs.allow_prerelease, inputs.minimum_release_age),
        surroundings.environ,
    )


def connection_of(inputs: Inputs, surroundings: Surroundings) -> Connection:
    """Return the way to the host. SSH's library is only for those who use it."""
    if inputs.host == "local":
        from difyaction.connections.local import Local  # noqa: PLC0415

        return Local(surroundings.environ)
    from difyaction.connections.handshake import Hop, Timeouts  # noqa: PLC0415
    from difyaction.connections.ssh import Ssh  # noqa: PLC0415

    key, passphrase = inputs.ssh_key, inputs.ssh_key_passphrase
    hop = Hop(inputs.host, inputs.port or SSH_PORT, inputs.user, key, passphrase, field="ssh-key")
    jump = None
    if inputs.jump_host:
        user, host, port = jump_parts(inputs.jump_host)
        field = "jump-ssh-key" if inputs.jump_ssh_key else "ssh-key"
        jump = Hop(host, port, user or inputs.user, inputs.jump_ssh_key or key, passphrase, field=field)
    patience = float(inputs.connect_timeout or 30)
    return Ssh(
        hop,
        "\n".join(inputs.ssh_known_hosts),
        jump=jump,
        timeouts=Timeouts(connect=patience, banner=patience, auth=patience, keepalive=inputs.keepalive or 15),
        say=surroundings.say,
    )


def _owner(environ: Mapping[str, str]) -> str:
    repository, run = environ.get("GITHUB_REPOSITORY", ""), environ.get("GITHUB_RUN_ID", "")
    return f"{repository} run {run}" if repository else environ.get("USER", "") or "somebody"


def _secrets(machine: Machine) -> list[Secret]:
    """Return what of the containers' environments must never be printed.

    Some of upstream's published defaults are words, such as a part of an image's or a service's name: they are no
    secret to anybody, and a log without them could not be read.
    """
    install = machine.install
    compose = install.files[COMPOSE].content.decode("utf-8", "replace") if install and COMPOSE in install.files else ""
    images = " ".join((*(container.image for container in machine.containers), *service_names(compose)))
    return [
        secret
        for container in machine.containers
        for key, secret in container.environment.items()
        if (text := secret.reveal()) not in images and isinstance(shown(key, text, text), Secret)
    ]
