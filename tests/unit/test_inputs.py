from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difyaction import input_checks
from difyaction.errors import Invalid
from difyaction.input_table import SSH_PORT, table
from difyaction.inputs import Inputs, came_out_empty, clashes, from_environ, read, secret_variables, secrets_in
from difyaction.registry import BUILDERS
from difyaction.secret import Secret
from tests.unit.azure_vm.test_roads import HOST_KEY, KEY

GOOD = {"target": "gitops", "dify-version": "1.14.1", "token": "ghs_secret", "repository": "acme/gitops"}


def complaints(**given: str) -> list[str]:
    with pytest.raises(Invalid) as caught:
        read(GOOD | {name.replace("_", "-"): text for name, text in given.items()})
    return [complaint.text for complaint in caught.value.complaints]


def test_a_private_key_in_the_place_of_something_else_is_masked() -> None:
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----"
    assert [secret.reveal() for secret in secrets_in({"vm-name": key, "user": "me"})] == [key]


def test_little_is_needed_and_the_rest_has_defaults() -> None:
    inputs = read(GOOD)
    assert (inputs.mode, inputs.delivery, inputs.auto_merge) == ("apply", "pull-request", "off")
    assert inputs.minimum_release_age is None
    assert inputs.image_platforms == ("linux/amd64",)
    assert inputs.api_url == inputs.dify_api_url == "https://api.github.com"


def test_the_table_and_the_record_have_the_same_fields_of_the_same_types() -> None:
    hints = typing.get_type_hints(Inputs)
    assert [spec.field for spec in table().values()] == [field.name for field in dataclasses.fields(Inputs)]
    types = {
        "text": str,
        "choice": str,
        "boolean": bool,
        "list": tuple[str, ...],
        "lines": tuple[str, ...],
        "pairs": Mapping[str, str],
        "secret": Secret,
        "integer": int | None,
        "duration": int | None,
        "size": int,
    }
    for spec in table().values():
        if spec.kind != "credentials":
            assert hints[spec.field] == types[spec.kind], spec.name


def test_the_port_that_is_meant_is_the_one_that_the_table_says() -> None:
    assert table()["port"].default == str(SSH_PORT)


def test_the_targets_that_can_be_chosen_are_those_that_can_be_built() -> None:
    assert table()["target"].values == tuple(BUILDERS)
    for spec in table().values():
        assert set(spec.targets) <= set(BUILDERS)
        assert set(spec.modes) <= set(table()["mode"].values)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("gitops", "dify-version: say which release is wanted, or give explicit edits in set."),
        ("server", "dify-version: say which release is wanted, such as 1.14.1 or latest."),
    ],
)
def test_who_names_no_version_is_told_what_this_target_takes(target: str, said: str) -> None:
    assert said in complaints(target=target, dify_version="")


