"""The token endpoint: who shows what, and the refusals as OAuth wraps them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from tests.emulators.azure.clock import stamp
from tests.emulators.azure.directory import Directory, LoginProblem, Token
from tests.emulators.azure.problems import Problem
from tests.emulators.request import Request, Response

TOKEN_PATH = re.compile(r"/(?P<tenant>[^/]+)/oauth2/v2\.0/token")


DISCOVERY_PATH = re.compile(r"/(?P<tenant>[^/]+)/v2\.0/\.well-known/openid-configuration")


def discovery_answer(directory: Directory, request: Request, own: str) -> Response | None:
    """Answer where the tenant's endpoints are: a client secret's credential asks; None is for the others."""
    if request.method != "GET" or not DISCOVERY_PATH.fullmatch(request.path):
        return None
    root = f"{own}/{directory.tenant_id}"
    token, authorization = f"{root}/oauth2/v2.0/token", f"{root}/oauth2/v2.0/authorize"
    said = {"issuer": f"{root}/v2.0", "token_endpoint": token, "authorization_endpoint": authorization}
    return Response(200, said)


def token_answer(directory: Directory, request: Request, now: float) -> Response:
    """Answer a POST to the token endpoint."""
    asked = TOKEN_PATH.fullmatch(request.path)
    form = dict(parse_qsl(request.content.decode()))
    try:
        return Response(200, directory.grant(asked["tenant"] if asked else "", form))
    except LoginProblem as problem:
        return Response(problem.status, _refusal(problem, now))


def _refusal(problem: LoginProblem, now: float) -> Mapping[str, object]:
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    when = stamp(now, "Z", "seconds").replace("T", " ")
    return {
        "error": problem.error,
        "error_description": f"AADSTS{problem.number}: {problem.text} Trace ID: {trace} Correlation ID: {correlation}"
        f" Timestamp: {when}",
        "error_codes": [problem.number],
        "timestamp": when,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={problem.number}",
    }


def bearer(directory: Directory, request: Request, clock: Callable[[], float]) -> tuple[Token | None, bool]:
    """Return the token that a request shows (None: none, or an unknown one), and whether it still holds."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    token = directory.tokens.get(text) if scheme.lower() == "bearer" else None
    return token, token is not None and token.expires > clock()


def manager_token(directory: Directory, request: Request, clock: Callable[[], float], own: str) -> Token:
    """Return the token for Resource Manager, or raise its 401."""
    challenge = {"WWW-Authenticate": f'Bearer authorization_uri="https://login.windows.net/{directory.tenant_id}"'}
    if not request.headers.get("Authorization"):
        text = "Authentication failed. The 'Authorization' header is missing."
        raise Problem(401, "AuthenticationFailed", text, headers=challenge)
    token, holds = bearer(directory, request, clock)
    if token is None:
        raise Problem(401, "InvalidAuthenticationToken", "The access token is invalid.", headers=challenge)
    if token.resource not in ("https://management.azure.com", own):
        text = f"The access token has been obtained for wrong audience or resource '{token.resource}'."
        raise Problem(401, "InvalidAuthenticationTokenAudience", text, headers=challenge)
    if not holds:
        text = (
            f"The access token expiry UTC time '{stamp(token.expires, 'Z', 'seconds')}' is earlier than current UTC"
            f" time '{stamp(clock(), 'Z', 'seconds')}'."
        )
        raise Problem(401, "ExpiredAuthenticationToken", text, headers=challenge)
    return token
