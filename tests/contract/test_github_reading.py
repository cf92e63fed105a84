"""Reading a repository without a checkout, and keeping the token where it belongs."""

from __future__ import annotations

import pytest

from difyaction.errors import Failed
from difyaction.gitops.github.repository import Repository
from tests.contract.github_setting import NAME, OTHER, VALUES, bench, content, sample
from tests.emulators.faults import BAD_GATEWAY, SECONDARY_LIMIT
from tests.emulators.github.emulator import GitHubEmulator


def test_one_look_shows_settings_base_branches_and_pull_requests(github: GitHubEmulator) -> None:
    hosted = sample(github, allow_auto_merge=False, allow_merge_commit=False)
    hosted.push({"x": b"1"}, branch="dify-upgrade/staging")
    hosted.push({"x": b"2"}, branch="feature")
    hosted.open_pull("dify-upgrade/staging", author="installed-app[bot]")
    hosted.open_pull("feature", author="jane", fork_of="mallory")
    look = bench(github).look()
    assert (look.base, look.base_oid) == ("main", hosted.head("main"))
    assert (look.auto_merge_allowed, look.methods) == (False, ("squash", "rebase"))
    assert look.branches == {"dify-upgrade/staging": hosted.head("dify-upgrade/staging")}
    pull = look.pull_of("dify-upgrade/staging")
    assert pull is not None
    assert (pull.number, pull.author) == (1, look.bot)
    assert look.pull_of("feature") is None
    assert len(github.requests) == 1


@pytest.mark.parametrize(
    "tricky",
    [
        b"\xef\xbb\xbftag: 1.13.3\r\n",
        b"# caf\xe9\ntag: 1.13.3\n",
        b"tag: 1.13.3",
        b"",
        "標籤: 1.13.3 # 🚀\n".encode(),
        b"a\x00b",
        b"tag: 1.13.3\n# " + b"x" * 700_000,
        b"a\x85b\xc2\x85\xe2\x80\xa8tag\r",
    ],
)
def test_every_byte_of_a_file_arrives(github: GitHubEmulator, tricky: bytes) -> None:
    sample(github, {VALUES: tricky})
    here = bench(github)
    (file,) = here.repository.read(here.repository.entries(here.look().base_tree))
    assert file.content == tricky


def test_altered_bytes_are_refused(github: GitHubEmulator) -> None:
    sample(github, {VALUES: b"caf\xe9"})
    github.faults.add("GET */git/blobs/*", status=200, body={"content": "YWx0ZXJlZA==", "encoding": "base64"})
    here = bench(github)
    with pytest.raises(Failed) as caught:
        here.repository.read(here.repository.entries(here.look().base_tree))
    assert caught.value.id == "blob-corrupt"


@pytest.mark.parametrize("base", ["", "release/1.x"])
def test_nobody_is_asked_to_choose_from_a_listing_that_is_not_known(github: GitHubEmulator, base: str) -> None:
    paths = [f"a{top}/b{inner}/values.yaml" for top in range(3) for inner in range(3)]
    hosted = sample(github, dict.fromkeys(paths, content()), tree_limit=6)
    hosted.branch("release/1.x")
    lists: list[int] = []
    bench(github).repository.survey(lambda entries: lists.append(len(entries)) or entries, base=base)
    assert set(lists) == {9}


def test_a_listing_that_is_refused_says_so(github: GitHubEmulator) -> None:
    sample(github)
    github.faults.add("GET */git/trees/*", status=403, message="Resource not accessible by integration", times=None)
    with pytest.raises(Failed) as caught:
        bench(github).repository.survey(lambda entries: pytest.fail(f"asked to choose from {entries}"))
    assert caught.value.id == "token-may-not"


@pytest.mark.parametrize("base", ["", "main", "release/1.x"])
def test_a_survey_takes_two_calls_and_brings_spare_files_along(github: GitHubEmulator, base: str) -> None:
    hosted = sample(github)
    hosted.branch("release/1.x")
    repository = bench(github).repository
    look, files = repository.survey(lambda entries: entries[:1], base=base, spare=lambda entries: entries)
    assert len(files) == 1
    assert len(repository.read(repository.entries(look.base_tree))) == 2
    assert len(github.requests) == 2


def test_one_branch_by_its_whole_name_is_known_among_any_number(github: GitHubEmulator) -> None:
    hosted = sample(github)
    for number in range(101):
        hosted.branch(f"a{number:03}")
        hosted.open_pull(f"a{number:03}")
    hosted.branch("zbump")
    look = bench(github).look("zbump")
    assert look.branches["zbump"] == hosted.head("zbump")
    assert look.knows("zbump")
    assert not look.knows("other")
    assert bench(github).look("zfree").knows("zfree")
    assert bench(github).look("a000").pull_of("a000") is not None


