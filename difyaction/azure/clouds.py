"""Where Azure is: the public cloud, the sovereign ones, or an address that somebody gives (Azure Stack). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from difyaction.errors import Complaint, Invalid


@dataclass(frozen=True)
class Cloud:
    """One Azure. ``authority`` and ``arm`` are addresses, scopes are what tokens are asked for.

    ``audience`` is what GitHub is asked to write into its token; ``vault_suffix`` follows a vault's name.
    """

    name: str
    authority: str
    arm: str
    arm_scope: str
    vault_suffix: str
    vault_scope: str
    audience: str


PUBLIC: Final = Cloud(
    name="public",
    authority="https://login.microsoftonline.com",
    arm="https://management.azure.com",
    arm_scope="https://management.azure.com/.default",
    vault_suffix="vault.azure.net",
    vault_scope="https://vault.azure.net/.default",
    audience="api://AzureADTokenExchange",
)
US_GOVERNMENT: Final = Cloud(
    name="us-government",
    authority="https://login.microsoftonline.us",
    arm="https://management.usgovcloudapi.net",
    arm_scope="https://management.core.usgovcloudapi.net/.default",
    vault_suffix="vault.usgovcloudapi.net",
    vault_scope="https://vault.usgovcloudapi.net/.default",
    audience="api://AzureADTokenExchangeUSGov",
)
CHINA: Final = Cloud(
    name="china",
    authority="https://login.chinacloudapi.cn",
    arm="https://management.chinacloudapi.cn",
    arm_scope="https://management.core.chinacloudapi.cn/.default",
    vault_suffix="vault.azure.cn",
    vault_scope="https://vault.azure.cn/.default",
    audience="api://AzureADTokenExchangeChina",
)
CLOUDS: Final[Mapping[str, Cloud]] = {cloud.name: cloud for cloud in (PUBLIC, US_GOVERNMENT, CHINA)}


def cloud(name: str = "public", *, authority: str = "", arm: str = "") -> Cloud:
    """Return the cloud of that name, its addresses replaced by those that are given. ``Invalid`` for an unknown one."""
    if name not in CLOUDS:
        text = f"azure-environment: {name!r} is none of {', '.join(CLOUDS)}"
        raise Invalid([Complaint(id="azure-environment-unknown", text=text, input="azure-environment")])
    found = CLOUDS[name]
    if authority:
        found = replace(found, authority=_address(authority, "azure-authority"))
    if arm:
        found = replace(found, arm=_address(arm, "azure-resource-manager"))
    return found


def _address(text: str, named: str) -> str:
    """Return ``https://host[:port]`` without a slash at its end."""
    url = urlsplit(text if "//" in text else f"https://{text}")
    if url.scheme != "https" or not url.hostname or url.query or url.path.strip("/"):
        complaint = Complaint(id="azure-address", text=f"{named}: {text!r} is no https address of a host", input=named)
        raise Invalid([complaint])
    return f"https://{url.netloc}"
