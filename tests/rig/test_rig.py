from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.rig import upstream
from tests.rig.install import Install
from tests.rig.stack import Rig
from tests.shared import shared_root

OLD, NEW = "1.13.3", "1.14.1"
OLD_HEAD, NEW_HEAD = "6b5f9f8b1a2c", "a4f2d8c9b731"


@pytest.fixture
def old(rig: Rig) -> Iterator[Install]:
    shared_root()
    with rig.install(version=OLD) as dify:
        yield dify


def take_files_of(dify: Install, version: str) -> None:
    """Put a release's files over the install's, as an owner does who does not keep anything of theirs."""
    files = upstream.files(version, dify.wanted.source)
    for name, content in (files | {"docker/.env": files["docker/.env.example"]}).items():
        path = dify.path.parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def flask(dify: Install, *arguments: str, seconds: str = "30") -> subprocess.CompletedProcess[bytes]:
    """Run the new release's flask beside what runs, for some seconds at most."""
    script = 'cd "$0" && exec timeout "$@"'
    command = ["docker", "compose", "run", "--rm", "-T", "--no-deps", "--entrypoint", "flask", "api", *arguments]
    ran = dify.machine.run(["sh", "-c", script, dify.folder, seconds, *command], check=False)
    # the client's end is not the container's: what hung would hold its lock for ever
    if left := dify.machine.docker("ps", "-q", "--filter", "label=com.docker.compose.oneoff=True").split():
        dify.machine.docker("rm", "-f", *left)
    return ran


@pytest.mark.parametrize(("version", "services"), [(OLD, 11), (NEW, 12)])
def test_upstreams_unmodified_files_serve_as_users_get_them(rig: Rig, version: str, services: int) -> None:
    shared_root()
    with rig.install(version=version) as dify:
        assert dify.ask("/console/api/setup") == (200, {"step": "finished", "setup_at": None})
        assert dify.ask("/console/api/ping") == (200, {"result": "pong"})
        assert dify.ask("/v1/")[1]["server_version"] == version
        assert dify.chat("is anyone there?")
        assert len(dify.running_images()) == services
        assert dify.running_images()["worker"] == f"langgenius/dify-api:{version}"
        assert dify.rows()["dify.messages"].count == 201
        assert dify.credentials_open()


def test_an_upgrade_by_hand_migrates_real_rows(old: Install) -> None:
    before = old.rows()
    take_files_of(old, NEW)
    assert b"(head)" not in flask(old, "db", "current").stdout
    ran = flask(old, "db", "upgrade")
    assert ran.returncode == 0
    assert f"Running upgrade {OLD_HEAD}".encode() in ran.stderr
    assert old.head() == NEW_HEAD
    assert flask(old, "db", "heads").stdout.decode().strip() == f"{NEW_HEAD} (head)"
    # the old code does not understand the new schema, and the data is what it was
    assert old.ask("/console/api/setup")[0] == 500
    old.up()
    assert old.rows()["dify.documents"] == before["dify.documents"]
    assert old.rows()["dify.apps"] != before["dify.apps"]
    assert set(old.rows()) - set(before) == {"dify.app_collaborators"}


def test_a_migration_fails_as_it_is_asked_to(rig: Rig, old: Install) -> None:
    take_files_of(old, NEW)
    outcomes = {}
    # in an order in which the next one finds what it needs: a schema that is not at the head
    for fault in (
        "migration-fails",
        "migration-exit0",
        "200-unmigrated",
        "migration-hang",
        "migration-half",
        "migration-slow",
    ):
        rig.fault(fault, version=NEW, **({"seconds": 2} if fault == "migration-slow" else {}))
        outcomes[fault] = (flask(old, "db", "upgrade", seconds="5").returncode, old.head())
    assert outcomes == {
        "migration-fails": (1, OLD_HEAD),
        "migration-exit0": (0, OLD_HEAD),
        "200-unmigrated": (0, OLD_HEAD),
        "migration-hang": (124, OLD_HEAD),
        "migration-half": (1, "227822d22895"),
        "migration-slow": (0, NEW_HEAD),
    }


def test_a_release_that_migrated_fails_as_it_is_asked_to(rig: Rig, old: Install) -> None:
    take_files_of(old, NEW)
    assert flask(old, "db", "upgrade").returncode == 0
    for fault, shown in SHOWN.items():
        rig.fault(fault, version=NEW)
        # what is asked about here are two roles alone
        old.compose("up", "-d", "--quiet-pull", "--no-deps", "api", "worker", check=False)
        deadline = time.monotonic() + 15
        while not shown(old):
            assert time.monotonic() < deadline, f"{fault} does not show"
            time.sleep(0.2)


def health(dify: Install) -> str:
    return dify.compose("exec", "-T", "api", "curl", "-s", "http://localhost:5001/health", check=False)


def ping(dify: Install) -> bool:
    script = "celery -A celery_healthcheck.celery inspect ping -d celery@$HOSTNAME"
    return "pong" in dify.compose("exec", "-T", "worker", "sh", "-c", script, check=False)


