"""What can be wrong with the inputs of a tag bump before anybody is asked: addresses and templates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from difyaction.errors import Complaint, Invalid
from difyaction.gitops.editing.address import parse_set
from difyaction.gitops.wording import placeholders

if TYPE_CHECKING:
    from difyaction.inputs import Inputs

_CHART_VERSION = re.compile(r"v?[0-9]+\.[0-9]+\.[0-9]+([-+].+)?")


def complaints(inputs: Inputs) -> Iterator[Complaint]:
    """Yield everything that reading alone can find."""
    for number, line in enumerate(inputs.set_lines, 1):
        try:
            parse_set(line, number=number)
        except Invalid as why:
            yield from why.complaints
    for name, template in (("title", inputs.title), ("body", inputs.body), ("commit-message", inputs.commit_message)):
        yield from placeholders.complaints(template, input=name)
    if inputs.chart_version and not _CHART_VERSION.fullmatch(inputs.chart_version):
        text = f"chart-version: {inputs.chart_version!r} is no chart's version such as 0.32.0."
        yield Complaint(id="input-invalid", text=text, input="chart-version")
    if inputs.mode == "rollback" and inputs.delivery == "files":
        text = "delivery: a rollback reads the history of the files from GitHub; in a checkout, use git revert."
        yield Complaint(id="input-conflict", text=text, input="delivery")
