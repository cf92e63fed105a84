"""A headless Chromium that draws one page into one picture as tall as the page."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from scripts.screenshots.page import READY

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
WIDTH = 1012
SCALE = 1.5
PATIENCE = 120  # seconds for one page
_FLAGS = (
    "--headless",
    "--no-sandbox",  # as root in a container; the pages are our own
    "--disable-gpu",
    "--hide-scrollbars",
    "--allow-file-access-from-files",
    "--virtual-time-budget=20000",
    f"--force-device-scale-factor={SCALE}",
)


def found() -> str:
    """Return the browser's path, or exit and say what is missing."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    raise SystemExit(
        "No Chromium is here; on Debian and Ubuntu: apt-get install chromium fonts-noto-cjk fonts-noto-color-emoji"
    )


def draw(browser: str, page: Path, picture: Path) -> None:
    """Draw a page; it says how tall it is, when everything on it stands."""
    text = _run(browser, page, "--window-size=1012,800", "--dump-dom").stdout
    height = re.search(rf'{READY}="(\d+)"', text)
    if height is None:
        raise SystemExit(f"{page.name} was not drawn in time")
    _run(browser, page, f"--window-size={WIDTH},{height[1]}", f"--screenshot={picture}")


def _run(browser: str, page: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as profile:
        return subprocess.run(  # noqa: S603 - the browser that was found, and flags of ours
            [browser, *_FLAGS, f"--user-data-dir={profile}", *flags, page.as_uri()],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
