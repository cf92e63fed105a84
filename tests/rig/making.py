"""Files that a script makes once and that are kept: made anew when what they are made from has changed."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path


def make_once(script: Path, product: Path, *arguments: str, of: str = "") -> Path:
    """Return a file that a script makes in the folder it is given first; ``of`` is what else the file is made from."""
    print_now = hashlib.sha256(script.read_bytes() + of.encode()).hexdigest()
    note = product.with_suffix(".made")
    if not (product.exists() and note.exists() and note.read_text(encoding="ascii") == print_now):
        note.unlink(missing_ok=True)
        subprocess.run([str(script), str(product.parent), *arguments], check=True)
        note.write_text(print_now, encoding="ascii")
    return product
