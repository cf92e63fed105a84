"""What the SDKs raise, as the answers that our deciding knows. Imported only by those who use an SDK."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError

from difyaction.azure.arm import Unanswered
from difyaction.azure.refusals import refused
from difyaction.azure.wire import NO_ANSWER, Answer, bounded
from difyaction.errors import NOTHING_TOUCHED

T = TypeVar("T")


class Overdue(AzureError):
    """The time that a question had was up before Azure gave its last answer."""

    def __init__(self) -> None:
        super().__init__("the operation did not end in time")


@contextmanager
def told(doing: str, *, state: str = NOTHING_TOUCHED) -> Iterator[None]:
    """Turn what an SDK raises inside into our error. ``doing``: what we were about, as `reading the machine`."""
    try:
        yield
    except AzureError as error:
        raise refused(unanswered(error), doing, state=state) from error


def there(ask: Callable[[], T]) -> T | None:
    """Return what is asked for, or nothing when there is none."""
    try:
        return ask()
    except ResourceNotFoundError:
        return None


def tried(ask: Callable[[], object]) -> Answer:
    """Ask, and return how that ended: 200, whatever the success was, or the answer that refused."""
    try:
        ask()
    except AzureError as error:
        return answer_of(error)
    return Answer(HTTPStatus.OK)


def unanswered(error: AzureError) -> Unanswered:
    """Return an SDK's error as that of our own client: the answer, and what was asked."""
    request = getattr(getattr(error, "response", None), "request", None)
    action = f"{request.method} {urlsplit(request.url).path}" if request else type(error).__name__
    return Unanswered(answer_of(error), action)


def answer_of(found: Any) -> Answer:  # noqa: ANN401 - an answer of either generation, or an error with or without one
    """Return an HTTP answer, or that of an error; status 0 for an error without one.

    An operation that failed is told by an answer that is a success itself; its status is 409 here.
    """
    response = getattr(found, "response", None) if isinstance(found, AzureError) else found
    if response is None:
        inner = getattr(found, "inner_exception", None) or found
        return Answer(
            NO_ANSWER, {}, {"code": type(inner).__name__, "message": bounded(f"{type(inner).__name__}: {found}")}
        )
    headers = {name.lower(): value for name, value in response.headers.items()}
    answer = Answer(response.status_code, headers, _json(response.text()))
    if isinstance(found, HttpResponseError) and answer.ok:
        return Answer(HTTPStatus.CONFLICT, headers, answer.data)
    return answer


def _json(text: str) -> Any:  # noqa: ANN401 - JSON has no other type
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return {"message": bounded(text[:2000])}
