"""What real hosts and real images do, and small ones do not: proxies, ports, busy folders, containers that stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.compose.runbooks import SHELLS, verbs

ALL_SHELLS = pytest.mark.parametrize("shell", sorted(SHELLS))
COMMON = r"""
RUN=. API=api PROXY=nginx TOOLS=tools
say() { echo "$*"; }
fail() { echo "failed: $*"; exit 70; }
of_service() { echo "$1-1"; }
last_words() { echo 'its last words'; }
"""


def ran(folder: Path, shell: str, *pieces: str) -> str:
    return verbs(folder, shell, ("service", "files", "steps", "stop", "change"), COMMON, *pieces).stdout


@ALL_SHELLS
def test_a_container_that_goes_on_restarts_again_and_one_that_was_replaced_does_not(tmp_path: Path, shell: str) -> None:
    (tmp_path / "restarts").write_text("squid always\ndaemon on-failure:3\ndb unless-stopped\n")
    engine = """
    dk() { case "$*" in 'ps -q '*) printf '%s\n' daemon squid other ;; *) echo "$*" >>told ;; esac }
    """
    ran(tmp_path, shell, engine, "restart_what_runs")
    assert (tmp_path / "told").read_text() == "update --restart=always squid\nupdate --restart=on-failure:3 daemon\n"


@ALL_SHELLS
def test_a_container_that_compose_takes_over_unchanged_has_its_restart_policy_while_the_release_is_proven(
    tmp_path: Path, shell: str
) -> None:
    (tmp_path / "restarts").write_text("api-old always\ntheirs always\n")
    engine = """
    from_here() { :; }
    dc() { echo "compose $*" >>told; }
    dk() { case "$*" in 'ps -q '*) printf '%s\\n' api-new theirs ;; *) echo "$*" >>told ;; esac }
    """
    ran(tmp_path, shell, engine, "start_services api theirs")
    expected = "compose up -d --no-deps --no-build api theirs\nupdate --restart=always theirs\n"
    assert (tmp_path / "told").read_text() == expected


@ALL_SHELLS
@pytest.mark.parametrize(
    ("code", "said", "ends"),
    [
        (0, "", "packed"),
        (1, "tar: ./data/wal: file changed as we read it", "packed"),
        (1, "tar: ./tmp/x: File removed before we read it\ntar: ./s: socket ignored", "packed"),
        (1, "tar: ./data/wal: file changed as we read it\ntar: ./keys: Cannot open: Permission denied", "failed"),
        (1, "", "failed"),
        (2, "tar: ./data/wal: file changed as we read it", "failed"),
        (125, "docker: no such image", "failed"),
    ],
)
def test_files_that_change_while_dify_serves_end_no_backup(
    tmp_path: Path, shell: str, code: int, said: str, ends: str
) -> None:
    engine = f"dk() {{ echo content; [ -z '{said}' ] || printf '%s\\n' '{said}' >&2; return {code}; }}"
    told = ran(tmp_path, shell, engine, "set -eu; pack /opt/volume packed.tar; echo after")
    assert told.startswith("/opt/volume: 8 bytes\nafter\n" if ends == "packed" else "failed: backup-failed /opt/volume")
    assert (tmp_path / "packed.tar").exists() == (ends == "packed")


@ALL_SHELLS
def test_why_a_migration_failed_is_told_without_the_rows_that_it_was_at(tmp_path: Path, shell: str) -> None:
    (tmp_path / "migration.log").write_text("""Traceback (most recent call last):
  File "/app/api/x.py", line 1, in upgrade
sqlalchemy.exc.IntegrityError: (psycopg2.errors.UniqueViolation) duplicate key value violates "unique_name"
DETAIL:  Key (email)=(taro@example.com) already exists.

