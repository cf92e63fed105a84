import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from difyaction.gitops.wording import markdown

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
ADDRESS = re.compile(r"https?://[\w-]+(?:\.[\w-]+)+(?:[/?#][^\s<]*)?")  # linked as a whole: nothing in it links again
LINKS = re.compile(
    r"(?<![A-Za-z0-9])@[A-Za-z0-9]|#\d|(?<![A-Za-z0-9])GH-\d|[\w.]@[0-9a-f]{7}",
    re.IGNORECASE,
)
ISSUE = re.compile(r"https?://(?:www\.)?github\.com/[^/]+/[^/]+/(?:issues|pull|commit)/", re.IGNORECASE)


def texts(source: str) -> list[str]:
    """What a browser would show as text outside code, by a parser that is not ours."""
    found: list[str] = []

    def walk(tokens: list[Token]) -> None:
        for token in tokens:
            if token.children:
                walk(token.children)
            elif token.type in {"text", "html_block"}:
                found.append(ADDRESS.sub(lambda whole: whole[0] if ISSUE.match(whole[0]) else "", token.content))
                assert not ISSUE.search(found[-1])
            if token.type == "html_inline":
                assert token.content == "<!-- -->"

    walk(PARSER.parse(source))
    return found


@pytest.mark.parametrize(
    "hostile",
    [
        "thanks @alice and @org/team",
        "by @alice in https://github.com/langgenius/dify/pull/1",
        "see #12, GH-12, langgenius/dify#12 and fixes #3",
        "closes https://github.com/langgenius/dify/issues/7",
        "at http://www.github.com/langgenius/dify/commit/0123456789abcdef",
        "www.github.com/langgenius/dify/issues/7",
        "[this](https://github.com/langgenius/dify/issues/7 'title')",
        "[a][b]\n\n[b]: https://github.com/langgenius/dify/issues/7",
        "\\@alice &#64;alice &commat;alice &#x40;alice @&#97;lice &num;12 &&#35;64;alice",
        "a * b `code` **@alice** _@alice_",
        "<b>@alice</b> <a href='https://github.com/o/r/pull/1'>@alice</a> #<i></i>12 @<u></u>alice",
        "`open\n@alice`",
        '[x](a "` @alice `")',
        '[x](a "`") @alice `',
        '[x](a "`\n`") @alice `',
        "| a | b |\n|---|---|\n| ` | ` @alice |",
        "| a | b |\n|---|---|\n| ` | x` `@alice` `y |",
        "<https://x/`@alice`>",
        "    ```\n@alice\n    ```",
        "- ```\n  @alice\n@bob",
        "~~~\n@alice\n~~~~ x\n~~~\n@bob",
        "user@0123456 langgenius/dify@0123456789",
        "\u200b@\u200balice",
        "<!-- a\n```\n-->@alice",
        "\\<b></b>`x` @alice `",
        "<pre>\n\n@alice",
        "[f]: /u '\n' @alice",
    ],
)
def test_nothing_in_foreign_text_reaches_a_person_or_an_issue(hostile: str) -> None:
    harmless = markdown.neutralise(hostile)

    assert [text for text in texts(harmless) if LINKS.search(text)] == []
    assert "://github.com/langgenius/dify/issues" not in harmless


PIECES = [
    *("@alice", "#12", "`", "``", "```", "~~~", "<b>", "</b>", "<!--", "-->", "|", "[", "](", ")", "]:", "!", "\\"),
    *("&#64;", "&", "#", "64;", "a", "https://", "github.com/o/r/issues/1", '"', "'", "<details>", "<", ">", "*", "$"),
    *("|---|", "GH-1", "o/r#1", "/approve", "x@y", "https://github.com/o/r/pull/2", "\n", "\n\n", "\r\n", " "),
    *("    ", "> ", "- ", "1. ", "_"),
]


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=24).map("".join))
def test_no_composition_of_markdown_hides_a_mention_or_a_reference(source: str) -> None:
    harmless = markdown.neutralise(source)

    assert [text for text in texts(harmless) if LINKS.search(text)] == []
    following = PARSER.parse(f"{harmless}\n\n<details>\n\nnext\n\n</details>")
    assert [token.content for token in following if token.type == "html_block"][-2:] == ["<details>\n", "</details>"]


def test_code_stays_as_it_was_written() -> None:
    source = (
        "1. Back up\n\n   ```bash\n   docker pull x@sha256:1 # 12\n   echo '@all'\n   ```\n2. run `git checkout @{u}`"
    )

    shown = markdown.neutralise(source)

    assert "```bash\n   docker pull x@sha256:1 # 12\n   echo '@all'\n```" in shown
    assert "`git checkout @{u}`" in shown


def test_a_fence_that_was_left_open_is_closed_and_longer_than_what_it_holds() -> None:
    assert markdown.neutralise("~~~~md\n```\nx") == "````md\n```\nx\n````"


def test_diagrams_of_strangers_are_not_drawn() -> None:
    assert markdown.neutralise("```mermaid\ngraph TD\n```") == "```text\ngraph TD\n```"


def test_pictures_and_html_become_links_and_text() -> None:
    source = (
        '<img width="9" alt="x" src="https://a.example/i.png"> ![pic](https://a.example/j.png)\n'
        "<details><summary>More</summary>\n<your-password> a < b"
    )

    assert markdown.neutralise(source) == (
        "[image](https://a.example/i.png) [pic](https://a.example/j.png)\n**More**\n&lt;your-password> a &lt; b"
    )


def test_comments_vanish_and_those_in_code_do_not() -> None:
    assert markdown.neutralise("<!-- a -->\nx <!-- b --> y\n`<!-- c -->`\n<!-- d\ne\n-->z") == "x  y\n`<!-- c -->`\nz"


def test_our_own_marker_cannot_be_forged() -> None:
    for forged in ("<!-- dify-upgrade-action: unit=x -->", "```\n<!-- dify-upgrade-action: unit=x -->\n```"):
        assert "<!-- dify-upgrade-action" not in markdown.neutralise(forged)


def test_links_that_lead_elsewhere_stay() -> None:
    source = "[docs](https://docs.example/a_b(c)) **https://a.example/b** https://b.example/@me/x#1 and me@example.com"

    assert markdown.neutralise(source) == (
        "[docs](https://docs.example/a_b(c)) **https://a.example/b** https://b.example/%40me/x#1 and me@example.com"
    )


def test_links_that_github_must_not_follow_lose_their_address() -> None:
    assert markdown.neutralise("[a](javascript:x) [b](../c) [d](https://ghe.example/o/r/issues/1)") == "[a] [b] [d]"
    assert markdown.neutralise("fixes https://ghe.example/o/r/issues/1") == (
        "fixes https<!-- -->://ghe<!-- -->.example/o/r/issues/1"
    )


def test_boxes_and_bots_words_are_only_text() -> None:
    assert markdown.neutralise("- [ ] a\n- [x] b\n/approve") == "- ☐ a\n- ☑ b\n\\/approve"


def test_headings_go_deeper_and_no_further_than_six() -> None:
    assert markdown.neutralise("# a\n##### b\n```\n# c\n```", deeper=2) == "### a\n###### b\n```\n# c\n```"


def test_a_long_hostile_line_takes_no_time() -> None:
    for line in ("<a href='' " * 20_000, "`" * 30_000, "](" * 30_000, "<!--" * 30_000, "&#64;" * 20_000, "- " * 30_000):
        markdown.neutralise(line)
