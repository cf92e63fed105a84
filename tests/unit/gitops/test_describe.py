from dataclasses import dataclass, field, replace

import pytest

from difyaction.errors import Invalid
from difyaction.gitops.wording import describe
from difyaction.gitops.wording.describe import Subject
from difyaction.gitops.wording.marks import is_marked, units_of
from difyaction.language import Language
from difyaction.releases.catalogue import EnvKeys, ImageSet, Published, Release
from difyaction.releases.version import Version
from difyaction.target import Change, Objection, Severity

SAY = Language.of("en").say
URL = "https://github.com/langgenius/dify"


@dataclass(frozen=True)
class Said:
    text: str
    facts: dict[str, object] = field(default_factory=dict)


def release(*between: Published) -> Release:
    newest = between[0]
    keys = EnvKeys(added=("NEW",), removed=("OLD",), changed=(("A", "1", "2|3"),))
    return Release(newest, ImageSet({}), between, keys, f"{URL}/compare/1.13.3...1.14.1")


def published(version: str, notes: str) -> Published:
    return Published(Version.parse(version), version, None, notes, f"{URL}/releases/tag/{version}")


CHANGES = tuple(
    Change(f"staging/values.yaml#image.{name}.tag", f"langgenius/dify-{name}", "1.13.3", "1.14.1", "staging")
    for name in ("api", "web")
)
SUBJECT = Subject(
    unit="staging",
    from_version="1.13.3",
    to_version="1.14.1",
    changes=CHANGES,
    plan_id="abc123",
    objections=(
        Objection("plugin-migration", "1.14.1", Severity.ACKNOWLEDGE, "{unit} needs `flask x`", {"unit": "staging"}),
        Objection("never-so", "1.14.1", Severity.NEVER, "no way"),
        Objection("env-layout", "1.14.1", Severity.ACKNOWLEDGE, "read", acknowledged=True),
    ),
    remarks=(Said("{file} stays, said @bob", {"file": "a.yaml"}),),
    release=release(published("1.14.1", "## Upgrade Guide\nback up"), published("1.14.0", "by @bob, fixes #12")),
    heads=("aaa", "bbb"),
)


def test_the_title_names_versions_and_unit() -> None:
    assert describe.title(SUBJECT, SAY) == "Upgrade Dify from 1.13.3 to 1.14.1 (staging)"
    assert describe.title(replace(SUBJECT, from_version=""), SAY) == "Set Dify to 1.14.1 (staging)"
    assert describe.title(SUBJECT, SAY, "[{environment}]\nDify {to}") == "[staging] Dify 1.14.1"
    assert len(describe.title(replace(SUBJECT, unit="x" * 400), SAY)) == 256


def test_the_commit_message_has_a_short_headline_and_our_trailer() -> None:
    message = describe.commit_message(replace(SUBJECT, unit="a-very-long-unit/" * 6))

    headline, blank, *lines = message.split("\n")
    assert len(headline) <= 72
    assert blank == ""
    assert "langgenius/dify-api: 1.13.3 -> 1.14.1" in lines
    assert units_of(describe.commit_message(SUBJECT)) == ("staging",)
    assert units_of(describe.commit_message(SUBJECT, "chore: dify {to}")) == ("staging",)
    assert describe.commit_message(SUBJECT, "chore: dify {to}\n\nSigned-off-by: Me <me@example.com>").endswith(
        "Signed-off-by: Me <me@example.com>\nDify-Upgrade-Action: staging"
    )


def test_the_body_tells_everything_a_reviewer_needs_in_this_order() -> None:
    body = describe.body(SUBJECT, SAY)

    order = [
        "<!-- dify-upgrade-action: unit=staging -->",
        "Upgrades Dify from `1.13.3` to `1.14.1`.",
        "/compare/1.13.3...1.14.1",
        "[!CAUTION]",
        "In `staging/values.yaml`:",
        "| What | Old | New | Where |",
        "| `langgenius/dify-api` | `1.13.3` | `1.14.1` | `image.api.tag` |",
        "staging needs `flask x` To accept it: `acknowledge: plugin-migration@1.14.1`",
        "This cannot be acknowledged.",
        "Accepted with `env-layout@1.14.1`.",
        "Schema head: `aaa` → `bbb`.",
        "Environment keys: 1 new, 1 gone, 1 with another default",
        "`1` → `2\\|3`",
        "a.yaml stays, said @<!-- -->bob",
        "### Read before you merge",
        "back up",
        "### Release notes",
        "by @<!-- -->bob, fixes #<!-- -->12",
        "`abc123`",
    ]
    places = [body.index(part) for part in order]
    assert places == sorted(places)


