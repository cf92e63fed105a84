"""`entrypoint.py` as the runner starts it, against the emulated GitHub, upstream and registry."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.published import valid
from tests.stage import sample
from tests.stage.run import ROOT, act, environment, parsed
from tests.stage.world import World, world

STAGING = "environments/staging/values.yaml"
PRODUCTION = "environments/production/values.yaml"
QUICK_START = "dify-upgrade/environments-values-yaml-916600"
ROLLBACK = "dify-upgrade/rollback-environments-values-yaml-916600"


@pytest.fixture
def stage() -> Iterator[World]:
    with world() as built:
        built.repository.settings.allow_auto_merge = True
        built.repository.protect("main", required_checks=("ci",))
        yield built


def test_the_quick_start_ends_in_an_armed_pull_request_that_merges_when_its_check_passes(stage: World) -> None:
    before = stage.repository.read("main", STAGING)

    run = act(stage.inputs(auto_merge="squash"))

    assert run.exit_code == 0, run.log
    assert run.outputs["status"] == "proposed"
    assert run.outputs["auto-merge-result"] == "enabled"
    assert (run.outputs["from-version"], run.outputs["to-version"]) == ("1.13.3", "1.14.1")
    pull = stage.repository.pull(int(run.outputs["pull-request-number"]))
    after = stage.repository.read(pull.head, STAGING)
    expected = before.replace(b"1.13.3", b"1.14.1").replace(b"0.2.14", b"0.2.15").replace(b"0.5.3", b"0.6.0")
    assert after == expected
    stage.repository.check(stage.repository.head(pull.head), "ci")
    assert stage.repository.read("main", STAGING) == expected


def test_a_second_run_finds_its_pull_request_and_changes_nothing(stage: World) -> None:
    first = act(stage.inputs(auto_merge="squash"))
    head = stage.repository.head(QUICK_START)

    second = act(stage.inputs(auto_merge="squash"))

    assert second.exit_code == 0, second.log
    assert second.outputs["pull-request-number"] == first.outputs["pull-request-number"]
    assert second.outputs["pull-request-operation"] == "none"
    assert second.outputs["auto-merge-result"] == "already"
    assert second.outputs["changed"] == "false"
    assert stage.repository.head(QUICK_START) == head
    assert len(stage.repository.pulls) == 1


def test_a_run_after_the_merge_is_unchanged(stage: World) -> None:
    act(stage.inputs(auto_merge="squash"))
    stage.repository.check(stage.repository.head(QUICK_START), "ci")

    run = act(stage.inputs(auto_merge="squash"))

    assert (run.exit_code, run.outputs["status"], run.outputs["changed"]) == (0, "unchanged", "false"), run.log


def test_the_token_of_the_app_is_scoped_masked_and_revoked(stage: World) -> None:
    run = act(stage.inputs())

    token = run.state["app_token"]
    assert run.log.count(token) == 1
    assert f"::add-mask::{token}" in run.log
    assert stage.github.calls("DELETE /installation/token")
    minted = stage.github.calls("POST /app/installations/*")[0].body
    assert minted == {"repositories": ["gitops"], "permissions": {"contents": "write", "pull_requests": "write"}}


def test_no_secret_is_printed_beside_its_mask(stage: World) -> None:
    inputs = stage.inputs()

    run = act(inputs)

    key_line = inputs["app-private-key"].splitlines()[3]
    printed = [line for line in run.log.splitlines() if not line.startswith("::add-mask::")]
    assert not [line for line in printed if key_line in line]
    assert key_line not in run.summary + json.dumps(dict(run.outputs))


def test_plan_approve_apply(stage: World) -> None:
    planned = act(stage.inputs(mode="plan"))
    assert (planned.exit_code, planned.outputs["status"]) == (0, "planned"), planned.log
    assert not stage.repository.pulls

    applied = act(stage.inputs(plan_id=planned.outputs["plan-id"]))

    assert applied.outputs["status"] == "proposed", applied.log


def test_an_approved_plan_is_refused_when_its_files_moved_on(stage: World) -> None:
    planned = act(stage.inputs(mode="plan"))
    moved = stage.repository.read("main", STAGING).replace(b"replicas: 1", b"replicas: 2")
    stage.repository.push({STAGING: moved}, message="More replicas", author="carol")

    applied = act(stage.inputs(plan_id=planned.outputs["plan-id"]))

    assert (applied.exit_code, applied.outputs["status"]) == (3, "refused"), applied.log
    assert "plan-changed" in applied.log
    assert not stage.repository.pulls


def test_an_image_that_is_missing_ends_the_run_before_anything_is_touched(stage: World) -> None:
    stage.registry.faults.add("* /v2/langgenius/dify-plugin-daemon/*", status=404, times=None)

    run = act(stage.inputs())

    assert (run.exit_code, run.outputs["status"]) == (4, "failed"), run.log
    assert "image-missing" in run.summary
    assert not stage.repository.pulls


def test_a_bad_file_beside_good_ones_stops_everything() -> None:
    broken = {"environments/osaka/values.yaml": b"image:\n  api: {repository: langgenius/dify-api, tag: 1.13.3\n"}
    with world(broken) as stage:
        run = act(stage.inputs())

        assert (run.exit_code, run.outputs["status"]) == (2, "invalid"), run.log
        assert "file=environments/osaka/values.yaml" in run.log
        assert not stage.repository.pulls


def test_all_wrong_inputs_are_told_at_once(stage: World) -> None:
    run = act(stage.inputs(auto_merge="squish", delivery="pull_request", set="values.yaml#a=1\nnonsense"))

    assert (run.exit_code, run.outputs["status"]) == (2, "invalid")
    errors = [line for line in run.log.splitlines() if line.startswith("::error")]
    assert len(errors) == 3, run.log
    assert "squash" in run.log
    assert not stage.github.requests


def test_an_explicit_address_moves_what_no_layout_knows() -> None:
    own = {"own.yaml": b"a:\n  'b.c': {d: 1.9, e: [x, 1.9]}\n"}
    with world(own) as stage:
        run = act(
            stage.inputs(dify_version="", files="own.yaml", set='own.yaml#a."b.c".d=1.10\nown.yaml#a."b.c".e[1]=1.10')
        )

        assert run.exit_code == 0, run.log
        edited = stage.repository.read(stage.repository.pull(1).head, "own.yaml")
        assert edited == b'a:\n  \'b.c\': {d: "1.10", e: [x, "1.10"]}\n'


def test_delivery_commit_writes_straight_to_the_base_branch() -> None:
    with world() as stage:
        run = act(stage.inputs(delivery="commit"))

        assert (run.exit_code, run.outputs["status"]) == (0, "merged"), run.log
        assert b'"1.14.1"' in stage.repository.read("main", PRODUCTION)
        assert not stage.repository.pulls


def test_a_rollback_proposes_what_the_files_had_before(stage: World) -> None:
    old = stage.repository.read("main", STAGING)
    act(stage.inputs(auto_merge="squash", dify_version="1.13.2", allow_downgrade="true"))
    act(stage.inputs(auto_merge="squash"))
    stage.repository.check(stage.repository.head(QUICK_START), "ci")
    assert stage.repository.read("main", STAGING) != old

    refused = act(stage.inputs(mode="rollback", dify_version=""))
    assert (refused.exit_code, refused.outputs["status"]) == (3, "refused"), refused.log

    run = act(stage.inputs(mode="rollback", dify_version="", acknowledge="schema-rollback@1.13.3"))

    assert (run.exit_code, run.outputs["status"]) == (0, "proposed"), run.log
    assert stage.repository.read(ROLLBACK, STAGING) == old


def test_an_unacknowledged_objection_makes_a_draft_that_is_never_armed() -> None:
    douban = {
        "values.yaml": b"global:\n  image:\n    tag: 1.13.3\n"
        b"api:\n  image: {repository: langgenius/dify-api, tag: ''}\n"
        b"frontend:\n  image: {repository: langgenius/dify-web, tag: ''}\n"
        b"sandbox:\n  image: {repository: langgenius/dify-sandbox, tag: 0.2.14}\n"
        b"pluginDaemon:\n  image: {repository: langgenius/dify-plugin-daemon, tag: 0.5.3-local}\n"
    }
    with world(douban) as stage:
        stage.repository.settings.allow_auto_merge = True
        stage.repository.protect("main", required_checks=("ci",))
        given = stage.inputs(files="values.yaml", auto_merge="squash", image_check="off")

        run = act(given)
        assert (run.exit_code, run.outputs["status"]) == (0, "proposed"), run.log
        assert run.outputs["auto-merge-result"] == "refused:chart-never-migrates"
        assert stage.repository.pull(1).draft

        again = act(given | {"acknowledge": "chart-never-migrates@1.14.1"})
        assert again.outputs["auto-merge-result"] == "enabled", again.log
        assert not stage.repository.pull(1).draft


def test_japanese_readers_get_their_summary_and_pull_request(stage: World) -> None:
    run = act(stage.inputs(language="ja", timezone="Asia/Tokyo"))

    pull = stage.repository.pull(1)
    assert "アップグレード" in pull.title
    assert "変更" in pull.body
    assert "Inspect" in run.log
    assert "変更" in run.summary


def test_a_version_file_in_the_repository_says_which_release(stage: World) -> None:
    run = act(stage.inputs(dify_version="file:.dify-version"))

    assert run.outputs["to-version"] == "1.14.1", run.log


def test_ranges_and_latest_leave_young_releases_alone(stage: World) -> None:
    run = act(stage.inputs(mode="plan", dify_version=">=1.13 <1.14.1"))

    assert run.outputs["to-version"] == "1.14.0", run.log


def test_the_matrix_holds_production_back_until_staging_has_carried_the_release_for_three_days(stage: World) -> None:
    newer = stage.repository.read("main", STAGING).replace(b"1.13.3", b"1.14.0")
    stage.repository.push({STAGING: newer}, message="Try 1.14.0", author="carol")

    run = act(stage.inputs(mode="matrix", dify_version="1.14.1"))

    assert (run.exit_code, run.outputs["status"]) == (0, "planned"), run.log
    matrix = json.loads(run.outputs["matrix"])
    assert [row["environment"] for row in matrix["wave-1"]["include"]] == ["staging"]
    assert matrix["wave-2"]["include"] == []
    assert matrix["held"][0]["environment"] == "production"
    assert "waits for staging" in matrix["held"][0]["reason"]


def test_keys_that_mean_nothing_here_are_named_and_passed_on(stage: World) -> None:
    own = stage.repository.read("main", "environments.yaml").replace(
        b"- name: staging", b"- region: eu\n    name: staging"
    )
    stage.repository.push({"environments.yaml": own}, message="Say where staging is", author="carol")

    run = act(stage.inputs(mode="matrix", dify_version="1.14.1"))

    assert json.loads(run.outputs["matrix"])["wave-1"]["include"][0]["region"] == "eu", run.log
    sentence = "Keys that mean nothing to this Action, passed on to the matrix as they are: 'region'"
    assert sentence in json.loads(run.outputs["report"])["sentences"]
    assert sentence in run.log


def test_delivery_files_edits_the_checkout_and_asks_no_api_of_the_repository(stage: World, tmp_path: Path) -> None:
    place = tmp_path / "environments/staging"
    place.mkdir(parents=True)
    values = place / "values.yaml"
    values.write_bytes(stage.repository.read("main", STAGING))
    values.chmod(0o755)

    run = act(stage.inputs(delivery="files", app_client_id="", app_private_key=""), workspace=tmp_path)

    assert (run.exit_code, run.outputs["status"], run.outputs["changed"]) == (0, "proposed", "true"), run.log
    assert b'"1.14.1"' in values.read_bytes()
    assert values.stat().st_mode & 0o777 == 0o755
    assert {request.path.split("/")[2] for request in stage.github.requests} == {"langgenius"}


def test_one_environment_moves_alone_on_its_own_branch(stage: World) -> None:
    before = stage.repository.read("main", PRODUCTION)

    run = act(stage.inputs(files="", environment="staging"))

    assert run.exit_code == 0, run.log
    assert b'"1.14.1"' in stage.repository.read("dify-upgrade/staging", STAGING)
    assert stage.repository.read("dify-upgrade/staging", PRODUCTION) == before


def test_a_cancelled_run_revokes_its_token_and_says_so(stage: World, tmp_path: Path) -> None:
    stage.github.faults.add("GET /repos/langgenius/dify/releases*", delay=20)
    variables = environment(stage.inputs(), tmp_path)
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "entrypoint.py")], env=variables, stdout=subprocess.PIPE, text=True
    )
    while not stage.github.calls("GET /repos/acme/gitops/git/trees/*"):
        time.sleep(0.05)
    time.sleep(0.5)

    process.send_signal(signal.SIGTERM)
    log, _ = process.communicate(timeout=8)

    assert process.returncode == 143, log
    assert stage.github.calls("DELETE /installation/token"), log
    outputs = parsed((tmp_path / "GITHUB_OUTPUT").read_text())
    assert outputs["status"] == valid("report", outputs["report"])["status"] == "cancelled"


def test_the_post_step_revokes_what_a_killed_run_left(stage: World, tmp_path: Path) -> None:
    stage.github.faults.add("GET /repos/langgenius/dify/releases*", delay=20)
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "entrypoint.py")],
        env=environment(stage.inputs(), tmp_path),
        stdout=subprocess.DEVNULL,
    )
    while not stage.github.calls("GET /repos/acme/gitops/git/trees/*"):
        time.sleep(0.05)
    process.kill()
    process.wait()
    state = parsed((tmp_path / "GITHUB_STATE").read_text())

    done = subprocess.run(
        [sys.executable, str(ROOT / "difyaction/post.py")],
        env={f"STATE_{name}": value for name, value in state.items()},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0
    assert "revoked" in done.stdout
    assert stage.github.calls("DELETE /installation/token")


def test_a_new_pull_request_for_forty_files_costs_at_most_eight_calls() -> None:
    text = sample.VALUES.format(name="fleet", registry="registry.example", version="1.13.3", replicas=1)
    padding = "".join(f"# {number:06} {'x' * 90}\n" for number in range(500))
    fleet = {f"fleet/{number:02}/values.yaml": (text + padding).encode() for number in range(40)}
    with world(fleet) as stage:
        stage.repository.settings.allow_auto_merge = True
        stage.repository.protect("main", required_checks=("ci",))
        stage.repository.collaborators |= {"alice", "bob"}
        stage.repository.teams |= {"platform"}

        run = act(
            stage.inputs(
                files="fleet/**",
                dify_version="file:.dify-version",
                image_check="off",
                auto_merge="squash",
                labels="dify, upgrade",
                reviewers="alice",
                team_reviewers="platform",
                assignees="bob",
            )
        )

        assert (run.exit_code, run.outputs["auto-merge-result"]) == (0, "enabled"), run.log
        pull = stage.repository.pull(1)
        assert (sorted(pull.labels), sorted(pull.assignees)) == (["dify", "upgrade"], ["bob"])
        own = [request for request in stage.github.requests if "/langgenius/" not in request.path]
        apart = [request for request in own if "installation" in request.path]
        polling = [request for request in own if request.document and "mergeStateStatus" in request.document]
        assert len(own) - len(apart) - len(polling) <= 8, [(r.method, r.path, r.roots) for r in own]
        assert " proposal, " in run.log.partition("Calls to acme/gitops: ")[2].partition("\n")[0]


def test_delivery_commit_writes_to_the_branch_that_is_named_and_to_no_other() -> None:
    with world() as stage:
        stage.repository.branch("release-x")
        before = stage.repository.head("main")

        run = act(stage.inputs(delivery="commit", branch="release-x"))

        assert (run.exit_code, run.outputs["status"]) == (0, "merged"), run.log
        assert b'"1.14.1"' in stage.repository.read("release-x", PRODUCTION)
        assert stage.repository.head("main") == before


def test_a_branch_that_is_the_base_itself_is_refused_before_anything_is_written(stage: World) -> None:
    before = stage.repository.head("main")

    run = act(stage.inputs(branch="main"))

    assert (run.exit_code, run.outputs["status"]) == (2, "invalid"), run.log
    assert stage.repository.head("main") == before


def test_somebody_elses_commits_on_our_branch_are_left_alone_and_told(stage: World) -> None:
    act(stage.inputs())
    stage.repository.push({"NOTES.md": b"mine\n"}, message="A note", author="carol", branch=QUICK_START)
    head = stage.repository.head(QUICK_START)

    run = act(stage.inputs(dify_version="1.14.0"))

    assert (run.exit_code, run.outputs["status"]) == (3, "refused"), run.log
    assert run.outputs["auto-merge-result"] == "refused:foreign-commits"
    assert stage.repository.head(QUICK_START) == head
