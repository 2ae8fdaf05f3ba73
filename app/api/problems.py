"""What went wrong, as an answer: application/problem+json (RFC 9457), with the status that fits."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from data.errors import FrontierError, MalformedId, StoreError, UnknownDataset, UnknownPaper, UsageError
from data.votes import VoteRefused

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 30
"""When to ask again while another process writes to the store."""

_REFUSED = {"forged": 404, "expired": 410, "gone": 410}


def problem(status: int, detail: str = "", *, headers: dict[str, str] | None = None) -> Response:
    """A problem answer. Its type is about:blank: the title is that of the status."""
    said: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    if detail:
        said["detail"] = detail
    return JSONResponse(said, status, headers, MEDIA_TYPE)


def status_of(error: FrontierError) -> int:
    """The status that an expected failure has: 404 for what is not there, 400 for what cannot be read, else 503."""
    match error:
        case VoteRefused():
            return _REFUSED[error.why]
        case MalformedId() | UnknownPaper() | UnknownDataset():
            return 404
        case UsageError():
            return 400
    return 503


def retry_headers(error: FrontierError) -> dict[str, str]:
    """When to ask again, where that helps."""
    return {"Retry-After": str(RETRY_AFTER_S)} if isinstance(error, StoreError) else {}


async def expected(request: Request, error: Exception) -> Response:
    """An expected failure."""
    assert isinstance(error, FrontierError)
    status = status_of(error)
    if status == 503:
        logger.warning("%s: %s", request.url.path.split("/")[1], error)
    return problem(status, str(error), headers=retry_headers(error))


async def refused(request: Request, error: Exception) -> Response:
    """What the routes refuse: no such address, not this method."""
    assert isinstance(error, HTTPException)
    return problem(error.status_code, headers=dict(error.headers or {}))


async def unexpected(request: Request, error: Exception) -> Response:
    """A bug, which is logged with its traceback."""
    return problem(500, "this is a bug of Frontier's; its log says more")
