from __future__ import annotations

from datetime import UTC, datetime

import pytest

from difyaction import errors
from difyaction.releases.catalogue import EnvKeys, Policy, Published
from difyaction.releases.version import Version
from difyaction.secret import Secret
from difyaction.upstream import MOST_CALLS, Upstream
from difyaction.upstream_source import site_of
from difyaction.web import Reply
from tests.unit.fake_upstream import API, FakeUpstream, many_releases, with_real_files

POLICY = Policy(now=datetime(2026, 9, 1, tzinfo=UTC))
ENV, SHARED = "docker/.env.example", "docker/envs/core-services/shared.env.example"


def upstream(fake: FakeUpstream, token: str = "") -> Upstream:
    return Upstream(fake, fake.api_url, "langgenius/dify", Secret(token) if token else None)


def tags(published: tuple[Published, ...]) -> list[str]:
    return [release.tag for release in published]


def test_the_catalogue_holds_releases_and_the_tags_that_have_none() -> None:
    fake = FakeUpstream()

    published = upstream(fake).published()

    assert tags(published)[:3] == ["1.16.2", "1.16.1", "1.16.0"]
    assert published[0].when is None
    assert published[0].url == "https://github.com/langgenius/dify/releases/tag/1.16.2"
    assert published[1] == Published(
        Version.parse("1.16.1"),
        "1.16.1",
        datetime(2026, 7, 28, 8, tzinfo=UTC),
        "Notes of 1.16.1",
        "https://github.com/langgenius/dify/releases/tag/1.16.1",
    )
    assert published[3].prerelease
    assert "browser-profile" not in tags(published)
    assert fake.asked == ["releases?per_page=100&page=1", "tags?per_page=100&page=1"]


def test_the_catalogue_is_read_to_its_end_and_only_once() -> None:
    fake = FakeUpstream(releases=many_releases())
    reader = upstream(fake)

    assert len(reader.published()) == len(fake.releases) + 1
    assert reader.published() == reader.published()
    assert reader.calls == len(fake.asked) == 6


def test_a_release_comes_with_all_that_lies_on_the_way() -> None:
    fake = FakeUpstream(files={("1.13.3", ENV): "A=1\nB=1\n", ("1.14.0", ENV): "A=2\nC=1\n"})

    release = upstream(fake).release("1.14.0", installed=Version.parse("1.13.3"), policy=POLICY)

    assert release.version == Version.parse("1.14.0")
    assert release.images.tags == {"langgenius/dify-api": "1.14.0", "langgenius/dify-web": "1.14.0"}
    assert tags(release.between) == ["1.14.0", "1.14.0-rc1"]
    assert release.env_keys == EnvKeys(added=("C",), removed=("B",), changed=(("A", "1", "2"),))
    assert release.compare_url == "https://github.com/langgenius/dify/compare/1.13.3...1.14.0"


def test_with_nothing_installed_there_is_nothing_to_compare() -> None:
    release = upstream(FakeUpstream()).release("latest", installed=None, policy=POLICY)

    assert (release.version, release.env_keys, release.compare_url) == (Version.parse("1.16.1"), EnvKeys(), "")
    assert tags(release.between) == ["1.16.1"]


def test_what_is_installed_already_is_compared_with_nothing() -> None:
    fake = FakeUpstream()

    release = upstream(fake).release("1.14.1", installed=Version.parse("v1.14.1"), policy=POLICY)

    assert (release.between, release.env_keys, release.compare_url) == ((), EnvKeys(), "")
    assert len(fake.asked) == 2


@pytest.mark.parametrize(
    ("installed", "wanted"), [("1.13.3", "latest"), ("1.14.1", "1.16.1"), ("1.14.0", "1.14.1"), ("0.15.8", "1.x")]
)
def test_an_upgrade_takes_six_requests_at_most(installed: str, wanted: str) -> None:
    fake = with_real_files()
    reader = upstream(fake)

    release = reader.release(wanted, installed=Version.parse(installed), policy=POLICY)

    assert release.images.tags
    assert release.env_keys.added
    assert reader.calls == len(fake.asked) <= MOST_CALLS


def test_a_second_request_of_the_same_run_reads_nothing_twice() -> None:
    fake = with_real_files()
    reader = upstream(fake)
    first = reader.release("1.14.1", installed=Version.parse("1.14.0"), policy=POLICY)
    calls = reader.calls

    assert reader.release("1.14.x", installed=Version.parse("1.14.0"), policy=POLICY).published.tag == "1.14.2"
    assert reader.release("1.14.1", installed=Version.parse("1.14.0"), policy=POLICY) == first
    assert reader.calls <= calls + 1


