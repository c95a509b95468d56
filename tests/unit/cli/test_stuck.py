"""Every job that is overdue or held is shown with the reason, the time and the remedy, and no other."""

from __future__ import annotations

import json

import pytest

from suno_jobs.cli.main import main
from suno_jobs.cli.problems import ExitCode
from suno_jobs.cli.stuck import HELD_SECONDS, Stuck, find_stuck
from suno_jobs.jobs.history import Entry
from suno_jobs.jobs.states import JobState, WaitReason
from suno_jobs.network.http import httpx
from tests.builders import JOB_ID, lost, opened, timed_out
from tests.world import DEADLINE, TABLE, World, a_job


def found(world: World) -> list[Stuck]:
    return [*find_stuck(world.jobs, world.clock(), 100)]


def only(world: World) -> Stuck:
    [stuck] = found(world)
    return stuck


def test_a_job_that_runs_is_not_stuck(world: World) -> None:
    world.generating()
    assert found(world) == []


def test_a_job_that_ended_and_waits_for_recovery_is_not_stuck(world: World) -> None:
    job_id = timed_out(world)
    assert world.due() == [job_id]
    assert found(world) == []


def test_a_job_with_a_lost_answer_that_ended_is_not_stuck(world: World) -> None:
    job_id = lost(world)
    world.clock.sleep(DEADLINE)
    world.task_checker().check_task(job_id)
    world.job_finisher().finish_job(job_id)
    assert (world.job(job_id).state, world.due()) == (JobState.TIMED_OUT, [job_id])
    assert found(world) == []


def test_a_job_that_was_not_continued_in_time_is_stuck_since_then(world: World) -> None:
    job_id = world.generating()
    due_at = world.job(job_id).due_at
    assert due_at is not None
    world.clock.sleep(due_at - world.now)
    assert found(world) == []
    world.clock.sleep(1)
    stuck = only(world)
    assert (stuck.job_id, stuck.why, stuck.since) == (job_id, "was not continued in time", due_at)
    assert "suno-jobs sweep" in stuck.remedy
    world.clock.sleep(DEADLINE)
    assert only(world).why == "is past its deadline"


def test_a_lost_answer_is_stuck_since_the_submission(world: World) -> None:
    lost(world)
    stuck = only(world)
    assert stuck.why == "the answer of ttapi to its submission was lost"
    assert stuck.since == world.now


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (WaitReason.GATEWAY_KEY, "waits for a key of ttapi that works until"),
        (WaitReason.REFUSAL, "ttapi refused it for now until"),
        (WaitReason.RATE_LIMIT, "waits for its turn at ttapi until"),
    ],
)
def test_a_job_that_is_held_names_what_holds_it(world: World, reason: WaitReason, words: str) -> None:
    now = world.now
    times = {"created_at": now, "updated_at": now, "deadline_at": now + DEADLINE, "submit_after": now + 600}
    job = a_job(job_id=JOB_ID, state=JobState.SUBMITTING, wait_reason=reason, **times)
    assert world.jobs.submissions.create(job, {}, due_at=now + 700)
    world.clock.sleep(HELD_SECONDS - 1)
    assert found(world) == []
    world.clock.sleep(1)
    assert (only(world).why[: len(words)], only(world).since) == (words, now)


def test_a_job_whose_task_cannot_be_read_is_held_since_its_last_change(world: World) -> None:
    job_id = world.generating()
    changed = Entry.read(world.job(job_id).history[-1]).at
    world.clock.sleep(HELD_SECONDS)
    world.wire.answers = [httpx.Response(401, json={"status": "FAILED", "message": "no such key"})]
    world.task_checker().check_task(job_id)
    assert (only(world).why[:24], only(world).since) == ("waits for a key of ttapi", changed)


def test_a_job_behind_a_circuit_breaker_is_held_but_not_at_once(world: World) -> None:
    opened(world)
    job_id = world.accept(key="held")
    world.task_creator().create_task(job_id)
    assert [each for each in found(world) if each.job_id == job_id] == []
    world.clock.sleep(HELD_SECONDS)
    [stuck] = [each for each in found(world) if each.job_id == job_id]
    assert "circuit breaker at ttapi" in stuck.why


def test_the_command_shows_the_oldest_first(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    first = lost(world)
    capsys.readouterr()
    assert main(["stuck", "--table", TABLE]) == ExitCode.DONE
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith(f"{first}  SUBMIT_UNKNOWN at ttapi for acme: ")
    assert main(["stuck", "--table", TABLE, "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)[0]["tenant"] == "acme"


def test_no_stuck_job_is_a_line_too(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stuck", "--table", TABLE]) == ExitCode.DONE
    assert capsys.readouterr().out == "No job is stuck.\n"
    assert main(["stuck", "--table", TABLE, "--limit", "0"]) == ExitCode.WRONG_ARGUMENTS
