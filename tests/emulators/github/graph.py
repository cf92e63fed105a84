"""GraphQL: the schema this server has, and the execution of a document in GitHub's manner of answering."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    build_schema,
    execute_sync,
    parse,
    validate,
)

from tests.emulators.github.graph_mutations import MUTATIONS
from tests.emulators.github.graph_nodes import Context, Node, user_node
from tests.emulators.github.graph_pulls import pull_node, pull_of, whole_repository
from tests.emulators.github.problems import Problem
from tests.emulators.github.pulls import stamp

HOUR = 3600
# Which fields older Enterprise Servers do not have yet.
SINCE: Mapping[tuple[int, int], tuple[str, ...]] = {
    (3, 3): ("Repository.autoMergeAllowed", "Mutation.enablePullRequestAutoMerge"),
    (3, 12): (
        "Repository.mergeQueue",
        "PullRequest.isInMergeQueue",
        "PullRequest.isMergeQueueEnabled",
        "PullRequest.mergeQueueEntry",
        "Mutation.enqueuePullRequest",
        "Mutation.dequeuePullRequest",
    ),
    (3, 14): ("Mutation.updateRefs",),
}


@functools.cache
def schema(ghes: str | None) -> GraphQLSchema:
    """Return the schema of github.com, or of an Enterprise Server without what it is too old for."""
    files = sorted((Path(__file__).parent / "schema").glob("*.graphql"))
    built = build_schema("\n".join(file.read_text() for file in files))
    version = tuple(int(part) for part in ghes.split(".")[:2]) if ghes else (99, 0)
    for since, names in SINCE.items():
        for name in names if version < since else ():
            owner, _, field = name.partition(".")
            del _object(built, owner).fields[field]
    for name, field in _object(built, "Mutation").fields.items():
        field.resolve = _mutation(MUTATIONS[name])
    for name, resolve in QUERIES.items():
        _object(built, "Query").fields[name].resolve = resolve
    return built


def _object(built: GraphQLSchema, name: str) -> GraphQLObjectType:
    found = built.type_map[name]
    if not isinstance(found, GraphQLObjectType):
        raise TypeError(name)
    return found


def _mutation(change: Callable[[Context, Mapping[str, Any]], Node]) -> Callable[..., Node]:
    def resolve(_source: object, info: GraphQLResolveInfo, **arguments: Any) -> Node:  # noqa: ANN401 - as GraphQL
        given = arguments["input"]
        return {"clientMutationId": given.get("clientMutationId"), **change(info.context, given)}

    return resolve


def _repository(_source: object, info: GraphQLResolveInfo, owner: str, name: str) -> Node:
    context: Context = info.context
    return whole_repository(context, context.repository(f"{owner}/{name}", "metadata:read"))


def _viewer(_source: object, info: GraphQLResolveInfo) -> Node:
    actor = info.context.credential.actor
    return user_node(actor)


def _rate_limit(_source: object, info: GraphQLResolveInfo) -> Node:
    reset = stamp(info.context.hub.clock() + HOUR)
    return {"limit": 5000, "cost": 1, "remaining": 4999, "used": 1, "nodeCount": 1, "resetAt": reset}


def _node(_source: object, info: GraphQLResolveInfo, **arguments: str) -> Node:
    repo, pull = pull_of(info.context, arguments["id"], "pull_requests:read")
    return pull_node(info.context, repo, pull)


QUERIES = {"repository": _repository, "viewer": _viewer, "rateLimit": _rate_limit, "node": _node}


@functools.lru_cache(maxsize=64)
def _parsed(text: str) -> DocumentNode:
    return parse(text)


def roots(text: str) -> tuple[str, ...]:
    """Return the names of a document's root fields, aliases resolved; nothing for what does not parse."""
    try:
        document = _parsed(text)
    except GraphQLError:
        return ()
    names: list[str] = []
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            _collect(document, definition.selection_set.selections, names)
    return tuple(names)


def _collect(document: DocumentNode, selections: Any, names: list[str]) -> None:  # noqa: ANN401 - a tuple of nodes
    for selection in selections:
        if isinstance(selection, FieldNode):
            names.append(selection.name.value)
        elif isinstance(selection, InlineFragmentNode):
            _collect(document, selection.selection_set.selections, names)
        else:
            for definition in document.definitions:
                if isinstance(definition, FragmentDefinitionNode) and definition.name.value == selection.name.value:
                    _collect(document, definition.selection_set.selections, names)


def execute(context: Context, text: str, variables: Mapping[str, Any]) -> tuple[dict[str, Any], list[Exception]]:
    """Answer a document as GitHub does; also return the exceptions that are this emulator's own fault."""
    built = schema(context.hub.ghes)
    try:
        document = _parsed(text)
    except GraphQLError as error:
        return {"errors": [_plain(error)]}, []
    if wrong := validate(built, document):
        return {"errors": [_undefined(error) or _plain(error) for error in wrong]}, []
    result = execute_sync(built, document, context_value=context, variable_values=dict(variables))
    answer: dict[str, Any] = {}
    if result.data is not None:
        answer["data"] = result.data
    if result.errors:
        answer["errors"] = [_shown(error) for error in result.errors]
    crashes = [
        error.original_error
        for error in result.errors or []
        if isinstance(error.original_error, Exception) and not isinstance(error.original_error, Problem | GraphQLError)
    ]
    return answer, crashes


def _plain(error: GraphQLError) -> Node:
    return {"message": error.message, "locations": _locations(error)}


def _locations(error: GraphQLError) -> list[Node]:
    return [{"line": place.line, "column": place.column} for place in error.locations or []]


def _undefined(error: GraphQLError) -> Node | None:
    """Phrase a field that this schema lacks as GitHub does."""
    parts = error.message.split("'")
    if not error.message.startswith("Cannot query field"):
        return None
    name, owner = parts[1], parts[3]
    return {
        "path": ["query"],
        "extensions": {"code": "undefinedField", "typeName": owner, "fieldName": name},
        **_plain(error),
        "message": f"Field '{name}' doesn't exist on type '{owner}'",
    }


def _shown(error: GraphQLError) -> Node:
    problem = error.original_error
    if not isinstance(problem, Problem):
        return {"path": error.path or [], **_plain(error)}
    shown: Node = {"type": problem.kind} if problem.kind else {}
    shown["path"] = error.path
    if problem.kind == "FORBIDDEN":
        shown["extensions"] = {"saml_failure": False}
    return shown | {"locations": _locations(error), "message": problem.text or problem.message}
