"""A GitHub that publishes Dify: lists and files from memory, and nothing that it was not asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from difyaction.web import Credential, Reply
from tests.shared import upstream_file, upstream_tags
from tests.unit.reads import Answers, Asked

API = "https://api.github.com"

# Upstream's releases with the days on which they were published, newest first; 1.16.2 has a tag only.
RELEASES = {
    "1.16.1": "2026-07-28",
    "1.16.0": "2026-07-17",
    "1.16.0-rc1": "2026-07-09",
    "1.15.0": "2026-06-25",
    "1.14.2": "2026-05-19",
    "1.14.1": "2026-05-12",
    "1.14.0": "2026-04-29",
    "1.13.3": "2026-03-25",
    "1.13.1": "2026-03-17",
    "1.14.0-rc1": "2026-02-14",
    "1.13.0": "2026-02-11",
    "1.12.1": "2026-02-04",
    "1.12.0": "2026-02-03",
}
BARE_TAGS = ("1.16.2", "browser-profile")


def compose(tag: str) -> str:
    return f"services:\n  api:\n    image: langgenius/dify-api:{tag}\n  web: {{image: 'langgenius/dify-web:{tag}'}}\n"


def many_releases() -> dict[str, str]:
    """Return as many releases as two pages and a half hold, newest first."""
    older = {f"1.{minor}.{patch}": "2025-01-01" for minor in range(11, -1, -1) for patch in range(19, -1, -1)}
    return {**RELEASES, **older}


@dataclass
class FakeUpstream(Answers):
    """``refusals`` maps the beginning of a path to the answer that is given in its place."""

    releases: Mapping[str, str] = field(default_factory=lambda: RELEASES)
    bare_tags: tuple[str, ...] = BARE_TAGS
    files: dict[tuple[str, str], str] = field(default_factory=dict)
    refusals: dict[str, Reply] = field(default_factory=dict)
    api_url: str = API
    asked: list[str] = field(default_factory=list)
    credentials: list[Credential | None] = field(default_factory=list)

    def answer(self, asked: Asked) -> Reply:
        root = f"{self.api_url}/repos/langgenius/dify/"
        assert asked.url.startswith(root), asked.url
        assert asked.limit >= 1_000_000
        path = asked.url.removeprefix(root)
        self.asked.append(path)
        self.credentials.append(asked.credential)
        for beginning, reply in self.refusals.items():
            if path.startswith(beginning):
                return reply
        return self._answer(path, asked.headers["Accept"])

    def _answer(self, path: str, accept: str) -> Reply:
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path.startswith("contents/"):
            assert accept == "application/vnd.github.raw+json"
            return self._file(query["ref"], unquote(parts.path.removeprefix("contents/")))
        assert accept == "application/vnd.github+json"
        lists = {
            "releases": [_release(tag, day) for tag, day in self.releases.items()],
            "tags": [{"name": tag} for tag in (*self.bare_tags, *self.releases)],
        }
        size, page = int(query["per_page"]), int(query["page"])
        return Reply(200, {}, json.dumps(lists[parts.path][size * (page - 1) : size * page]).encode())

    def _file(self, tag: str, path: str) -> Reply:
        text = self.files.get((tag, path))
        if text is None and path == "docker/docker-compose.yaml" and tag in {*self.releases, *self.bare_tags}:
            text = compose(tag)
        return Reply(404, {}, b"{}") if text is None else Reply(200, {}, text.encode())


def _release(tag: str, day: str) -> dict[str, object]:
    return {
        "tag_name": tag,
        "draft": False,
        "prerelease": "-rc" in tag,
        "published_at": f"{day}T08:00:00Z",
        "body": f"Notes of {tag}",
        "html_url": f"https://github.com/langgenius/dify/releases/tag/{tag}",
    }


def with_real_files() -> FakeUpstream:
    """Return a fake that serves upstream's own files for the tags whose files are here."""
    files = {}
    for tag in upstream_tags():
        for path in ("docker/docker-compose.yaml", "docker/.env.example"):
            files[tag, path] = upstream_file(tag, path)
    for tag in ("1.14.1", "1.15.0", "1.16.1"):
        path = "docker/envs/core-services/shared.env.example"
        files[tag, path] = upstream_file(tag, path)
    return FakeUpstream(files=files)