def test_all_complaints_come_together() -> None:
    found = complaints(target="gitop", auto_merge="sqash", draft="yes", minimum_release_age="-1", acknowledge="x")
    assert found == [
        "target: 'gitop' is none of gitops, server, azure-vm. Did you mean 'gitops'?",
        "minimum-release-age: '-1' is no whole number from 0 to 365.",
        "acknowledge: 'x' is not an id and a version such as `plugin-migration@1.14.1`.",
        "auto-merge: 'sqash' is none of squash, merge, rebase, auto, off. Did you mean 'squash'?",
        "draft: 'yes' is neither true nor false. Did you mean 'true'?",
    ]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("language", "JA", "language: 'JA' is none of en, ja. Did you mean 'ja'?"),
        ("timezone", "Asia/Tokio", "timezone: 'Asia/Tokio' is no time zone. Did you mean 'Asia/Tokyo'?"),
        ("timezone", "../../etc/passwd", "timezone: '../../etc/passwd' is no time zone."),
        ("dify-version", "latst", "Did you mean 'latest'?"),
        ("dify-version", "1.14", "write 1.14.x"),
        ("dify-version", "file:../x", "'../x' is not a path inside the repository."),
        ("repository", "acme", "is not a repository such as `owner/name`."),
        ("api-url", "api.github.com", "is no address such as"),
        ("api-url", "http://ghe.example/api/v3", "Did you mean 'https://ghe.example/api/v3'?"),
        ("api-url", "https://[::1", "is no address such as"),
        ("api-url", "https://me:pass@ghe.example", "an address with a user or a password in it"),
        ("image-platforms", "linux/amd64, arm", "'arm' is not a platform"),
        ("branch", "a..b", "is not a branch's name such as"),
        ("branch", "refs/heads/x", "without refs/heads/"),
        ("environments-file", "/etc/passwd", "is not a path inside the repository."),
        ("image-map", "a=b\na=c", "'a' is given twice with different values."),
        ("env-variables", "DIFY_TAG", "the line 'DIFY_TAG' is not of the form a=b."),
        ("token", "abc", "token: a secret of fewer than 6 characters cannot be masked in the log."),
        ("plan-id", "two words", "is not one word without blanks."),
    ],
)
def test_a_wrong_value_is_explained(name: str, text: str, expected: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(GOOD | {name: text})
    [complaint] = caught.value.complaints
    assert expected in complaint.text
    assert complaint.input == name


@pytest.mark.parametrize(
    ("given", "about"),
    [
        ({"target": ""}, "target"),
        ({"dify-version": ""}, "dify-version"),
        ({"token": ""}, "token"),
        ({"repository": ""}, "repository"),
        ({"app-client-id": "Iv1.abc"}, "app-private-key"),
        ({"app-private-key": "-----BEGIN"}, "app-client-id"),
        ({"delivery": "files", "auto-merge": "squash"}, "auto-merge"),
        ({"delivery": "commit", "draft": "true"}, "draft"),
        ({"draft": "true", "auto-merge": "auto"}, "draft"),
        ({"delivery": "files", "require-verified": "true"}, "require-verified"),
        ({"pin-digests": "true", "image-check": "off"}, "pin-digests"),
        ({"mode": "plan", "plan-id": "abc"}, "plan-id"),
        ({"rollback-to": "1.13.3"}, "rollback-to"),
        ({"base": "main", "branch": "main"}, "branch"),
    ],
)
def test_inputs_that_lack_or_contradict_each_other_are_named(given: dict[str, str], about: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(GOOD | given)
    assert [complaint.input for complaint in caught.value.complaints] == [about]


@pytest.mark.parametrize(
    "given",
    [
        {"delivery": "files", "token": "", "repository": ""},
        {"dify-version": "", "set": "a.yaml#b=1"},
        {"token": "", "app-client-id": "Iv1.abc", "app-private-key": "-----BEGIN"},
        {"target": "", "mode": "matrix"},
        {"mode": "rollback", "dify-version": "", "rollback-to": "1.13.3"},
        {"dify-version": "file:.dify-version"},
        {"api-url": "http://127.0.0.1:8080"},
        {"acknowledge": "plugin-migration@1.14.1, weaviate-builtin@1.17.1"},
    ],
)
def test_what_fits_together_is_accepted(given: dict[str, str]) -> None:
    read(GOOD | given)


@pytest.mark.parametrize("name", ["MOED", "OMDE", "MODDE", "MODUS", "RUN-MODE", "DRY-RUN"])
def test_who_means_to_plan_and_misspells_it_upgrades_nothing(name: str) -> None:
    given = from_environ({"GITHUB_ACTIONS": "true", f"INPUT_{name}": "plan", "INPUT_FOO": "bar"})
    assert given == {name.lower(): "plan"}
    with pytest.raises(Invalid) as raised:
        read(given)
    assert ("input-unknown", "mode") in {(each.id, each.suggestion) for each in raised.value.complaints}


def test_an_unknown_name_gets_a_suggestion() -> None:
    assert complaints(auto_merg="squash") == ["There is no input 'auto-merg'. Did you mean 'auto-merge'?"]


def test_lists_are_split_at_commas_and_newlines_but_not_inside_braces() -> None:
    inputs = read(GOOD | {"files": "a/{b,c}/*.yaml, d.yaml\n\ne.yaml,d.yaml", "labels": " dify ,\nupgrade"})
    assert inputs.files == ("a/{b,c}/*.yaml", "d.yaml", "e.yaml")
    assert inputs.labels == ("dify", "upgrade")


def test_lines_keep_commas_and_lose_blanks_and_comments() -> None:
    inputs = read(GOOD | {"set": "\n a.yaml#b=1,2 \n# a remark\nc.yaml#d=3\n", "image-map": "a = r.example/x=y"})
    assert inputs.set_lines == ("a.yaml#b=1,2", "c.yaml#d=3")
    assert inputs.image_map == {"a": "r.example/x=y"}


def test_registry_credentials_are_lines_and_their_passwords_secrets() -> None:
    inputs = read(GOOD | {"registry-credentials": "https://R.example:5000/ me pass word\nother.example you secret"})
    first, second = inputs.registry_credentials
    assert (first.host, first.user, first.password.reveal()) == ("r.example:5000", "me", "pass word")
    assert second.password.reveal() == "secret"
    assert "pass word" not in repr(inputs)


def test_a_broken_credential_is_not_printed() -> None:
    assert complaints(registry_credentials="r.example:hunter22") == [
        "registry-credentials: line 1 is not of the form `host user password`."
    ]


def test_everything_secret_is_found_before_it_is_checked() -> None:
    given = {"token": " ghs_secret ", "app-private-key": "BEGIN\\nEND", "registry-credentials": "a b c d\n\nlonely"}
    found = sorted(secret.reveal() for secret in secrets_in(given))
    assert found == ["BEGIN\nEND", "BEGIN\\nEND", "c d", "ghs_secret", "lonely"]
    assert secret_variables() == {
        "INPUT_TOKEN",
        "INPUT_DIFY-TOKEN",
        "INPUT_DIFY_TOKEN",
        "INPUT_APP-PRIVATE-KEY",
        "INPUT_APP_PRIVATE_KEY",
        "INPUT_REGISTRY-CREDENTIALS",
        "INPUT_REGISTRY_CREDENTIALS",
        "INPUT_SSH-KEY",
        "INPUT_SSH_KEY",
        "INPUT_SSH-KEY-PASSPHRASE",
        "INPUT_SSH_KEY_PASSPHRASE",
        "INPUT_JUMP-SSH-KEY",
        "INPUT_JUMP_SSH_KEY",
        "INPUT_AZURE-CLIENT-SECRET",
        "INPUT_AZURE_CLIENT_SECRET",
    }


def test_the_environment_is_read_as_the_runner_writes_it() -> None:
    environ = {
        "INPUT_DIFY-VERSION": "1.14.1",
        "INPUT_LABELS": "",
        "INPUT_AUTO-MERG": "squash",
        "INPUT_DIFY_VERSION": "somebody's own variable",
        "INPUT_WHATEVER": "somebody's own variable",
        "INPUT_ENTRYPOINT": "the runner's",
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "acme/gitops",
        "GITHUB_API_URL": "https://ghe.example/api/v3",
        "INPUT_API-URL": "https://other.example",
    }
    assert clashes(environ) == ()
    assert from_environ(environ) == {
        "dify-version": "1.14.1",
        "auto-merg": "squash",
        "repository": "acme/gitops",
        "api-url": "https://other.example",
    }


@pytest.mark.parametrize("text", ["", " \n"])
def test_a_mode_that_came_out_empty_on_github_is_no_apply(text: str) -> None:
    environ = {"INPUT_MODE": text, "GITHUB_ACTIONS": "true"}
    [complaint] = came_out_empty(environ)
    assert (complaint.id, complaint.input, complaint.suggestion) == (
        "input-missing",
        "mode",
        "${{ inputs.mode || 'plan' }}",
    )
    assert came_out_empty(environ | {"INPUT_MODE": "plan"}) == came_out_empty({"GITHUB_ACTIONS": "true"}) == ()


def test_at_ones_desk_a_mode_that_is_empty_is_not_given() -> None:
    assert came_out_empty({"INPUT_MODE": ""}) == ()
    assert read(GOOD | {"mode": ""}).mode == "apply"


def test_at_ones_desk_underscores_stand_for_hyphens_because_no_shell_exports_hyphens() -> None:
    environ = {"INPUT_DIFY_VERSION": "1.14.1", "INPUT_AUTO_MERG": "squash", "INPUT_TARGET": "gitops"}
    assert from_environ(environ) == {"dify-version": "1.14.1", "auto-merg": "squash", "target": "gitops"}
    assert clashes(environ) == ()


def test_an_input_that_is_set_both_ways_and_differs_is_a_conflict() -> None:
    twice = {"INPUT_DIFY_VERSION": "1.14.1", "INPUT_DIFY-VERSION": "1.14.1 "}
    assert clashes(twice) == ()
    [complaint] = clashes(twice | {"INPUT_DIFY-VERSION": "1.14.0"})
    assert (complaint.id, complaint.input) == ("input-conflict", "dify-version")
    assert "INPUT_DIFY-VERSION and INPUT_DIFY_VERSION are both set, and differ" in complaint.text


@pytest.mark.parametrize(
    "address", ["https://user:hunter2-pw@ghe.example", "https://ghs_token@ghe.example", "https://u:p w/@x"]
)
def test_an_address_with_a_password_in_it_is_refused_and_never_shown(address: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(GOOD | {"dify-api-url": address})
    [complaint] = caught.value.complaints
    assert "dify-api-url: an address with a user or a password in it is not taken" in complaint.text
    assert address.removeprefix("https://").partition("@")[0] not in complaint.text


def test_a_password_in_any_input_is_masked() -> None:
    given = {
        "dify-api-url": "https://user:hun@ter2-pw@ghe.example/x",
        "docker-host": "ssh://dify@host",
        "body": "a://b",
    }
    assert [secret.reveal() for secret in secrets_in(given)] == ["hun@ter2-pw"]


@pytest.mark.parametrize(
    ("text", "meant"), [("true", True), ("True", True), ("TRUE", True), ("false", False), ("FALSE", False)]
)
def test_booleans_are_those_of_yaml_1_2(text: str, meant: bool) -> None:  # noqa: FBT001 - the case's expected value
    assert read(GOOD | {"draft": text}).draft is meant


@given(st.dictionaries(st.sampled_from(sorted(table())), st.text(st.characters(exclude_categories=["Cs"]))))
def test_whatever_is_given_ends_in_inputs_or_in_complaints(given: dict[str, str]) -> None:
    try:
        assert isinstance(read(given), Inputs)
    except Invalid as why:
        assert why.complaints  # noqa: PT017 - either end is right


SERVER = {
    "target": "server",
    "dify-version": "1.14.1",
    "host": "dify.example.com",
    "user": "dify",
    "ssh-key": KEY,
    "ssh-known-hosts": f"dify.example.com {HOST_KEY}",
}


def of_server(**given: str) -> list[str]:
    with pytest.raises(Invalid) as caught:
        read({**SERVER, **{name.replace("_", "-"): text for name, text in given.items()}})
    return [complaint.input for complaint in caught.value.complaints]


def test_a_server_needs_a_host_a_user_a_key_and_the_hosts_own_keys() -> None:
    assert read(SERVER).max_downtime == 600
    assert read(SERVER).backup_max == 10 * 1024**3
    assert of_server(host="") == ["host"]
    assert of_server(user="", ssh_key="", ssh_known_hosts="") == ["user", "ssh-key", "ssh-known-hosts"]


def test_this_machine_is_not_reached_by_ssh() -> None:
    assert read({"target": "server", "host": "local", "dify-version": "1.14.1"}).host == "local"
    assert of_server(host="local", jump_host="me@jump") == ["ssh-key", "jump-host", "user"]


@pytest.mark.parametrize(
    ("jump", "said"),
    [
        ("me@jump:99999", "jump-host: there is no port 99999; they go from 1 to 65535."),
        ("me@jump:0", "jump-host: there is no port 0; they go from 1 to 65535."),
        ("me@:22", "jump-host: 'me@:22' is not of the form user@host:port."),
    ],
)
def test_a_jump_host_that_cannot_be_called_is_refused(jump: str, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(SERVER | {"jump-host": jump})
    assert [each.text for each in caught.value.complaints] == [said]


@pytest.mark.parametrize("name", [name for name, spec in table().items() if spec.kind == "duration"])
def test_no_time_at_all_is_refused_where_nothing_could_be_done_in_it(name: str) -> None:
    if table()[name].may_be_zero:
        assert getattr(read(SERVER | {name: "0s"}), table()[name].field) == 0
        return
    with pytest.raises(Invalid) as caught:
        read(SERVER | {name: "0m"})
    [complaint] = caught.value.complaints
    assert complaint.text == f"{name}: '0m' is no time at all, and nothing could be done in it."


def test_no_time_without_service_tasks_that_are_not_waited_for_and_a_run_that_is_not_followed_can_be_asked_for() -> (
    None
):
    zero = {name for name, spec in table().items() if spec.may_be_zero}
    assert zero == {"max-downtime", "drain-timeout", "job-time"}


@pytest.mark.parametrize(("target", "back"), [("server", "the backup whose id"), ("gitops", "the release or commit")])
def test_going_back_is_told_in_the_words_of_its_target(target: str, back: str) -> None:
    both = {"dify-version": "1.14.1", "rollback-to": "b1"}
    given = (SERVER if target == "server" else GOOD) | both
    for mode, said in (
        ("rollback", f"dify-version: mode rollback goes back to {back}"),
        ("apply", f"rollback-to: mode apply does not go back. Mode rollback goes back to {back}"),
    ):
        with pytest.raises(Invalid) as caught:
            read(given | {"mode": mode})
        [complaint] = caught.value.complaints
        assert complaint.text.startswith(said)


def test_places_on_the_host_are_absolute_and_a_backup_is_not_part_of_itself() -> None:
    assert of_server(dify_folder="dify/docker", backup_dir="backups") == ["dify-folder", "backup-dir"]
    assert of_server(dify_folder="/opt/dify", backup_dir="/opt/dify/backups") == ["backup-dir"]


def test_a_server_has_no_disks_that_somebody_could_keep() -> None:
    assert of_server(final_backup="snapshot") == ["final-backup"]


def test_a_server_may_be_told_its_version_by_a_file_of_the_repository() -> None:
    assert read({**SERVER, "dify-version": "file:.dify-version"}).dify_version == "file:.dify-version"


@pytest.mark.parametrize("text", ["10", "m", "1d", "-1s", "1m30", ""])
def test_a_time_has_a_unit(text: str) -> None:
    if text:
        assert of_server(drain_timeout=text) == ["drain-timeout"]
    else:
        assert read({**SERVER, "drain-timeout": text}).drain_timeout == 60


def test_times_and_sizes_are_read_as_seconds_and_bytes() -> None:
    inputs = read({**SERVER, "max-downtime": "1h30m5s", "restore-test-max": "500MB"})
    assert (inputs.max_downtime, inputs.restore_test_max) == (5405, 500 * 1024**2)
    assert of_server(backup_max="10") == ["backup-max"]


def test_a_jump_host_is_understood_or_complained_about() -> None:
    assert of_server(jump_host="me@jump:22:7") == ["jump-host"]
    assert read({**SERVER, "jump-host": "me@jump.example.com:2222"}).jump_host


def unused(given: Mapping[str, str], environ: Mapping[str, str] | None = None) -> list[str]:
    return list(input_checks.unused(read(given), environ or {}))


def test_inputs_of_another_target_are_named_with_the_target_that_takes_them() -> None:
    given = GOOD | {"vm-name": "dify", "resource-group": "rg", "host": "dify.example"}
    assert unused(given) == [
        "host: target gitops takes no notice of it. It belongs to targets server and azure-vm.",
        "resource-group, vm-name: target gitops takes no notice of them. They belong to target azure-vm.",
    ]


def test_what_nobody_set_is_not_named() -> None:
    """The runner hands over every default of action.yml, its own variables, and inputs that are set to nothing."""
    by_action = {name: spec.in_action for name, spec in table().items() if spec.in_action}
    by_runner = {"api-url": "https://ghe.example/api/v3", "repository": "acme/dify", "token": "ghs_of_the_job"}
    given = by_action | by_runner | {"vm-name": "", "files": " \n", "resource-group": " ", "language": "ja"}
    given |= {"target": "server", "dify-version": "1.14.1", "host": "h", "user": "u"}
    given |= {"ssh-key": KEY, "ssh-known-hosts": f"h {HOST_KEY}"}
    assert unused(given, {"GITHUB_REPOSITORY": "acme/dify"}) == []
    other = "repository: target server takes no notice of it. It belongs to target gitops."
    assert unused(given | {"repository": "acme/else"}, {"GITHUB_REPOSITORY": "acme/dify"}) == [other]


def test_a_default_that_is_written_otherwise_is_a_default() -> None:
    assert unused(GOOD | {"max-downtime": "600s", "snapshot": "TRUE", "port": " 22 "}) == []


def test_a_matrix_has_no_target_that_an_input_could_be_foreign_to() -> None:
    assert unused(GOOD | {"mode": "matrix", "target": "", "vm-name": "dify"}) == []


SSH = {"target": "server", "dify-version": "1.14.1", "host": "dify.example", "user": "u"}


@pytest.mark.parametrize(
    "host", ["https://dify.example", "root@dify.example", "dify.example:2222", "[::1]:22", "[::1]", "a/b"]
)
@pytest.mark.parametrize("target", ["server", "azure-vm"])
def test_a_host_that_is_more_than_a_host_is_told_before_anybody_is_called(target: str, host: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(SSH | {"target": target, "host": host})
    assert [each.id for each in caught.value.complaints if each.input == "host"] == ["input-invalid"]


@pytest.mark.parametrize("host", ["dify.example", "dify", "10.0.0.5", "2001:db8::5", "fe80::1%eth0", "local"])
def test_names_and_addresses_of_either_kind_are_hosts(host: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(SSH | {"host": host, "dify-version": "no version"})
    assert [each for each in caught.value.complaints if each.input == "host"] == []


def test_a_key_and_host_keys_that_cannot_be_read_are_told_together_with_all_else() -> None:
    given = SSH | {"ssh-key": "not a key", "ssh-known-hosts": "dify.example", "backup-dir": "relative"}
    with pytest.raises(Invalid) as caught:
        read(given)
    assert [(each.input, each.id) for each in caught.value.complaints] == [
        ("ssh-key", "ssh-key-unreadable"),
        ("ssh-known-hosts", "ssh-known-hosts-invalid"),
        ("backup-dir", "input-invalid"),
    ]
