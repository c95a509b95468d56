"""The base class of the adapters: what they have in common. A subclass has the facts of its gateway."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import ErrorCode
from suno_jobs.gateways import protocol
from suno_jobs.gateways.error_rules import ErrorReply, fault, unrecognised
from suno_jobs.gateways.input_fields import Fields, check_lengths, check_offer, describe, without_none
from suno_jobs.gateways.model_names import gateway_model
from suno_jobs.gateways.parsing import find_task_id, parse_retry_after, read_object
from suno_jobs.gateways.protocol import GatewayReply, GatewayRequest, TaskReport

if TYPE_CHECKING:
    from suno_jobs.catalog.inputs import KindInput

Body = dict[str, Any]


class Adapter(protocol.Gateway):
    """A subclass sets the attributes without a value, here and in ``Gateway``, and implements the methods without a body."""

    key_header: tuple[str, str]
    """The name of the header with the API key, and the text before the key."""
    task_id_fields: tuple[str, ...]
    callback_field: str
    """The field of a request for the callback URL."""
    vocal_genders: Mapping[str, str] = {"male": "m", "female": "f"}
    old_models: frozenset[str] = frozenset()
    """The gateway's names of the models with the lower limits of ``Limits()``."""
    default_model = "v5"
    callback_stages: tuple[str, ...] = ("final",)

    def authorization(self, api_key: str) -> Mapping[str, str]:
        name, prefix = self.key_header
        return {name: f"{prefix}{api_key}"}

    def check(self, kind: Kind, job_input: KindInput) -> protocol.FieldErrors:
        fields = job_input.provided_fields()
        return check_offer(self.kinds[kind], fields) + self.check_values(kind, fields)

    def check_values(self, kind: Kind, fields: Fields) -> protocol.FieldErrors:
        """The fields whose value the gateway would refuse: by default, texts that are too long."""
        limits = protocol.Limits() if self.model_of(fields) in self.old_models else self.limits
        return check_lengths(fields, limits, description=self.description(kind, fields))

    def description(self, kind: Kind, fields: Fields) -> str | None:  # noqa: ARG002
        """The text that is sent for the prompt, for a kind with a simple mode."""
        return describe(fields, negative=False)

    def model_of(self, fields: Fields) -> str:
        """The gateway's name of the requested or the default model."""
        return gateway_model(self.models, fields.get("model", self.default_model))

    def request(
        self, kind: Kind, job_input: KindInput, *, sources: Sequence[protocol.Source], callback_url: str
    ) -> GatewayRequest:
        fields = job_input.provided_fields()
        if "vocal_gender" in fields:
            fields["vocal_gender"] = self.vocal_genders[fields["vocal_gender"]]
        path, body = self.path_and_body(kind, fields, sources)
        if not self.kinds[kind].synchronous:
            body[self.callback_field] = callback_url
        return GatewayRequest("POST", path, json=without_none(body))

    @abstractmethod
    def path_and_body(self, kind: Kind, fields: Fields, sources: Sequence[protocol.Source]) -> tuple[str, Body]:
        """Of the paid request, without the callback URL. A field that is None is not sent."""

    def read_submission(self, kind: Kind, reply: GatewayReply) -> protocol.Submission:
        """Without an error: Done if there is the result of a synchronous operation, Accepted if there is a task id.

        With an error: Refused if its rule says so and there is no task id. Everything else is Ambiguous, because a wrong guess
        pays twice (I1).
        """
        body = read_object(reply.body)
        report = self.read_result(kind, body) if self.kinds[kind].synchronous and body is not None else None
        return self.outcome(reply, body, self.task_id(kind, body), report)

    def outcome(
        self, reply: GatewayReply, body: Body | None, task_id: str | None, report: TaskReport | None = None
    ) -> protocol.Submission:
        error = self.find_error(reply, body)
        if error is None:
            if report is not None:
                return protocol.Done(report, task_id)
            if task_id:
                return protocol.Accepted(task_id)
            message = "the gateway reported success, but returned neither a task id nor a result"
            return protocol.Ambiguous(fault(ErrorCode.AMBIGUOUS, message, gateway_code=str(reply.status)))
        rule = error.rule(self.error_rules)
        if not rule.refused or task_id:
            return protocol.Ambiguous(error.fault(ErrorCode.AMBIGUOUS), task_id)
        wait = parse_retry_after(reply)
        return protocol.Refused(error.fault(rule.code), may_retry=rule.retry_submission, retry_after_seconds=wait)

    def task_id(self, kind: Kind, body: Body | None) -> str | None:  # noqa: ARG002
        """The task id in the reply to a submission."""
        return find_task_id(body, *self.task_id_fields)

    def read_result(self, kind: Kind, body: Body) -> TaskReport | None:
        """The result in the reply to a synchronous operation. None if there is none."""

    def read_status(self, kind: Kind, reply: GatewayReply) -> protocol.Reading:
        body = read_object(reply.body)
        report = None if body is None else self.read_task(kind, reply, body)
        return report or self.failed_read(reply, body)

    @abstractmethod
    def read_task(self, kind: Kind, reply: GatewayReply, body: Body) -> TaskReport | None:
        """The task in the reply to a status request. None if the reply is about no task."""

    def failed_read(self, reply: GatewayReply, body: Body | None) -> protocol.ReadFailed:
        error = self.find_error(reply, body) or unrecognised(reply)
        rule, wait = error.rule(self.error_rules), parse_retry_after(reply)
        return protocol.ReadFailed(error.fault(rule.code), may_retry=rule.retry_read, retry_after_seconds=wait)

    def find_error(self, reply: GatewayReply, body: Body | None) -> ErrorReply | None:
        return unrecognised(reply) if body is None else self.error_in(reply, body)

    @abstractmethod
    def error_in(self, reply: GatewayReply, body: Body) -> ErrorReply | None:
        """The error in a reply. None requires HTTP 2xx."""

    def read_callback(self, body: bytes) -> str | None:
        """By default, a task id with the same name and in the same places as in other replies."""
        return find_task_id(read_object(body), *self.task_id_fields)
