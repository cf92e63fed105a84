"""A vault's own door: the challenge, the firewall, the rights, and at last the secret."""

from __future__ import annotations

import re
import uuid

from tests.emulators.azure.cloud import Cloud
from tests.emulators.azure.directory import Token
from tests.emulators.azure.problems import NotModelled, Problem
from tests.emulators.azure.rest_login import bearer
from tests.emulators.azure.vaults import Secret, Vault
from tests.emulators.request import Request, Response

SECRET = re.compile(r"/secrets/(?P<name>[^/]+)(?:/(?P<version>[^/]*))?")
READ = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
HELP = "For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid="


class DataPlane:
    """Answers requests to one vault."""

    def __init__(self, cloud: Cloud, vault: Vault) -> None:
        self._cloud, self._vault = cloud, vault

    def answer(self, request: Request) -> Response:
        with self._cloud.lock:
            address = self._vault.private_endpoint or self._cloud.next_address()
            try:
                response = self._answer(request, address)
            except Problem as problem:
                response = Response(problem.status, problem.body(), problem.headers)
            return Response(response.status, response.body, {**self._headers(address), **response.headers})

    def _headers(self, address: str) -> dict[str, str]:
        way = f"conn_type=Ipv4;addr={address};act_addr_fam=InterNetwork;"
        if self._vault.private_endpoint:
            group = self._vault.id.rsplit("/providers/", 1)[0]
            endpoint = f"{group}/providers/Microsoft.Network/privateEndpoints/{self._vault.name}-pe"
            way = f"conn_type=PrivateLink;private_endpoint={endpoint};addr={address};act_addr_fam=InterNetworkV6;"
        return {
            "Cache-Control": "no-cache",
            "x-ms-keyvault-region": self._vault.location,
            "x-ms-request-id": str(uuid.uuid4()),
            "x-ms-keyvault-service-version": "1.9.3019.1",
            "x-ms-keyvault-network-info": way,
        }

    def _answer(self, request: Request, address: str) -> Response:
        asked = SECRET.fullmatch(request.path)
        if request.path == "/secrets" and not request.headers.get("Authorization"):
            self._token(request)  # the challenge names the caller's address to anybody
        if request.method != "GET" or asked is None:
            raise NotModelled(f"{request.method} {request.path} of a vault")
        if "api-version" not in request.query:
            raise Problem(400, "BadParameter", "AKV10001: api-version must be specified")
        token = self._token(request)
        self._check_way(token, address)
        self._check_right(token, asked["name"])
        return Response(200, self._show(asked["name"], self._secret(asked["name"], asked["version"])))

    def _token(self, request: Request) -> Token:
        vault, tenant = self._vault, self._cloud.tenant_id
        challenge = f'Bearer authorization="{self._cloud.url}/{tenant}", resource="{vault.resource}"'
        headers = {"WWW-Authenticate": challenge}
        if not request.headers.get("Authorization"):
            text = "AKV10000: Request is missing a Bearer or PoP token."
            raise Problem(401, "Unauthorized", text, headers=headers)
        token, holds = bearer(self._cloud.directory, request, self._cloud.clock)
        if token is None:
            raise Problem(401, "Unauthorized", "AKV10046: Unable to resolve the key used.", headers=headers)
        if token.resource not in (vault.resource, "https://vault.azure.net"):
            text = f"AKV10022: Invalid audience. Expected {vault.resource}, found: {token.resource}."
            raise Problem(401, "Unauthorized", text, headers=headers)
        if not holds:
            text = "[TokenExpired] Error validating token: 'S2S12005'."
            raise Problem(401, "Unauthorized", text, headers=headers)
        return token

    def _caller(self, token: Token) -> str:
        who = token.application
        return f"appid={who.client_id};oid={who.object_id};iss=https://sts.windows.net/{self._cloud.tenant_id}/"

    def _check_way(self, token: Token, address: str) -> None:
        if self._vault.private_endpoint:
            return
        firewall, place = self._vault.seen_firewall(), f"Vault: {self._vault.name};location={self._vault.location}"
        if firewall.public_access == "Disabled":
            text = (
                "Public network access is disabled and request is not from a trusted service nor via an approved"
                f" private link.\r\nCaller: {self._caller(token)}\r\n{place}"
            )
            raise Problem(403, "Forbidden", text, inner="ForbiddenByConnection")
        if not firewall.admits(address):
            text = (
                "Client address is not authorized and caller is not a trusted service.\r\n"
                f"Client address: {address}\r\nCaller: {self._caller(token)}\r\n{place}"
            )
            raise Problem(403, "Forbidden", text, inner="ForbiddenByFirewall")

    def _check_right(self, token: Token, name: str) -> None:
        vault, who = self._vault, token.application
        place = f"{vault.name};location={vault.location}"
        if not vault.rbac:
            if "get" in [word.lower() for word in vault.policies.get(who.object_id, ())]:
                return
            text = (
                f"The user, group or application '{self._caller(token)}' does not have secrets get permission on key"
                f" vault '{place}'. {HELP}2125287"
            )
            raise Problem(403, "Forbidden", text, inner="AccessDenied")
        scope = f"{vault.id}/secrets/{name}"
        if not self._cloud.rights.may(who, READ, scope, data=True):
            text = (
                "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or"
                " role definitions were changed recently, please observe propagation time.\r\n"
                f"Caller: {self._caller(token)}\r\nAction: '{READ}'\r\nResource: '{scope.lower()}'\r\n"
                "Assignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: 'DeniedWithNoValidRBAC' \r\n"
                f"Vault: {place}\r\n"
            )
            raise Problem(403, "Forbidden", text, inner="ForbiddenByRbac")

    def _secret(self, name: str, version: str | None) -> Secret:
        secret = self._vault.secrets.get(name.lower())
        if secret is None or (version and version != secret.version):
            text = (
                f"A secret with (name/id) {name} was not found in this key vault. If you recently deleted this secret"
                f" you may be able to recover it using the correct recovery command. {HELP}2125182"
            )
            raise Problem(404, "SecretNotFound", text)
        if not secret.enabled:
            text = "Operation get is not allowed on a disabled secret."
            raise Problem(403, "Forbidden", text, inner="SecretDisabled")
        return secret

    def _show(self, name: str, secret: Secret) -> dict[str, object]:
        when = int(secret.created)
        kept = {"recoveryLevel": "Recoverable+Purgeable", "recoverableDays": 90}
        return {
            "value": secret.value,
            "id": f"{self._vault.url}/secrets/{name}/{secret.version}",
            "attributes": {"enabled": True, "created": when, "updated": when, **kept},
            "tags": {},
        }
