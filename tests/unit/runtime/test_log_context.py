"""Log lines carry the keys of their invocation, and of no other one."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from awslambdaric.lambda_runtime_log_utils import JsonFormatter

from suno_jobs.runtime import log_context, telemetry
from suno_jobs.runtime.log_context import logged
from tests.world import a_job

CONTEXT = SimpleNamespace(aws_request_id="lambda-1")
EVENT = {"job_id": "job_1", "execution": "job_1-2"}


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What Lambda would write for lines of the standard library's logger."""
    found = io.StringIO()
    handler = logging.StreamHandler(found)
    handler.setFormatter(JsonFormatter())
    level = log_context.log.level
    log_context.log.addHandler(handler)
    log_context.log.setLevel(logging.INFO)
    yield found
    log_context.log.removeHandler(handler)
    log_context.log.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines() if line]


def keys_of(line: dict[str, Any]) -> dict[str, str]:
    names = {"function_request_id", "request_id", "execution", "job_id", "tenant", "gateway", "task_id"}
    return {name: value for name, value in line.items() if name in names}


def test_a_step_is_found_by_its_job_its_execution_and_its_task(stream: io.StringIO) -> None:
    @logged
    def handler(_event: dict[str, Any], _context: Any) -> str:
        log_context.note_job(a_job(job_id="job_1", tenant="acme", gateway="crun"))
        log_context.note(task_id="T1")
        log_context.log.warning("something")
        return "answer"

    assert handler(EVENT, CONTEXT) == "answer"
    something, ended = lines(stream)
    assert (something["message"], ended["message"]) == ("something", "invocation ended")
    wanted = {"function_request_id": "lambda-1", "execution": "job_1-2", "job_id": "job_1"}
    wanted |= {"tenant": "acme", "gateway": "crun", "task_id": "T1"}
    assert keys_of(something) == keys_of(ended) == wanted


def test_a_failure_is_found_by_its_job_and_raised(stream: io.StringIO) -> None:
    @logged
    def handler(_event: dict[str, Any], _context: Any) -> None:
        raise KeyError("secret")

    with pytest.raises(KeyError):
        handler(EVENT, CONTEXT)
    [line] = lines(stream)
    assert (line["level"], line["message"], line["job_id"]) == ("ERROR", "invocation failed with KeyError", "job_1")


def test_a_request_is_found_by_the_id_of_api_gateway_and_without_a_job_it_needs_no_line(stream: io.StringIO) -> None:
    @logged
    def handler(_event: dict[str, Any], _context: Any) -> None:
        if stream.getvalue() == "":
            log_context.log.warning("something")

    for _ in range(2):
        handler({"requestContext": {"requestId": "gateway-1"}}, CONTEXT)
    [line] = lines(stream)
    assert keys_of(line) == {"function_request_id": "lambda-1", "request_id": "gateway-1"}


def test_a_function_that_serves_a_part_of_a_request_is_found_by_the_request(stream: io.StringIO) -> None:
    @logged
    def handler(_event: dict[str, Any], _context: Any) -> str | None:
        return log_context.request_id()

    assert handler({"job_id": "job_1", "request_id": "gateway-1"}, CONTEXT) == "gateway-1"
    assert lines(stream)[0]["request_id"] == "gateway-1"
    assert log_context.request_id() is None


def test_nothing_is_kept_for_the_next_invocation(stream: io.StringIO) -> None:
    handler = logged(lambda _event, _context: log_context.log.warning("something"))
    handler(EVENT, CONTEXT)
    handler({}, None)
    log_context.note(job_id="job_of_no_invocation")
    log_context.log.warning("outside")
    assert [keys_of(line).get("job_id") for line in lines(stream)] == ["job_1", "job_1", None, None]


def test_another_job_that_is_read_does_not_take_the_place_of_the_job(stream: io.StringIO) -> None:
    @logged
    def handler(_event: dict[str, Any], _context: Any) -> None:
        log_context.note_job(a_job(job_id="job_2", tenant="other"))

    handler(EVENT, CONTEXT)
    assert "tenant" not in lines(stream)[0]


def test_a_new_job_takes_the_place_of_those_that_were_read_for_it(stream: io.StringIO) -> None:
    @logged
    def handler(_event: dict[str, Any], _context: Any) -> None:
        log_context.note_job(a_job(job_id="job_1"))
        log_context.note(task_id="T1")
        log_context.note_new_job(a_job(job_id="job_2", tenant="other", gateway="kie"))

    handler({}, None)
    assert keys_of(lines(stream)[0]) == {"job_id": "job_2", "tenant": "other", "gateway": "kie"}


def test_a_sweep_has_lines_about_one_job_after_another(stream: io.StringIO) -> None:
    @logged
    def handler(_event: dict[str, Any], _context: Any) -> None:
        for job_id in ("job_1", "job_2", None):
            with log_context.about_job(job_id):
                log_context.log.warning("something")

    handler({}, CONTEXT)
    assert [keys_of(line).get("job_id") for line in lines(stream)] == ["job_1", "job_2", None]
    assert {line["function_request_id"] for line in lines(stream)} == {"lambda-1"}


def test_lines_of_powertools_carry_the_keys_but_none_that_they_have(capsys: pytest.CaptureFixture[str]) -> None:
    found = io.StringIO()
    handler = logging.StreamHandler(found)
    handler.setFormatter(telemetry.log.handlers[0].formatter)
    telemetry.log.addHandler(handler)
    logged(lambda _event, _context: telemetry.log.warning("something", gateway="kie"))({**EVENT, "gateway": "ttapi"}, CONTEXT)
    telemetry.log.handlers.remove(handler)
    [line] = lines(found)
    assert keys_of(line) == {**EVENT, "function_request_id": "lambda-1", "gateway": "kie"}


TRACE = "Root=1-67a1b2c3-0123456789abcdef01234567;Parent=53995c3f42cd8ad8"


@pytest.mark.parametrize(
    ("header", "trace_id"),
    [(f"{TRACE};Sampled=1;Lineage=1:2:0", "1-67a1b2c3-0123456789abcdef01234567"), (f"{TRACE};Sampled=0", None), ("", None)],
)
def test_a_line_leads_to_the_trace_of_its_invocation_if_it_is_recorded(
    header: str, trace_id: str | None, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    @logged
    def handler(_event: dict[str, Any], _context: Any) -> None:
        with log_context.about_job("job_7"):
            log_context.log.warning("something")

    monkeypatch.setenv("_X_AMZN_TRACE_ID", header)
    handler(EVENT, CONTEXT)
    assert [line.get("xray_trace_id") for line in lines(stream)] == [trace_id, trace_id]