[SQL: UPDATE providers SET name = %(name)s
WHERE id IN (1)]
[parameters: {'name': 'taro', 'encrypted_config': 'secret'}]
(Background on this error at: https://example.com/gkpj)
""")
    told = ran(tmp_path, shell, "migration_said | grep -v '^ ' | last_said; echo; migration_said")
    assert told.startswith("sqlalchemy.exc.IntegrityError: (psycopg2.errors.UniqueViolation) duplicate key value")
    assert "/app/api/x.py" in told
    assert [word for word in ("taro", "secret", "UPDATE", "WHERE", "Background") if word in told] == []


@ALL_SHELLS
def test_a_command_of_upstreams_that_could_not_begin_and_ends_with_0_has_failed(tmp_path: Path, shell: str) -> None:
    engine = """dk() { echo 'Error parsing client params: [Errno 101] Network is unreachable'; }"""
    told = ran(tmp_path, shell, engine, "run_extra 'flask transform'; echo after")
    assert told == (
        "flask transform\n"
        "failed: extra-step-failed 'flask transform' failed: "
        "Error parsing client params: [Errno 101] Network is unreachable \n"
    )


@ALL_SHELLS
def test_a_part_without_curl_is_asked_by_the_api(tmp_path: Path, shell: str) -> None:
    asked = "answers_inside daemon SERVER_PORT 5002/health/check daemon && echo well"
    for env, port in (("SERVER_PORT=6002", "6002"), ("SERVER_PORT=", "5002"), ("PORT=1", "5002")):
        answers = f'inspect*) echo {env} ;; "exec daemon-1 sh"*) return 127 ;; *) echo "$*" >told ;;'
        engine = f'dk() {{ case "$*" in {answers} esac; }}'
        assert ran(tmp_path, shell, engine, asked) == "well\n"
        told = (tmp_path / "told").read_text()
        assert told == f"exec api-1 curl --noproxy * -fsS -m 10 -o /dev/null http://daemon:{port}/health/check\n"


@ALL_SHELLS
@pytest.mark.parametrize(
    ("port", "asked"), [("", "5001"), ("DIFY_PORT=", "5001"), ("DIFY_PORT=8001 SERVER_PORT=9", "8001")]
)
def test_a_part_is_asked_at_the_port_that_its_own_environment_names(
    tmp_path: Path, shell: str, port: str, asked: str
) -> None:
    curl = tmp_path / "curl"
    curl.write_text('#!/bin/sh\nprintf "%s\\n" "$@" >>told\necho \'{"step":"finished"}\'\n')
    curl.chmod(0o755)
    engine = f"""dk() {{ shift 2; env {port} PATH="$PWD:$PATH" "$@"; }}"""
    assert ran(tmp_path, shell, engine, "api_healthy && asks_setup && echo well") == "well\n"
    told = (tmp_path / "told").read_text().splitlines()
    assert [line for line in told if line.startswith("http")] == [
        f"http://localhost:{asked}/health",
        f"http://localhost:{asked}/console/api/setup",
    ]
    assert "*" in told


@ALL_SHELLS
@pytest.mark.parametrize(("env", "port"), [("NGINX_PORT=8080", "8080"), ("NGINX_PORT=", "80"), ("A=1", "80")])
def test_a_proxy_is_asked_at_the_port_that_it_listens_on(tmp_path: Path, shell: str, env: str, port: str) -> None:
    engine = f"""
    dk() {{
      [ "$1" != inspect ] || {{ printf '%s\\n' PATH=/bin '{env}'; return; }}
      echo "$*" >>told
      echo '{{"step":"finished"}}'
    }}
    """
    assert ran(tmp_path, shell, engine, "serves_inside held 0123 >out && echo well") == "well\n"
    asked = (tmp_path / "told").read_text().splitlines()
    assert [line.rpartition(" ")[2] for line in asked] == [
        f"http://held:{port}/apps",
        f"http://held:{port}/console/api/setup",
    ]


HELD = """
HELD=held
curl() {
  for word; do
    case "$word" in http*)
      path="${word#http://*/}"
      echo "$path" >>told
      [ "$path" != "$DEAF" ] || return 22 ;;
    esac
  done
}
asks() { shift; curl "$@" || return; case "$path" in *setup) echo '{"step":"finished"}' ;; esac; }
asks_itself() { curl "http://itself/$3" && echo '{"step":"finished"}'; }
dk() { :; }
last_words() { echo Traceback; }
"""


@ALL_SHELLS
def test_a_held_proxy_is_asked_all_at_once(tmp_path: Path, shell: str) -> None:
    engine = HELD.replace('"$word" in http*)', '"$word" in --fail-early) echo at once >>told ;; http*)')
    assert ran(tmp_path, shell, engine, "DEAF=; serves_held && echo well") == "well\n"
    assert (tmp_path / "told").read_text().splitlines() == ["at once", "apps", "console/api/setup"]


@ALL_SHELLS
@pytest.mark.parametrize(
    ("deaf", "asked", "reason"),
    [
        ("5001/health", "5001/health", "api-unhealthy the api does not answer: Traceback"),
        ("5001/console/api/setup", "5001/console/api/setup", "setup-unanswered /console/api/setup does not answer: "),
        ("apps", "apps", "page-unanswered the page does not answer: "),
    ],
)
def test_where_a_held_proxy_does_not_answer_one_question_after_the_other_says_what_it_is(
    tmp_path: Path, shell: str, deaf: str, asked: str, reason: str
) -> None:
    engine = f"{HELD}\nDEAF={deaf}"
    deaf_at_first = 'asks() { case "$*" in *--fail-early*) return 22 ;; esac; shift; curl "$@" || return; }'
    told = ran(tmp_path, shell, engine, deaf_at_first, "serves_held || reason")
    assert told == reason
    assert (tmp_path / "told").read_text().splitlines()[-1] == asked


@ALL_SHELLS
def test_who_is_not_answered_by_the_old_release_does_not_begin(tmp_path: Path, shell: str) -> None:
    engine = """
    in_a_row() { shift 2; "$@"; }
    serves_users() { :; }
    serves_inside() { why page-unanswered "the page does not answer: 401"; }
    """
    told = ran(tmp_path, shell, engine, "serves_before; echo after")
    assert told == "failed: page-unanswered the page does not answer: 401\n"
