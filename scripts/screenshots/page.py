"""Markdown as GitHub would show it, on a page of its own."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

HERE = Path(__file__).resolve().parent
MERMAID = HERE / "node_modules/mermaid/dist/mermaid.min.js"
READY = "data-height"  # of the root, once everything is drawn: the page's height in pixels
_DRAW = f"""
const done = () => document.documentElement.setAttribute("{READY}", document.body.scrollHeight);
mermaid.initialize({{startOnLoad: false, theme: "default"}});
mermaid.run().then(done);
"""


def rendered(markdown: str) -> str:
    """Return the HTML of a text: tables, raw HTML and fences as GitHub takes them, diffs in colour."""
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    reader.add_render_rule("fence", _fence)
    text: str = reader.render(markdown)
    return text


def page(body: str, *, head: str) -> str:
    """Return the whole page; ``head`` is HTML above the text."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<style>{(HERE / 'page.css').read_text('utf-8')}</style></head>"
        f"<body>{head}<article>{body}</article></div>"
        f'<script src="{MERMAID.as_uri()}"></script><script>{_DRAW}</script></body></html>'
    )


def _fence(_: Any, tokens: list[Any], index: int, *_rest: Any) -> str:  # noqa: ANN401 - markdown-it-py's own signature
    token = tokens[index]
    if token.info.strip() == "mermaid":
        return f'<pre class="mermaid" style="background:none">{html.escape(token.content)}</pre>'
    lines = token.content.rstrip("\n").split("\n")
    body = "\n".join(_coloured(line) for line in lines) if token.info.strip() == "diff" else html.escape(token.content)
    return f"<pre><code>{body}</code></pre>"


def _coloured(line: str) -> str:
    kinds = {"+": "added", "-": "removed", "@": "hunk"}
    kind = kinds.get(line[:1], "") if not line.startswith(("+++", "---")) else "hunk"
    return f'<span class="{kind}">{html.escape(line)}</span>' if kind else html.escape(line)
