from __future__ import annotations

import base64
import gzip
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difyaction.compose import probe
from difyaction.compose.answers import UNPACKED_LIMIT, lines, unpacked
from difyaction.compose.installed import installed_version, must_be_known
from difyaction.compose.probe_database import client_version
from difyaction.compose.queues import named_queues
from difyaction.errors import Failed
from tests.unit.compose.answers_of import API, DB, FILES, answer, container, packed
from tests.unit.compose.runbooks import SHELLS, shell_words


def test_one_answer_tells_what_there_is() -> None:
    machine = probe.read(answer())
    assert must_be_known(machine).overrides == ("own.yaml",)
    assert str(installed_version(machine)) == "1.13.3"
    assert machine.host.platform == "linux/amd64"
    assert machine.engine.compose == ("docker", "compose")
    assert machine.engine.compose_version == "2.35.1"
    assert machine.database is not None
    assert (machine.database.server, machine.database.client, machine.database.heads) == (
        "15.8",
        "15.8",
        ("6b5f9f8b1a2c",),
    )
    assert machine.database.password.reveal() == "difyai=123456"
    assert machine.listening == (22, 80)
    nginx = next(each for each in machine.containers if each.service == "nginx")
    assert nginx.ports == ((80, "192.0.2.7", 8080),)


def test_an_override_that_is_gone_is_told_and_the_one_in_its_place_counts() -> None:
    usual = "docker-compose.override.yml"
    files = packed({"./docker-compose.yaml": b"services: {}\n", f"./{usual}": b"services: {}\n"})
    install = must_be_known(probe.read(answer(files=files)))
    assert install.gone_overrides == ("own.yaml",)
    assert install.overrides == (usual,)


OVER, GPU, MAIN = "docker-compose.override.yml", "gpu.yaml", "docker-compose.yaml"


def started(service: str, made: str, files: str, *, one_off: str = "False") -> dict[str, object]:
    """Return a container as Compose makes it: when, and from which files of the folder."""
    label = "com.docker.compose"
    labels = {
        f"{label}.service": service,
        f"{label}.oneoff": one_off,
        f"{label}.project.config_files": ",".join(f"/opt/dify/docker/{name}" for name in files.split()),
    }
    image = "langgenius/dify-api:1.13.3" if service == "api" else f"acme/{service}:1"
    return container(service, image, created=f"2026-11-{made}Z", labels=labels, env=["DB_HOST=db"])


@pytest.mark.parametrize(
    ("others", "overrides"),
    [
        ([], ()),
        ([started("nginx", "21T08:00:00.9", f"{MAIN} {OVER}")], (OVER,)),  # added since, for the proxy alone
        ([started("nginx", "20T07:00:00.51", f"{MAIN} {OVER}")], ()),  # removed since
        ([started("nginx", "20T08:00:00.51", f"{MAIN} {OVER}")], ()),  # no later: a fraction of the same second
        ([started("nginx", "21T08:00:00", f"{MAIN} {OVER}"), started("x", "21T09:00:00", MAIN)], (OVER,)),
        ([started("x", "21T09:00:00", f"{MAIN} {GPU}"), started("y", "21T08:00:00", f"{MAIN} {OVER}")], (OVER, GPU)),
        (
            [started("y", "21T08:00:00", f"{MAIN} {GPU}"), started("z", "21T09:00:00", f"{MAIN} {OVER} {GPU}")],
            (OVER, GPU),
        ),
        ([started("grafana", "21T08:00:00", GPU)], ()),  # a stack beside Dify, in its folder
        ([started("x", "21T08:00:00", f"{MAIN} {GPU}", one_off="True")], ()),
    ],
)
def test_an_override_that_came_after_the_apis_container_counts(
    others: list[dict[str, object]], overrides: tuple[str, ...]
) -> None:
    files = packed({f"./{name}": b"services: {}\n" for name in (MAIN, OVER, GPU)})
    containers = [started("api", "20T08:00:00.5", MAIN), DB, *others]
    install = must_be_known(probe.read(answer(files=files, containers="\n".join(map(json.dumps, containers)))))
    assert install.overrides == overrides
    assert install.unused_overrides == (() if overrides else (OVER,))


def test_no_secret_of_an_environment_can_be_printed() -> None:
    machine = probe.read(answer())
    assert "difyai" not in repr(machine)
    assert "sk-1" not in repr(machine)


@pytest.mark.parametrize(
    "lost", ["files", "containers", "database", "free-engine", "images", "memory", "lacking", "folder"]
)
def test_a_fact_that_could_not_be_read_is_only_absent(lost: str) -> None:
    probe.read(answer(without=(lost,)))


def test_an_answer_that_broke_off_is_no_answer() -> None:
    with pytest.raises(Failed) as caught:
        probe.read(answer()[:-20])
    assert caught.value.id == "probe-cut"


def test_what_a_login_shell_prints_is_passed_over() -> None:
    assert probe.read(b"Welcome to dify\n\n" + answer() + b"bye\n").host.user == "dify"


DOWN = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"


@pytest.mark.parametrize(
    ("says", "sudo", "told", "advice"),
    [
        (DOWN, "", DOWN, "Start the engine"),
        (DOWN, "sudo: a password is required", DOWN, "Start the engine"),
        ("dial tcp 10.0.0.4:2375: connect: connection refused", "", "connection refused.", "Start the engine"),
        ("permission denied while trying to connect", "", "trying to connect.", "Add the user to the group"),
        ("", "", "it says nothing.", "Add the user to the group"),
    ],
)
def test_an_engine_that_does_not_answer_is_said_and_what_helps(says: str, sudo: str, told: str, advice: str) -> None:
    with pytest.raises(Failed) as caught:
        probe.read(answer(docker=says, sudo_says=sudo))
    assert caught.value.id == "docker-unreachable"
    assert f"{told} Nothing was changed." in str(caught.value)
    assert caught.value.next_step.startswith(advice)