def test_only_the_pages_that_matter_are_read() -> None:
    fake = FakeUpstream(releases=many_releases())

    release = upstream(fake).release(">=1.13", installed=Version.parse("1.12.1"), policy=POLICY)

    assert release.published.tag == "1.16.1"
    assert [path for path in fake.asked if "page=" in path] == ["releases?per_page=100&page=1"]


def test_release_notes_from_later_pages_are_not_missed() -> None:
    fake = FakeUpstream(releases=many_releases())

    release = upstream(fake).release("1.14.1", installed=Version.parse("1.3.7"), policy=POLICY)

    assert tags(release.between)[-1] == "1.3.8"
    assert [path for path in fake.asked if "page=" in path] == [f"releases?per_page=100&page={page}" for page in (1, 2)]


def test_a_tag_without_a_release_is_found_by_its_exact_name() -> None:
    fake = FakeUpstream()

    release = upstream(fake).release("1.16.2", installed=Version.parse("1.16.1"), policy=POLICY)

    assert release.published.when is None
    assert "tags?per_page=100&page=1" in fake.asked
    assert len(fake.asked) <= MOST_CALLS


def test_a_tag_without_a_release_is_skipped_with_the_reason_where_an_age_is_asked_for() -> None:
    with pytest.raises(errors.Failed, match=r"1\.16\.2 \(a tag without a release"):
        upstream(FakeUpstream()).release(">1.16.1", installed=None, policy=POLICY)


def test_tags_are_not_asked_for_where_releases_do() -> None:
    fake = FakeUpstream()

    upstream(fake).release("latest", installed=Version.parse("1.16.0"), policy=POLICY)

    assert not [path for path in fake.asked if path.startswith("tags")]


def test_across_the_split_of_1_14_1_nobody_claims_that_keys_went() -> None:
    keys = upstream(with_real_files()).release("1.14.1", installed=Version.parse("1.14.0"), policy=POLICY).env_keys

    assert keys.removed == ()
    assert keys.unread == ("docker/envs/",)
    assert "API_WEBSOCKET_WORKER_CLASS" in keys.added
    assert [key for key, *_ in keys.changed] == ["ENABLE_COLLABORATION_MODE", "COMPOSE_PROFILES", "SECRET_KEY"]


def test_on_the_way_back_across_the_split_nobody_claims_that_keys_came() -> None:
    keys = upstream(with_real_files()).release("1.14.0", installed=Version.parse("1.14.1"), policy=POLICY).env_keys

    assert keys.added == ()
    assert "API_WEBSOCKET_WORKER_CLASS" in keys.removed


def test_after_the_split_the_shared_example_takes_part() -> None:
    keys = upstream(with_real_files()).release("1.15.0", installed=Version.parse("1.14.1"), policy=POLICY).env_keys

    assert ("GRAPH_ENGINE_MIN_WORKERS", "1", "3") in keys.changed


def test_where_requests_run_short_the_shared_example_is_left_out_first() -> None:
    fake = with_real_files()
    reader = upstream(fake)
    reader.published()
    keys = reader.release("1.15.0", installed=Version.parse("1.14.1"), policy=POLICY).env_keys

    assert keys.added == (
        "SERVER_CONSOLE_API_URL",
        "ENABLE_LEARN_APP",
        "NEXT_PUBLIC_ENABLE_FEATURE_PREVIEW",
        "ENABLE_AGENT_V2",
    )
    assert keys.unread == ("docker/envs/",)
    assert reader.calls == 5


def test_where_requests_have_run_out_the_examples_are_named_as_unread() -> None:
    fake = with_real_files()
    fake.releases = many_releases()
    reader = upstream(fake)
    reader.published()

    keys = reader.release("1.15.0", installed=Version.parse("1.14.1"), policy=POLICY).env_keys

    assert keys == EnvKeys(unread=(ENV,))


def test_an_example_that_is_not_there_is_named_as_unread() -> None:
    release = upstream(FakeUpstream()).release("1.14.0", installed=Version.parse("1.13.3"), policy=POLICY)

    assert release.env_keys == EnvKeys(unread=(ENV,))


def test_a_file_of_upstream_can_be_read_by_itself() -> None:
    assert upstream(FakeUpstream(files={("1.14.0", "a b"): "text"})).file("1.14.0", "a b") == "text"


