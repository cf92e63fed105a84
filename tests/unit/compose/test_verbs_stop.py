"""How workers are drained and writers stopped: nobody is taken for idle who does not answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.compose.runbooks import SHELLS, verbs

# An engine that keeps what it was told. SILENT: how many questions after tasks nobody answers; DEAF: who never answers;
# DOWN: it does not answer itself.
ENGINE = r"""
RUN=. CELERY=app.celery
until_deadline() { shift 2; for try in 1 2 3 4; do "$@" && return 0; done; return 1; }
fail() { echo "failed: $*"; exit 70; }
say() { echo "$*"; }
fact() { echo "fact $*"; }
service_stops() { :; }
fingerprint() { echo 'rows|messages|3'; }
schema_head() { echo 6b5f9f8b1a2c; }
dk() {
  case "$*" in
    "exec $DEAF "*) return 69 ;;
    *'inspect active_queues') echo "    * {'name': 'dataset', 'routing_key': 'dataset'}" ;;
    *'inspect active')
      echo x >>asked
      [ "$(wc -l <asked)" -gt "$SILENT" ] || return 69
      for task in $TASKS; do echo "    * {'id': '$task', 'name': 'tasks.run'}"; done
      ;;
    'inspect --format {{.Id}} {{.State.StartedAt}} '*)
      printf '%s\n' 'one 2026-11-20T01:00:00Z' 'two 2026-11-20T02:00:00Z'
      ;;
    'inspect --format {{if .State.Running}}'*) printf '%s\n' "${NOW-}" ;;
    'ps --no-trunc '*) printf '%s\n' "${AGAIN-}" ;;
    'inspect --format {{.Id}} {{with'*) printf '%s\n' 'proxy always:0' 'api on-failure:3' 'worker no:0' 'store :0' ;;
    'ps -q --no-trunc') [ -z "$DOWN" ] || return 1; printf '%s\n' ${RUNNING-proxy api worker} ;;
    'inspect --format {{index'*)
      printf '%s\n' 'nginx nginx sha256:1 running 0 proxy' 'api dify-api sha256:1 running 0 api'
      ;;
    version) [ -z "$DOWN" ] ;;
    'ps -aq --no-trunc') [ -z "$DOWN" ] || return 1; printf '%s\n' proxy api worker ;;
    'ps -a --no-trunc '*)
      [ -z "$DOWN" ] || return 1
      printf '%s\n' 'api api-1' 'worker worker-1' 'worker worker-2' 'agent agent-1' 'db db-1'
      ;;
    'ps -aq '*) [ -z "$DOWN" ] || return 1; echo found ;;
    exec*) ;;
    update*)
      echo x >>asked
      [ "$(wc -l <asked)" -gt "${CRASHING-0}" ] || return 1
      echo "$*" >>told
      ;;
    *) echo "$*" >>told ;;
  esac
}
"""


def ran(folder: Path, shell: str, what: str, **given: str) -> str:
    words = {"SILENT": "0", "DEAF": "nobody", "TASKS": "", "DOWN": ""} | given
    literals = [f"{name}='{text}'" for name, text in words.items()]
    done = verbs(folder, shell, ("service", "steps", "stop", "change"), *literals, ENGINE, "set -eu", what)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_a_worker_that_does_not_say_what_it_is_at_is_not_idle(tmp_path: Path, shell: str) -> None:
    told = ran(tmp_path, shell, "drain 5 one", SILENT="2")
    assert "no task is running any more" in told
    assert len((tmp_path / "asked").read_text().splitlines()) == 3


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_a_worker_that_falls_silent_is_told_as_that(tmp_path: Path, shell: str) -> None:
    told = ran(tmp_path, shell, "drain 5 one", SILENT="1000")
    assert "what the workers are at is not known" in told
    assert "fact tasks-cut 0" in told


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_tasks_are_counted_once_however_many_workers_tell_of_them(tmp_path: Path, shell: str) -> None:
    told = ran(tmp_path, shell, "drain 5 one two", TASKS="first second")
    assert "fact tasks-cut 2" in told
    assert "2 tasks are still running and are cut off" in told


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_nobody_waits_for_a_worker_that_never_answers(tmp_path: Path, shell: str) -> None:
    told = ran(tmp_path, shell, "drain 5 one two", DEAF="two")
    assert "a worker does not answer: nobody waits for it" in told
    assert "no task is running any more" in told
    assert len((tmp_path / "asked").read_text().splitlines()) == 1
    assert ran(tmp_path, shell, "drain 5 two", DEAF="two").splitlines()[-1] == "what the workers are at is not known"


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_containers_of_a_wave_stop_side_by_side_and_keep_the_policy_that_they_had(tmp_path: Path, shell: str) -> None:
    ran(tmp_path, shell, "stop_writers 30 proxy 'api worker' && restart_as_before")
    assert (tmp_path / "told").read_text().splitlines() == [
        "update --restart=no proxy api",
        "stop -t 30 proxy",
        "stop -t 30 api worker",
        "update --restart=always proxy",
        "update --restart=on-failure:3 api",
    ]


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_what_crashes_in_the_moment_that_its_policy_changes_is_asked_again(tmp_path: Path, shell: str) -> None:
    ran(tmp_path, shell, "stop_writers 30 api", CRASHING="2")
    assert (tmp_path / "told").read_text().splitlines() == ["update --restart=no proxy api", "stop -t 30 api"]


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_a_worker_that_was_started_since_it_was_drained_is_at_work_and_goes_on(tmp_path: Path, shell: str) -> None:
    ran(tmp_path, shell, "drain 5 one two; listen_again one", NOW="one 2026-11-20T01:00:00Z")
    assert (tmp_path / "told").read_text() == "restart one\n"
    for since in ("one 2026-11-20T03:00:00Z", ""):  # or stands still
        (tmp_path / "told").unlink(missing_ok=True)
        ran(tmp_path, shell, "drain 5 one two; listen_again one", NOW=since)
        assert not (tmp_path / "told").exists()


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_who_starts_dify_in_the_middle_ends_the_upgrade_before_the_databases_are_touched(
    tmp_path: Path, shell: str
) -> None:
    stops = "PROJECT=docker; stop_writers 30 proxy 'api worker'; ( nobody_writes ) || echo ended"
    told = ran(tmp_path, shell, stops, AGAIN="api api-2")
    assert "failed: containers-changed Somebody started Dify while it was being upgraded." in told
    assert told.endswith("\nended\n")
    assert (tmp_path / "writers").read_text() == "api\nnginx\n"
    assert not (tmp_path / "fingerprint").exists()  # what he wrote since is no loss
    assert ran(tmp_path, shell, stops, AGAIN="redis redis-1") == ""


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_what_was_started_stops_at_once_however_many_containers_a_service_has(tmp_path: Path, shell: str) -> None:
    ran(tmp_path, shell, "PROJECT=docker HELD=held; stop_new 'api worker' agent")
    assert (tmp_path / "told").read_text().splitlines() == [
        "rm -fv held",
        "stop -t 10 api-1 worker-1 worker-2 agent-1",
        "update --restart=no proxy api",
        "rm -fv agent-1",
    ]
    assert (tmp_path / "restarts").read_text() == "proxy always\napi on-failure:3\n", "or an engine starts them anew"


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_all_containers_of_a_service_go_that_the_new_release_does_not_have(tmp_path: Path, shell: str) -> None:
    assert ran(tmp_path, shell, "PROJECT=docker; remove_old db gone worker") == ""
    assert (tmp_path / "told").read_text().splitlines() == ["rm -f db-1", "rm -f worker-1 worker-2"]
    down = ran(tmp_path, shell, "PROJECT=docker; remove_old db", DOWN="1")
    assert down == "the old container of db is still there\n"


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_those_that_are_still_there_are_started_in_the_order_that_was_asked_for(tmp_path: Path, shell: str) -> None:
    ran(tmp_path, shell, "start_by_id worker gone api")
    assert (tmp_path / "told").read_text() == "start worker api\n"


@pytest.mark.parametrize("shell", sorted(SHELLS))
@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("/docker-db-1", []),
        ("/dify-db", ["rename 0123 dify-db-before-7", "rename 0123 dify-db"]),
    ],
)
def test_a_database_that_moves_lends_its_own_name_to_the_new_container(
    tmp_path: Path, shell: str, named: str, told: list[str]
) -> None:
    engine = f"""
    RUN=.
    date() {{ echo 7; }}
    echo {named} >name
    dk() {{ case "$1" in inspect) cat name ;; rename) echo "$*" >>told && echo "/$3" >name ;; esac; }}
    """
    done = verbs(
        tmp_path,
        shell,
        ("service", "steps", "stop", "change"),
        engine,
        "set -eu; yields_name 0123; has_name_back 0123; has_name_back 0123",
    )
    assert done.returncode == 0, done.stderr
    assert ((tmp_path / "told").read_text().splitlines() if told else []) == told
    assert (tmp_path / "name").read_text() == f"{named}\n"


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_what_does_not_run_is_not_stopped(tmp_path: Path, shell: str) -> None:
    ran(tmp_path, shell, "stop_by_id 30 proxy 'api worker'", RUNNING="worker")
    assert (tmp_path / "told").read_text() == "stop -t 30 worker\n"


@pytest.mark.parametrize("shell", sorted(SHELLS))
@pytest.mark.parametrize(
    "undo",
    [
        "stop_new 'api worker' agent",
        "listen_again worker",
        "serve_again 300 nginx 'api worker' api worker",
        "serve_on 300 nginx 'api worker'",
        "move_database_back 0123 db_postgres",
        "undo_migration clones _before_upgrade",
        "stop_by_id 30 'api worker'",
    ],
)
def test_an_engine_that_does_not_answer_has_undone_nothing(tmp_path: Path, shell: str, undo: str) -> None:
    assert (
        ran(tmp_path, shell, f"if {undo}; then echo undone; else echo stuck; fi", DOWN="1").splitlines()[-1] == "stuck"
    )
    assert not (tmp_path / "told").exists()


@pytest.mark.parametrize("shell", sorted(SHELLS))
@pytest.mark.parametrize(
    ("holds", "ends"),
    [
        ("echo 'rows|users|1'", "stopped"),
        (":", "stopped"),
        ("echo 'rows|alembic_version|0'", "failed: database-gone The schema of the database cannot be read."),
        ("return 1", "failed: database-gone The schema of the database cannot be read."),
    ],
)
def test_a_database_that_somebody_emptied_can_still_go_back(tmp_path: Path, shell: str, holds: str, ends: str) -> None:
    unread = f"schema_head() {{ return 1; }}; count_rows() {{ {holds}; }}; DB_MAIN=dify PROJECT=docker"
    stop = "stop_writers 30 proxy; echo stopped"
    script = ["RUN=. SILENT=0 DEAF=nobody TASKS='' DOWN=''", ENGINE, unread, "set -eu", stop]
    done = verbs(tmp_path, shell, ("service", "database", "steps", "stop", "change"), *script)
    assert done.stdout.splitlines()[-1] == ends
    assert (tmp_path / "head-before").read_text() == ""


SERVES = """
database_answers() { :; }
in_a_row() { shift 2; "$@"; }
serves_users() { :; }
service_is_back() { :; }
dc() { echo "compose $*" >>told; }
PROJECT=docker
"""


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_who_stopped_dify_before_going_back_finds_it_stopped_when_that_fails(tmp_path: Path, shell: str) -> None:
    told = ran(tmp_path, shell, f"{SERVES}\nstop_writers 30; serve_again 300 nginx 'api worker'")
    assert told == "nothing of Dify but its database ran before, and nothing is started\n"
    assert not (tmp_path / "told").exists()


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_users_who_wrote_since_the_old_release_serves_again_stand_in_nobodys_way(tmp_path: Path, shell: str) -> None:
    serve = "serve_again 300 nginx 'api worker' api worker"
    writing = "fingerprint() { echo 'rows|messages|4'; }"
    told = ran(tmp_path, shell, f"{SERVES}\nstop_writers 30 api; {serve}; {writing}; {serve}")
    assert told.splitlines() == ["the old release serves, with the data that it had"] * 2


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_files_of_the_new_release_start_nothing_when_the_old_one_is_to_serve(tmp_path: Path, shell: str) -> None:
    gone = 'dk() { case "$*" in "inspect api worker"*) return 1 ;; esac; }'
    serve = f"{SERVES}\n{gone}\nserve_again 300 nginx 'api worker' api worker"
    told = ran(tmp_path, shell, f": >switched\n{serve} || echo stuck")
    assert told == "the files are not those of the old release, which can not be started by them\nstuck\n"
    assert not (tmp_path / "told").exists()
    ran(tmp_path, shell, f"rm switched\n{serve}")
    assert "compose up -d --no-deps --no-build api worker" in (tmp_path / "told").read_text()


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_nothing_may_restart_by_itself_before_the_old_release_is_there_again(tmp_path: Path, shell: str) -> None:
    gone = """dk() { case "$*" in
      'inspect api worker'*) return 1 ;;
      'ps -aq --no-trunc') echo proxy ;;
      update*) echo "$*" >>told ;;
    esac; }"""
    (tmp_path / "restarts").write_text("proxy always\n")
    ran(tmp_path, shell, f"{SERVES}\n{gone}\nserve_again 300 nginx 'api worker' api worker")
    told = (tmp_path / "told").read_text().splitlines()
    assert told[:2] == ["compose up -d --no-deps --no-build api worker", "update --restart=always proxy"]


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_the_old_container_of_the_database_alone_restarts_again_when_it_takes_its_place(
    tmp_path: Path, shell: str
) -> None:
    (tmp_path / "restarts").write_text("0123 always\napi always\n")
    answers = "database_answers() { :; }; of_service() { echo new; }"
    ran(tmp_path, shell, f"{answers}; move_database_back 0123 db_postgres")
    told = (tmp_path / "told").read_text().splitlines()
    assert told == ["stop -t 60 new", "rm -f new", "update --restart=always 0123", "start 0123"]
