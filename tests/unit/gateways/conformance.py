"""What every gateway adapter must fulfil. Run it on a new adapter by adding the documented payloads of its gateway.

    class TestMine(Conformance):
        gateway = MINE
        samples = (Sample(Kind.MUSIC, ...), ...)

The samples are also the contract tests of the adapter: each compares a request and a reading with the documentation.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from suno_jobs.catalog.inputs import INPUTS, KindInput
from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.models import RequestedModel
from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.input_fields import NOT_SUPPORTED
from suno_jobs.gateways.model_names import SUNO_NAMES
from suno_jobs.gateways.protocol import (
    Accepted,
    Ambiguous,
    Done,
    Gateway,
    GatewayReply,
    ReadFailed,
    Refused,
    Source,
    TaskReport,
    TaskStatus,
    TaskTrack,
)

HOOK = "https://jobs.example/v1/callbacks/gateway/j1/mac"
SOURCES = (Source("parent-task", "parent-track"), Source("parent-task-2", "parent-track-2"))
SOURCE = {"job_id": "job_1", "track_id": "parent-track"}

Links = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One kind on one gateway, as documented.

    ``asked`` is our input; ``path`` and ``body`` are what the gateway must receive, without the callback URL. ``answer`` is its
    answer to the submission, ``done`` its later reply to a status query; a synchronous operation may have only the answer.
    The result is ``links``, by track, or ``result``, data without files. ``running`` are replies of a task that is not done.
    ``callbacks`` are bodies that name the task.
    """

    kind: Kind
    asked: dict[str, Any]
    path: str
    body: dict[str, Any]
    answer: Any
    task_id: str | None
    done: Any = None
    links: tuple[Links, ...] = ()
    result: dict[str, Any] | None = None
    running: tuple[Any, ...] = ()
    callbacks: tuple[Any, ...] = field(default=())

    @property
    def given(self) -> KindInput:
        return INPUTS[self.kind].model_validate(self.asked, strict=True)


def audio_of(track: TaskTrack) -> str | None:
    return links_of(track).get("audio")


def links_of(track: TaskTrack) -> dict[str, str]:
    return {link.name: link.url for link in track.links}


def reply(body: Any, status: int = 200, **headers: str) -> GatewayReply:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return GatewayReply(status, data, {name.replace("_", "-"): value for name, value in headers.items()})


def without_urls(value: Any) -> Any:
    """The payload with every link made unusable."""
    if isinstance(value, dict):
        return {name: without_urls(member) for name, member in value.items()}
    if isinstance(value, list):
        return [without_urls(member) for member in value]
    if isinstance(value, str) and value.startswith("{"):
        return json.dumps(without_urls(json.loads(value)))
    return "None" if isinstance(value, str) and value.startswith("https://") else value