@pytest.mark.parametrize("sudo", ["", "sudo: a password is required"])
@pytest.mark.parametrize("says", [DOWN, "permission denied while trying to connect"])
def test_an_engine_that_an_input_names_is_looked_for_in_that_input_first(says: str, sudo: str) -> None:
    with pytest.raises(Failed) as caught:
        probe.read(answer(docker=says, sudo_says=sudo), docker_host="unix:///run/other.sock")
    assert caught.value.id == "docker-unreachable"
    assert "Correct docker-host, which is unix:///run/other.sock, or leave it out" in str(caught.value)


@pytest.mark.parametrize(
    ("sudo", "error"),
    [
        ("sudo: a password is required", "sudo-asks"),
        ("sudo: a terminal is required to read the password", "sudo-asks"),
        ("Sorry, user dify is not allowed to execute '/usr/bin/sh -c :' as root on vm.", "sudo-asks"),
        ("sh: 1: sudo: not found", "docker-unreachable"),
        ("dify is not in the sudoers file.", "docker-unreachable"),
        ("", "docker-unreachable"),
    ],
)
def test_a_user_who_would_have_to_type_a_password_is_told_so(sudo: str, error: str) -> None:
    with pytest.raises(Failed) as caught:
        probe.read(answer(docker="permission denied", sudo_says=sudo))
    assert caught.value.id == error


def test_no_docker_at_all_is_said() -> None:
    with pytest.raises(Failed) as caught:
        probe.read(answer(without=("docker",)))
    assert caught.value.id == "docker-missing"


def test_files_that_lead_out_of_the_folder_are_not_taken() -> None:
    evil = packed(
        {"docker-compose.yaml": b"services: {}\n", "../../etc/passwd": b"x", "/etc/shadow": b"y"}, links={"a": "/etc"}
    )
    machine = probe.read(answer(files=evil))
    assert machine.install is not None
    assert set(machine.install.files) == {"docker-compose.yaml"}


def test_an_archive_that_was_cut_is_noticed() -> None:
    machine = probe.read(answer(files=FILES[:-20]))
    assert machine.install is None or machine.install.cut


def test_edits_of_a_checkout_are_told_apart_by_where_they_are() -> None:
    machine = probe.read(
        answer(
            git_top="/opt/dify",
            git_commit="a" * 40,
            git_status=" M docker/docker-compose.yaml\n M api/app.py\nR  a -> docker/b\n D docker/c\n",
            git_tracked="docker-compose.yaml\0b\0c\0",
        )
    )
    assert machine.install is not None
    assert machine.install.checkout is not None
    assert machine.install.checkout.edited == ("docker-compose.yaml", "b", "c")
    assert machine.install.checkout.deleted == ("c",)
    assert machine.install.checkout.tracked == ("docker-compose.yaml", "b", "c")
    assert machine.install.checkout.outside == ("api/app.py",)


def test_a_database_that_is_no_container_is_elsewhere() -> None:
    api = container(
        "api", "langgenius/dify-api:1.13.3", env=["DB_HOST=pg.example.com", "DB_PORT=6432", "DB_TYPE=mysql"]
    )
    database = probe.read(answer(containers=json.dumps(api), database_container="")).database
    assert database is not None
    assert database.external
    assert (database.kind, database.host, database.port, database.user) == ("mysql", "pg.example.com", 6432, "root")


@pytest.mark.parametrize(
    ("kind", "told", "image"),
    [
        ("postgresql", "version|16.4 (Debian 16.4-1)", "postgres:16-alpine"),
        ("postgresql", "version|16.4\nextension|plpgsql\nextension|uuid-ossp", "postgres:16-alpine"),
        ("postgresql", "version|16.4\nextension|plpgsql\nextension|vector", "pgvector/pgvector:pg16"),
        ("mysql", "version|8.4.2", "mysql:8.4"),
        ("mysql", "version|11.4.3-MariaDB-1", "mariadb:10.11"),
        ("mysql", "version|", "mysql:8.0"),
    ],
)
def test_a_server_elsewhere_is_spoken_to_by_clients_of_its_own_kind(kind: str, told: str, image: str) -> None:
    api = container("api", "langgenius/dify-api:1.13.3", env=["DB_HOST=db.example.com", f"DB_TYPE={kind}"])
    said = answer(containers=json.dumps(api), database_container="", database=f"{told}\n")
    database = probe.read(said).database
    assert database is not None
    assert database.client_image == image


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("postgres:16-alpine", "16"),
        ("registry.example:5000/base/postgres:15.8", "15.8"),
        ("pgvector/pgvector:0.8.0-pg16", "16"),
        ("pgvector/pgvector:pg17", "17"),
        ("mysql:8.0", "8.0"),
        ("registry.example:5000/clients", ""),
        ("clients:latest", ""),
        (f"postgres@sha256:{'1' * 64}", ""),
    ],
)
def test_the_version_of_clients_is_told_by_their_images_tag(image: str, version: str) -> None:
    assert client_version(image) == version


