"""Key Vaults as Resource Manager knows them."""

from __future__ import annotations

from tests.emulators.azure.problems import NotModelled
from tests.emulators.azure.routing import GROUP, Call, Reply, route
from tests.emulators.azure.vaults import TYPE, Vault

PATH = GROUP + "/providers/Microsoft.KeyVault/vaults/{vault}"
CHANGEABLE = {"networkAcls", "publicNetworkAccess"}
SERVICE = {"x-ms-keyvault-service-version": "1.5.1232.0", "X-AspNet-Version": "4.0.30319"}


@route("GET", PATH, TYPE + "/read")
def get_vault(call: Call) -> Reply:
    return Reply(200, call.resource(Vault, TYPE, call.arguments["vault"]).show(), SERVICE)


@route("PATCH", PATH, TYPE + "/write")
def patch_vault(call: Call) -> Reply:
    vault = call.resource(Vault, TYPE, call.arguments["vault"])
    others = (set(call.given) - {"tags", "properties"}) | (set(call.given.get("properties") or {}) - CHANGEABLE)
    if others:
        raise NotModelled(f"a PATCH of a vault's {sorted(others)}")
    vault.patch(call.given)
    return Reply(200, vault.show(), SERVICE)
