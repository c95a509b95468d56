"""What every gateway adapter must keep, whatever the gateway: run on a new one by giving it its documented payloads.

    class TestMine(Conformance):
        gateway = MINE
        samples = (Sample(Kind.MUSIC, ...), ...)

The samples are also the contract tests of the adapter: each compares a request and a reading with what the documents say.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from suno_jobs.errors import ErrorCode
from suno_jobs.gateways.asking import NOT_OFFERED
from suno_jobs.gateways.base import (
    Accepted,
    Ambiguous,
    Done,
    Gateway,
    GatewayReply,
    Kind,
    Refused,
    Source,
    TaskReport,
    TaskStatus,
    TaskTrack,
    Unread,
)
from suno_jobs.kinds import INPUTS, KindInput

HOOK = "https://jobs.example/v1/callbacks/gateway/j1/mac"
SOURCES = (Source("parent-task", "parent-track"), Source("parent-task-2", "parent-track-2"))
SOURCE = {"job_id": "job_1", "track_id": "parent-track"}

Links = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One kind on one gateway, as documented.

    ``asked`` is our input; ``path`` and ``body`` are what the gateway must get, without the callback URL. ``answer`` is its
    answer to the submission, ``done`` its later reply to a query; a synchronous operation may have only the answer. ``links``
    are the links per track, or ``result`` is what is no file. ``under_way`` are replies of a task that is not done.
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
    under_way: tuple[Any, ...] = ()
    callbacks: tuple[Any, ...] = field(default=())

    @property
    def given(self) -> KindInput:
        return INPUTS[self.kind].model_validate(self.asked, strict=True)


def audio_of(track: TaskTrack) -> str | None:
    return links_of(track).get("audio")


def links_of(track: TaskTrack) -> dict[str, str]:
    return {link.name: link.url for link in track.links}


def reply(value: Any, status: int = 200) -> GatewayReply:
    return GatewayReply(status, value if isinstance(value, bytes) else json.dumps(value).encode())


def without_urls(value: Any) -> Any:
    """The same payload with every link made useless."""
    if isinstance(value, dict):
        return {name: without_urls(member) for name, member in value.items()}
    if isinstance(value, list):
        return [without_urls(member) for member in value]
    return "None" if isinstance(value, str) and value.startswith("https://") else value


def truncations(value: Any) -> Iterator[bytes]:
    whole = json.dumps(value).encode()
    return (whole[:end] for end in range(0, len(whole), max(1, len(whole) // 12)))


class Asked(KindInput):
    """Stands for an input with any fields, to see what a gateway says to them."""

    fields: dict[str, Any]

    def given(self) -> dict[str, Any]:
        return dict(self.fields)


class Conformance:
    gateway: ClassVar[Gateway]
    samples: ClassVar[tuple[Sample, ...]]

    def test_every_kind_has_a_sample(self) -> None:
        assert {sample.kind for sample in self.samples} == set(self.gateway.kinds)

    def test_offers_are_about_our_inputs(self) -> None:
        for kind, offer in self.gateway.kinds.items():
            needs = {name for need in offer.required for name in need.split("/")}
            assert needs <= offer.fields <= set(INPUTS[kind].model_fields), kind
            assert offer.needs_source == bool(needs & {"source", "sources"}), kind

    def test_what_is_not_offered_is_refused(self) -> None:
        for kind, offer in self.gateway.kinds.items():
            for name in set(INPUTS[kind].model_fields) - offer.fields:
                assert (name, NOT_OFFERED) in self.gateway.check(kind, Asked(fields={name: "x"})), (kind, name)

    def test_what_is_required_is_asked_for(self) -> None:
        for kind, offer in self.gateway.kinds.items():
            missing = {name for name, reason in self.gateway.check(kind, Asked(fields={})) if "is required" in reason}
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

    def test_tasks_under_way(self) -> None:
        for sample in self.samples:
            for each in sample.under_way:
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

    def test_a_broken_answer_is_no_answer(self) -> None:
        for sample in self.samples:
            for part in truncations(sample.answer):
                assert isinstance(self.gateway.read_submission(sample.kind, reply(part)), Ambiguous), sample.kind
            for part in truncations(sample.done):
                assert isinstance(self.gateway.read_status(sample.kind, reply(part)), Unread), sample.kind

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    def test_a_server_in_trouble_leaves_everything_open(self, status: int) -> None:
        for sample in self.samples:
            for body in (b"", b"<html>Bad gateway</html>", copy.deepcopy(sample.answer)):
                assert isinstance(self.gateway.read_submission(sample.kind, reply(body, status)), Ambiguous), sample.kind
                got = self.gateway.read_status(sample.kind, reply(body, status))
                assert isinstance(got, Unread), sample.kind
                assert got.again, sample.kind

    @pytest.mark.parametrize("status", [199, 300])
    def test_a_yes_under_a_status_that_is_no_success_leaves_everything_open(self, status: int) -> None:
        for sample in self.samples:
            assert isinstance(self.gateway.read_submission(sample.kind, reply(sample.answer, status)), Ambiguous), sample.kind
            assert isinstance(self.gateway.read_status(sample.kind, reply(sample.done, status)), Unread), sample.kind

    @pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b"7", b"\xff", b"<html>", b'{"data":[]}', b'{"data":"x"}'])
    def test_an_answer_of_another_shape(self, body: bytes) -> None:
        for kind in self.gateway.kinds:
            assert isinstance(self.gateway.read_submission(kind, reply(body)), Ambiguous)
            assert isinstance(self.gateway.read_status(kind, reply(body)), Unread)
        assert self.gateway.read_callback(body) is None

    def test_the_rate_limit_is_a_refusal_that_may_be_repeated(self) -> None:
        codes = [code for code, meaning in self.gateway.meanings.items() if meaning.code is ErrorCode.RATE_LIMITED]
        assert codes
        assert all(self.gateway.meanings[code].again and self.gateway.meanings[code].reread for code in codes)

    def test_only_certain_refusals_are_repeated(self) -> None:
        assert all(meaning.refused for meaning in self.gateway.meanings.values() if meaning.again)

    def test_every_http_status_is_classified(self) -> None:
        for kind in self.gateway.kinds:
            for status in range(300, 600):
                got = self.gateway.read_submission(kind, reply(b"<html>", status))
                assert isinstance(got, Refused | Ambiguous)
                if isinstance(got, Refused):
                    assert self.gateway.meanings[str(status)].refused
                assert isinstance(self.gateway.read_status(kind, reply(b"<html>", status)), Unread)

    def test_model_names_are_an_open_set(self) -> None:
        for model in (*self.gateway.models, "v99", "chirp-v6-wild"):
            given = INPUTS[Kind.MUSIC].model_validate({"prompt": "rain", "model": model})
            said = json.dumps(self.gateway.request(Kind.MUSIC, given, sources=(), callback_url=HOOK).json)
            assert f'"{self.gateway.models.get(model, model)}"' in said
        # What results call v5 is v5 here too.
        crow = INPUTS[Kind.MUSIC].model_validate({"prompt": "rain", "model": "chirp-crow"})
        said = json.dumps(self.gateway.request(Kind.MUSIC, crow, sources=(), callback_url=HOOK).json)
        assert f'"{self.gateway.models["v5"]}"' in said

    def _request(self, sample: Sample) -> Any:
        sources = SOURCES[: self.gateway.kinds[sample.kind].sources]
        return self.gateway.request(sample.kind, sample.given, sources=sources, callback_url=HOOK)

    def _succeeded(self, sample: Sample, report: TaskReport) -> None:
        assert (report.status, report.fault, report.unknown_words) == (TaskStatus.SUCCEEDED, None, ()), sample.kind
        assert [links_of(track) for track in report.tracks] == list(sample.links), sample.kind
        assert report.result == sample.result, sample.kind
        assert bool(report.tracks) == self.gateway.kinds[sample.kind].result.is_files, sample.kind


def refuses(kind: Kind, asked: dict[str, Any]) -> bool:
    try:
        INPUTS[kind].model_validate(asked, strict=True)
    except ValidationError:
        return True
    return False