def test_a_file_that_is_not_there_is_an_error_that_names_it() -> None:
    with pytest.raises(errors.Failed, match=r"langgenius/dify has no docker/nothing at 1\.14\.0") as raised:
        upstream(FakeUpstream()).file("1.14.0", "docker/nothing")

    assert raised.value.id == "upstream-file-missing"


def test_a_compose_file_without_images_of_dify_is_an_error() -> None:
    fake = FakeUpstream(files={("1.14.0", "docker/docker-compose.yaml"): "services: {}"})

    with pytest.raises(errors.Failed, match="names no image langgenius/dify-") as raised:
        upstream(fake).release("1.14.0", installed=None, policy=POLICY)

    assert raised.value.id == "upstream-compose-unreadable"


def test_a_request_that_is_not_understood_contacts_nobody() -> None:
    fake = FakeUpstream()

    with pytest.raises(errors.Invalid, match=r"write 1\.14\.x"):
        upstream(fake).release("1.14", installed=None, policy=POLICY)

    assert fake.asked == []


@pytest.mark.parametrize("token", ["", "t0ken"])
def test_a_token_is_bound_to_the_host_of_the_api(token: str) -> None:
    fake = FakeUpstream(api_url="https://ghe.example:8443/api/v3")

    upstream(fake, token).published()

    for credential in fake.credentials:
        assert (credential is not None) == bool(token)
        if credential is not None:
            assert credential.host == "ghe.example:8443"
            assert credential.authorization.reveal() == "Bearer t0ken"


USED_UP = Reply(403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1785585600"}, b"")


@pytest.mark.parametrize(
    ("reply", "token", "error_id", "says"),
    [
        (USED_UP, "", "upstream-rate-limit", "until 12:00 UTC"),
        (Reply(429, {}, b""), "", "upstream-rate-limit", "Set dify-token to any token of that host"),
        (Reply(403, {}, b'{"message": "API rate limit exceeded"}'), "t", "upstream-rate-limit", "used by nothing else"),
        (Reply(403, {}, b"{}"), "", "upstream-refused", "Give a dify-token that may read it"),
        (Reply(401, {}, b"{}"), "t", "upstream-refused", "Give another dify-token"),
        (Reply(404, {}, b"{}"), "", "upstream-not-found", "There is no langgenius/dify at api.github.com"),
        (Reply(200, {}, b"<html>"), "", "upstream-unreadable", "does not answer as GitHub does"),
        (Reply(200, {}, b'{"a": 1}'), "", "upstream-unreadable", "Check dify-api-url"),
        (Reply(200, {}, b"[1]"), "", "upstream-unreadable", "Check dify-api-url"),
        (Reply(502, {}, b""), "", "upstream-failing", "status 502"),
    ],
)
def test_a_refusal_says_what_to_do(reply: Reply, token: str, error_id: str, says: str) -> None:
    fake = FakeUpstream(refusals={"releases": reply})

    with pytest.raises(errors.Failed) as raised:
        upstream(fake, token).release("latest", installed=None, policy=POLICY)

    assert raised.value.id == error_id
    assert says in str(raised.value)


def test_a_refused_file_is_explained_too() -> None:
    fake = FakeUpstream(refusals={"contents/": Reply(429, {}, b"")})

    with pytest.raises(errors.Failed, match="dify-token"):
        upstream(fake).release("latest", installed=None, policy=POLICY)


def test_a_file_that_is_no_text_is_not_taken_for_one() -> None:
    fake = FakeUpstream(refusals={"contents/": Reply(200, {}, b"\xff\xfe")})

    with pytest.raises(errors.Failed, match="does not answer as GitHub does"):
        upstream(fake).file("1.14.0", "docker/docker-compose.yaml")


def test_repeated_requests_are_counted_as_they_were_sent() -> None:
    reader = upstream(FakeUpstream(refusals={"contents/": Reply(200, {}, b"text", sent=3)}))

    reader.file("1.14.0", "a")

    assert reader.calls == 3


@pytest.mark.parametrize(
    ("api_url", "site"),
    [
        (API, "https://github.com"),
        ("https://api.corp.ghe.com", "https://corp.ghe.com"),
        ("https://ghe.example/api/v3/", "https://ghe.example"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_people_read_where_the_api_s_site_is(api_url: str, site: str) -> None:
    assert site_of(api_url) == site
