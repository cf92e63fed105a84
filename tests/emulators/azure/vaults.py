"""Key Vaults: their firewall, their tags, their secrets, and who may read them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.emulators.azure.clock import stamp
from tests.emulators.azure.cloud import Cloud
from tests.emulators.azure.problems import Json, Problem
from tests.emulators.azure.resources import Resource, new_hex
from tests.emulators.azure.timeline import Timeline

TYPE = "Microsoft.KeyVault/vaults"
MOST_TAGS, LONGEST_TAG = 50, 256


@dataclass(frozen=True)
class Firewall:
    """Who may come. ``addresses`` are networks as text."""

    public_access: str
    default_action: str
    addresses: tuple[str, ...]

    def admits(self, address: str) -> bool:
        client = ipaddress.ip_address(address)
        if self.default_action == "Allow":
            return True
        return any(client in ipaddress.ip_network(network) for network in self.addresses)


@dataclass
class Secret:
    """A secret's newest version."""

    value: str
    version: str
    created: float
    enabled: bool = True
    content_type: str | None = None


class Vault(Resource):
    """A vault. ``url`` is its own port; ``policies`` count when it does not use RBAC."""

    def __init__(self, cloud: Cloud, resource_id: str, location: str, firewall: Firewall) -> None:
        super().__init__(resource_id, TYPE, location)
        self._cloud = cloud
        self.url = ""
        self.resource = ""
        self.rbac = True
        self.policies: dict[str, Sequence[str]] = {}
        self.private_endpoint: str | None = None
        self.firewall = firewall
        self.in_force: Timeline[Firewall] = Timeline(firewall, since=cloud.clock())
        self.secrets: dict[str, Secret] = {}
        self.turns = 0
        self._made = self._changed = cloud.clock()
        self._networks: dict[str, Json] = {}

    @property
    def addresses(self) -> tuple[str, ...]:
        return self.firewall.addresses

    def add_address(self, network: str) -> None:
        """Somebody else lets an address in."""
        with self._cloud.lock:
            self._set(self.firewall.public_access, self.firewall.default_action, (*self.addresses, _network(network)))

    def remove_address(self, network: str) -> None:
        """Somebody else takes one away."""
        left = tuple(one for one in self.addresses if one != _network(network))
        with self._cloud.lock:
            self._set(self.firewall.public_access, self.firewall.default_action, left)

    def put_secret(self, name: str, value: str, *, enabled: bool = True) -> None:
        self.secrets[name.lower()] = Secret(value, new_hex(), self._cloud.clock(), enabled)

    def patch(self, given: Mapping[str, Json]) -> None:
        """Change tags, firewall and public access together; a list that is given replaces the old one."""
        properties = given.get("properties") or {}
        acls = properties.get("networkAcls")
        access = str(properties.get("publicNetworkAccess", self.firewall.public_access)).capitalize()
        action, addresses = self.firewall.default_action, self.addresses
        if acls is not None:
            action = str(acls.get("defaultAction", "Allow"))
            addresses = tuple(dict.fromkeys(_network(str(rule["value"])) for rule in acls.get("ipRules") or []))
        tags = given.get("tags")
        if tags is not None:
            self.tags = _checked_tags(tags)
        if acls is not None:
            self._networks = {
                "bypass": acls.get("bypass", "AzureServices"),
                "virtualNetworkRules": [
                    {**rule, "id": rule["id"].lower()} for rule in acls.get("virtualNetworkRules") or []
                ],
            }
        self._changed = self._cloud.clock()
        self._set(access, action, addresses)

    def _set(self, access: str, action: str, addresses: tuple[str, ...]) -> None:
        self.firewall = Firewall(access, action, addresses)
        timing = self._cloud.timing
        seen = self._cloud.clock() + timing.vault_propagation
        self.in_force.change(self.firewall, at=seen, settled=seen + timing.flapping)

    def exposure(self, address: str) -> float:
        """Return for how many seconds an address could come in."""
        now = self._cloud.clock()
        return self.in_force.seconds_while(lambda seen: seen.public_access != "Disabled" and seen.admits(address), now)

    def seen_firewall(self) -> Firewall:
        """Return what the front end that takes this request knows."""
        self.turns += 1
        return self.in_force.value(self._cloud.clock(), self.turns)

    def show(self) -> Json:
        who = {"By": "user@example.com", "ByType": "User"}
        made = {f"created{key}": value for key, value in (who | {"At": _time(self._made)}).items()}
        changed = {f"lastModified{key}": value for key, value in (who | {"At": _time(self._changed)}).items()}
        return {
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "location": self.location,
            "tags": self.tags,
            "systemData": {**made, **changed},
            "properties": {
                "sku": {"family": "A", "name": "standard"},
                "tenantId": self._cloud.tenant_id,
                **self._show_acls(),
                "accessPolicies": self._show_policies(),
                "enabledForDeployment": False,
                "enableSoftDelete": True,
                "softDeleteRetentionInDays": 90,
                "enableRbacAuthorization": self.rbac,
                "vaultUri": f"{self.url}/",
                "provisioningState": "Succeeded",
                "publicNetworkAccess": self.firewall.public_access,
            },
        }

    def _show_acls(self) -> Mapping[str, Json]:
        """An open firewall is not shown at all."""
        rules = [{"value": one} for one in self.addresses]
        if self.firewall.default_action == "Allow" and not rules:
            return {}
        shown = {"bypass": "AzureServices", "defaultAction": self.firewall.default_action, "ipRules": rules}
        return {"networkAcls": {**shown, "virtualNetworkRules": [], **self._networks}}

    def _show_policies(self) -> list[Json]:
        tenant = self._cloud.tenant_id
        return [
            {"tenantId": tenant, "objectId": who, "permissions": {"secrets": list(words)}}
            for who, words in self.policies.items()
        ]


def _time(when: float) -> str:
    return stamp(when, "Z", "milliseconds")


def _network(value: str) -> str:
    """Return an address as Key Vault writes it back: always with its length."""
    try:
        network = ipaddress.IPv4Network(value)
    except ValueError as error:
        text = f'The network rule value "{value}" is not a valid IPv4 address or range in CIDR notation.'
        raise Problem(400, "BadRequest", text) from error
    return str(network)


def _checked_tags(tags: Mapping[str, Json]) -> dict[str, str]:
    if len(tags) > MOST_TAGS:
        raise Problem(400, "InvalidTagCount", f"The number of tags {len(tags)} exceeds the limit {MOST_TAGS}.")
    long = [name for name, value in tags.items() if len(str(value)) > LONGEST_TAG]
    if long:
        raise Problem(400, "InvalidTagValueLength", f"The value of tag {long[0]} exceeds {LONGEST_TAG} characters.")
    return {name: str(value) for name, value in tags.items()}
