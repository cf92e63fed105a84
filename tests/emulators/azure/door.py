"""The door of Resource Manager, of the token endpoint and of GitHub's token service: one origin for all three."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping

from tests.emulators.azure import (
    rest_authorization,
    rest_machines,
    rest_operations,
    rest_restore_points,
    rest_run_commands,
    rest_security_groups,
    rest_snapshots,
    rest_vaults,
)
from tests.emulators.azure.cloud import Cloud
from tests.emulators.azure.problems import Json, NotModelled, Problem
from tests.emulators.azure.rest_login import TOKEN_PATH, discovery_answer, manager_token, token_answer
from tests.emulators.azure.rights import refuse_locked
from tests.emulators.azure.routing import Call, Reply, find_route, scope_of
from tests.emulators.request import Request, Response

# Importing them registers their routes.
ROUTE_MODULES = (
    rest_authorization,
    rest_machines,
    rest_operations,
    rest_restore_points,
    rest_run_commands,
    rest_security_groups,
    rest_snapshots,
    rest_vaults,
)
ALLOWANCES = {"GET": ("reads", 3749), "DELETE": ("deletes", 199)}
WRITES = ("writes", 199)


def read(request: Request) -> None:
    """Complete a request for the log."""
    request.credential = "bearer" if request.headers.get("Authorization") else "anonymous"
    if request.content and "json" in request.headers.get("Content-Type", ""):
        try:
            request.body = json.loads(request.content)
        except ValueError:
            request.body = None


class Door:
    """Answers requests to one cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def answer(self, request: Request) -> Response:
        with self._cloud.lock:
            outside = self._cloud.github.answer(request) or discovery_answer(
                self._cloud.directory, request, self._cloud.url
            )
            if outside is not None:
                return outside
            self._cloud.operations.settle()
            if request.method == "POST" and TOKEN_PATH.fullmatch(request.path):
                return token_answer(self._cloud.directory, request, self._cloud.clock())
            try:
                reply = self._manage(request)
            except Problem as problem:
                reply = Reply(problem.status, problem.body(), problem.headers)
            return Response(reply.status, reply.body, {**_headers(request), **reply.headers})

    def _manage(self, request: Request) -> Reply:
        cloud = self._cloud
        if not request.path.lower().startswith("/subscriptions/"):
            raise NotModelled(f"{request.method} {request.path}")
        token = manager_token(cloud.directory, request, cloud.clock, cloud.url)
        self._check_form(request)
        found = find_route(request.method, request.path)
        if found is None:
            raise NotModelled(f"{request.method} {request.path}")
        route, arguments = found
        scope = scope_of(request.path)
        if route.action:
            cloud.rights.require(token.application, route.action, scope)
        self._check_place(request.path, arguments)
        refuse_locked(cloud.locks, request.method, scope)
        given: Mapping[str, Json] = request.body if isinstance(request.body, dict) else {}
        call = Call(
            cloud=cloud,
            application=token.application,
            method=request.method,
            path=request.path,
            arguments=arguments,
            query=request.query,
            given=given,
            if_match=request.headers.get("If-Match"),
        )
        return route.answer(call)

    @staticmethod
    def _check_form(request: Request) -> None:
        if "api-version" not in request.query:
            text = "The api-version query parameter (?api-version=) is required for all requests."
            raise Problem(400, "MissingApiVersionParameter", text)
        if request.content and not isinstance(request.body, dict):
            text = "The request content was invalid and could not be deserialized."
            raise Problem(400, "InvalidRequestContent", text)

    def _check_place(self, path: str, arguments: Mapping[str, str]) -> None:
        subscription = path.split("/")[2]
        if subscription.lower() != self._cloud.subscription_id:
            raise Problem(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")
        group = arguments.get("group")
        if group is not None and group.lower() not in self._cloud.groups:
            raise Problem(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")


def _headers(request: Request) -> dict[str, str]:
    number = str(uuid.uuid4())
    kind, left = ALLOWANCES.get(request.method, WRITES)
    return {
        "Cache-Control": "no-cache",
        "x-ms-request-id": number,
        "x-ms-correlation-request-id": number,
        "x-ms-arm-service-request-id": number,
        "x-ms-ratelimit-remaining-subscription-global-" + kind: str(left),
    }
