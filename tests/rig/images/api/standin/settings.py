"""What the image was built with, what the container was given, and which failure was asked for."""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BUILT = json.loads((ROOT / "built.json").read_text(encoding="utf-8"))
VERSION: str = BUILT["version"]
LINE = tuple(int(number) for number in re.findall(r"\d+", VERSION)[:3])
STORAGE = ROOT / "storage"

_asked = ROOT / "fault.json"
FAULT: dict[str, Any] = json.loads(_asked.read_text(encoding="utf-8")) if _asked.exists() else {}


def fault(name: str) -> bool:
    return FAULT.get("name") == name


def given(name: str, default: str = "") -> str:
    return os.environ.get(name) or default


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def secret_key() -> str:
    """Return the key; from 1.14.1 on an empty one is made up and kept in the storage, as the real code does."""
    key = given("SECRET_KEY")
    if key or LINE < (1, 14, 1):
        return key
    kept = STORAGE / ".dify_secret_key"
    if not kept.exists():
        kept.write_text(secrets.token_urlsafe(42), encoding="ascii")
    return kept.read_text(encoding="ascii").strip()
