"""The base class of the adapters: what they have in common. A subclass has the facts of its gateway."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from suno_jobs.catalog.costs import Cost
from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.models import RequestedModel
from suno_jobs.errors import ErrorCode, Fault
from suno_jobs.gateways import protocol
from suno_jobs.gateways.error_rules import ErrorReply, fault, unrecognised
from suno_jobs.gateways.input_fields import Fields, check_lengths, check_model, check_offer, describe, without_none
from suno_jobs.gateways.model_names import common_model, gateway_model
from suno_jobs.gateways.parsing import find_task_id, parse_retry_after, read_object
from suno_jobs.gateways.prices import listed_cost, parse_amount
from suno_jobs.gateways.protocol import GatewayReply, GatewayRequest, Price, TaskReport

if TYPE_CHECKING:
    from suno_jobs.catalog.inputs import KindInput
    from suno_jobs.jobs.record import StageWords

Body = dict[str, Any]


class Adapter(protocol.Gateway):
    """A subclass sets the attributes without a value, here and in ``Gateway``, and implements the methods without a body."""

    key_header: tuple[str, str]
    """The name of the header with the API key, and the text before the key."""
    task_id_fields: tuple[str, ...]
    callback_field: str
    """The field of a request for the callback URL."""
    vocal_genders: Mapping[str, str] = {"male": "m", "female": "f"}
    older_limits: Mapping[str, protocol.Limits] = {}
    """The limits of models with other limits than the default model, by the gateway's names."""
    always_with_model: frozenset[Kind]
    """The kinds whose request has a model even if the input has none."""
    default_models: Mapping[Kind, str] = {}
    """The default model of a kind that has another one."""
    only_with_lyrics: Mapping[Kind, frozenset[str]] = {}
    """By kind, the fields that have no effect in simple mode, or are refused there."""
    models_with: Mapping[str, frozenset[str]] = {}
    """Our names of the models that support a field, by field. A field that is not here is supported by every model."""
    callback_stages: tuple[str, ...] = ("final",)
    stage_words: StageWords = MappingProxyType({})
    calls_back = True
    prices: Sequence[Price] = ()
    usd_per_unit: float | None = None

    def authorization(self, api_key: str) -> Mapping[str, str]:
        name, prefix = self.key_header
        return {name: f"{prefix}{api_key}"}

    def check(self, kind: Kind, job_input: KindInput) -> protocol.FieldErrors:
        fields = job_input.provided_fields()
        return check_offer(self.kinds[kind], fields) + self.check_values(kind, fields)

    def check_values(self, kind: Kind, fields: Fields) -> protocol.FieldErrors:
        """The fields whose value the gateway would refuse."""
        limits = self.limits_of(kind, fields)
        too_long = check_lengths(fields, limits, description=self.description(kind, fields))
        return (*check_model(fields, self.models), *self._check_conditions(kind, fields), *too_long)

    def limits_of(self, kind: Kind, fields: Fields) -> protocol.Limits:
        return self.older_limits.get(self.model_of(kind, fields), self.limits)

    def _check_conditions(self, kind: Kind, fields: Fields) -> protocol.FieldErrors:
        model, custom = self.model_of(kind, fields), "lyrics" in fields
        simple = () if custom else self.only_with_lyrics.get(kind, frozenset()).intersection(fields)
        offered = self.kinds[kind].fields
        models = {name: self.models_with[name] for name in fields if name in self.models_with and name in offered}
        unknown = {name: has for name, has in models.items() if model not in {self.models.get(each, each) for each in has}}
        return (
            *((name, "is supported by this gateway only together with lyrics") for name in sorted(simple)),
            *((name, f"is supported by this gateway only by {', '.join(sorted(has))}") for name, has in unknown.items()),
        )

    def description(self, kind: Kind, fields: Fields) -> str | None:  # noqa: ARG002
        """The text that is sent for the prompt, for a kind with a simple mode."""
        return describe(fields, negative=False)

    def model_of(self, kind: Kind, fields: Fields) -> str:
        """The gateway's name of the requested or the default model."""
        default = self.default_models.get(kind, self.default_model)
        return gateway_model(self.models, fields.get("model", default))

    def requested_model(self, kind: Kind, job_input: KindInput) -> RequestedModel | None:
        fields = job_input.provided_fields()
        if not self.sends_model(kind, fields):
            return None
        name = self.model_of(kind, fields)
        return RequestedModel(common_model(self.models, name) or name, name)

    def listed_cost(self, kind: Kind, job_input: KindInput) -> Cost | None:
        model = self.requested_model(kind, job_input)
        return listed_cost(self.prices, kind, job_input.provided_fields(), model.name if model else None)

    def limits_for(self, kind: Kind, job_input: KindInput) -> protocol.Limits:
        return self.limits_of(kind, job_input.provided_fields())

    def sends_model(self, kind: Kind, fields: Fields) -> bool:
        """Whether the request has a model."""
        return kind in self.always_with_model or "model" in fields

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
        report = None
        if self.kinds[kind].synchronous and body is not None:
            report = self._with_cost(self.read_result(kind, body), body)
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
        rule, wait = error.rule(self.error_rules), parse_retry_after(reply)
        if not rule.refused or task_id:
            return protocol.Ambiguous(error.fault(ErrorCode.AMBIGUOUS), task_id, wait)
        reason = self._with_models(error.fault(rule.code))
        return protocol.Refused(reason, may_retry=rule.retry_submission, retry_after_seconds=wait)

    def _with_models(self, reason: Fault) -> Fault:
        if reason.code is not ErrorCode.MODEL_UNAVAILABLE:
            return reason
        return replace(reason, message=f"{reason.message} ({self.name} has the models {', '.join(self.models)})")

    def task_id(self, kind: Kind, body: Body | None) -> str | None:  # noqa: ARG002
        """The task id in the reply to a submission."""
        return find_task_id(body, *self.task_id_fields)

    def read_result(self, kind: Kind, body: Body) -> TaskReport | None:
        """The result in the reply to a synchronous operation. None if there is none."""

    def read_status(self, kind: Kind, reply: GatewayReply) -> protocol.Reading:
        body = read_object(reply.body)
        report = None if body is None else self._with_cost(self.read_task(kind, reply, body), body)
        return report or self.failed_read(reply, body)

    def _with_cost(self, report: TaskReport | None, body: Body) -> TaskReport | None:
        return replace(report, cost=self.read_cost(body)) if report and report.status.ended else report

    def read_cost(self, body: Body) -> Cost | None:  # noqa: ARG002
        """What the reply about an ended task says about its cost."""
        return None

    @abstractmethod
    def read_task(self, kind: Kind, reply: GatewayReply, body: Body) -> TaskReport | None:
        """The task in the reply to a status request. None if the reply is about no task."""

    def failed_read(self, reply: GatewayReply, body: Body | None) -> protocol.ReadFailed:
        error = self.find_error(reply, body) or unrecognised(reply)
        rule, wait = error.rule(self.error_rules), parse_retry_after(reply)
        return protocol.ReadFailed(error.fault(rule.code), may_retry=rule.retry_read, retry_after_seconds=wait)

    def balance_in(self, reply: GatewayReply, find: Callable[[Body], Any]) -> protocol.Balance | protocol.ReadFailed:
        """``find`` returns the field with the balance."""
        body = read_object(reply.body)
        amount = None if body is None or self.error_in(reply, body) else parse_amount(find(body))
        return self.failed_read(reply, body) if amount is None else protocol.Balance(amount, "credits")

    def find_error(self, reply: GatewayReply, body: Body | None) -> ErrorReply | None:
        return unrecognised(reply) if body is None else self.error_in(reply, body)

    @abstractmethod
    def error_in(self, reply: GatewayReply, body: Body) -> ErrorReply | None:
        """The error in a reply. None requires HTTP 2xx."""

    def read_callback(self, body: bytes) -> str | None:
        """By default, a task id with the same name and in the same places as in other replies."""
        return find_task_id(read_object(body), *self.task_id_fields)
