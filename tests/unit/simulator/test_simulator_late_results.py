"""Results that arrive later than the gateway said: when a report contains which track, and how long its link works."""

from __future__ import annotations

import math

import pytest

from local.simulator.courier import schedule
from local.simulator.faults import parse_faults
from local.simulator.tasks import Order, Report, Stage, Take, Task, Work

STARTED = 1_000.0
DONE = STARTED + 10
FAILED = STARTED + 4
STAGES = (Stage.TEXT, Stage.FIRST, Stage.DONE)


def make_task(*faults: str, waits: bool = False) -> Task:
    order = Order("anyint", "http://127.0.0.1/hook", parse_faults(faults))
    work = Work("generate", {}, words="la", model="V5", callback_url=order.callback_url, waits=waits)
    return Task("task", order, work, STARTED, 10.0, tuple(Take(f"track-{number}", number, 1.0) for number in range(2)))


def report(task: Task, at: float) -> tuple[bool, tuple[bool, ...]]:
    """Whether the task is reported as failed at that time, and which of its tracks have a link."""
    made = Report(task, task.stage(at), "http://127.0.0.1/cdn", at=at)
    return made.failed, tuple(bool(track.url) for track in made.tracks())


def test_a_task_that_was_reported_as_failed_succeeds_later() -> None:
    task = make_task("failed_then_success=60")
    moments = [FAILED - 0.1, FAILED, FAILED + 59.9, FAILED + 60]
    seen = [report(task, at) for at in moments]
    assert seen == [(False, (False, False)), (True, (False, False)), (True, (False, False)), (False, (True, True))]
    assert schedule(task, STAGES) == [(FAILED, Stage.DONE)]


@pytest.mark.parametrize(
    ("faults", "at_once", "later"),
    [
        (["late_links=60"], (False, False), (True, True)),
        (["late_second_link=60"], (True, False), (True, True)),
        (["late_links=60", "one_track_failed"], (False, False), (True, False)),
    ],
)
def test_links_come_later_than_the_success(faults: list[str], at_once: tuple[bool, bool], later: tuple[bool, bool]) -> None:
    task = make_task(*faults)
    assert [report(task, at) for at in (DONE, DONE + 59.9)] == [(False, at_once)] * 2
    assert report(task, DONE + 60) == (False, later)


def test_a_link_that_is_late_is_not_there_before_the_end_either() -> None:
    task = make_task("late_links=60")
    assert report(task, STARTED + 8) == (False, (False, False))
    assert report(make_task(), STARTED + 8) == (False, (True, False))


def test_a_track_is_not_reported_as_failed_while_its_link_is_late() -> None:
    task = make_task("late_links=60", "one_track_failed")
    reports = [Report(task, Stage.DONE, "cdn", at=at).tracks() for at in (DONE, DONE + 60)]
    assert [[track.failed for track in tracks] for tracks in reports] == [[False, False], [False, True]]


def test_an_answer_that_is_the_result_is_never_late() -> None:
    task = make_task("late_links=60", "failed_then_success=60", waits=True)
    assert report(task, DONE) == (False, (True, True))


@pytest.mark.parametrize(
    ("faults", "ends"),
    [
        ([], math.inf),
        (["expired_links"], -math.inf),
        (["dying_links=30"], DONE + 30),
        (["dying_links=30", "late_links=60"], DONE + 90),
        (["expired_links", "dying_links=30"], -math.inf),
    ],
)
def test_when_links_die(faults: list[str], ends: float) -> None:
    task = make_task(*faults)
    assert task.links_end(task.takes[0]) == ends


def test_the_file_of_the_first_song_comes_later_than_its_link() -> None:
    task = make_task("late_first_file=60")
    first, second = task.takes
    assert report(task, DONE) == (False, (True, True))
    assert [task.is_missing(take, DONE + 59.9) for take in (first, second)] == [True, False]
    assert not task.is_missing(first, DONE + 60)
    assert not make_task().is_missing(first, DONE)