SHOWN: dict[str, Callable[[Install], bool]] = {
    "crash-loop": lambda dify: dify.restarts()["api"] > 0,
    "unhealthy": lambda dify: "Internal Server Error" in health(dify),
    "wrong-version": lambda dify: '"version": "0.0.1"' in health(dify),
    "no-key": lambda dify: dify.restarts()["api"] > 0,
    "worker-crash-loop": lambda dify: dify.restarts()["worker"] > 0,
    "worker-deaf": lambda dify: "worker" in dify.running_images() and not ping(dify),
}


def test_an_unmigrated_release_that_says_200_is_told_by_its_schema_only(rig: Rig, old: Install) -> None:
    rig.fault("200-unmigrated", version=NEW)
    take_files_of(old, NEW)
    old.up()
    assert old.serves()
    assert old.head() == OLD_HEAD


def test_a_worker_answers_and_drains(rig: Rig) -> None:
    shared_root()
    with rig.install(version=NEW) as dify:
        rig.machine.wait_for(lambda: ping(dify), "its worker")
        worker = ["exec", "-T", "worker", "celery", "-A", "celery_healthcheck.celery"]
        assert "'name': 'workflow_based_app_execution'" in dify.compose(*worker, "inspect", "active_queues")
        said = dify.compose(*worker, "control", "cancel_consumer", "workflow_based_app_execution")
        assert "no longer consuming from workflow_based_app_execution" in said
        assert "- empty -" in dify.compose(*worker, "inspect", "active")
        assert dify.chat("nobody hears this", seconds=3) is None


def test_reset_is_whole_and_takes_seconds(rig: Rig, old: Install) -> None:
    rows, files, images = old.rows(), old.files(), old.running_images()
    take_files_of(old, NEW)
    old.up()
    assert old.head() == NEW_HEAD
    began = time.monotonic()
    rig.reset(old)
    assert time.monotonic() - began < 20
    assert (old.rows(), old.files(), old.running_images()) == (rows, files, images)


def test_the_miniature_serves_in_every_shape_and_upgrades(rig: Rig) -> None:
    with rig.install(version="1.10.0", upstream="mini") as dify:
        assert "db" in dify.running_images()
    with rig.install(version=OLD, upstream="mini", layout="git") as dify:
        assert (dify.path.parent / ".git").is_dir()
        assert (
            dify.machine.run(["git", "-C", str(Path(dify.folder).parent), "describe", "--tags"]).stdout.strip()
            == OLD.encode()
        )
        assert dify.machine.run(["git", "-C", str(Path(dify.folder).parent), "status", "--porcelain"]).stdout == b""
        take_files_of(dify, NEW)
        dify.up()
        assert dify.head() == NEW_HEAD
        assert "api_websocket" in dify.running_images()


def test_a_tag_that_the_registry_lacks_cannot_be_pulled(rig: Rig, old: Install) -> None:
    rig.forget_image("langgenius/dify-web", NEW)
    pulled = old.machine.run(["docker", "pull", "-q", f"langgenius/dify-web:{NEW}"], check=False)
    assert pulled.returncode != 0
    rig.stop_registry()
    assert old.machine.run(["docker", "pull", "-q", f"langgenius/dify-api:{NEW}"], check=False).returncode != 0
    rig.start_registry()
    assert old.machine.run(["docker", "pull", "-q", f"langgenius/dify-api:{NEW}"], check=False).returncode == 0


def test_a_full_disk_refuses_a_dump(rig: Rig, old: Install) -> None:
    dump = "docker exec docker-db_postgres-1 pg_dump -U postgres -Fc dify > /var/backups/dify.dump"
    with rig.full_disk(leave=16384):
        assert old.machine.run(["sh", "-c", dump], check=False).returncode != 0
    assert old.machine.run(["sh", "-c", dump], check=False).returncode == 0


def ssh(rig: Rig, tmp_path: Path, *command: str, user: str = "dify") -> list[str]:
    """Return the words of the real ssh client."""
    door = rig.sshd(user)
    known = tmp_path / "known_hosts"
    known.write_text(door.known_hosts, encoding="ascii")
    options = ["-F", "none", "-i", str(door.key_file), "-o", f"UserKnownHostsFile={known}", "-o", "BatchMode=yes"]
    return ["ssh", *options, "-p", str(door.port), f"{door.user}@{door.host}", *command]


def test_users_reach_the_engine_over_ssh(rig: Rig, old: Install, tmp_path: Path) -> None:
    for user, docker in (("root", "docker"), ("dify", "docker"), ("sudoer", "sudo docker")):
        command = ssh(rig, tmp_path, f"cd {old.folder} && {docker} compose ps -q | wc -l", user=user)
        assert subprocess.run(command, capture_output=True, check=True).stdout.strip() == b"11", user


def test_a_connection_is_cut_and_sshd_comes_back(rig: Rig, tmp_path: Path) -> None:
    door = rig.sshd()
    for end in (door.cut, door.end_sessions, door.restart):
        with subprocess.Popen(
            ssh(rig, tmp_path, "echo ready; sleep 60"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as going:
            assert going.stdout is not None
            assert going.stdout.readline() == b"ready\n"
            end()
            assert going.wait(timeout=10) != 0
        assert subprocess.run(ssh(rig, tmp_path, "true"), capture_output=True, check=False).returncode == 0
