"""`make screenshots`: pictures of what a real run shows, for the READMEs.

The entry point runs against the emulated GitHub; its job summary and its pull request are rendered and drawn. Beside
each picture stands the text that it was drawn from, without what differs from run to run: a test compares it with that
of a new run. With `machines` as an argument, two machines are upgraded first, and what these runs handed on is kept
(`recorded.py`); their summaries are drawn from that.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.screenshots import chromium
from scripts.screenshots.machines import machine_scenes, recordings
from scripts.screenshots.scenes import scenes
from tests.stage.world import world

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs/images"
PAGES = ROOT / "build/screenshots"
LARGEST = 450_000  # bytes of one picture


def main(asked: Sequence[str]) -> int:
    """Draw every scene; the exit code says whether each is small enough."""
    browser = chromium.found()
    PICTURES.mkdir(parents=True, exist_ok=True)
    PAGES.mkdir(parents=True, exist_ok=True)
    too_large = False
    for name, kept in recordings() if "machines" in asked else ():
        text = json.dumps(kept, indent=1, ensure_ascii=False)
        (PICTURES / f"{name}.json").write_text(f"{text}\n", "utf-8")
    with world() as stage:
        for scene in (*scenes(stage), *machine_scenes(PICTURES)):
            page, picture = PAGES / f"{scene.name}.html", PICTURES / f"{scene.name}.png"
            page.write_text(scene.html, "utf-8")
            chromium.draw(browser, page, picture)
            picture.with_suffix(".txt").write_text(scene.written, "utf-8")
            size = picture.stat().st_size
            print(f"{picture.relative_to(ROOT)}: {size} bytes")
            too_large |= size > LARGEST
    return 1 if too_large else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
