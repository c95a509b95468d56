"""The rules of the soak find what is wrong, and the bench knows when a target is missed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

import pytest

from bench import processes
from bench.burst import Burst
from bench.local import ROWS, Row
from bench.soak import growth
from bench.soak_rules import FAULTS, Ended, broken, unexplained
from local.simulator.faults import parse_faults
from tests.integration.test_jobs import ENDED, HEALED

HAPPY = ("ACCEPTED", "SUBMITTING", "GENERATING", "STORING", "SUCCEEDED")


def ended(
    state: str = "SUCCEEDED",
    *,
    fault: str = "",
    code: str | None = None,
    events: Sequence[str] = HAPPY,
    paid: int = 1,
    damaged: Sequence[str] = (),
) -> Ended:
    return Ended(fault, {"state": state, "error": {"code": code} if code else None}, events, paid, damaged)


def test_the_faults_are_those_of_the_simulator() -> None:
    assert len(parse_faults(FAULTS)) >= 24


def test_a_fault_ends_a_job_of_the_soak_as_it_ends_one_in_the_tests() -> None:
    in_tests = dict.fromkeys(HEALED, "SUCCEEDED") | {fault: state for fault, state, _, _ in ENDED}
    in_both = in_tests.keys() & FAULTS
    assert len(in_both) >= 20
    assert {fault: FAULTS[fault] for fault in in_both} == {fault: in_tests[fault] for fault in in_both}


@pytest.mark.parametrize(
    "job",
    [
        ended(),
        ended("FAILED", fault="failed_task", code="generation_failed", events=(*HAPPY[:3], "FAILED")),
        ended("TIMED_OUT", fault="slow_task=600", events=(*HAPPY[:3], "TIMED_OUT")),
        ended(events=(*HAPPY[:3], "TIMED_OUT", "SUCCEEDED")),
        ended(fault="slow_task=600", events=(*HAPPY[:3], "TIMED_OUT", "SUCCEEDED")),
        ended("TIMED_OUT", code="ambiguous", events=(*HAPPY[:2], "TIMED_OUT"), paid=0),
    ],
)
def test_an_end_that_the_invariants_allow(job: Ended) -> None:
    assert list(broken(job)) == []


@pytest.mark.parametrize(
    ("job", "wrong"),
    [
        (ended("GENERATING", events=HAPPY[:3]), "I6: it is still GENERATING"),
        (ended(paid=2), "I1: 2 tasks were paid for"),
        (ended(events=(*HAPPY, "FAILED")), "I2: FAILED after SUCCEEDED"),
        (ended(damaged=["a.mp3"]), "I4: the bytes of a.mp3"),
        (ended("FAILED", code="internal"), "FAILED (internal) with fault none"),
        (
            ended("TIMED_OUT", fault="failed_task", code="deadline_exceeded"),
            "TIMED_OUT (deadline_exceeded) with fault failed_task",
        ),
    ],
)
def test_an_end_that_they_do_not_allow(job: Ended, wrong: str) -> None:
    assert wrong in list(broken(job))


def test_a_lost_submission_needs_a_killed_environment() -> None:
    lost = ended("TIMED_OUT", code="ambiguous", paid=0)
    explained = ended("TIMED_OUT", fault="dropped_connection", code="ambiguous", paid=0)
    assert unexplained([lost, lost, explained], 1) == 1
    assert unexplained([lost, explained], 1) == 0


def test_growth_is_that_of_the_last_quarter_over_the_second() -> None:
    assert growth([1, 9, 10, 10, 10, 10, 11, 11]) == pytest.approx(0.1)
    assert growth([]) == 0


def test_a_target_is_met_or_missed() -> None:
    assert Row("", lambda _: 0, at_most=2).met(2)
    assert not Row("", lambda _: 0, at_most=2).met(2.1)
    assert not Row("", lambda _: 0, at_least=3).met(2.9)
    assert Row("", lambda _: 0).met(1e9)
    assert [row.target for row in ROWS if row.unit == "jobs/s"] == ["≥ 3"]


def test_a_burst_counts_what_was_lost_and_what_was_answered_5xx() -> None:
    burst = Burst(4)
    burst.statuses.update({202: 3, 502: 1})
    burst.states.update({"SUCCEEDED": 2, "FAILED": 1})
    burst.last_end = 4.0
    assert (burst.server_errors, burst.lost, burst.rate) == (1, 2, 0.5)


def test_a_familys_memory_and_time_are_counted() -> None:
    command = [sys.executable, "-c", "x = bytearray(40 * 2**20); print(flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        assert child.pid in processes.family(os.getpid())
        used = processes.usage(child.pid)
        assert used.processes == 1
        assert used.rss >= used.pss >= 40
        assert processes.cpu_seconds(os.getpid()) > 0
        child.kill()
