"""The Helm charts of Dify that we know, as charts.toml has them."""

from __future__ import annotations

import functools
import pathlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from difyaction.gitops.editing.address import Path
from difyaction.gitops.finding.tree import Tree


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where one chart's values name images. See charts.toml for what each field means."""

    id: str
    tags: Mapping[Path, str]
    shared: Mapping[Path, tuple[str, ...]]
    own: tuple[Path, ...]
    near: tuple[Path, ...]
    mark: Path | None
    registry: Path | None
    migrates: Path | None

    def fits(self, tree: Tree, prefix: Path) -> bool:
        """Whether nothing below ``prefix`` speaks for a sibling of this layout."""
        return self.mark is None or tree.has(prefix + self.mark)

    def weight(self, tree: Tree, prefix: Path) -> int:
        """How many of its keys stand below ``prefix``."""
        keys = {path[:-1] for path in self.tags} | set(self.near)
        # `api` and `api.image` are one key: what stands deeper says no more.
        found = {next((near for near in self.near if key[: len(near)] == near), key) for key in keys}
        return sum(tree.has(prefix + key) for key in found)

    def is_proved(self, tree: Tree, prefix: Path) -> bool:
        """Whether a key that no other chart has stands below ``prefix``."""
        return any(tree.has(prefix + key) for key in self.own)


@functools.cache
def layouts() -> tuple[Layout, ...]:
    """Return every known layout; one with a mark comes before the one that it resembles."""
    text = pathlib.Path(__file__).with_name("charts.toml").read_text(encoding="utf-8")
    return tuple(_layout(item) for item in tomllib.loads(text)["layout"])


def layout_at(tree: Tree, path: Path, image: str) -> tuple[Layout, Path] | None:
    """Return the layout that has a tag of ``image`` at ``path``, and what comes before its own part of the path."""
    for layout in layouts():
        for tag, of in layout.tags.items():
            prefix = path[: -len(tag)]
            if of == image and path[-len(tag) :] == tag and layout.fits(tree, prefix):
                return layout, prefix
    return None


def _layout(item: Mapping[str, Any]) -> Layout:
    return Layout(
        id=item["id"],
        tags={_path(path): image for path, image in item["tags"].items()},
        shared={_path(path): tuple(images) for path, images in item.get("shared", {}).items()},
        own=tuple(_path(path) for path in item["own"]),
        near=tuple(_path(path) for path in item["near"]),
        mark=_path(item["mark"]) if "mark" in item else None,
        registry=_path(item["registry"]) if "registry" in item else None,
        migrates=_path(item["migrates"]) if "migrates" in item else None,
    )


def _path(text: str) -> Path:
    return tuple(text.split("."))
