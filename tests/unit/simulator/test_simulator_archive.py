from __future__ import annotations

from local.simulator.archive import Archive
from local.simulator.parts import SONG, WAV
from local.simulator.tasks import Order, Source, Take, Task, Work


def made(task_id: str, work: Work, *faults: str) -> Task:
    take = Take(f"{task_id}-track", 0, 1.0, work.parts[0])
    return Task(task_id, Order("kie", None, dict.fromkeys(faults, 1.0)), work, 0.0, 1.0, (take,))


def test_a_track_is_found_only_by_its_own_id_and_that_of_its_task() -> None:
    archive, song = Archive(), made("song", Work("generate", {}, SONG))
    archive.add(song)
    assert archive.of_track("song-track") == archive.of_track("song-track", "song") == Source(song, song.takes[0])
    assert archive.of_task("song") == Source(song)
    assert (archive.of_track("song-track", "other"), archive.of_track("song"), archive.of_task("song-track")) == (None,) * 3


def test_a_failed_work_counts_as_not_made() -> None:
    archive, song = Archive(), made("song", Work("generate", {}, SONG))
    source = Source(song, song.takes[0])
    archive.add(song)
    archive.add(made("first", Work("wav", {}, WAV, source=source), "failed_task"))
    assert archive.made("wav", source) is None
    archive.add(made("second", Work("wav", {}, WAV, source=source)))
    assert (archive.made("wav", source), archive.made("mp4", source), archive.made("wav", Source(song))) == (
        "second",
        None,
        None,
    )


def test_a_recovery_does_not_take_over_the_tracks_of_its_source() -> None:
    archive, song = Archive(), made("song", Work("generate", {}, SONG))
    archive.add(song)
    recovery = Task("recovery", song.order, Work("recovery", {}, source=Source(song), recovers=True), 0.0, 1.0, song.takes)
    archive.add(recovery)
    assert archive.take("song-track") == (song, song.takes[0])
