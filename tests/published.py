"""What docs/schema promises of the outputs `plan` and `report`, held against what was really written."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import jsonschema

from difyaction.report import JSON_VERSION

ROOT = Path(__file__).resolve().parents[1]
Schema = dict[str, Any]


def schema(name: str) -> Schema:
    """Return the schema of an output as it is published."""
    found: Schema = json.loads((ROOT / f"docs/schema/{name}-{JSON_VERSION}.json").read_text("utf-8"))
    return found


def valid(name: str, text: str) -> Any:  # noqa: ANN401 - JSON
    """Return an output that was read; fails when it is not what is published, or has a field that is not described."""
    told = json.loads(text)
    _strict(name).validate(told)
    return told


@functools.cache
def _strict(name: str) -> jsonschema.Draft202012Validator:
    formats = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return jsonschema.Draft202012Validator(_closed(schema(name)), format_checker=formats)


def _closed(part: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """Return the schema without room for fields that it does not describe."""
    if isinstance(part, list):
        return [_closed(each) for each in part]
    if not isinstance(part, dict):
        return part
    inner = {key: _closed(value) for key, value in part.items()}
    return {"additionalProperties": False, **inner} if "properties" in part else inner
