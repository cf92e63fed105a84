"""Hold every request that the suite sent against GitHub's own REST description and GraphQL schema.

Usage: python contract/exchanges.py EXCHANGES.jsonl NODE_MODULES
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import graphql
from openapi_schema_validator import OAS30Validator

ENTERPRISE = "/api/v3"  # where an Enterprise Server has what github.com has at its root


@dataclass(frozen=True)
class Operation:
    """One path and method of the REST description."""

    pattern: re.Pattern[str]
    described: Mapping[str, Any]
    path: str


class Rest:
    """GitHub's REST description, as far as requests go."""

    def __init__(self, description: Mapping[str, Any]) -> None:
        self._description = description
        self._operations = [
            (method, Operation(_pattern(path, self._parameters(item, item.get(method, {}))), item[method], path))
            for path, item in description["paths"].items()
            for method in ("get", "post", "put", "patch", "delete", "head")
            if method in item
        ]

    def complaints(self, method: str, path: str, query: Collection[str], body: object) -> Iterator[str]:
        """Yield what GitHub's description does not allow in this request."""
        found = [op for verb, op in self._operations if verb == method.lower() and op.pattern.fullmatch(path)]
        if not found:
            yield "no such operation"
            return
        # The most literal path wins, as it does at GitHub: /pulls/{n}/merge before /pulls/{anything}.
        operation = min(found, key=lambda op: op.path.count("{"))
        known = {p["name"]: p for p in self._parameters({}, operation.described) if p["in"] == "query"}
        for name in query:
            if name not in known:
                yield f"{operation.path}: no query parameter {name!r}"
        yield from (f"{operation.path}: {text}" for text in self._body_complaints(operation.described, body))

    def _parameters(self, item: Mapping[str, Any], described: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        parameters = [*item.get("parameters", []), *described.get("parameters", [])]
        return [self._followed(parameter) for parameter in parameters]

    def _followed(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in node:
            found: Any = self._description
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = found
        return node

    def _body_complaints(self, described: Mapping[str, Any], body: object) -> Iterator[str]:
        wanted = self._followed(described.get("requestBody", {})).get("content", {}).get("application/json")
        if wanted is None:
            if body not in (None, "", {}, []):
                yield "takes no body"
            return
        if body in (None, ""):
            if self._followed(described["requestBody"]).get("required"):
                yield "needs a body"
            return
        for error in OAS30Validator(self._strict(wanted["schema"])).iter_errors(body):
            yield f"{'/'.join(str(part) for part in error.absolute_path) or 'body'}: {error.message[:300]}"

    def _strict(self, node: Any) -> Any:  # noqa: ANN401 - any JSON
        """Inline what is referred to, and refuse properties that are not named: GitHub ignores a misspelt one."""
        if isinstance(node, list):
            return [self._strict(item) for item in node]
        if not isinstance(node, Mapping):
            return node
        node = self._followed(node)
        strict = {key: self._strict(value) for key, value in node.items() if key not in ("example", "examples")}
        if isinstance(node.get("properties"), Mapping) and not {"anyOf", "oneOf", "allOf"} & node.keys():
            strict.setdefault("additionalProperties", False)
        return strict


def _pattern(path: str, parameters: list[Mapping[str, Any]]) -> re.Pattern[str]:
    many = {p["name"] for p in parameters if p["in"] == "path" and p.get("x-multi-segment")}
    many |= {"path", "ref"}
    parts = re.split(r"(\{\w+\})", path)
    return re.compile(
        "".join(
            (".+" if part[1:-1] in many else "[^/]+") if part.startswith("{") else re.escape(part) for part in parts
        )
    )


def graphql_complaints(schema: graphql.GraphQLSchema, document: str, variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield what GitHub's schema does not allow in this document with these variables."""
    try:
        parsed = graphql.parse(document)
    except graphql.GraphQLError as error:
        yield f"unparsable: {error.message}"
        return
    errors = graphql.validate(schema, parsed)
    yield from (error.message for error in errors)
    for definition in parsed.definitions if not errors else ():
        if isinstance(definition, graphql.OperationDefinitionNode):
            values = graphql.execution.values.get_variable_values(
                schema, definition.variable_definitions or [], dict(variables)
            )
            if isinstance(values, list):
                yield from (error.message for error in values)


def main(exchanges: Path, modules: Path) -> int:
    """Check every exchange once; print each complaint once; return the exit code."""
    octokit = modules / "@octokit"
    rest = Rest(json.loads((octokit / "openapi/generated/api.github.com.json").read_text("utf-8")))
    text = (octokit / "graphql-schema/schema.graphql").read_text("utf-8")
    # GitHub publishes two fields twice; the parser refuses that, GitHub lives with it.
    schema = graphql.build_schema(text, assume_valid=True, assume_valid_sdl=True)
    seen: set[str] = set()
    found: dict[str, None] = {}
    for line in exchanges.read_text("utf-8").splitlines():
        if line in seen:
            continue
        seen.add(line)
        sent = json.loads(line)
        path = unquote(sent["path"]).removeprefix(ENTERPRISE)
        if sent.get("document"):
            said = graphql_complaints(schema, sent["document"], sent.get("variables") or {})
        else:
            said = rest.complaints(sent["method"], path, sent.get("query") or {}, sent.get("body"))
        found |= dict.fromkeys(f"{sent['method']} {path}: {text}" for text in said)
    print("\n".join(found) or "Every request is one that GitHub describes.")  # noqa: T201 - the report
    print(f"{len(seen)} different requests, {len(found)} complaints")  # noqa: T201 - the report
    return 1 if found or not seen else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
