"""Repeats a request when that is safe, and no longer than a person would wait."""

from __future__ import annotations

import httpx

from suno_jobs_client.errors import NoAnswer, error_of, retry_after_of
from suno_jobs_client.wire import Wire

ATTEMPTS = 5
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 20.0

# The service refused these before it did anything. A 409 with this problem asks for a repetition.
_NOTHING_DONE = 429
_REPEAT = "job-being-changed"


async def send(wire: Wire, request: httpx.Request, *, repeatable: bool) -> httpx.Response:
    """Returns the answer, of which 2xx and 3xx are not errors.

    A request that is not ``repeatable`` is repeated only if it was certainly not carried out: it did not leave, or it
    got a 429. ``Retry-After`` is honoured up to 20 seconds; for a longer wait the caller gets the error and decides.
    Raises ``NoAnswer`` and the ``ApiError`` of the last answer.
    """
    attempt = 0
    while True:
        attempt += 1
        pause = wire.spread(min(FIRST_PAUSE_SECONDS * 2**attempt, LONGEST_PAUSE_SECONDS))
        try:
            response = await wire.send(request)
        except httpx.TransportError as error:
            if attempt == ATTEMPTS or not (repeatable or _did_not_leave(error)):
                raise NoAnswer(f"no answer from {request.url.host}: {error}") from error
        else:
            if not response.is_error:
                return response
            asked = retry_after_of(response) or 0.0
            if attempt == ATTEMPTS or asked > LONGEST_PAUSE_SECONDS or not _may_repeat(response, repeatable=repeatable):
                raise error_of(response)
            pause += asked
        await wire.sleep(pause)


def _did_not_leave(error: httpx.TransportError) -> bool:
    return isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)


def _may_repeat(response: httpx.Response, *, repeatable: bool) -> bool:
    if response.status_code == _NOTHING_DONE:
        return True
    return repeatable and (response.status_code >= 500 or error_of(response).problem.name == _REPEAT)
