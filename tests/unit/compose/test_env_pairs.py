"""The merge of env files on every way between two real releases."""

from __future__ import annotations

import functools

import pytest

from difyaction.compose.env_file import read_env
from difyaction.compose.env_merge import merge
from difyaction.compose.env_records import Merged
from difyaction.compose.env_rules import FULL_ENV
from tests.unit.compose.customised import customised, small
from tests.unit.compose.kept import assert_kept
from tests.upstream_releases import pairs, shipped, tags


@functools.cache
def whole(tag: str, *, crlf: bool) -> bytes:
    example = shipped(tag).example or b""
    return customised(example, crlf=crlf)


@functools.cache
def merged_on(older: str, newer: str, theirs: bytes) -> Merged:
    return merge(shipped(older), theirs, shipped(newer))


def inputs(older: str) -> tuple[bytes, ...]:
    crlf = tags().index(older) % 2 == 0
    return whole(older, crlf=crlf), small(crlf=not crlf)


def test_every_key_value_comment_and_place_survives_on_every_way() -> None:
    for older, newer in pairs():
        for theirs in inputs(older):
            assert_kept(theirs, merged_on(older, newer, theirs))


def test_merging_again_changes_nothing_on_any_way() -> None:
    for older, newer in pairs():
        for theirs in inputs(older):
            merged = merged_on(older, newer, theirs)
            assert merge(shipped(older), merged.content, shipped(newer)).content == merged.content, (older, newer)
            settled = merge(shipped(newer), merged.content, shipped(newer))
            assert (settled.content, settled.added, settled.changed) == (merged.content, (), ()), (older, newer)


def test_crossing_to_the_full_env_file_leaves_no_key_to_the_defaults_of_code() -> None:
    for older, newer in pairs():
        base, target = shipped(older), shipped(newer)
        if not base.version < FULL_ENV <= target.version:
            continue
        for theirs in (*inputs(older), b""):
            after = read_env(merged_on(older, newer, theirs).content, file=".env")
            assert set(target.defaults.last) | set(base.shared) <= set(after.last), (older, newer)
            assert after.values["SECRET_KEY"]
            assert after.values["MIGRATION_ENABLED"] == read_env(theirs, file=".env").values.get(
                "MIGRATION_ENABLED", "true"
            )


def test_what_the_old_compose_file_supplied_stays_in_effect_across_the_full_env_file() -> None:
    for older, newer in pairs():
        base, target = shipped(older), shipped(newer)
        if not base.version < FULL_ENV <= target.version:
            continue
        for theirs in (small(crlf=False), b""):
            before, after = (
                read_env(theirs, file=".env").values,
                read_env(merged_on(older, newer, theirs).content, file=".env"),
            )
            changed = {
                key for key in base.shared if after.values[key] != (before.get(key) or base.supplied(key, before))
            }
            changed.discard(
                "WEAVIATE_AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED"
            )  # of which its own service says otherwise
            assert changed <= ({"DB_HOST"} if "db" in base.services else set()), (older, newer, changed)


def test_a_worker_that_ran_one_process_is_not_given_four() -> None:
    after = read_env(merged_on("1.13.3", "1.14.1", b"").content, file=".env").values
    assert shipped("1.14.1").defaults.values["CELERY_WORKER_AMOUNT"] == "4"
    assert (after["CELERY_WORKER_AMOUNT"], after["POSTGRES_MAX_CONNECTIONS"]) == ("", "100")
    assert read_env(merged_on("1.9.2", "1.14.1", b"").content, file=".env").values["DB_HOST"] == "db_postgres"


def test_new_keys_have_the_new_default_and_upstreams_comment() -> None:
    merged = merge(shipped("1.12.1"), whole("1.12.1", crlf=False), shipped("1.13.3"))
    text = merged.content.decode()
    assert "\n# Dify 1.13.3 (from 1.12.1): new keys, with upstream's defaults\n" in text
    assert "\n# Human input timeout check interval in minutes\nHUMAN_INPUT_TIMEOUT_TASK_INTERVAL=1\n" in text


@pytest.mark.parametrize("crlf", [False, True])
def test_added_lines_end_like_theirs(crlf: bool) -> None:  # noqa: FBT001 - a parameter of the test
    content = merge(shipped("1.9.2"), small(crlf=crlf), shipped("1.14.1")).content
    assert (content.count(b"\r\n") == content.count(b"\n")) is crlf
    assert (b"\r" in content) is crlf


def test_none_of_739_variables_is_lost_where_upstreams_own_script_loses_490() -> None:
    example = shipped("1.14.0").example or b""
    own = b"".join(b"\n# ours\nMY_CUSTOM_%d='number %d'" % (number, number) for number in range(18))
    theirs = example + b"\nAZURE_BLOB_ACCOUNT_NAME=ours\nMAIL_TYPE=smtp\nSMTP_SERVER=mail.example.com" + own
    before = read_env(theirs, file=".env")
    assert len(before.last) == 739

    merged = merge(shipped("1.14.0"), theirs, shipped("1.16.1"))

    after = read_env(merged.content, file=".env")
    lost = [key for key in before.last if after.values.get(key) != before.values[key]]
    assert lost == ["COMPOSE_PROFILES"]
    assert after.values["COMPOSE_PROFILES"] == "weaviate,postgresql,collaboration"
    script_keeps = set(before.last) & set(shipped("1.16.1").defaults.last)
    assert len(before.last) - len(script_keeps) > 490  # it writes upstream's example anew, with their values


def test_every_remark_and_record_can_be_said() -> None:
    merged = merge(shipped("0.15.8"), whole("0.15.8", crlf=False), shipped("1.16.1"))
    sentences = [str(remark) for remark in merged.remarks]
    assert all(sentence and "{" not in sentence for sentence in sentences)
    assert {remark.id for remark in merged.remarks} >= {"default-changed", "key-retired", "own-key-reaches-containers"}
    assert "MY_CUSTOM" in merged.kept_own
    assert "DB_PASSWORD" not in merged.kept_own
