"""`make screenshots`: pictures of what a real run shows, for the READMEs.

The entry point runs against the emulated GitHub; its job summary and its pull request are rendered and drawn. Beside
each picture stands the text that it was drawn from, without what differs from run to run: a test compares it with that
of a new run.
"""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.screenshots import chromium
from scripts.screenshots.scenes import scenes
from tests.stage.world import world

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs/images"
PAGES = ROOT / "build/screenshots"
LARGEST = 300_000  # bytes of one picture


def main() -> int:
    """Draw every scene; the exit code says whether each is small enough."""
    browser = chromium.found()
    PICTURES.mkdir(parents=True, exist_ok=True)
    PAGES.mkdir(parents=True, exist_ok=True)
    too_large = False
    with world() as stage:
        for scene in scenes(stage):
            page, picture = PAGES / f"{scene.name}.html", PICTURES / f"{scene.name}.png"
            page.write_text(scene.html, "utf-8")
            chromium.draw(browser, page, picture)
            picture.with_suffix(".txt").write_text(scene.written, "utf-8")
            size = picture.stat().st_size
            print(f"{picture.relative_to(ROOT)}: {size} bytes")
            too_large |= size > LARGEST
    return 1 if too_large else 0


if __name__ == "__main__":
    sys.exit(main())
