"""The management SDKs for one login: how the run looks at Azure, and changes it. Closing doors does not use them.

Resources are named by their whole ids, so a client is made for each subscription that is met. The libraries are
loaded when the first one is needed: they take a second and a hundred megabytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from difyaction.azure.arm import parsed
from difyaction.azure.clouds import Cloud
from difyaction.azure.login import Login
from difyaction.azure.pace import Pace

if TYPE_CHECKING:
    import requests
    from azure.mgmt.compute import ComputeManagementClient
    from azure.mgmt.network import NetworkManagementClient


@dataclass
class Management:
    """One Azure's machines and networks. ``calls`` counts requests by method; ``session`` makes other HTTP sessions.

    Each request takes the option ``until``: the monotonic moment after which nothing is repeated or waited for.
    """

    cloud: Cloud
    login: Login
    pace: Pace
    calls: Counter[str] = field(default_factory=Counter)
    session: Callable[[], requests.Session] | None = None
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict, init=False, repr=False)

    def compute(self, resource: str) -> ComputeManagementClient:
        """Return the client for the subscription that a resource is in."""
        from azure.mgmt.compute import ComputeManagementClient  # noqa: PLC0415 - only those who go there pay for it

        found: ComputeManagementClient = self._client(ComputeManagementClient, resource)
        return found

    def network(self, resource: str) -> NetworkManagementClient:
        """Return the client for the subscription that a resource is in."""
        from azure.mgmt.network import NetworkManagementClient  # noqa: PLC0415 - as above

        found: NetworkManagementClient = self._client(NetworkManagementClient, resource)
        return found

    def close(self) -> None:
        """Close all connections. Another question opens new ones."""
        while self._clients:
            self._clients.popitem()[1].close()

    def _client(self, kind: Callable[..., Any], resource: str) -> Any:  # noqa: ANN401 - one of two clients
        from difyaction.azure.pipeline import management_settings  # noqa: PLC0415 - as above

        subscription = parsed(resource)["subscriptions"]
        key = (kind.__name__, subscription.lower())
        if key not in self._clients:
            session = self.session() if self.session else None
            settings = management_settings(self.cloud, self.login, self.pace, calls=self.calls, session=session)
            self._clients[key] = kind(self.login, subscription, **settings)
        return self._clients[key]