def test_a_container_of_the_project_is_spoken_to_in_its_own_image_whatever_it_holds() -> None:
    database = probe.read(answer(database="version|15.8\nextension|vector\n")).database
    assert database is not None
    assert database.client_image == "postgres:15-alpine"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.20", "docker_default"),  # a server far away: by a network that leads out
        ("172.20.0.9", "company_databases"),  # a container of another project
        ("172.18.0.9", "docker_ssrf_proxy_network"),
        ("", "docker_default"),
    ],
)
def test_the_way_to_a_database_elsewhere_is_a_network_that_leads_there(address: str, network: str) -> None:
    networks = (
        "company_databases|true|172.20.0.0/16 \n"
        "docker_ssrf_proxy_network|true|172.18.0.0/16 fd00::/64 \n"
        "docker_default|false|172.19.0.0/16 \nodd\n"
    )
    api = container("api", "langgenius/dify-api:1.13.3", env=["DB_HOST=pg.example.com"])
    told = answer(
        containers=json.dumps(api),
        database_container="",
        networks=networks,
        database=f"address|{address}\ncreates|false\n",
    )
    database = probe.read(told).database
    assert database is not None
    assert database.network == network
    assert not database.creates


def test_a_database_of_the_project_needs_no_way_and_its_owner_may_do_everything() -> None:
    database = probe.read(answer()).database
    assert database is not None
    assert (database.network, database.creates) == ("", True)


@pytest.mark.parametrize(("env", "told"), [([], "creates|true\ncontrol|false\n"), (["DB_DATABASE=postgres"], "")])
def test_who_cannot_rename_databases_makes_none(env: list[str], told: str) -> None:
    api = container("api", "langgenius/dify-api:1.13.3", env=["DB_HOST=db_postgres", *env])
    said = answer(containers="\n".join(map(json.dumps, (api, DB))), database=f"version|15.8\n{told}")
    database = probe.read(said).database
    assert database is not None
    assert not database.creates


def test_a_database_is_there_although_its_size_is_not_known_and_what_was_refused_is_told() -> None:
    daemon = container("plugin_daemon", "langgenius/dify-plugin-daemon:0.5.3-local")
    told = "version|15.8\nthere|dify\nthere|dify_plugin\nsize|dify|70\n"
    refused = "psql:<stdin>:7: ERROR:  canceling statement due to statement timeout\n"
    for said in (refused, "error|canceling statement due to statement timeout\n"):
        known = answer(containers="\n".join(map(json.dumps, (API, DB, daemon))), database=f"{told}{said}")
        database = probe.read(known).database
        assert database is not None
        assert database.names == ("dify", "dify_plugin")
        assert database.refused == "canceling statement due to statement timeout"


def test_a_mirrored_image_is_still_the_api() -> None:
    mirrored = {**API, "image": "harbor.example.com:5000/mirror/langgenius/dify-api:1.13.3"}
    machine = probe.read(answer(containers="\n".join(map(json.dumps, (mirrored, DB)))))
    assert str(installed_version(machine)) == "1.13.3"


def test_a_lock_lives_while_its_process_does() -> None:
    lock = "owner=acme run 7\nrun=r\nexpiry=1800000100\nboot=b-1\npid=77 \nstart=900 \n"
    assert (
        probe.read(answer(lock=lock, lock_started="900\n")).lock
        == probe.read(answer(lock=lock, lock_started="900")).lock
    )
    alive, gone, rebooted = (
        probe.read(answer(lock=lock, lock_started="900")).lock,
        probe.read(answer(lock=lock, lock_started="")).lock,
        probe.read(answer(lock=lock, lock_started="900", boot="b-2")).lock,
    )
    assert alive is not None
    assert alive.live
    assert gone is not None
    assert not gone.live
    assert rebooted is not None
    assert not rebooted.live


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bytes], ids=["gzip", "xz", "as it is"])
def test_what_is_large_may_come_packed(pack: Callable[[bytes], bytes]) -> None:
    plain, containers = gzip.decompress(FILES), "\n".join(map(json.dumps, (API, DB))).encode()
    machine = probe.read(answer(files=pack(plain), containers=pack(containers)))
    assert machine.install is not None
    assert (len(machine.install.files), machine.install.cut) == (3, False)
    assert [each.service for each in machine.containers] == ["api", "db_postgres"]


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress], ids=["gzip", "xz"])
def test_what_is_cut_or_swells_beyond_measure_is_not_taken_for_whole(pack: Callable[[bytes], bytes]) -> None:
    bomb = pack(bytes(UNPACKED_LIMIT + 1))
    assert (len(unpacked(bomb)[0]), unpacked(bomb)[1]) == (UNPACKED_LIMIT, False)
    assert not unpacked(pack(b"some text")[:-5])[1]
    assert unpacked(pack(b"some text")[:8] + b"nonsense") == (b"", False)


def test_backups_and_runs_are_listed() -> None:
    manifest = base64.b64encode(json.dumps({"from": "1.13.3", "to": "1.14.1", "epoch": 5}).encode()).decode()
    machine = probe.read(
        answer(backups=f"b2|yes|10|{manifest}\nb1|no|3|!!\nbroken", runs="r1|going|\nr2|done|read\nbroken\n")
    )
    assert [(b.id, b.complete, b.from_version, b.size) for b in machine.backups] == [
        ("b1", False, "", 3072),
        ("b2", True, "1.13.3", 10240),
    ]
    assert [(run.id, run.state, run.read) for run in machine.runs] == [("r1", "going", False), ("r2", "done", True)]


