"""Azure's troubles, ready for ``faults.add`` (whole answers) or ``operations.upset`` (how operations end)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def refusal(status: int, code: str, message: str, *, detail: tuple[str, str] | None = None, **headers: str) -> Any:  # noqa: ANN401 - the fields of Fault
    """Return an answer with Resource Manager's error body; a header's name is given with underscores."""
    error: dict[str, Any] = {"code": code, "message": message}
    if detail is not None:
        error["details"] = [{"code": detail[0], "message": detail[1]}]
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"status": status, "body": {"error": error}, "headers": named}


ANOTHER_OPERATION = refusal(
    409,
    "AnotherOperationInProgress",
    "Another operation on this or dependent resource is in progress. To retrieve status of the operation use uri:"
    " https://westeurope.network.azure.com/subscriptions/0/providers/Microsoft.Network/locations/westeurope/operations/0"
    "?api-version=2021-03-01.",
)
RETRYABLE = refusal(
    429,
    "RetryableError",
    "A retryable error occurred.",
    detail=(
        "ReferencedResourceNotProvisioned",
        "Cannot proceed with operation because resource is not in Succeeded state. Resource is in Updating state.",
    ),
)
THROTTLED = refusal(
    429,
    "SubscriptionRequestsThrottled",
    "Number of requests for subscription exceeded the backend storage limit. Please try again after '1' seconds.",
    Retry_After="1",
)
ETAG_MISMATCH = refusal(412, "PreconditionFailed", "Precondition failed.")
SCOPE_LOCKED = refusal(
    409,
    "ScopeLocked",
    "The scope cannot perform delete operation because following scope(s) are locked. Please remove the lock and try"
    " again.",
)
FORBIDDEN = refusal(403, "AuthorizationFailed", "The client does not have authorization to perform action over scope.")
EXPIRED_TOKEN = refusal(
    401,
    "ExpiredAuthenticationToken",
    "The access token expiry UTC time is earlier than current UTC time.",
    WWW_Authenticate='Bearer authorization_uri="https://login.windows.net/", error="invalid_token"',
)
INTERNAL = refusal(500, "InternalServerError", "An error occurred.")
UNAVAILABLE = refusal(503, "ServiceUnavailable", "The service is unavailable.")

SUPERSEDED: Mapping[str, Any] = {
    "code": "Canceled",
    "message": "Operation was canceled.",
    "details": [
        {
            "code": "CanceledAndSupersededDueToAnotherOperation",
            "message": (
                "Operation PutSecurityRuleOperation (one) was canceled and superseded by operation"
                " PutSecurityRuleOperation (another)."
            ),
        }
    ],
}
OPERATION_FAILED: Mapping[str, Any] = {"code": "InternalOperationError", "message": "An internal error occurred."}
AGENT_SILENT: Mapping[str, Any] = {
    "code": "VMAgentStatusCommunicationError",
    "message": "The VM has not reported status for VM agent or extensions. Verify that the OS is up and healthy, the VM"
    " has a running VM agent, and that it can establish outbound connections to Azure storage.",
}
