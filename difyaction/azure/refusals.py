"""What Azure refuses, in our words: an id, the reason, the next step. Pure, and standard library only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from difyaction.azure.subjects import ISSUER, credential_command, subject
from difyaction.azure.wire import NO_ANSWER, Answer, bounded
from difyaction.errors import NOTHING_TOUCHED, Failed
from difyaction.language import N_

if TYPE_CHECKING:
    from difyaction.azure.arm import Unanswered
    from difyaction.azure.identity import Identity

_CODE = re.compile(r"AADSTS(\d+)")
_ACTION = re.compile(r"perform action '([^']+)'")
_SCOPE = re.compile(r"over scope '([^']+)'")
_LOCKED = re.compile(r"scope\(s\) are locked: '([^']+)'")
_FULL = re.compile(r"SecurityRules?\w*Limit\w*|more than [0-9,]+ (?:network )?security rules", re.IGNORECASE)
UNTRUSTED: Final = frozenset({"70021", "70025", "700211", "700212", "700213", "700223", "7002138"})
UNKNOWN_TENANT: Final = frozenset({"90002", "900023", "900021"})
WRONG_SECRET: Final = frozenset({"7000215", "7000222", "7000218"})


def login_refused(identity: Identity, says: str, claims: Mapping[str, Any]) -> Failed:
    """Return the error for a login that did not succeed. ``claims``: those of the token of GitHub's that was shown."""
    found = _CODE.search(says)
    code, says = found[1] if found else "", bounded(says)
    if code in UNTRUSTED or (code == "700024" and claims):
        return _untrusted(identity, says, claims, late=code == "700024")
    if code == "700016":
        return Failed(
            "azure-client-unknown",
            "The tenant {tenant} knows no application {client}: {says}",
            next_step="Check azure-client-id (the application's id, not its object id) and azure-tenant-id.",
            tenant=identity.tenant,
            client=identity.client_id,
            says=says,
        )
    if code in UNKNOWN_TENANT:
        return Failed(
            "azure-tenant-unknown",
            "There is no tenant {tenant} at {authority}: {says}",
            next_step="Check azure-tenant-id, and azure-environment when it is not the public cloud.",
            tenant=identity.tenant,
            authority=identity.cloud.authority,
            says=says,
        )
    if code in WRONG_SECRET:
        return Failed(
            "azure-secret-wrong",
            "The client secret of {client} is wrong or has expired: {says}",
            next_step="Give a secret's value (not its id) that is valid, or better, log in with GitHub's token.",
            client=identity.client_id,
            says=says,
        )
    return _other_login(identity, says)


def _other_login(identity: Identity, says: str) -> Failed:
    if identity.method == "managed-identity":
        return Failed(
            "azure-identity-absent",
            "This machine gives no managed identity: {says}",
            next_step="Run on a self-hosted runner in Azure that has one, name it with azure-client-id if it is "
            "user-assigned, or log in with GitHub's token.",
            says=says,
        )
    return Failed(
        "azure-login-refused",
        "Azure did not let {client} log in: {says}",
        next_step="Look the AADSTS code up at https://login.microsoftonline.com/error.",
        client=identity.client_id,
        says=says,
    )


def _untrusted(identity: Identity, says: str, claims: Mapping[str, Any], *, late: bool) -> Failed:
    if late:
        return Failed(
            "azure-assertion-expired",
            "GitHub's token had expired when Azure saw it: {says}",
            next_step="Check the clock of the runner; a new token was asked for just before.",
            says=says,
        )
    known = subject(claims)
    issuer = str(claims.get("iss") or ISSUER)
    commands = [
        credential_command(identity.client_id, each, issuer=issuer, audience=identity.wanted_audience)
        for each in (known.actual, known.other)
        if each
    ]
    return Failed(
        "azure-trust-missing",
        "Azure does not trust this job: the application {client} has no federated credential for the subject "
        "{subject} (issuer {issuer}, audience {audience}). {says}",
        next_step="Create it: {command} - a repository whose subject changes form (old {old}, with ids {immutable}) "
        "needs both: {both}. A new credential takes some minutes to work.",
        client=identity.client_id,
        subject=known.actual or "(none)",
        issuer=issuer,
        audience=str(claims.get("aud") or identity.wanted_audience),
        says=says,
        command=commands[0] if commands else "",
        old=known.old or "unknown",
        immutable=known.immutable or "unknown",
        both=" ; ".join(commands),
    )


