"""What a gateway's error response means: each adapter has a table of rules."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from typing import Any

from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.gateways.parsing import clean_message, code_text, pick
from suno_jobs.gateways.protocol import ErrorRule, GatewayReply

_RETRYABLE = frozenset({ErrorCode.RATE_LIMITED, ErrorCode.MAINTENANCE, ErrorCode.GENERATION_FAILED, ErrorCode.NO_AUDIO})

ErrorRules = Mapping[str, ErrorRule]

INVALID_REQUEST = ErrorRule(ErrorCode.INVALID_REQUEST)
AUTHENTICATION = ErrorRule(ErrorCode.AUTHENTICATION)
QUOTA = ErrorRule(ErrorCode.QUOTA)
CONTENT_REJECTED = ErrorRule(ErrorCode.CONTENT_REJECTED)
RATE_LIMITED = ErrorRule(ErrorCode.RATE_LIMITED, retry_submission=True, retry_read=True)
MAINTENANCE = ErrorRule(ErrorCode.MAINTENANCE, retry_submission=True, retry_read=True)
NOT_FOUND = ErrorRule(ErrorCode.NOT_FOUND)
UNKNOWN = ErrorRule(ErrorCode.GATEWAY_ERROR, refused=False, retry_read=True)
"""The outcome is unknown: a server error, a timeout, or a code without a rule."""
GENERATION_FAILED = ErrorRule(ErrorCode.GENERATION_FAILED, refused=False)
REFUNDED = ErrorRule(ErrorCode.GENERATION_FAILED, refused=False, refunded=True)
MODEL_UNAVAILABLE = ErrorRule(ErrorCode.MODEL_UNAVAILABLE)

UPSTREAM_RULES: ErrorRules = {"paid_upsell": MODEL_UNAVAILABLE}
"""By Suno's own code, which a gateway may pass on at the beginning of its message. Since September 2026 Suno answers
``paid_upsell`` to an order with a model that it has retired."""


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """An error response: its codes, the most reliable first, and the gateway's message."""

    codes: tuple[str | None, ...]
    message: str | None = None
    trace_id: str | None = None

    @property
    def upstream_code(self) -> str:
        return (self.message if isinstance(self.message, str) else "").partition(":")[0].strip()

    def rule(self, error_rules: ErrorRules) -> ErrorRule:
        """Suno's own code gives the reason of a refusal, but never turns an unknown outcome into a refusal."""
        rule = next((error_rules[code] for code in self.codes if code is not None and code in error_rules), UNKNOWN)
        return UPSTREAM_RULES.get(self.upstream_code, rule) if rule.refused else rule

    def task_fault(self, task_rules: ErrorRules) -> Fault:
        """Why a task failed that the gateway had accepted. ``task_rules``: the codes that say more than that it failed."""
        rules = [task_rules[code] for code in self.codes if code is not None and code in task_rules]
        rules = [rule for rule in (UPSTREAM_RULES.get(self.upstream_code), *rules) if rule is not None]
        code = next((rule.code for rule in rules if rule.code is not ErrorCode.GENERATION_FAILED), ErrorCode.GENERATION_FAILED)
        return replace(self.fault(code), refunded=any(rule.refunded for rule in rules) or None)

    def fault(self, code: ErrorCode) -> Fault:
        first = clean_message(next((each for each in self.codes if each), None))
        message = clean_message(self.message) or f"the gateway gave no reason (code {first})"
        return fault(code, message, gateway_code=first, trace_id=self.trace_id)


def fault(code: ErrorCode, message: str, *, gateway_code: str | None = None, trace_id: str | None = None) -> Fault:
    return Fault(code, message, retryable=code in _RETRYABLE, gateway_code=gateway_code, trace_id=trace_id)


def unrecognised(reply: GatewayReply) -> ErrorReply:
    """The error of a response without any known field."""
    return ErrorReply((http_code(reply),), f"the gateway's response has an unknown format (HTTP {reply.status})")


def find_code(reply: GatewayReply, body: dict[str, Any], *message: str, success: Container[str | None]) -> ErrorReply | None:
    """The error of a gateway that has an error code in the body. It decides: a gateway may refuse with HTTP 200.

    None requires HTTP 2xx and a code in ``success``. ``message``: the names of the field with the reason.
    """
    code = code_text(body.get("code"))
    if is_ok(reply) and code in success:
        return None
    codes = tuple(each for each in (code, http_code(reply)) if each not in (None, "200"))
    return ErrorReply(codes, pick(body, *message))


def http_code(reply: GatewayReply) -> str:
    return str(reply.status)


def is_ok(reply: GatewayReply) -> bool:
    """By HTTP status, which alone does not mean success on any gateway."""
    return 200 <= reply.status < 300