def test_what_a_container_was_started_with_tells_the_queues_that_were_named() -> None:
    environment = ["MODE=worker"]
    worker = container(
        "worker", "langgenius/dify-api:1.13.3", env=environment, command=["worker", "-Q", "mail,dataset"]
    )
    other = container("slow", "langgenius/dify-api:1.13.3", env=[*environment, "CELERY_QUEUES=workflow"])
    usual = container("usual", "langgenius/dify-api:1.13.3", env=[*environment, "CELERY_QUEUES="])

    def queues(*workers: dict[str, object]) -> tuple[str, ...]:
        return named_queues(probe.read(answer(containers="\n".join(map(json.dumps, (API, DB, *workers))))).containers)

    assert queues(worker) == ("dataset", "mail")
    assert queues(worker, other) == ("dataset", "mail", "workflow")
    assert queues(worker, usual) == queues() == ()


def test_a_host_that_cannot_even_answer_is_told_what_it_lacks() -> None:
    with pytest.raises(Failed) as caught:
        probe.read(b"probe-lacks-base64\n")
    assert (caught.value.id, caught.value.facts["tool"]) == ("host-lacks-tool", "base64")


def test_every_program_that_a_runbook_calls_is_looked_for() -> None:
    folder = resources.files("difyaction.compose")
    looked_for = re.search(r"for tool in ([a-z0-9 ]+); do", folder.joinpath("probe.sh").read_text("utf-8"))
    assert looked_for
    known = {*looked_for[1].split(), "base64"}
    text = "\n".join(
        folder.joinpath(name).read_text("utf-8")
        for name in (
            "runbook.sh",
            "follow.sh",
            *(
                f"verbs_{each}.sh"
                for each in ("service", "database", "restore", "files", "room", "steps", "stop", "change")
            ),
        )
    )
    assert {
        program
        for program in PROGRAMS.split()
        if re.search(rf"(?m)(^|[|;&({{!]|\bthen|\bdo|\belse)\s*{program}\s", text)
    } <= known
    assert len(known) > 25


@given(
    st.binary(max_size=400),
    st.sampled_from(["containers", "files", "database", "images", "sizes", "backups", "lock", "git-status"]),
)
def test_whatever_a_host_answers_is_read_or_refused(junk: bytes, name: str) -> None:
    probe.read(answer(**{name.replace("-", "_"): junk}))


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_with_an_error_of_ours(junk: bytes) -> None:
    with pytest.raises(Failed):
        probe.read(junk)


@pytest.mark.parametrize(
    ("told", "free", "device"),
    [
        ("7 2065 /dev/sdb1", 7, "/dev/sdb1"),
        ("7 2049 /dev/disk/by-uuid/1-2", 7, "/dev/sda1"),  # the number that the host has for its own
        ("7 57 overlay", 7, "overlay"),
        ("7 58 tmpfs", 7, "tmpfs of the database"),
        ("", 0, ""),
    ],
)
def test_the_disk_of_the_databases_is_told_from_those_of_the_host(told: str, free: int, device: str) -> None:
    places = {"free_engine": "5 2049 /dev/sda1", "free_backup": "6 99 tmpfs", "free_folder": "8 /dev/sdc1"}
    disk = probe.read(answer(free_database=told, **places)).disk
    assert disk is not None
    assert (disk.engine, disk.engine_device, disk.folder, disk.folder_device) == (5, "/dev/sda1", 8, "/dev/sdc1")
    assert (disk.database, disk.database_device) == (free, device)


def test_the_probe_itself_runs_where_there_is_no_docker(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    script = probe.script(folder="/nowhere; touch /tmp/owned", project="it's")
    ran = subprocess.run(
        ["sh", "-c", script], capture_output=True, check=True, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    )
    assert ran.stderr == b""
    names = [line.split(b" ")[0] for line in ran.stdout.splitlines()]
    assert names[-1] == b"end"
    assert {b"user", b"epoch", b"boot"} <= set(names)


# What POSIX, coreutils, findutils, diffutils and util-linux have, the builtins of a shell and `sleep` left out.
PROGRAMS = """awk base64 basename bc cat chgrp cksum cmp comm cp cut date dd df diff dirname du expr find flock fold
grep gzip head join mkdir mkfifo mktemp mv nl od paste patch pax pgrep ps python3 readlink realpath rm rmdir sed seq
setsid sha256sum shuf sort split stat sync tac tail tar tee timeout tr truncate uniq wc xargs xxd"""

# One container of the API, in the words of whatever format is asked for.
DOCKER = r"""#!/bin/sh
for last; do :; done
case "$1 $2" in
  "version "*) echo 27.3.1 ;;
  "info "*) printf '/var/lib/docker\nname=seccomp\n' ;;
  "compose version") echo 2.35.1 ;;
  "ps -a") case "$*" in *label=com.docker.compose.service=*) exit ;; esac
    printf '%s\n' "$last" | sed -e 's#{{\.ID}}#abc#' -e "s#{{\.Image}}#${IMAGE:-langgenius/dify-api:1.13.3}#" \
      -e 's#{{\.State}}#running#; s#{{\.Label "com\.docker\.compose\.project"}}#acme#' \
      -e 's#{{\.Label "com\.docker\.compose\.service"}}#api#' \
      -e "s#{{\.Label \"com\.docker\.compose\.project\.working_dir\"}}#$LABEL#" ;;
  "ps -aq") echo abc ;;
  "inspect --format") case "$3" in
    *'"env"'*) printf '%s\n' "$API" ;;
    *Mounts*) printf '%s\n' "${MOUNTS:-}" ;;
    *Aliases*) printf 'abc /acme-api-1 172.18.0.2 acme-api-1 api\nd /acme-db-1 172.18.0.3 acme-db-1 db maindb\n' ;;
    *Config.Env*) printf 'DB_HOST=%s\nDB_USERNAME=dify\n' "${HOST:-localhost}" ;;
  esac ;;
  "ps --no-trunc") case "$*" in *service=localhost*) echo "${SERVER:-}" ;; esac ;;
  "ps -q") printf 'abc\nd\n' ;;
  "exec -u") shift 4 && exec env PATH="$INSIDE:$PATH" "$@" ;;
  "exec -i") [ -z "${SERVER:-}" ] || exit 1
    shift 4 && exec "$PYTHON" "$@" ;;
  "exec ${SERVER:-none}") shift 2 && PATH="$INSIDE:$PATH" exec "$@" ;;
esac
"""
PSYCOPG2 = """
class Error(Exception): pass
class Server:
    answers = {"'server_version'": 'version|16.4', 'pg_extension': 'extension|vector', 'alembic': 'head|6b5f9f8b1a2c',
               'from pg_stat_user_tables s join pg_class c on c.oid = s.relid': 'table|messages|5000000',
               'pg_database_size': 'size|dify|8000', 'rolcreatedb': 'creates|true'}
    def cursor(self): return self
    def execute(self, asked): self.rows = [(told,) for words, told in self.answers.items() if words in asked]
    def fetchall(self): return self.rows
    def rollback(self): pass
def connect(**_): return Server()
"""


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "docker").write_text(DOCKER)
    (tmp_path / "bin" / "docker").chmod(0o755)
    return tmp_path / "bin"


