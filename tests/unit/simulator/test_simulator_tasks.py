from __future__ import annotations

import pytest

from local.simulator.courier import schedule
from local.simulator.faults import parse_faults
from local.simulator.parts import stem_title, stems
from local.simulator.tasks import Order, Source, Stage, Take, Task, Work

STARTED = 1_000.0
ALL_STAGES = (Stage.TEXT, Stage.FIRST, Stage.DONE)


def make_task(*faults: str, callback_url: str | None = "http://127.0.0.1/hook") -> Task:
    order = Order("anyint", callback_url, parse_faults(faults))
    work = Work("generate", {}, words="la", model="V5", callback_url=callback_url)
    takes = tuple(Take(f"track-{number}", number, 1.0) for number in range(2))
    return Task("task", order, work, STARTED, 10.0, takes)


def test_a_task_goes_through_its_stages_in_time() -> None:
    task = make_task()
    seen = [task.stage(STARTED + seconds) for seconds in (0, 0.9, 1, 3.9, 4, 7, 9.9, 10, 1_000)]
    assert seen == [Stage.QUEUED, Stage.QUEUED, Stage.RUNNING, Stage.RUNNING, Stage.TEXT, *[Stage.FIRST] * 2, *[Stage.DONE] * 2]


def test_a_failing_task_ends_when_a_successful_one_has_its_text() -> None:
    task = make_task("failed_task")
    assert [task.stage(STARTED + seconds) for seconds in (0, 3.9, 4)] == [Stage.QUEUED, Stage.RUNNING, Stage.DONE]


def test_a_task_whose_creation_failed_ends_when_it_starts_to_run() -> None:
    assert [make_task("creation_failed").stage(STARTED + seconds) for seconds in (0.9, 1)] == [Stage.QUEUED, Stage.DONE]


def test_stems_are_available_only_when_the_task_is_done() -> None:
    task = make_task()
    task.work = Work("stems", {}, stems("vocals", "drums"))
    assert [[task.has(take, stage) for take in task.takes] for stage in (Stage.FIRST, Stage.DONE)] == [[False] * 2, [True] * 2]


def test_a_derived_work_has_the_title_of_its_source() -> None:
    song = make_task()
    song.work = Work("generate", {}, words="la", title="Rain")
    assert Work("stems", {}, source=Source(song, song.takes[0])).shown_title == "Rain"
    assert [stem_title("Rain", name) for name in ("", "fx", "backing_vocals")] == ["Rain", "Rain (FX)", "Rain (Backing Vocals)"]


@pytest.mark.parametrize(
    ("fault", "at_first", "when_done"),
    [
        ("lost_callback", (True, False), (True, True)),
        ("one_track_failed", (True, False), (True, False)),
        ("success_without_audio", (False, False), (False, False)),
        ("failed_task", (False, False), (False, False)),
        ("creation_failed", (False, False), (False, False)),
        ("content_rejected", (False, False), (False, False)),
    ],
)
def test_which_tracks_have_audio(fault: str, at_first: tuple[bool, bool], when_done: tuple[bool, bool]) -> None:
    task = make_task(fault)
    assert tuple(task.has(take, Stage.FIRST) for take in task.takes) == at_first
    assert tuple(task.has(take, Stage.DONE) for take in task.takes) == when_done


TEXT, FIRST, DONE = (STARTED + 4, Stage.TEXT), (STARTED + 7, Stage.FIRST), (STARTED + 10, Stage.DONE)


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ([], [TEXT, FIRST, DONE]),
        (["lost_callback"], []),
        (["doubled_callback"], [TEXT, TEXT, FIRST, FIRST, DONE, DONE]),
        (["disordered_callbacks"], [(STARTED + 10, stage) for stage in reversed(ALL_STAGES)]),
        (["early_callback"], [(STARTED + 1, Stage.DONE)]),
        (["late_callback=30"], [(moment + 30, stage) for moment, stage in (TEXT, FIRST, DONE)]),
        (["failed_task"], [(STARTED + 4, Stage.DONE)]),
        (["early_callback", "doubled_callback"], [(STARTED + 1, Stage.DONE)] * 2),
    ],
)
def test_when_callbacks_are_due(faults: list[str], expected: list[tuple[float, Stage]]) -> None:
    assert schedule(make_task(*faults), ALL_STAGES) == expected


def test_without_a_callback_url_nothing_is_due() -> None:
    assert schedule(make_task(callback_url=None), ALL_STAGES) == []


def test_a_missing_title_is_derived_from_the_text() -> None:
    def title(words: str, given: str = "") -> str:
        return Work("generate", {}, words=words, title=given).shown_title

    assert title("[fault:slow_task=2] A bright song about the sea") == "A bright song about"
    assert title("A bright song", "Sea") == "Sea"
    assert title("") == "Untitled"
