from __future__ import annotations

from dataclasses import replace

from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.record import Attempt
from suno_jobs.lifecycle.link_lifetimes import file_terms
from suno_jobs.lifecycle.unknown_tasks import LONGEST_SECONDS, unknown_task
from suno_jobs.storage.deletions import UnknownTask
from tests.world import World


def test_the_task_of_a_lost_answer_is_at_the_account_that_was_asked(world: World) -> None:
    job = world.job(world.accept())
    assert unknown_task(job) is None
    lost = replace(job, attempts=(Attempt(1),))
    assert unknown_task(lost) == UnknownTask("ttapi", "default", job.tasks_kept_until)
    assert unknown_task(replace(job, attempts=(Attempt(1, "T1"),))) is None


def test_no_task_of_a_job_in_test_mode_can_be_adopted(world: World) -> None:
    job = replace(world.job(world.accept()), attempts=(Attempt(1),), unread_callbacks=1)
    assert unknown_task(job) is not None
    assert unknown_task(replace(job, job_id="job_test_1")) is None


def test_the_longest_recovery_is_that_of_one_of_the_gateways() -> None:
    terms = map(file_terms, GATEWAYS.values())
    assert max(each.kept_seconds + each.renewal_seconds for each in terms) == LONGEST_SECONDS
