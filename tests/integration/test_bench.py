"""The bench runs: each of its measurements once, with the least that it can do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from bench import api, functions, start, storing
from bench.shipped import ROOT
from local.stack import LocalStack


def test_functions_are_started_and_do_their_work() -> None:
    measured = [functions.CLIENT, functions.CALL, *functions.started()]
    seconds = start.measure(measured, runs=1)
    assert list(seconds) == [each.name for each in measured]
    assert min(seconds.values()) > 0


def test_answers_of_the_api_are_measured_beside_a_function_that_is_removed_again(stack: LocalStack) -> None:
    found = api.measure_on(stack, runs=2)
    assert list(found) == ["POST /v1/jobs", "GET /v1/jobs/{job_id}", "GET /v1/jobs"]
    for answers in found.values():
        assert len(answers.route) == len(answers.floor) == 2
        assert min(*answers.percentile(50), *answers.percentile(99)) > 0
    key = {"Authorization": f"Bearer {stack.api_key}"}
    assert httpx.get(f"{stack.api_url}{api.PATH}", headers=key, trust_env=False).status_code == 404


def test_answers_under_limits_are_measured_beside_those_without(stack: LocalStack) -> None:
    found = api.measure_limits_on(stack, runs=2)
    assert len(found.route) == len(found.floor) == 2
    assert min(*found.percentile(50), *found.percentile(99)) > 0


def test_an_api_that_answers_with_an_error_is_not_measured(stack: LocalStack) -> None:
    with (
        httpx.Client(base_url=stack.api_url, trust_env=False) as client,
        pytest.raises(api.NotAnswered, match="GET /v1/jobs: 401"),
    ):
        api.ask_one(client, lambda each: each.get("/v1/jobs"))


def test_a_file_is_stored_by_every_way() -> None:
    found = storing.measure([2], {2: 1})[2]
    assert {storing.STORE_TRACK, storing.FLOOR} <= set(found.runs) <= {storing.STORE_TRACK, storing.FLOOR, storing.CLI}
    assert all(len(runs) == 1 and found.rate(way) > 0 for way, runs in found.runs.items())
    assert found.growth(storing.STORE_TRACK) < 32


def test_what_a_process_takes_counts_and_what_its_parent_took_does_not() -> None:
    taken = bytearray(300 * 2**20)
    script = "from bench.storing_child import peak; a = peak(); b = bytearray(60 * 2**20); print(a, peak() - a)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    before, grown = map(int, done.stdout.split())
    assert before < len(taken)
    assert grown == pytest.approx(60 * 2**20, rel=0.2)


def html_in_place_of_a_song(path: Path, _size: int) -> Path:
    path.write_bytes(b"<html>" * 100)
    return path


def test_a_run_that_stores_nothing_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "write_wav", html_in_place_of_a_song)
    with pytest.raises(storing.StoringFailed, match="the file is an HTML or XML page"):
        storing.measure([2], {2: 1})
