"""What is shown: texts of real runs of the entry point against the emulated GitHub. Nothing here is written by hand."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from scripts.screenshots.page import page, rendered
from tests.stage.run import act
from tests.stage.world import World

SUMMARY_BAR = '<div class="box"><div class="bar"><b>{job}</b> summary</div>'
PULL_BAR = (
    '<h1 class="title">{title} <span style="color:var(--pale)">#{number}</span></h1><div class="state">Open</div>'
    '<div class="box"><div class="bar"><b>{author}</b> wants to merge 1 commit into <code>{base}</code> '
    "from <code>{head}</code></div>"
)
# What differs from run to run and says nothing of how it is written: seconds, the time of day, commits, plans.
_OF_ONE_RUN = (
    (re.compile(r"(?<![0-9.])[0-9]+\.[0-9](?= (?:s|秒)\b)"), "0.0"),
    (re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\b"), "2000-01-01 00:00:00"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "0" * 64),
    (re.compile(r"(?<=Commit )[0-9a-f]{12}\b"), "0" * 12),
)


@dataclass(frozen=True)
class Scene:
    """One picture: its name, the Markdown that the run wrote, and the page."""

    name: str
    markdown: str
    html: str

    @property
    def written(self) -> str:
        """The Markdown as every run writes it; it stands beside the picture and tells when that is out of date."""
        text = self.markdown
        for pattern, always in _OF_ONE_RUN:
            text = pattern.sub(always, text)
        return text.rstrip("\n") + "\n"


def scenes(stage: World) -> Iterator[Scene]:
    """Run the Action, and yield what it showed: the plan in two languages, then the pull request."""
    stage.repository.settings.allow_auto_merge = True
    stage.repository.protect("main", required_checks=("ci",))
    for language, zone in (("en", "UTC"), ("ja", "Asia/Tokyo")):
        run = act(stage.inputs(mode="plan", language=language, timezone=zone))
        yield _scene(f"summary-{language}", run.summary, SUMMARY_BAR.format(job="plan"), stage)
    run = act(stage.inputs(auto_merge="squash", labels="dify"))
    yield _scene("applied-en", run.summary, SUMMARY_BAR.format(job="propose"), stage)
    pull = stage.repository.pull(int(run.outputs["pull-request-number"]))
    head = PULL_BAR.format(
        title=html.escape(pull.title),
        number=pull.number,
        author=html.escape(f"{stage.app.slug}[bot]"),
        base=html.escape(pull.base),
        head=html.escape(pull.head),
    )
    yield _scene("pull-request-en", pull.body, head, stage)


def _scene(name: str, markdown: str, head: str, stage: World) -> Scene:
    """Make a scene of a text. Loopback addresses of the stage become those that people have."""
    shown = markdown.replace(stage.github.url, "https://github.com").replace(stage.registry.host, "registry.example")
    return Scene(name, shown, page(rendered(shown), head=head))
