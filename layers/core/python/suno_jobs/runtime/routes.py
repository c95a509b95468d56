"""Which methods each path of the API has. A test holds this list against the routes of ``template.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_READ = ("GET", "HEAD", "OPTIONS")
_POST = ("OPTIONS", "POST")

METHODS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "/console": _READ,
        "/console/{file}": _READ,
        "/v1/callbacks/{gateway}/{job_id}/{mac}": _POST,
        "/v1/callbacks/{gateway}/{job_id}/{mac}/signed": _POST,
        "/v1/gateways": _READ,
        "/v1/jobs": (*_READ, "POST"),
        "/v1/jobs/{job_id}": ("DELETE", *_READ),
        "/v1/jobs/{job_id}/cancel": _POST,
        "/v1/jobs/{job_id}/events": _READ,
        "/v1/jobs/{job_id}/manifest": _READ,
        "/v1/jobs/{job_id}/retry": _POST,
        "/v1/jobs/{job_id}/tracks/{track_id}/{kind}": _READ,
        "/v1/keys": (*_READ, "POST"),
        "/v1/keys/{key_id}": ("DELETE", "OPTIONS"),
        "/v1/keys/{key_id}/rotate": _POST,
        "/v1/openapi.json": _READ,
        "/v1/problems/{name}": _READ,
        "/v1/usage": _READ,
        "/v1/webhooks": (*_READ, "POST"),
        "/v1/webhooks/{webhook_id}": ("DELETE", *_READ, "PATCH"),
        "/v1/webhooks/{webhook_id}/deliveries": _READ,
        "/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/retry": _POST,
        "/v1/webhooks/{webhook_id}/replay": _POST,
        "/v1/webhooks/{webhook_id}/rotate": _POST,
        "/v1/webhooks/{webhook_id}/test": _POST,
    }
)


def allowed_methods(path: str) -> tuple[str, ...]:
    """Empty if the API has no such path."""
    return next((methods for template, methods in METHODS.items() if _fits(path.split("/"), template.split("/"))), ())


def _fits(parts: list[str], template: list[str]) -> bool:
    same = ((part and name.startswith("{")) or part == name for part, name in zip(parts, template, strict=False))
    return len(parts) == len(template) and all(same)
