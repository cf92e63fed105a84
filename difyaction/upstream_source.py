"""The requests to upstream's repository: its lists page by page, and its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from difyaction import errors
from difyaction.releases.catalogue import Published
from difyaction.releases.version import Version
from difyaction.secret import Secret
from difyaction.upstream_refusals import refusal
from difyaction.web import Credential, Reads, Reply, host_of

_PAGE = 100
_MOST_PAGES = 20  # 2,000 entries; a list that never ends is not followed further
_JSON = "application/vnd.github+json"
_RAW = "application/vnd.github.raw+json"

Known = Mapping[Version, Published]


class Source:
    """One repository at one GitHub. Remembers what it has read; ``calls`` counts the requests that it took."""

    def __init__(self, web: Reads, api_url: str, repository: str, token: Secret | None) -> None:
        self.site = site_of(api_url)
        self.repository = repository
        self.calls = 0
        self._web = web
        self._root = f"{api_url.rstrip('/')}/repos/{repository}"
        self._credential = Credential(host_of(api_url), Secret(f"Bearer {token.reveal()}")) if token else None
        self._known: dict[Version, Published] = {}
        self._pages = {"releases": 0, "tags": 0}  # read so far; negative: to the end
        self._files: dict[tuple[str, str], str | None] = {}

    def releases(self, is_enough: Callable[[Known], bool]) -> Known:
        """Return the releases, newest publications first read, and only until they are enough."""
        return self._walk("releases", self._release, is_enough)

    def tags(self, is_enough: Callable[[Known], bool]) -> Known:
        """Return the same with the tags that no release stands behind."""
        return self._walk("tags", self._tag, is_enough)

    def has_read(self, tag: str, path: str) -> bool:
        """Whether this file would cost no request."""
        return (tag, path) in self._files

    def file(self, tag: str, path: str) -> str | None:
        """Return a file's text at a tag, None when it is not there."""
        if (tag, path) not in self._files:
            reply = self._get(f"contents/{quote(path)}?ref={quote(tag, safe='')}", _RAW)
            self._files[tag, path] = None if reply.status == 404 else self._text(reply)  # noqa: PLR2004 - not found
        return self._files[tag, path]

    def _walk(
        self, listing: str, read: Callable[[Mapping[str, object]], Published | None], is_enough: Callable[[Known], bool]
    ) -> Known:
        while 0 <= self._pages[listing] < _MOST_PAGES and not is_enough(self._known):
            page = self._pages[listing] + 1
            entries = self._list(f"{listing}?per_page={_PAGE}&page={page}")
            self._pages[listing] = page if len(entries) == _PAGE else -1
            for published in filter(None, map(read, entries)):
                self._known.setdefault(published.version, published)
        return self._known

    def _release(self, entry: Mapping[str, object]) -> Published | None:
        version = _version(entry.get("tag_name"))
        if version is None or entry.get("draft"):
            return None
        return Published(
            version=version,
            tag=version.tag,
            when=_moment(entry.get("published_at")),
            notes=str(entry.get("body") or ""),
            url=str(entry.get("html_url") or self._page_of(version)),
            prerelease=bool(entry.get("prerelease")),
        )

    def _tag(self, entry: Mapping[str, object]) -> Published | None:
        version = _version(entry.get("name"))
        if version is None:
            return None
        return Published(version, version.tag, when=None, url=self._page_of(version))

    def _page_of(self, version: Version) -> str:
        return f"{self.site}/{self.repository}/releases/tag/{version.tag}"

    def _list(self, path: str) -> list[Mapping[str, object]]:
        reply = self._get(path, _JSON)
        try:
            entries = reply.json() if reply.status == 200 else None  # noqa: PLR2004 - the usual answer
        except ValueError:
            entries = None
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise self._refusal(reply)
        return entries

    def _text(self, reply: Reply) -> str:
        if reply.status != 200:  # noqa: PLR2004 - the usual answer
            raise self._refusal(reply)
        try:
            return reply.text
        except ValueError:
            raise self._refusal(reply) from None

    def _get(self, path: str, accept: str) -> Reply:
        headers = {"Accept": accept, "X-GitHub-Api-Version": "2022-11-28", "User-Agent": "dify-upgrade-action"}
        reply = self._web.get(f"{self._root}/{path}", headers=headers, credential=self._credential)
        self.calls += reply.sent
        return reply

    def _refusal(self, reply: Reply) -> errors.Failed:
        return refusal(reply, host=host_of(self._root), repository=self.repository, anonymous=not self._credential)


def site_of(api_url: str) -> str:
    """Return the address where people read what this API serves."""
    parts = urlsplit(api_url)
    if parts.path.rstrip("/") in {"/api/v3", "/api"}:
        return f"{parts.scheme}://{parts.netloc}"
    return f"{parts.scheme}://{parts.netloc.removeprefix('api.')}"


def _version(tag: object) -> Version | None:
    try:
        return Version.parse(str(tag))
    except ValueError:
        return None


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