def test_a_plan_without_objections_raises_no_alarm() -> None:
    body = describe.body(replace(SUBJECT, objections=()), SAY)

    assert "[!" not in body
    assert "Objections" not in body


def test_several_units_are_told_apart_and_every_place_is_one_click_away() -> None:
    changes = (*CHANGES, replace(CHANGES[0], unit="prod", where="prod/values.yaml#image.api.tag"))

    body = describe.body(replace(SUBJECT, changes=changes), SAY)

    assert "| `langgenius/dify-api` | `1.13.3` | `1.14.1` | `staging`, `prod` |" in body
    assert "<summary>Every place (3)</summary>" in body
    assert "- `staging/values.yaml`: `image.api.tag`, `image.web.tag`\n- `prod/values.yaml`: `image.api.tag`" in body


def test_the_body_stays_below_githubs_limit_whatever_is_in_it() -> None:
    changes = tuple(
        replace(change, after=f"1.14.{number}", where=f"{number}/{change.where}")
        for number in range(2_000)
        for change in CHANGES
    )
    huge = replace(
        SUBJECT,
        changes=changes,
        objections=SUBJECT.objections * 300,
        remarks=SUBJECT.remarks * 2_000,
        release=replace(
            release(
                *(published(f"1.14.{patch}", "## Upgrade\n" + "word @bob\n" * 4_000) for patch in range(150, 0, -1))
            ),
            env_keys=EnvKeys(added=tuple(f"KEY_{number}" for number in range(3_000))),
        ),
    )

    for body in (describe.body(huge, SAY), describe.body(huge, SAY, "{table}{notes}{notes}{objections}")):
        assert 40_000 < len(body) < 65_536
        assert body.count("<details>") == body.count("</details>")
    assert "more, left out for length." in describe.body(huge, SAY)


def test_a_template_is_filled_and_marked_as_ours() -> None:
    body = describe.body(SUBJECT, SAY, "{environment} {from} {to} {units} {compare-url} {plan-id}\n{notes}")

    assert is_marked(body, "staging")
    assert f"staging 1.13.3 1.14.1 staging {URL}/compare/1.13.3...1.14.1 abc123" in body
    assert "back up" in body


def test_a_template_that_cannot_fit_is_a_complaint() -> None:
    with pytest.raises(Invalid) as caught:
        describe.body(replace(SUBJECT, changes=CHANGES * 100), SAY, "{table}" * 500)

    assert caught.value.id == "template-too-long"


def test_a_rollback_says_what_it_takes_back_and_warns_about_the_schema() -> None:
    back = replace(SUBJECT, from_version="1.14.1", to_version="1.13.3", heads=("bbb", "aaa"), reverts="#41")

    assert describe.title(back, SAY) == "Roll Dify back from 1.14.1 to 1.13.3 (staging)"
    assert describe.commit_message(back).startswith("Roll Dify back to 1.13.3 in staging\n")
    body = describe.body(back, SAY)
    assert "what they held before #41" in body
    assert "restore a backup first" in body
    assert "Release notes" not in body


@pytest.mark.parametrize(
    ("heads", "sentence"),
    [(("a", "a"), "no migration"), (("a", "b"), "migrates the database"), ((None, "b"), "not known")],
)
def test_schema_heads_are_told_in_words(heads: tuple[str | None, str | None], sentence: str) -> None:
    assert sentence in describe.body(replace(SUBJECT, heads=heads), SAY)


def test_a_shared_pull_request_parts_what_is_common_from_what_is_a_units_own() -> None:
    frame, section = describe.frame(SUBJECT, SAY), describe.section(SUBJECT, SAY)

    assert "Release notes" in frame
    assert "langgenius/dify-api" not in frame
    assert not is_marked(frame, "staging")
    assert section.startswith("## `staging`")
    assert "langgenius/dify-api" in section
    assert "Release notes" not in section


def test_every_word_of_ours_goes_through_the_readers_language() -> None:
    def shout(template: str, **facts: object) -> str:
        return template.format(**facts).upper()

    assert "### CHANGES" in describe.body(SUBJECT, shout)