def truncations(value: Any) -> Iterator[bytes]:
    data = json.dumps(value).encode()
    return (data[:end] for end in range(0, len(data), max(1, len(data) // 12)))


class AnyInput(KindInput):
    """An input with any fields, to test how a gateway reacts to them."""

    fields: dict[str, Any]

    def provided_fields(self) -> dict[str, Any]:
        return dict(self.fields)


class Conformance:
    gateway: ClassVar[Gateway]
    samples: ClassVar[tuple[Sample, ...]]

    def test_every_kind_has_a_sample(self) -> None:
        assert {sample.kind for sample in self.samples} == set(self.gateway.kinds)

    def test_offers_name_fields_of_our_inputs(self) -> None:
        for kind, offer in self.gateway.kinds.items():
            needs = {name for need in offer.required for name in need.split("/")}
            assert needs <= offer.fields <= set(INPUTS[kind].model_fields), kind
            assert (offer.sources > 0) == bool(needs & {"source", "sources"}), kind

    def test_fields_that_are_not_offered_are_refused(self) -> None:
        for kind, offer in self.gateway.kinds.items():
            for name in set(INPUTS[kind].model_fields) - offer.fields:
                assert (name, NOT_SUPPORTED) in self.gateway.check(kind, AnyInput(fields={name: "x"})), (kind, name)

    def test_missing_required_fields_are_reported(self) -> None:
        for kind, offer in self.gateway.kinds.items():
            missing = {name for name, reason in self.gateway.check(kind, AnyInput(fields={})) if "is required" in reason}
            assert missing >= {need.split("/")[0] for need in offer.required}, kind

    def test_documented_requests(self) -> None:
        for sample in self.samples:
            assert self.gateway.check(sample.kind, sample.given) == (), sample.kind
            request = self._request(sample)
            body = dict(request.json or {})
            called_back = [name for name, value in body.items() if value == HOOK]
            assert bool(called_back) is not self.gateway.kinds[sample.kind].synchronous, sample.kind
            assert (request.method, request.path, request.params) == ("POST", sample.path, {}), sample.kind
            assert {name: value for name, value in body.items() if value != HOOK} == sample.body, sample.kind
            assert "jobs.example" not in repr(request)

    def test_documented_answers(self) -> None:
        for sample in self.samples:
            got = self.gateway.read_submission(sample.kind, reply(sample.answer))
            if self.gateway.kinds[sample.kind].synchronous:
                assert isinstance(got, Done), sample.kind
                assert got.task_id == sample.task_id, sample.kind
                self._succeeded(sample, got.report)
            else:
                assert got == Accepted(sample.task_id or ""), sample.kind

    def test_documented_results(self) -> None:
        for sample in self.samples:
            if sample.done is not None:
                got = self.gateway.read_status(sample.kind, reply(sample.done))
                assert isinstance(got, TaskReport), sample.kind
                self._succeeded(sample, got)

    def test_running_tasks(self) -> None:
        for sample in self.samples:
            for each in sample.running:
                got = self.gateway.read_status(sample.kind, reply(each))
                assert isinstance(got, TaskReport), (sample.kind, each)
                assert got.status in (TaskStatus.PENDING, TaskStatus.TEXT_READY, TaskStatus.FIRST_READY), (sample.kind, each)
                assert got.fault is None

    def test_documented_callbacks(self) -> None:
        for sample in self.samples:
            for each in sample.callbacks:
                assert self.gateway.read_callback(json.dumps(each).encode()) == sample.task_id, (sample.kind, each)

    def test_no_success_without_links(self) -> None:
        for sample in self.samples:
            if sample.links and sample.done is not None:
                got = self.gateway.read_status(sample.kind, reply(without_urls(sample.done)))
                assert not isinstance(got, TaskReport) or got.status is not TaskStatus.SUCCEEDED, sample.kind

    def test_a_truncated_answer_is_not_an_answer(self) -> None:
        for sample in self.samples:
            for part in truncations(sample.answer):
                assert isinstance(self.gateway.read_submission(sample.kind, reply(part)), Ambiguous), sample.kind
            for part in truncations(sample.done):
                assert isinstance(self.gateway.read_status(sample.kind, reply(part)), ReadFailed), sample.kind

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    def test_a_server_error_leaves_the_outcome_open(self, status: int) -> None:
        for sample in self.samples:
            for body in (b"", b"<html>Bad gateway</html>", copy.deepcopy(sample.answer)):
                assert isinstance(self.gateway.read_submission(sample.kind, reply(body, status)), Ambiguous), sample.kind
                got = self.gateway.read_status(sample.kind, reply(body, status))
                assert isinstance(got, ReadFailed), sample.kind
                assert got.may_retry, sample.kind

    @pytest.mark.parametrize("status", [199, 300])
    def test_an_accepting_body_with_another_status_leaves_the_outcome_open(self, status: int) -> None:
        for sample in self.samples:
            assert isinstance(self.gateway.read_submission(sample.kind, reply(sample.answer, status)), Ambiguous), sample.kind
            assert isinstance(self.gateway.read_status(sample.kind, reply(sample.done, status)), ReadFailed), sample.kind

    @pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b"7", b"\xff", b"<html>", b'{"data":[]}', b'{"data":"x"}'])
    def test_an_answer_of_another_shape_is_not_an_answer(self, body: bytes) -> None:
        for kind in self.gateway.kinds:
            assert isinstance(self.gateway.read_submission(kind, reply(body)), Ambiguous)
            assert isinstance(self.gateway.read_status(kind, reply(body)), ReadFailed)
        assert self.gateway.read_callback(body) is None

    def test_the_rate_limit_is_a_refusal_that_may_be_retried(self) -> None:
        codes = [code for code, meaning in self.gateway.error_rules.items() if meaning.code is ErrorCode.RATE_LIMITED]
        assert codes
        assert all(
            self.gateway.error_rules[code].retry_submission and self.gateway.error_rules[code].retry_read for code in codes
        )

    def test_only_definite_refusals_are_retried(self) -> None:
        assert all(meaning.refused for meaning in self.gateway.error_rules.values() if meaning.retry_submission)

    def test_every_http_status_is_classified(self) -> None:
        for kind in self.gateway.kinds:
            for status in range(300, 600):
                got = self.gateway.read_submission(kind, reply(b"<html>", status))
                assert isinstance(got, Refused | Ambiguous)
                if isinstance(got, Refused):
                    assert self.gateway.error_rules[str(status)].refused
                assert isinstance(self.gateway.read_status(kind, reply(b"<html>", status)), ReadFailed)

    def test_model_names_are_an_open_set(self) -> None:
        for model in (*self.gateway.models, "v99", "chirp-owl"):
            given = INPUTS[Kind.MUSIC].model_validate({"prompt": "rain", "model": model})
            body = json.dumps(self.gateway.request(Kind.MUSIC, given, sources=(), callback_url=HOOK).json)
            assert f'"{self.gateway.models.get(model, model)}"' in body
            assert self.gateway.check(Kind.MUSIC, given) == ()
            ordered = self.gateway.requested_model(Kind.MUSIC, given)
            assert ordered == RequestedModel(model, self.gateway.models.get(model, model))

    def test_the_names_that_results_use_are_accepted(self) -> None:
        for suno, ours in SUNO_NAMES.items():
            given = INPUTS[Kind.MUSIC].model_validate({"prompt": "rain", "model": suno})
            body = json.dumps(self.gateway.request(Kind.MUSIC, given, sources=(), callback_url=HOOK).json)
            known = ours in self.gateway.models or suno in self.gateway.models.values()
            assert [name for name, _ in self.gateway.check(Kind.MUSIC, given)] == ([] if known else ["model"]), suno
            if known and suno not in self.gateway.models.values():
                assert f'"{self.gateway.models[ours]}"' in body

    def test_the_default_model_is_one_of_the_gateway(self) -> None:
        assert self.gateway.default_model in self.gateway.models

    def test_a_request_has_the_model_that_it_is_said_to_have(self) -> None:
        for sample in self.samples:
            ordered = self.gateway.requested_model(sample.kind, sample.given)
            found = {sample.body.get("mv"), sample.body.get("model"), sample.body.get("input", {}).get("model")}
            if ordered is None:
                assert not found & set(self.gateway.models.values()), sample.kind
            else:
                assert ordered.gateway_name in found, sample.kind

    def test_a_retired_model_is_refused_with_the_models_of_the_gateway(self) -> None:
        refused = self.gateway.read_submission(Kind.MUSIC, self.retired())
        assert isinstance(refused, Refused)
        assert refused.fault.code is ErrorCode.MODEL_UNAVAILABLE
        assert refused.fault.message.endswith(f"({self.gateway.name} has the models {', '.join(self.gateway.models)})")

    def retired(self) -> GatewayReply:
        """A refusal with Suno's own code."""
        text = "paid_upsell: this model has been retired"
        code = 400 if "400" in self.gateway.error_rules else 422
        error = {"code": "forbidden", "message": text}
        return reply({"code": code, "status": "FAILED", "message": text, "msg": text, "error": error}, code)

    def _request(self, sample: Sample) -> Any:
        sources = SOURCES[: self.gateway.kinds[sample.kind].sources]
        return self.gateway.request(sample.kind, sample.given, sources=sources, callback_url=HOOK)

    def _succeeded(self, sample: Sample, report: TaskReport) -> None:
        assert (report.status, report.fault, report.unknown_statuses) == (TaskStatus.SUCCEEDED, None, ()), sample.kind
        assert [links_of(track) for track in report.tracks] == list(sample.links), sample.kind
        assert report.result == sample.result, sample.kind
        assert bool(report.tracks) == self.gateway.kinds[sample.kind].result.is_files, sample.kind


def refuses(kind: Kind, asked: dict[str, Any]) -> bool:
    try:
        INPUTS[kind].model_validate(asked, strict=True)
    except ValidationError:
        return True
    return False
