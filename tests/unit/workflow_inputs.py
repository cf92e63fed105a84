"""What a run gets from its workflow when nobody chooses: which inputs, and which defaults of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_OF_DISPATCH = re.compile(r"\$\{\{ *inputs\.([\w-]+) *\}\}")


def without_a_choice(workflow: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the inputs of a workflow that an API call, or a schedule, starts without any."""
    asked: Mapping[str, Any] = (workflow["on"].get("workflow_dispatch") or {}).get("inputs", {})
    given: list[tuple[str, str]] = [
        (name, str(text))
        for job in workflow["jobs"].values()
        for step in job["steps"]
        for name, text in step["with"].items()
    ]
    used = {(name, each) for name, text in given for each in _OF_DISPATCH.findall(text)}
    for name, each in sorted(used):
        if each not in asked:
            yield f"{name}: there is no input {each}"
        elif name == "mode" and (asked[each].get("default"), asked[each].get("required")) != ("plan", True):
            yield f"{name}: without a choice it comes out empty, or means more than plan"
        elif "default" not in asked[each] and not asked[each].get("required"):
            yield f"{name}: without a choice it comes out empty"
    yield from (f"nothing uses {each}" for each in asked.keys() - {each for _, each in used})
    for step in (step for job in workflow["jobs"].values() for step in job["steps"]):
        if (
            step["with"].get("mode", "apply") in {"plan", "apply", "${{ inputs.mode }}"}
            and "acknowledge" not in step["with"]
        ):
            yield "an objection can come up, and nobody could consent to it"