@pytest.fixture(params=sorted(SHELLS))
def shelled(tools: Path, request: pytest.FixtureRequest) -> Path:
    """Return the tools, with each of the shells as `sh`."""
    (tools / "sh").symlink_to(shutil.which(shell_words(request.param)[0]) or "")
    return tools


def probed(tools: Path, label: Path | str, *, folder: str = "", api: str = "", **environ: str) -> bytes:
    environ |= {"PATH": f"{tools}:/usr/bin:/bin", "HOME": str(tools.parent), "LABEL": str(label)}
    script = probe.script(folder=folder, api=api)
    ran = subprocess.run(["sh", "-c", script], capture_output=True, check=True, env=environ)
    return ran.stdout


def test_the_probe_finds_files_where_the_containers_labels_say(tools: Path, tmp_path: Path) -> None:
    folder = tmp_path / "dify" / "docker"
    for each in (folder / "nginx", folder / "volumes" / "db"):
        each.mkdir(parents=True)
    (folder / "docker-compose.yaml").write_text("services: {}\n")
    (folder / ".env").write_text("SECRET_KEY=s3cret-s3cret\n")
    (folder / "nginx" / "a b.template").write_text("x\n")
    (folder / "volumes" / "db" / "data").write_text("never\n")
    told = probed(tools, folder)
    machine = probe.read(told)
    assert b"s3cret" not in told
    assert machine.install is not None
    assert machine.install.folder == str(folder.resolve())
    assert set(machine.install.files) == {"docker-compose.yaml", ".env", "nginx/a b.template"}


def test_a_folder_with_a_blank_is_found_and_its_project_too(tools: Path, tmp_path: Path) -> None:
    folder = tmp_path / "Dify of  ours" / "docker"
    folder.mkdir(parents=True)
    (folder / "docker-compose.yaml").write_text("services: {}\n")
    for asked in ("", str(folder), str(folder.parent)):
        install = probe.read(probed(tools, folder, folder=asked)).install
        assert install is not None
        assert (install.folder, install.project, install.others) == (str(folder), "acme", ())


@pytest.mark.parametrize(
    ("names", "labels", "main"),
    [
        (["docker-compose.yaml"], ["docker-compose.yaml", "own.yaml"], "docker-compose.yaml"),
        (["docker-compose.yaml"], [], "docker-compose.yaml"),
        (["docker-compose.yml"], ["docker-compose.yml"], "docker-compose.yml"),
        (["compose.yaml"], [], "compose.yaml"),
        (["docker-compose.yaml", "docker-compose.yml"], ["docker-compose.yml", "own.yaml"], "docker-compose.yml"),
        (["docker-compose.yaml", "docker-compose.yml"], ["docker-compose.yaml"], "docker-compose.yaml"),
        (["docker-compose.yaml", "dify.yaml"], ["dify.yaml"], "dify.yaml"),
        (["docker-compose.yaml"], ["docker-compose.yml", "own.yaml"], "docker-compose.yaml"),  # renamed since
    ],
)
def test_what_compose_was_started_from_is_upstreams_file_or_a_refusal_that_names_it(
    tools: Path, tmp_path: Path, names: list[str], labels: list[str], main: str
) -> None:
    folder = tmp_path / "dify" / "docker"
    folder.mkdir(parents=True)
    for name in (*names, "own.yaml"):
        (folder / name).write_text("services: {}\n")
    known = {"com.docker.compose.project.config_files": ",".join(f"{folder}/{each}" for each in labels)}
    api = json.dumps(container("api", "langgenius/dify-api:1.13.3", env=["DB_HOST=localhost"], labels=known))
    machine = probe.read(probed(tools, folder, API=api, PYTHON="false"))
    if main == "docker-compose.yaml":
        install = must_be_known(machine)
        assert install.gone_overrides == ()
        assert install.overrides == tuple(each for each in labels if each == "own.yaml")
        return
    with pytest.raises(Failed) as caught:
        must_be_known(machine)
    assert (caught.value.id, caught.value.facts["file"]) == ("compose-file-other", main)


