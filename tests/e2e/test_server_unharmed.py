"""What can be wrong with a release, a registry, a disk, a host, one after the other: each time Dify is as it was."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import pytest

from difyaction.connections import Connection
from tests.e2e.server_faults import STATE, Controller, Killed, Striker, assert_as_before
from tests.e2e.server_runs import run
from tests.rig.install import Install
from tests.rig.session import rig_or_skip
from tests.rig.stack import Rig

OLD, NEW = "1.13.3", "1.14.1"
BACKUP_DISK = "/var/backups/small"
# what never gets well is waited for to the end of the first, a migration that hangs for the second
PATIENCE = {"start_timeout": "12s", "migration_idle": "9s"}


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    yield from rig_or_skip()


@pytest.fixture(scope="module")
def standing(rig: Rig) -> Iterator[Install]:
    with rig.install(version=OLD) as dify:
        yield dify


@contextlib.contextmanager
def as_before(rig: Rig, dify: Install) -> Iterator[None]:
    """Hold the Dify against what it was; where it is not, it is set up anew for the next test."""
    before, files, images = dify.rows(), dify.files(), dify.running_images()
    try:
        yield
        rig.restore_images()
        assert_as_before(rig, dify, before, files)
        assert dify.running_images() == images
    except BaseException:
        rig.reset(dify)
        raise


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("migration-fails", "migration-failed"),
        ("migration-half", "migration-failed"),
        ("migration-exit0", "migration-incomplete"),
        ("200-unmigrated", "migration-incomplete"),
        ("migration-hang", "migration-hangs"),
        ("worker-deaf", "worker-silent"),
        ("unhealthy", "api-unhealthy"),
    ],
)
def test_a_release_that_fails_leaves_the_old_one_serving_with_the_same_data(
    rig: Rig, standing: Install, fault: str, error: str
) -> None:
    with as_before(rig, standing):
        rig.fault(fault, version=NEW)

        told = run(rig, standing, dify_version=NEW, **PATIENCE)

        assert (told.status, told.error) == ("rolled-back", error), told.log[-3000:]


def test_a_release_of_which_one_image_is_missing_changes_nothing(rig: Rig, standing: Install) -> None:
    with as_before(rig, standing):
        rig.forget_image("langgenius/dify-web", NEW)

        told = run(rig, standing, dify_version=NEW)

        assert (told.status, told.error) == ("failed", "image-missing"), told.log[-3000:]
        assert f"langgenius/dify-web:{NEW} cannot be pulled" in told.log


def test_a_registry_that_does_not_answer_changes_nothing(rig: Rig, standing: Install) -> None:
    with as_before(rig, standing):
        rig.machine.docker("image", "rm", "-f", f"langgenius/dify-web:{NEW}", check=False)
        rig.stop_registry()
        try:
            told = run(rig, standing, dify_version=NEW)
        finally:
            rig.start_registry()

        assert (told.status, told.error) == ("failed", "image-missing"), told.log[-3000:]


def test_a_plan_touches_nothing(rig: Rig, standing: Install) -> None:
    with as_before(rig, standing):
        told = run(rig, standing, mode="plan", dify_version=NEW)

        assert told.status == "planned", told.log[-3000:]
        assert "difyai123456" not in told.log


def test_what_a_controller_delivered_and_never_started_does_not_stay(rig: Rig, standing: Install) -> None:
    with as_before(rig, standing):
        runs = rig.machine.path(STATE) / "runs"
        earlier, struck = set(runs.glob("*")), threading.Event()

        def controller(inner: Connection) -> Controller:
            return Controller(inner, before_put=struck.set, struck=struck)

        with pytest.raises(Killed):
            run(rig, standing, through=controller, dify_version=NEW)
        assert len(list(runs.glob("*/files"))) == 1

        assert run(rig, standing, dify_version=OLD).status == "unchanged"
        assert len(list(runs.glob("*/files"))) == 1  # somebody may be about to start it
        rig.machine.run(["sh", "-c", f"touch -d '1 hour ago' {STATE}/runs/*"])
        assert run(rig, standing, dify_version=OLD).status == "unchanged"
        assert set(runs.glob("*")) == earlier


def since(dify: Install) -> dict[str, str]:
    """Return since when each container runs."""
    return {entry["Id"]: entry["State"]["StartedAt"] for entry in dify.containers()}


@contextlib.contextmanager
def small_disk(rig: Rig) -> Iterator[None]:
    """A disk for the backups alone, so that it fills up while the database still has room."""
    make = f"mkdir -p {BACKUP_DISK} && truncate -s 14G {BACKUP_DISK}.img && mkfs.ext4 -qF -m 0 {BACKUP_DISK}.img"
    rig.machine.run(["sh", "-c", f"{make} && mount -o loop {BACKUP_DISK}.img {BACKUP_DISK}"])
    try:
        yield
    finally:
        rig.machine.run(["umount", BACKUP_DISK])


def test_a_disk_that_fills_up_before_the_dump_leaves_everything_as_it_was(rig: Rig, standing: Install) -> None:
    started = since(standing)

    def strike(step: str) -> None:
        if step == "pull":
            taken = f"cd {BACKUP_DISK} && fallocate -l $(($(df -B1 --output=avail . | tail -n 1) - 8192)) ballast"
            rig.machine.run(["sh", "-c", taken])

    with as_before(rig, standing), small_disk(rig), Striker(rig, strike):
        told = run(rig, standing, dify_version=NEW, backup_dir=BACKUP_DISK)

        assert (told.status, told.error) == ("failed", "backup-failed"), told.log[-3000:]
        assert since(standing) == started


# what administrators do to a database, and no copy of it has; limits that would end a dump, too
ADMINISTERED = """
CREATE ROLE reader LOGIN;
REVOKE CONNECT ON DATABASE dify FROM PUBLIC;
GRANT CONNECT ON DATABASE dify TO reader;
ALTER DATABASE dify SET search_path = public, pg_catalog;
ALTER DATABASE dify SET idle_in_transaction_session_timeout = '100ms';
ALTER ROLE reader IN DATABASE dify SET statement_timeout = '3s';
"""
TRAITS = """
SELECT unnest(datacl)::text FROM pg_database WHERE datname = 'dify'
UNION SELECT setrole || ' ' || unnest(setconfig) FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase
  WHERE datname = 'dify' ORDER BY 1;
