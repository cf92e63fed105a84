"""The door of the emulated GitHub: a request comes in, REST or GraphQL answers, headers go on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.emulators.github import graph, rest_git, rest_pulls, rest_repository, routing
from tests.emulators.github.credentials import ANONYMOUS, Credential
from tests.emulators.github.graph_nodes import Context
from tests.emulators.github.hub import Hub
from tests.emulators.github.problems import Problem
from tests.emulators.request import Request, Response

HOUR = 3600
ALLOWANCE = {"anonymous": 60, "actions": 1000}
DOCUMENTATION = "https://docs.github.com/rest"
# Importing them registers their routes.
ROUTE_MODULES = (rest_git, rest_pulls, rest_repository)


class NotModelled(Exception):
    """A request for something that this emulator leaves out."""


class Door:
    """Reads and answers requests for one hub."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._used: dict[str, int] = {}

    @property
    def graphql_path(self) -> str:
        return "/api/graphql" if self.hub.ghes else "/graphql"

    def read(self, request: Request) -> None:
        if self.hub.ghes and request.path.startswith("/api/v3/"):
            request.path = request.path.removeprefix("/api/v3")
        if request.content:
            try:
                request.body = json.loads(request.content)
            except ValueError:
                request.body = None
        if self._is_graphql(request) and isinstance(request.body, dict):
            request.document = str(request.body.get("query", ""))
            request.variables = request.body.get("variables") or {}
            request.roots = graph.roots(request.document)
        try:
            request.credential = self.hub.credentials.read(request.headers.get("Authorization", "")).kind
        except Problem:
            request.credential = "bad"

    def _is_graphql(self, request: Request) -> bool:
        return request.method == "POST" and request.path == self.graphql_path

    def answer(self, request: Request) -> Response:
        with self.hub.lock:
            credential = ANONYMOUS
            try:
                credential = self.hub.credentials.read(request.headers.get("Authorization", ""))
                self._spend(credential)
                reply = (
                    self._graphql(request, credential)
                    if request.document is not None
                    else self._rest(request, credential)
                )
            except Problem as problem:
                reply = _refusal(problem)
            return Response(reply.status, reply.body, {**self._headers(credential), **reply.headers}, reply.raw)

    def _rest(self, request: Request, credential: Credential) -> Response:
        if request.content and request.body is None:
            raise Problem(400, "Problems parsing JSON")
        if not routing.is_known(request.method, request.path):
            raise NotModelled(f"{request.method} {request.path}")
        call = routing.Call(
            hub=self.hub,
            credential=credential,
            path=request.path,
            arguments={},
            query=request.query,
            # Labels alone may come as a bare list; PyGithub sends them so.
            given=request.body if isinstance(request.body, dict) else {"labels": request.body or []},
            accept=request.headers.get("Accept", ""),
        )
        reply = routing.answer(self.hub, request.method, call)
        headers = {"Content-Type": "application/vnd.github.raw"} if reply.raw is not None else {}
        return Response(reply.status, reply.body, {**headers, **reply.headers}, reply.raw)

    def _graphql(self, request: Request, credential: Credential) -> Response:
        if credential.actor is None:
            raise Problem(401, "This endpoint requires you to be authenticated.")
        answer, crashes = graph.execute(Context(self.hub, credential), request.document or "", request.variables)
        if crashes:
            raise crashes[0]
        return Response(200, answer)

    def _spend(self, credential: Credential) -> None:
        self._used[credential.text] = used = self._used.get(credential.text, 0) + 1
        if used > ALLOWANCE.get(credential.kind, 5000):
            raise Problem(
                403,
                "API rate limit exceeded for 127.0.0.1. (But here's the good news: Authenticated requests get a higher"
                " rate limit. Check out the documentation for more details.)",
            )

    def _headers(self, credential: Credential) -> Mapping[str, str]:
        limit = ALLOWANCE.get(credential.kind, 5000)
        used = self._used.get(credential.text, 0)
        version = {"X-GitHub-Enterprise-Version": self.hub.ghes} if self.hub.ghes else {}
        return {
            "X-GitHub-Request-Id": f"E000:{sum(self._used.values()):04X}",
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(limit - used, 0)),
            "X-RateLimit-Reset": str(int(self.hub.clock()) + HOUR),
            **version,
        }


def _refusal(problem: Problem) -> Response:
    body: dict[str, Any] = {
        "message": problem.message,
        "documentation_url": DOCUMENTATION,
        "status": str(problem.status),
    }
    if problem.errors:
        body["errors"] = list(problem.errors)
    return Response(problem.status, body, problem.headers)