@pytest.mark.parametrize(
    ("named", "refused"), [(".env", ""), ("prod.env", "prod.env"), (".env,/run/secret.env", "/run/secret.env")]
)
def test_values_that_another_file_gave_are_not_forgotten(tools: Path, tmp_path: Path, named: str, refused: str) -> None:
    (tmp_path / "docker-compose.yaml").write_text("services: {}\n")
    known = {"com.docker.compose.project.environment_file": named}
    api = json.dumps(container("api", "langgenius/dify-api:1.13.3", env=["DB_HOST=localhost"], labels=known))
    machine = probe.read(probed(tools, tmp_path, API=api, PYTHON="false"))
    if not refused:
        assert must_be_known(machine).env_files == (".env",)
        return
    with pytest.raises(Failed) as caught:
        must_be_known(machine)
    assert (caught.value.id, caught.value.facts["file"]) == ("env-file-other", refused)


@pytest.mark.parametrize("below", ["docker-compose.yaml", "docker-compose.yml", "compose.yml"])
def test_the_folder_above_is_as_good_whatever_the_compose_file_is_called(
    shelled: Path, tmp_path: Path, below: str
) -> None:
    folder = tmp_path / "dify" / "docker"
    folder.mkdir(parents=True)
    (folder / below).write_text("services: {}\n")
    install = probe.read(probed(shelled, folder, folder=str(folder.parent))).install
    assert install is not None
    assert (install.folder, install.main) == (str(folder), below)


