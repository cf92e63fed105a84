"""Logs in by azure-identity: it keeps tokens, renews them in time, and knows every kind of managed identity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from difyaction.azure.identity import Identity
from difyaction.azure.refusals import login_refused
from difyaction.azure.wire import bounded
from difyaction.errors import Failed
from difyaction.secret import Secret

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential


@dataclass
class Login:
    """Tokens for one identity. ``assertion`` is called for a new token of GitHub's each time that Azure is asked.

    ``claims`` gives what GitHub's last token said, ``mask`` is told of every token that Azure gives. It is a credential
    for the SDKs (``get_token``), and gives tokens to the client that closes doors (``token``).
    """

    identity: Identity
    assertion: Callable[[], str]
    claims: Callable[[], Mapping[str, Any]] = dict
    mask: Callable[[Secret], None] = lambda _: None
    _credential: TokenCredential | None = field(default=None, init=False)
    _given: set[str] = field(default_factory=set, init=False, repr=False)

    def token(self, scope: str, *, fresh: bool = False) -> Secret:
        """Return a token for a scope; ``fresh``: log in again, as the last one was not taken."""
        if fresh:
            self.renew()
        return Secret(self.get_token(scope).token)

    def renew(self) -> None:
        """Forget all tokens: one that was given was not taken."""
        self._credential = None

    def get_token(self, *scopes: str, **wishes: Any) -> AccessToken:  # noqa: ANN401 - what azure-core's protocol says
        """Return a token as the SDKs ask for it: with the tenant and the claims that a service named."""
        from azure.core.exceptions import AzureError  # noqa: PLC0415 - only those who go to Azure pay for the library

        entrance = self._credential or credential(self.identity, self.assertion)
        self._credential = entrance
        try:
            found = entrance.get_token(*scopes, **wishes)
        except AzureError as error:
            raise login_refused(self.identity, error.message, self.claims()) from None
        except ValueError as error:  # azure-identity's word for a tenant or authority that is none
            raise _unusable(error) from error
        if found.token not in self._given:
            self._given.add(found.token)
            self.mask(Secret(found.token))
        return found


def credential(identity: Identity, assertion: Callable[[], str]) -> TokenCredential:
    """Return azure-identity's credential for an identity."""
    import azure.identity  # noqa: PLC0415 - as above

    from difyaction.azure.pipeline import hush  # noqa: PLC0415 - as above

    hush()
    try:
        return _credential(azure.identity, identity, assertion)
    except ValueError as error:
        raise _unusable(error) from error


def _credential(library: Any, identity: Identity, assertion: Callable[[], str]) -> TokenCredential:  # noqa: ANN401 - a module
    from difyaction.azure.pipeline import LOGIN  # noqa: PLC0415 - as above

    found: TokenCredential
    where = {"authority": identity.cloud.authority, "disable_instance_discovery": True, **LOGIN}
    if identity.method == "managed-identity":
        found = library.ManagedIdentityCredential(client_id=identity.client_id or None)
    elif identity.method == "client-secret":
        found = library.ClientSecretCredential(identity.tenant, identity.client_id, identity.secret.reveal(), **where)
    else:
        found = library.ClientAssertionCredential(identity.tenant, identity.client_id, assertion, **where)
    return found


def _unusable(error: ValueError) -> Failed:
    return Failed(
        "azure-login-unusable",
        "This login cannot be tried: {says}.",
        next_step="Check azure-tenant-id, azure-client-id and azure-environment.",
        says=bounded(error).rstrip("."),
    )
