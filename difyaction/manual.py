"""Where the page about errors stands that belongs to the very release that runs."""

from __future__ import annotations

import re
from collections.abc import Mapping

_SERVER = re.compile(r"https://[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?(?::[0-9]{1,5})?")
_REPOSITORY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,99})/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")
_REF = re.compile(r"(?!.*(?:\.\.|//|/$))[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")
_PAGE = re.compile(r"(?<![\w/(\[`])docs/[a-z-]+\.md")
_ID = re.compile(r"[a-z0-9-]{1,100}")


def page(environ: Mapping[str, str]) -> str:
    """Return the address of docs/troubleshooting.md, as the runner names the Action that it runs.

    Empty at a desk, for an Action out of the workspace (``uses: ./``), and where one of these names has odd signs: it
    becomes a link in the summary. On GitHub Enterprise Server, an Action that comes by way of GitHub Connect stands on
    github.com, which the runner does not tell.
    """
    server = environ.get("GITHUB_SERVER_URL", "")
    repository = environ.get("GITHUB_ACTION_REPOSITORY", "")
    ref = environ.get("GITHUB_ACTION_REF", "")
    if not (_SERVER.fullmatch(server) and _REPOSITORY.fullmatch(repository) and _REF.fullmatch(ref)):
        return ""
    return f"{server}/{repository}/blob/{ref}/docs/troubleshooting.md"


def with_links(template: str, page: str) -> str:
    """Link the other pages that a template of ours names, such as docs/restore.md, where the release is known."""
    folder = page.removesuffix("docs/troubleshooting.md")
    return _PAGE.sub(rf"[\g<0>]({folder}\g<0>)", template) if folder else template


def linked(error: str, page: str) -> str:
    """Write an error's id as Markdown: a link to its heading on the page, where there is one."""
    return f"[`{error}`]({page}#{error})" if page and _ID.fullmatch(error) else f"`{error}`"