def test_a_folder_that_is_not_to_be_seen_is_told_apart_from_one_that_was_named_wrongly(
    shelled: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    for label, asked, error in (
        ("/data/compose/5", "", "dify-folder-unseen"),  # Portainer's, in a volume of its own
        (f"{tmp_path}/empty", "", "dify-folder-unseen"),
        (f"{tmp_path}/empty", f"{tmp_path}/empty", "dify-folder-unseen"),
        ("/data/compose/5", f"{tmp_path}/empty", "dify-folder-wrong"),
        ("/data/compose/5", "/nowhere", "dify-folder-wrong"),
        ("", "", "dify-not-found"),
    ):
        with pytest.raises(Failed) as caught:
            must_be_known(probe.read(probed(shelled, label, folder=asked, API="")))
        assert caught.value.id == error
        assert caught.value.facts.get("folder", "") == (asked or label)


@pytest.mark.parametrize("how", ["a link", "too much"])
def test_a_compose_file_that_cannot_be_looked_at_is_said_and_is_not_taken_for_an_empty_one(
    tools: Path, tmp_path: Path, how: str
) -> None:
    folder = tmp_path / "docker"
    folder.mkdir()
    if how == "a link":
        (tmp_path / "elsewhere.yaml").write_text("services: {}\n")
        (folder / "docker-compose.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    else:
        (folder / "docker-compose.yaml").write_text("#" * 800_000)
    api = json.dumps(container("api", "langgenius/dify-api:1.13.3", env=["DB_HOST=localhost"], labels={}))
    with pytest.raises(Failed) as caught:
        must_be_known(probe.read(probed(tools, folder, API=api, PYTHON="false")))
    assert caught.value.id == "compose-file-unread"


@pytest.mark.parametrize(
    "image", ["r.example:5000/dify/api:1.13.3", "docker.io/acme/api:1.13.3", "r.example/x@sha256:0a"]
)
def test_a_mirror_of_the_api_is_found_by_its_name(tools: Path, tmp_path: Path, image: str) -> None:
    folder = tmp_path / "dify"
    folder.mkdir()
    (folder / "docker-compose.yaml").write_text("services: {}\n")
    named = re.sub(r"(:[0-9.]+|@.*)$", "", image).removeprefix("docker.io/")
    told = probed(tools, folder, api=named, IMAGE=image)
    install = probe.read(told).install
    assert install is not None
    assert (install.folder, install.project) == (str(folder), "acme")
    assert b"\ndatabase-container " in told
    for other in ("", "r.example", f"{named}-x", named[1:]):
        assert probe.read(probed(tools, folder, api=other, IMAGE=image)).install is None


def test_in_a_folder_that_was_named_an_api_of_any_name_tells_the_project(tools: Path, tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yaml").write_text("services: {}\n")
    install = probe.read(probed(tools, tmp_path, folder=str(tmp_path), IMAGE="acme/own:1")).install
    assert install is not None
    assert install.project == "acme"


def test_a_database_elsewhere_says_what_it_holds_to_the_apis_own_python(tools: Path, tmp_path: Path) -> None:
    (tmp_path / "psycopg2.py").write_text(PSYCOPG2)
    api = json.dumps(container("api", "langgenius/dify-api:1.13.3", env=["DB_HOST=localhost"]))
    python = {"PYTHON": sys.executable, "PYTHONPATH": str(tmp_path)}
    settings = {"DB_HOST": "localhost", "DB_USERNAME": "dify", "DB_DATABASE": "dify"}
    database = probe.read(probed(tools, tmp_path, API=api, **settings, **python)).database
    assert database is not None
    assert (database.server, database.client_image) == ("16.4", "pgvector/pgvector:pg16")
    assert (database.tables, database.heads) == ({"messages": 5_000_000}, ("6b5f9f8b1a2c",))


@pytest.mark.parametrize("shell", ["coreutils", "busybox"])
def test_a_database_is_found_by_every_name_that_its_network_has_for_it(tools: Path, tmp_path: Path, shell: str) -> None:
    if shell == "busybox":
        (tools / "awk").symlink_to(busybox())
    for host, found in (
        *((name, b"d") for name in ("acme-db-1", "maindb", "172.18.0.3")),
        *((name, b"") for name in ("db.example.com", "172.18.0.30", "acme-db-", "host.docker.internal")),
    ):
        told = lines(probed(tools, tmp_path, API=json.dumps(API), HOST=host, INSIDE=str(tmp_path), PYTHON="false"))
        assert told["database-container"] == found, host


@pytest.mark.parametrize("inside", ["coreutils", "busybox"])
def test_the_server_itself_says_what_is_free_where_its_data_are(tools: Path, tmp_path: Path, inside: str) -> None:
    own = tmp_path / inside
    own.mkdir()
    (own / "pg_dump").write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 15.8'\n")
    (own / "pg_dump").chmod(0o755)
    if inside == "busybox":
        for name in ("sh", "df", "stat"):
            (own / name).symlink_to(busybox())
    known = {"SERVER": "db", "INSIDE": str(own), "PGDATA": str(tmp_path)}
    answers = lines(probed(tools, tmp_path, API=json.dumps(API), **known))
    assert answers["database-client"] == b"pg_dump (PostgreSQL) 15.8\n"
    free, number, _ = answers["free-database"].decode().split()
    assert int(free) == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.2)
    assert int(number) == tmp_path.stat().st_dev

    (own / "df").unlink(missing_ok=True)
    (own / "df").symlink_to("/bin/false")
    answers = lines(probed(tools, tmp_path, API=json.dumps(API), **known))
    assert (answers["database-client"], answers["free-database"]) == (b"pg_dump (PostgreSQL) 15.8\n", b"")


DU = """#!/bin/sh
case "$2" in
  *locked*) echo "du: cannot read directory '$2': Permission denied" >&2; echo "4	$2"; exit 1 ;;
  *moving*) echo "du: cannot access '$2/x': No such file or directory" >&2; echo "8	$2"; exit 1 ;;
  *endless*) exit 124 ;;
  *) exec /usr/bin/du "$@" ;;
esac
"""


def weighing(tools: Path, folder: Path, inside: str = "#!/bin/sh\necho '700	x'\n") -> dict[str, str]:
    """Return the surroundings of a probe whose host may not see all of `locked`; its containers may see more."""
    (tools / "du").write_text(DU)
    (tools / "in").mkdir()
    (tools / "in" / "du").write_text(inside)
    for each in (tools / "du", tools / "in" / "du"):
        each.chmod(0o755)
    mounts = ("volumes/locked", "volumes/moving", "volumes/endless", "own/data", "own/conf")
    running = [f"0|{folder}/{mount}|abc|/inside" for mount in mounts]
    return {"MOUNTS": "\n".join((f"1|{folder}/volumes/locked|gone|/x", *running)), "INSIDE": str(tools / "in")}


def test_what_a_host_may_not_see_is_weighed_from_inside_and_what_takes_too_long_is_not(
    tools: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "dify" / "docker"
    for each in ("own/data", "own/conf", "volumes"):
        (folder / each).mkdir(parents=True)
    (folder / "own" / "data" / "x").write_bytes(b"x" * 50_000)
    known = weighing(tools, folder)
    told = lines(probed(tools, folder, API=json.dumps(API), **known))["sizes"].decode()
    sizes = {line.partition(" ")[2].removeprefix(f"{folder}/"): int(line.split()[0]) for line in told.splitlines()}
    assert (sizes["volumes/locked"], sizes["volumes/moving"]) == (700 * 1024, 8 * 1024)
    assert 50_000 < sizes["own/data"] < 80_000
    assert "volumes/endless" not in sizes

    (tools / "in" / "du").write_text("#!/bin/sh\necho 'du: /inside: Permission denied'; echo '4	x'; exit 1\n")
    told = lines(probed(tools, folder, API=json.dumps(API), **known))["sizes"].decode()
    assert "locked" not in told


@pytest.mark.parametrize("shell", ["coreutils", "busybox"])
def test_the_folder_is_weighed_as_it_is_copied(tools: Path, tmp_path: Path, shell: str) -> None:
    folder = tmp_path / "dify" / "docker"
    for each in ("own/data", "own/conf", "volumes/db", "env-backup", "more stuff"):
        (folder / each).mkdir(parents=True)
    (folder / "docker-compose.yaml").write_text("services: {}\n")
    for each in ("own/data/x", "volumes/db/x", "env-backup/x", "old.tgz", "more stuff/old.tar.gz"):
        (folder / each).write_bytes(b"x" * 900_000)
    (folder / "more stuff" / "dump.sql").write_bytes(b"x" * 300_000)
    known = weighing(tools, folder)
    if shell == "busybox":
        for name in ("find", "awk", "timeout"):
            (tools / name).symlink_to(busybox())
        (tools / "du").unlink()
        (tools / "du").symlink_to(busybox())
    install = probe.read(probed(tools, folder, API=json.dumps(API), **known)).install
    assert install is not None
    assert install.size is not None
    assert 300_000 < install.size < 400_000

    (tools / "find").unlink(missing_ok=True)
    (tools / "find").write_text('#!/bin/sh\n/usr/bin/find "$@"\nexit 1\n')  # it was not let in everywhere
    (tools / "find").chmod(0o755)
    install = probe.read(probed(tools, folder, API=json.dumps(API), **known)).install
    assert install is not None
    assert install.size is None


def busybox() -> str:
    return shutil.which(shell_words("busybox")[0]) or ""


def test_a_folder_that_is_reached_by_a_link_is_called_what_its_containers_call_it(tools: Path, tmp_path: Path) -> None:
    real, named = tmp_path / "data" / "docker", tmp_path / "dify"
    real.mkdir(parents=True)
    named.symlink_to(real.parent)
    (real / "docker-compose.yaml").write_text("services: {}\n")
    (tmp_path / "secret.env").write_text("SECRET_KEY=s3cret-s3cret\n")
    (real / ".env").symlink_to(tmp_path / "secret.env")
    git = ["git", "-C", str(real.parent), "-c", "user.name=t", "-c", "user.email=t@example.com"]
    for words in (["init", "-q"], ["add", "docker/docker-compose.yaml"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    (real / "docker-compose.yaml").write_text("services: {a: {}}\n")
    for folder in ("", f"{named}/docker", str(real)):
        install = probe.read(probed(tools, f"{named}/docker", folder=folder)).install
        assert install is not None
        assert install.folder == f"{named}/docker"
        assert install.links == (".env",)
        assert install.checkout is not None
        assert install.checkout.edited == install.checkout.tracked == ("docker-compose.yaml",)


@pytest.mark.parametrize("programs", ["coreutils", "busybox"])
def test_data_in_the_folder_are_not_looked_at_and_hide_no_file_of_dify(
    shelled: Path, tmp_path: Path, programs: str
) -> None:
    if programs == "busybox":
        for name in ("find", "du", "awk", "head", "wc", "sed"):
            (shelled / name).symlink_to(busybox())
    folder = tmp_path / "Dify of ours" / "docker"
    wanted = {"docker-compose.yaml", ".env", "nginx/conf.d/a b.conf", "nginx/html/index.html", "envs/core/x.env"}
    data = {f"data/uploads/{number}" for number in range(1000)} | {f"nginx/html/img/{number}" for number in range(700)}
    for each in (*wanted, *data, *(f"storage/{number}/x" for number in range(700)), "volumes/db/x", "notes/x"):
        (folder / each).parent.mkdir(parents=True, exist_ok=True)
        (folder / each).write_text("services: {}\n")
    for number in range(20):
        (folder / "notes" / f"{number}.bin").write_bytes(os.urandom(400_000))
    install = probe.read(probed(shelled, folder)).install
    assert install is not None
    assert (set(install.files), install.cut) == (wanted - {"nginx/html/index.html"}, False)
    assert set(install.unseen) == {"data/uploads", "nginx/html", "storage", "notes"}


@pytest.mark.parametrize("programs", ["coreutils", "busybox"])
def test_logs_beside_the_compose_file_hide_nothing_that_dify_is_made_of(
    shelled: Path, tmp_path: Path, programs: str
) -> None:
    if programs == "busybox":
        for name in ("find", "du", "awk", "head", "wc", "sed"):
            (shelled / name).symlink_to(busybox())
    folder = tmp_path / "docker"
    wanted = {"docker-compose.yaml", "docker-compose.override.yml", ".env", ".env.example", "generate_docker_compose"}
    (folder / "nginx").mkdir(parents=True)
    for each in (*wanted, "nginx/nginx.conf.template"):
        (folder / each).write_text("services: {}\n")
    for number in range(12):
        (folder / f"{number}.log").write_bytes(os.urandom(600_000))
    install = probe.read(probed(shelled, folder)).install
    assert install is not None
    assert (set(install.files), install.cut) == ({*wanted, "nginx/nginx.conf.template"}, False)
    assert install.unseen == (".",)


def test_links_are_told_in_the_folder_and_above_the_files_that_lie_in_volumes(shelled: Path, tmp_path: Path) -> None:
    away, folder = tmp_path / "away", tmp_path / "dify" / "docker"
    (away / "conf").mkdir(parents=True)
    (away / "conf" / "inner").symlink_to(away)
    (folder / "volumes" / "sandbox").mkdir(parents=True)
    (folder / "volumes" / "db" / "data" / "base").mkdir(parents=True)
    (folder / "docker-compose.yaml").write_text("services: {}\n")
    for each in ("nginx", "volumes/redis", "volumes/sandbox/conf", "volumes/db/data/base/pg_wal"):
        (folder / each).symlink_to(away)
    install = probe.read(probed(shelled, folder)).install
    assert install is not None
    assert set(install.links) == {"nginx", "volumes/redis", "volumes/sandbox/conf"}
    (folder / "volumes").rename(away / "volumes")
    (folder / "volumes").symlink_to(away / "volumes")
    install = probe.read(probed(shelled, folder)).install
    assert install is not None
    assert set(install.links) == {"nginx", "volumes"}


# As git before 2.38 is: what a command line says of safe.directory is not heard, whom sudo speaks for is.
OLD_GIT = """#!/bin/sh
[ -n "${SUDO_UID:-}" ] || { echo 'fatal: unsafe repository' >&2; exit 128; }
exec /usr/bin/git "$@"
"""


def test_edits_in_somebody_elses_checkout_are_seen_by_an_old_git_too_and_modes_are_no_edits(
    shelled: Path, tmp_path: Path
) -> None:
    (shelled / "git").write_text(OLD_GIT)
    (shelled / "git").chmod(0o755)
    top = tmp_path / "dify"
    for each in ("docker/docker-compose.yaml", "docker/nginx.conf", "docker/gone", "api/app.py", "api/b.py"):
        (top / each).parent.mkdir(parents=True, exist_ok=True)
        (top / each).write_text("services: {}\n")
    git = ["git", "-C", str(top), "-c", "user.name=t", "-c", "user.email=t@example.com"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    for each in ("docker/docker-compose.yaml", "api/app.py"):
        (top / each).write_text("services: {a: {}}\n")
    (top / "docker" / "gone").unlink()
    for each in top.rglob("*.*"):
        each.chmod(0o777)
    install = probe.read(probed(shelled, top / "docker")).install
    assert install is not None
    assert install.checkout is not None
    assert (install.checkout.edited, install.checkout.deleted) == (("docker-compose.yaml", "gone"), ("gone",))
    assert install.checkout.outside == ("api/app.py",)