def refused(error: Unanswered, doing: str, *, state: str = NOTHING_TOUCHED) -> Failed:
    """Return the error for an answer of Resource Manager. ``doing``: what we were about, as `reading the machine`."""
    answer = error.answer
    facts: dict[str, Any] = {"doing": doing, "says": answer.message, "asked": error.action}
    if answer.status == HTTPStatus.FORBIDDEN:
        return _forbidden(answer, doing, state)
    if "ScopeLocked" in answer.codes:
        found = _LOCKED.search(answer.message)
        return Failed(
            "azure-locked",
            "A lock forbids {doing}: {scope}.",
            state=state,
            next_step="Remove the lock for the time of the upgrade, or move it to what must not be deleted.",
            scope=found[1] if found else answer.message,
            doing=doing,
        )
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return Failed(
            "azure-token-rejected",
            "Resource Manager does not take our token ({doing}): {says}.",
            state=state,
            next_step="Check that azure-tenant-id is the tenant of the subscription, and azure-environment its cloud.",
            **facts,
        )
    if answer.status == HTTPStatus.NOT_FOUND:
        return Failed(
            "azure-not-found",
            "Azure does not find it ({doing}): {says}.",
            state=state,
            next_step="Check azure-subscription-id, the resource group and the names; without the right to read, "
            "Azure answers the same.",
            **facts,
        )
    return _unable(answer, facts, state)


def _unable(answer: Answer, facts: Mapping[str, Any], state: str) -> Failed:
    if answer.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED}:
        return Failed(
            "azure-busy",
            "Azure was busy with something else for too long ({doing}): {says}.",
            state=state,
            next_step="Run again when the other operation on this resource has ended.",
            **facts,
        )
    if answer.status == NO_ANSWER or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Failed(
            "azure-unavailable",
            "Azure could not be reached or keeps failing ({doing}: {says}).",
            state=state,
            next_step="Run again later; see https://azure.status.microsoft.",
            **facts,
        )
    if _FULL.search(f"{answer.code} {answer.message}"):
        return Failed(
            "azure-nsg-full",
            "A security group has as many rules as Azure lets it have ({says}).",
            state=state,
            next_step="Remove rules that nobody needs any more, or use connection: run-command.",
            says=answer.message,
        )
    return Failed(
        "azure-refused",
        "Azure refused {asked} ({doing}): {says}.",
        state=state,
        next_step="Look the sentence up in Azure's documentation; the request id is in the debug log.",
        **facts,
    )


def _forbidden(answer: Answer, doing: str, state: str) -> Failed:
    if "RequestDisallowedByPolicy" in answer.codes:
        return Failed(
            "azure-policy",
            "A policy of your organisation forbids {doing}: {says}.",
            state=state,
            next_step="Ask whoever keeps the policies for an exemption, or choose a connection that needs no opening.",
            doing=doing,
            says=answer.message,
        )
    action, scope = _ACTION.search(answer.message), _SCOPE.search(answer.message)
    whole = N_("We have no right for {doing}: {action} on {scope}.")
    return Failed(
        "azure-right-missing",
        whole if action and scope else N_("We have no right for {doing}: {says}"),
        state=state,
        next_step="Add that action to the role of the application (docs/azure.md has the whole role), then run again; "
        "a new assignment takes some minutes to work.",
        doing=doing,
        action=action[1] if action else "",
        scope=scope[1] if scope else "",
        says=answer.message,
    )
