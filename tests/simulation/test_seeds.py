"""A seed can be replayed. The seeds themselves are run by ``make simulate``, which is part of ``make test``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from suno_jobs.jobs.record import Attempt, Job, JobView, TaskEnd, Track
from suno_jobs.lifecycle.one_song_twice import require_earlier_songs
from suno_jobs.runtime.secrets import Secret
from suno_jobs.steps import delete_job, store_track
from suno_jobs.storage.jobs import JobStore
from suno_jobs.storage.signals import SignalStore
from suno_jobs.storage.submissions import SubmissionStore
from suno_jobs.storage.update_expressions import Change
from tests.simulation import faults, report
from tests.simulation.report import run_seed
from tests.world import ROOT

JOBS = 20
EVERY_FAULT = 46
"""A seed with slow calls, inaccurate clocks, crashes, and stale reads of the index."""

TWO_TASKS = 635
"""A seed in which both submissions of a job are lost, and both tasks call back late."""

REFUSED_TASK = 183
"""A seed in which a gateway refuses a job for good, but creates its task, which calls back."""

ROTATED_SECRET = 90003553
"""A seed in which the callback secret is rotated, and the first read of it fails."""

REFUSED_RECOVERY = 100007540
"""A seed in which recovery reads a task, and its gateway asks it to come back later than its next run is due."""

DELETED_SUBMITTER = 120003871
"""A seed in which an operator adopts the task of another tenant's job that is deleted before its task is known."""

LATE_FIRST_SONG = 120009415
"""A seed in which the file of a first song appears after hours, fails once more, and is served for both songs."""

KEPT_LONGER = 130003993
"""A seed in which two gateways refuse a job and create its tasks. The first keeps files longer; its reads fail for a day."""

SLOW_CHECK = 140001451
"""A seed in which a check is slow to record the task of a callback. A later check is faster, and the next callback comes."""

REFUSED_ANSWER = 150006051
"""A seed in which a gateway refuses an operation that it answers with the result. At the next gateway, the job gets no turn."""

HISTORY = f"""
from tests.simulation.report import happenings
print(*happenings(8, {JOBS}), *happenings({EVERY_FAULT}, {JOBS}), sep="\\n")
"""


def test_a_seed_produces_the_same_world_in_every_process() -> None:
    """Otherwise a failure could not be replayed. The order of sets differs between processes."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    histories = {
        subprocess.run(
            [sys.executable, "-c", HISTORY],
            cwd=ROOT,
            env={**environment, "PYTHONHASHSEED": number},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for number in ("1", "2")
    }
    assert len(histories) == 1
    assert "state STORING -> SUCCEEDED" in histories.pop()


def test_a_broken_invariant_is_reported_with_the_command_that_replays_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "violations", lambda world: [(next(iter(world.jobs())), "I0: broken")])
    described = run_seed(7, 3)
    assert "python -m tests.simulation --start 7 --seeds 1 --jobs 3" in described
    assert "I0: broken" in described
    assert "state none -> ACCEPTED" in described


def test_a_second_task_that_is_never_read_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that leaves recovery with its first song loses the song of the other task, unless a callback opens it again."""
    monkeypatch.setattr(SignalStore, "reopen", lambda *_, **__: None)
    monkeypatch.setattr(Attempt, "open", property(lambda attempt: attempt.end is TaskEnd.UNFINISHED))
    described = run_seed(TWO_TASKS, JOBS)
    assert "I11: SUCCEEDED and forgotten" in described
    assert "which was never read" in described


def test_a_task_of_a_refused_job_that_is_never_read_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A callback that does not open the recovery of an ended job loses the song of a task that its gateway denied."""
    monkeypatch.setattr(SignalStore, "reopen", lambda *_, **__: None)
    described = run_seed(REFUSED_TASK, JOBS)
    assert "I11: FAILED, but a receipt names task" in described
    assert "which was never read" in described


def test_a_callback_that_is_refused_by_a_replaced_secret_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A renewal that has just failed says nothing about a callback that came after it."""

    def refuse(secret: Secret, check: Callable[[Mapping[str, Any]], bool], **_: object) -> bool:
        return check(secret.values()) or bool(secret.renew() and check(secret.values()))

    monkeypatch.setattr(Secret, "confirms", refuse)
    assert re.search(r"a callback of job_\w+ was lost", run_seed(ROTATED_SECRET, JOBS))


def test_a_recovery_that_comes_back_before_its_gateway_wants_that_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JobStore, "hold_recovery", lambda *_, **__: None)
    assert "before its Retry-After" in run_seed(REFUSED_RECOVERY, JOBS)


def test_an_unknown_task_that_is_adopted_after_the_deletion_of_its_job_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delete_job, "unknown_task", lambda _: None)
    described = run_seed(DELETED_SUBMITTER, JOBS)
    assert "isolation: a task was adopted that does not exist, or belongs to another tenant" in described


def test_a_second_song_that_does_not_wait_for_one_more_check_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def require(view: JobView, track: Track, seconds: float | None, now: int) -> None:
        require_earlier_songs(replace(view, job=replace(view.job, changed_before=now)), track, seconds, now)

    monkeypatch.setattr(store_track, "require_earlier_songs", require)
    assert re.search("I4: .* is not the song of the gateway", run_seed(LATE_FIRST_SONG, JOBS))


def test_a_recovery_that_ends_while_the_first_gateway_still_keeps_the_song_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SubmissionStore, "extend_file_terms", lambda _, job, *__, **___: job)
    assert "I11: CANCELLED and forgotten" in run_seed(KEPT_LONGER, JOBS)


def test_a_callback_that_is_taken_for_an_earlier_one_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two callbacks make the same count, if the first one was read in between."""

    def mark(store: SubmissionStore, job: Job, *, now: int) -> bool:
        change = Change(removes=("unread_callbacks",)).require_as_read("unread_callbacks", job.unread_callbacks)
        store._unless_conflict(job.job_id, change, now)
        return True

    monkeypatch.setattr(SubmissionStore, "mark_callbacks_read", mark)
    assert "I11: SUCCEEDED and forgotten" in run_seed(SLOW_CHECK, JOBS)


def test_an_operation_that_a_gateway_may_have_charged_before_it_refused_it_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    charged = vars(Job)["charged"].fget
    monkeypatch.setattr(Job, "charged", property(lambda job: charged(replace(job, maybe_charged=None))))
    assert "charged is no in the job" in run_seed(REFUSED_ANSWER, JOBS)


def test_odd_answers_leave_the_clients_and_the_other_faults_of_a_seed_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = [faults.draw(seed, JOBS) for seed in range(100)]
    monkeypatch.setattr(faults, "_with_odd_answers", lambda plan, _random: plan)
    for plan, without in zip(drawn, (faults.draw(seed, JOBS) for seed in range(100)), strict=True):
        kept = [
            replace(order, faults={name: number for name, number in order.faults.items() if name not in faults.ODD_ANSWERS})
            for order in plan.orders
        ]
        assert replace(plan, orders=tuple(kept), days=without.days) == without
    names = {name for plan in drawn for order in plan.orders for name in order.faults}
    assert names == {*faults.GATEWAY_FAULTS, *faults.ODD_ANSWERS, *faults.REFUSALS, *faults.REFUSED_TASKS}