"""


def test_a_script_killed_while_it_migrates_is_undone_by_the_next_run(rig: Rig, standing: Install) -> None:
    standing.sql(ADMINISTERED, "postgres")
    traits = standing.sql(TRAITS, "postgres")
    made: list[Controller] = []

    def through(inner: Connection) -> Controller:
        made.append(Controller(inner))
        return made[0]

    def strike(step: str) -> None:
        if step == "migrate":
            made[0].struck.set()
            rig.machine.run(["sh", "-c", f"sleep 2; kill -9 $(cat {STATE}/lock/pid)"])

    with as_before(rig, standing):
        rig.fault("migration-slow", version=NEW, seconds=20)
        with Striker(rig, strike), pytest.raises(Killed):
            run(rig, standing, through=through, dify_version=NEW)
        told = run(rig, standing, dify_version=OLD)

        assert told.status == "unchanged", told.log[-3000:]
        assert "is dead; following it" in told.log
        assert "it ended: " in told.log
    assert standing.sql(TRAITS, "postgres") == traits
    assert len(traits.splitlines()) == 6


def test_a_reboot_after_the_migration_is_recovered_by_the_run_that_follows_it(rig: Rig, standing: Install) -> None:
    due = threading.Event()

    def reboot() -> None:
        due.clear()
        rig.reboot()  # in the thread that switched the machine on: it ends with that thread

    def strike(step: str) -> None:
        if step == "start":
            due.set()

    def through(inner: Connection) -> Controller:
        return Controller(inner, happens=reboot, struck=due)

    with as_before(rig, standing):
        with Striker(rig, strike):
            told = run(rig, standing, through=through, dify_version=NEW)

        assert (told.status, told.error) == ("rolled-back", "interrupted"), told.log[-3000:]


# the key is the old release's alone: upstream's newer settings have a name, REDIS_KEY_PREFIX=, that the old ones lack
KEYLESS = """\
services:
  api:
    environment:
      SECRET_KEY: ${REDIS_KEY_PREFIX-$SECRET_KEY}
      REASON: made anew, so that Compose knows of this file
"""


@pytest.fixture
def keyless(rig: Rig, standing: Install) -> Iterator[Install]:
    """The same Dify, with an override file of which the new release gets no key."""
    (standing.path / "docker-compose.override.yaml").write_text(KEYLESS, encoding="utf-8")
    standing.compose("up", "-d", "--no-deps", "api")
    standing.compose("exec", "-T", "nginx", "nginx", "-s", "reload")
    standing.wait_until_served()
    yield standing
    rig.reset(standing)


def test_a_release_that_does_not_start_without_its_key_leaves_the_old_one_with_its_own(
    rig: Rig, keyless: Install
) -> None:
    with as_before(rig, keyless):
        rig.fault("no-key", version=NEW)

        told = run(rig, keyless, dify_version=NEW, acknowledge=f"secret-key-changes@{NEW}", **PATIENCE)

        assert (told.status, told.error) == ("rolled-back", "restarting"), told.log[-3000:]
        assert f"objection secret-key-changes@{NEW} (acknowledge, noted)" in told.log


def test_a_port_taken_meanwhile_is_named_and_the_backup_leads_back_once_it_is_free(rig: Rig, standing: Install) -> None:
    squatter = ("run", "-d", "--name", "squatter", "-p", "5003:6379", "redis:6-alpine")

    def strike(step: str) -> None:
        if step == "migrate":  # the plugin daemon, whose port it is, stands still
            rig.machine.docker(*squatter)

    with as_before(rig, standing):
        with Striker(rig, strike):
            told = run(rig, standing, dify_version=NEW)
        assert (told.status, told.error) == ("stranded", "port-taken"), told.log[-3000:]
        assert "5003 failed: port is already allocated" in told.log
        assert "the old release does not start: port-taken" in told.log

        rig.machine.docker("rm", "-fv", "squatter")
        backup = told.outputs["backup-id"]
        told = run(rig, standing, mode="rollback", rollback_to=backup, acknowledge=f"lose-writes@{backup}")
        assert (told.status, told.error) == ("restored", ""), told.log[-3000:]
