"""Write action.yml from the table of inputs and the list of outputs, so that they cannot differ."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from difyaction.input_table import table
from difyaction.report import OUTPUTS

ACTION = Path(__file__).parent.parent / "action.yml"
_HEAD = """\
# Made by scripts/action_yml.py from difyaction/inputs.toml and difyaction/report.py; edit those.
name: Dify Upgrade
description: Upgrade a self-hosted Dify safely, or propose the upgrade as a pull request that merges itself.
author: dify-upgrade-action contributors
branding:
  icon: arrow-up-circle
  color: blue
"""
_TAIL = """\
runs:
  using: docker
  image: {image}
  post-entrypoint: /app/post.py
  post-if: always()
"""


_RELEASED = re.compile(r"^  image: (docker://\S+@sha256:[0-9a-f]{64} # v\S+)$", re.MULTILINE)


def text(standing: str = "") -> str:
    """Return what action.yml must hold; where a release stands in ``standing``, with the image that it names."""
    released = _RELEASED.search(standing)
    tail = _TAIL.format(image=released[1] if released else "Dockerfile")
    return "\n".join((_HEAD + "inputs:", *_inputs(), "outputs:", *_outputs(), tail))


def _inputs() -> Iterator[str]:
    for spec in table().values():
        yield f"  {spec.name}:"
        yield f"    description: {json.dumps(spec.full_description)}"
        yield "    required: false"
        if spec.in_action:
            yield f"    default: {json.dumps(spec.in_action)}"


def _outputs() -> Iterator[str]:
    for name, description in OUTPUTS.items():
        yield f"  {name}:"
        yield f"    description: {json.dumps(description)}"


if __name__ == "__main__":
    if "--check" in sys.argv:
        there = ACTION.read_text("utf-8")
        raise SystemExit("action.yml is out of date" if there != text(there) else 0)
    ACTION.write_text(text(), "utf-8")
