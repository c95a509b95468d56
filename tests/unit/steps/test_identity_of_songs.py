"""A song whose file names another clip than its gateway did is stored like any other, and shows that."""

from __future__ import annotations

import pytest

from local.simulator.media import of_another_clip, tag
from suno_jobs.catalog.results import Link
from suno_jobs.jobs.record import Track, TrackState
from suno_jobs.jobs.views import job_view
from tests.unit.steps.test_store_track import SONG, Source, objects, storer
from tests.world import World

CLIP = "116d34f4-b3d5-48b8-9334-011b1dd1df00"
OURS = tag(CLIP) + SONG
FILES = {"match": OURS, "mismatch": of_another_clip(OURS, CLIP), None: SONG}


@pytest.fixture
def job_id(world: World) -> str:
    job_id = world.generating()
    world.start_storing(job_id)
    links = (Link("audio", "https://cdn.example/t.mp3"),)
    world.jobs.tracks.record_track(job_id, Track(track_id=CLIP, position=0, state=TrackState.READY, links=links))
    return job_id


@pytest.mark.parametrize("identity", FILES)
def test_the_mark_is_shown_and_the_file_is_stored(world: World, job_id: str, identity: str | None) -> None:
    assert storer(world, Source(FILES[identity])).store_track(job_id, CLIP) is TrackState.STORED
    [track] = job_view(world.view(job_id))["tracks"]
    assert (track["state"], track["identity"]) == ("stored", identity)
    assert list(objects(world).values()) == [FILES[identity]]


def test_the_mark_of_a_file_that_was_stored_before_is_kept(world: World, job_id: str) -> None:
    store = storer(world, Source(FILES["mismatch"], FILES["match"]))
    record = world.jobs.tracks.store_track
    world.jobs.tracks.store_track = lambda *_, **__: None  # type: ignore[method-assign]
    store.store_track(job_id, CLIP)
    world.jobs.tracks.store_track = record  # type: ignore[method-assign]
    store.store_track(job_id, CLIP)
    assert world.tracks(job_id)[CLIP].identity == "mismatch"