def test_a_listing_too_large_for_one_answer_is_walked(github: GitHubEmulator) -> None:
    files = {f"a{top}/b{inner}/values.yaml": content(b"%d" % top) for top in range(3) for inner in range(3)}
    sample(github, files, tree_limit=6)
    here = bench(github)
    look, read = here.repository.survey(lambda entries: entries)
    assert {file.path: file.content for file in read} == files
    assert look.base == "main"


def test_a_folder_too_large_for_any_answer_is_an_error(github: GitHubEmulator) -> None:
    sample(github, {f"{number}.yaml": content() for number in range(9)}, tree_limit=6)
    here = bench(github)
    with pytest.raises(Failed) as caught:
        here.repository.entries(here.look().base_tree)
    assert caught.value.id == "listing-truncated"


def test_a_base_that_moves_during_the_survey_is_read_as_it_is_then(github: GitHubEmulator) -> None:
    hosted = sample(github)

    def push(_: object) -> None:
        hosted.push({VALUES: b"newer\n", OTHER: None})

    github.faults.add("GRAPHQL viewer", before=push)
    look, files = bench(github).repository.survey(lambda entries: entries)
    assert look.base_oid == hosted.head("main")
    assert {file.path: file.content for file in files} == {VALUES: b"newer\n"}


def test_a_files_history_and_its_past(github: GitHubEmulator) -> None:
    hosted = sample(github)
    first = hosted.head("main")
    second = hosted.push({VALUES: content(b"1.14.0")})
    hosted.push({OTHER: b"something else\n"})
    repository = bench(github).repository
    touches = repository.last_changed(VALUES, at="main")
    assert [touch.sha for touch in touches] == [second, first]
    assert touches[0].when.tzinfo is not None
    assert repository.file_at(first, VALUES) == content()
    assert repository.file_at(first, "nowhere.yaml") is None


@pytest.mark.parametrize(
    ("name", "base", "wanted"),
    [("acme/nothing", "", "repository-not-found"), (NAME, "nowhere", "base-not-found")],
)
def test_what_is_not_there_is_named(github: GitHubEmulator, name: str, base: str, wanted: str) -> None:
    sample(github)
    here = bench(github)
    for look in (
        lambda: Repository(here.repository.client, name).look(base),
        lambda: Repository(here.repository.client, name).survey(lambda entries: entries, base=base),
    ):
        with pytest.raises(Failed) as caught:
            look()
        assert caught.value.id == wanted


def test_an_empty_repository_has_no_base(github: GitHubEmulator) -> None:
    github.repository(NAME)
    with pytest.raises(Failed) as caught:
        bench(github).look()
    assert caught.value.id == "base-not-found"


def test_an_archived_repository_is_not_written_to(github: GitHubEmulator) -> None:
    sample(github, archived=True)
    with pytest.raises(Failed) as caught:
        bench(github).look()
    assert caught.value.id == "repository-archived"


def test_a_token_that_is_not_valid_is_named_and_not_repeated(github: GitHubEmulator) -> None:
    sample(github)
    with pytest.raises(Failed) as caught:
        bench(github, "ghs_wrong").look()
    assert caught.value.id == "token-rejected"
    assert "ghs_wrong" not in str(caught.value)


# -- trouble ------------------------------------------------------------------------------------------------------


def test_a_busy_server_is_asked_again_after_what_it_asks_for(github: GitHubEmulator) -> None:
    sample(github)
    github.faults.add("GRAPHQL viewer", **SECONDARY_LIMIT)
    github.faults.add("GRAPHQL viewer", **BAD_GATEWAY)
    github.faults.add("GRAPHQL viewer", reset=True)
    here = bench(github)
    assert here.look().base == "main"
    assert here.repository.calls.total == 4
    assert sum(here.time.pauses) >= 3
    assert [said.partition(" ")[2].partition(":")[0] for said in here.time.said] == [
        "answered 403",
        "answered 502",
        "did not answer",
    ]


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        ({"status": 429, "headers": {"Retry-After": "4000"}}, "rate-limited"),
        ({"status": 502, "times": None}, "github-unavailable"),
        ({"reset": True, "times": None}, "github-unavailable"),
    ],
)
def test_patience_ends(github: GitHubEmulator, fault: dict[str, object], wanted: str) -> None:
    sample(github)
    github.faults.add("*", **fault)
    here = bench(github)
    with pytest.raises(Failed) as caught:
        here.look()
    assert caught.value.id == wanted
    assert sum(here.time.pauses) <= 300


def test_foreign_text_in_an_error_is_bounded(github: GitHubEmulator) -> None:
    sample(github)
    github.faults.add("GET */git/trees/*", status=400, message="::error::x\n" * 200)
    here = bench(github)
    with pytest.raises(Failed) as caught:
        here.repository.entries("main")
    assert caught.value.id == "github-refused"
    assert len(str(caught.value)) < 600
    assert "\n" not in str(caught.value)
