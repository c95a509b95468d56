"""What every log line of an invocation carries: its request, its execution and its job.

Only the standard library is imported, because the functions that must start fast use this module, too.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, Protocol

OF_INVOCATION = ("function_request_id", "request_id", "execution", "xray_trace_id")

Handler = Callable[[dict[str, Any], Any], Any]


class Job(Protocol):
    """What log lines say of a job."""

    @property
    def job_id(self) -> str: ...
    @property
    def tenant(self) -> str: ...
    @property
    def gateway(self) -> str: ...
    @property
    def task_id(self) -> str | None: ...


log = logging.getLogger("suno_jobs")
_keys: ContextVar[dict[str, str]] = ContextVar("log_keys")


class AddKeys(logging.Filter):
    """Adds the keys of the current invocation to a line that does not have them."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in _keys.get({}).items():
            record.__dict__.setdefault(name, value)
        return True


log.addFilter(AddKeys())


def logged(handler: Handler) -> Handler:
    """A handler whose log lines carry the keys of the invocation. If it concerns a job, its end is a line of its own, so that
    the job is found in the log of every function that worked on it."""

    @wraps(handler)
    def lambda_handler(event: dict[str, Any], context: Any) -> Any:
        outer = _keys.set(_of_invocation(event, context))
        try:
            answer = handler(event, context)
        except Exception as error:
            log.error("invocation failed with %s", type(error).__name__)  # noqa: TRY400 - Lambda logs the traceback
            raise
        else:
            if "job_id" in _keys.get():
                log.info("invocation ended")
            return answer
        finally:
            _keys.reset(outer)

    return lambda_handler


def _of_invocation(event: Mapping[str, Any], context: Any) -> dict[str, str]:
    """``request_id`` is API Gateway's, ``function_request_id`` is Lambda's. Powertools names ``xray_trace_id``, too."""
    keys = {
        "function_request_id": getattr(context, "aws_request_id", None),
        "request_id": event.get("request_id") or event.get("requestContext", {}).get("requestId"),
        "execution": event.get("execution"),
        "job_id": event.get("job_id"),
        "xray_trace_id": _recorded_trace(os.environ.get("_X_AMZN_TRACE_ID", "")),
    }
    return {name: value for name, value in keys.items() if value}


def _recorded_trace(header: str) -> str | None:
    """The id of the trace in ``Root=1-...;Parent=...;Sampled=1``, which Lambda sets for each invocation; None if it is not
    recorded."""
    parts = dict(part.partition("=")[::2] for part in header.split(";"))
    return parts.get("Root") if parts.get("Sampled") == "1" else None


def request_id() -> str | None:
    """API Gateway's id of the request that this invocation serves, for a function that it calls."""
    return _keys.get({}).get("request_id")


def note_job(job: Job) -> None:
    """The invocation concerns this job, unless it is known to concern another one."""
    keys = _keys.get({})
    if keys.get("job_id", job.job_id) == job.job_id:
        note(job_id=job.job_id, tenant=job.tenant, gateway=job.gateway, task_id=job.task_id)


def note_new_job(job: Job) -> None:
    """The invocation has made this job, whatever it has read before."""
    _keys.get({}).pop("task_id", None)
    note(job_id=job.job_id, tenant=job.tenant, gateway=job.gateway)


def note(**keys: str | None) -> None:
    """Outside of an invocation it has no effect."""
    _keys.get({}).update({name: value for name, value in keys.items() if value})


@contextmanager
def about_job(job_id: str | None) -> Iterator[None]:
    """Lines within the context are about this job, or about none."""
    outer = _keys.get({})
    kept = {name: outer[name] for name in OF_INVOCATION if name in outer}
    token = _keys.set(kept | ({"job_id": job_id} if job_id else {}))
    try:
        yield
    finally:
        _keys.reset(token)
