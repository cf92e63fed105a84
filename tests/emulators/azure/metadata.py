"""The metadata service of a machine in Azure, over plain HTTP: tokens for whatever runs there, without a secret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from tests.emulators.azure.cloud import Cloud
from tests.emulators.azure.directory import Application, LoginProblem
from tests.emulators.request import Request, Response

PATH = "/metadata/identity/oauth2/token"
API_VERSION = "2018-02-01"
BAD = HTTPStatus.BAD_REQUEST


class Refused(Exception):
    """What it answers with 400: OAuth's ``error``, and its words."""

    def __init__(self, error: str, text: str) -> None:
        super().__init__(text)
        self.error, self.text = error, text


class Metadata:
    """One machine's: its own identity, None for none, and those that were assigned to it besides."""

    def __init__(self, cloud: Cloud, own: Application | None, assigned: Sequence[Application]) -> None:
        self._cloud, self._own, self._assigned = cloud, own, assigned

    def answer(self, request: Request) -> Response:
        with self._cloud.lock:
            if request.path != PATH or request.method != "GET":
                return Response(HTTPStatus.NOT_FOUND, {"error": "Not found"})
            try:
                return Response(HTTPStatus.OK, self._token(request))
            except Refused as refusal:
                return Response(BAD, {"error": refusal.error, "error_description": refusal.text})
            except LoginProblem as problem:
                return Response(
                    BAD, {"error": problem.error, "error_description": f"AADSTS{problem.number}: {problem.text}"}
                )

    def _token(self, request: Request) -> Mapping[str, str]:
        if request.headers.get("Metadata") != "true":
            raise Refused("invalid_request", "Required metadata header not specified")
        if request.headers.get("X-Forwarded-For"):
            raise Refused("invalid_request", "Requests that a proxy has forwarded are not answered")
        if request.query.get("api-version") != API_VERSION:
            raise Refused("invalid_request", "Required api-version query parameter not specified")
        if not request.query.get("resource"):
            raise Refused("invalid_request", "Required audience parameter not specified")
        application = self._identity(request.query.get("client_id", ""))
        given = self._cloud.directory.give(application, f"{request.query['resource'].rstrip('/')}/.default")
        now, life = int(self._cloud.clock()), int(given["expires_in"])
        return {
            "access_token": str(given["access_token"]),
            "client_id": application.client_id,
            "expires_in": str(life),
            "expires_on": str(now + life),
            "ext_expires_in": str(life),
            "not_before": str(now - 300),
            "resource": request.query["resource"],
            "token_type": "Bearer",
        }

    def _identity(self, client_id: str) -> Application:
        """Return who is meant: the one that is named, else the machine's own, else the only one there is."""
        everyone = [each for each in (self._own, *self._assigned) if each]
        if client_id:
            named = [each for each in everyone if each.client_id == client_id]
        else:
            named = everyone[:1] if self._own else everyone
        if not named:
            raise Refused("invalid_request", "Identity not found")
        if len(named) > 1:
            raise Refused(
                "invalid_request",
                "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in"
                " the token request",
            )
        return named[0]
