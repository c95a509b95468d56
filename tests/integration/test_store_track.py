"""Store Track against a server that lies, stalls and breaks off: no object appears that is not whole."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import random
import re
import socket
import struct
import wave
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from suno_jobs.catalog.results import Link, Media
from suno_jobs.errors import AssetNotReady, ErrorCode
from suno_jobs.jobs.record import Track, TrackState
from suno_jobs.network.download import Downloader
from suno_jobs.steps.store_track import DOWNLOAD_SECONDS, TrackStorer
from suno_jobs.storage.jobs import JobStore
from tests.integration.faulty import Headers, Page, Server, page, whole
from tests.world import BUCKET, TABLE, a_job

KEY = "acme/job_1/t/audio.wav"


def song() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setparams((1, 2, 44100, 0, "NONE", ""))
        output.writeframes(random.Random(3).randbytes(300_000))  # noqa: S311
    return file.getvalue()


SONG = song()
JOB = a_job()


@dataclass
class Place:
    s3: Any
    jobs: JobStore
    downloader: Downloader

    def store(self, seconds: float = 30) -> str:
        moments = iter([0.0, DOWNLOAD_SECONDS - seconds])
        storer = TrackStorer(
            jobs=self.jobs,
            s3=self.s3,
            bucket=BUCKET,
            downloader=self.downloader,
            max_bytes=dict.fromkeys(Media, 10**6),
            storage_class="STANDARD",
            clock=lambda: 0.0,
            stopwatch=moments.__next__,
        )
        return storer.store_track("job_1", "t")

    def track(self) -> Track:
        view = self.jobs.view("job_1")
        assert view is not None
        return view.tracks[0]


@pytest.fixture
def place(aws: SimpleNamespace, downloader: Downloader) -> Place:
    jobs = JobStore(aws.dynamodb, TABLE)
    jobs.submissions.create(JOB, {}, due_at=0)
    link = Link("audio", "https://cdn.example.com/song?sig=secret")
    jobs.tracks.record_track("job_1", Track(track_id="t", position=0, state=TrackState.READY, links=(link,)))
    return Place(aws.s3, jobs, downloader)


def test_a_whole_song_becomes_an_object(server: Server, place: Place) -> None:
    server.pages["/song"] = whole(body=SONG)
    assert place.store() is TrackState.STORED
    found = place.s3.get_object(Bucket=BUCKET, Key=KEY)
    assert found["Body"].read() == SONG
    assert (found["ContentType"], found["Metadata"]["source-host"]) == ("audio/wav", "cdn.example.com")
    assert place.track().assets[0].sha256 == hashlib.sha256(SONG).hexdigest()


def cut(size: int) -> Page:
    return page(f"HTTP/1.1 200 OK\nContent-Length: {len(SONG)}", SONG[:size])


def reset(connection: socket.socket, headers: Headers) -> None:
    cut(len(SONG) // 2)(connection, headers)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())


def unfinished(wait: float, data: bytes) -> Callable[[Server], Page]:
    """Sends half of the song, then every ``wait`` seconds ``data`` until the test is over."""

    def prepare(server: Server) -> Page:
        def answer(connection: socket.socket, headers: Headers) -> None:
            cut(len(SONG) // 2)(connection, headers)
            while not server.stopped.wait(wait):
                connection.sendall(data)

        return answer

    return prepare


def ranged(spoil: Callable[[str, bytes], tuple[str, bytes]]) -> Page:
    """Breaks off in the middle; what it answers to the request for the rest is spoilt."""

    def answer(connection: socket.socket, headers: Headers) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-", headers.get("range", ""))
        head = f'HTTP/1.1 200 OK\nETag: "v1"\nAccept-Ranges: bytes\nContent-Length: {len(SONG)}'
        if not asked:
            page(head, SONG[: len(SONG) // 2])(connection, headers)
            return
        start = int(asked[1])
        part = f'HTTP/1.1 206 Partial\nETag: "v1"\nContent-Range: bytes {start}-{len(SONG) - 1}/{len(SONG)}'
        page(*spoil(f"{part}\nContent-Length: {len(SONG) - start}", SONG[start:]))(connection, headers)

    return answer


CHUNKS = b"%x\r\n%s\r\n" % (len(SONG) // 2, SONG[: len(SONG) // 2])
FAULTS: dict[str, Page] = {
    **{f"cut to {size} bytes": cut(size) for size in (0, 1, 43, 44, 1000, 65_536, 150_000, len(SONG) - 1)},
    "reset": reset,
    "a length that is too short": page("HTTP/1.1 200 OK\nContent-Length: 200000", SONG),
    "a length that is too long": page(f"HTTP/1.1 200 OK\nContent-Length: {len(SONG) + 1}", SONG),
    "no length, and closed early": page("HTTP/1.1 200 OK\nConnection: close", SONG[:200_000]),
    "chunks without an end": page("HTTP/1.1 200 OK\nTransfer-Encoding: chunked", CHUNKS),
    "chunks of half the song": page("HTTP/1.1 200 OK\nTransfer-Encoding: chunked", CHUNKS + b"0\r\n\r\n"),
    "a part that nobody asked for": page(
        f"HTTP/1.1 206 Partial\nContent-Range: bytes 0-{len(SONG) - 1}/{2 * len(SONG)}\nContent-Length: {len(SONG)}", SONG
    ),
    "gzip": whole("\nContent-Encoding: gzip", gzip.compress(SONG)),
    "HTML with status 200": whole(body=b"<html>Just a moment</html>" * 100),
    "an error with the song in it": page(f"HTTP/1.1 503 Busy\nContent-Length: {len(SONG)}", SONG),
    "ranges ignored": ranged(lambda head, _body: (head.replace("206 Partial", "200 OK"), SONG)),
    "a range of another place": ranged(
        lambda head, body: (head.replace("Content-Range: bytes ", "Content-Range: bytes 1"), body)
    ),
    "a range of another version": ranged(lambda head, body: (head.replace('"v1"', '"v2"'), body)),
    "a range cut once more": ranged(lambda head, body: (head, body[:10])),
}


def no_asset_is_there(place: Place) -> bool:
    """What was refused after a complete download is in quarantine."""
    return "Contents" not in place.s3.list_objects_v2(
        Bucket=BUCKET, Prefix="acme/"
    ) and "Uploads" not in place.s3.list_multipart_uploads(Bucket=BUCKET)


@pytest.mark.parametrize("name", FAULTS)
def test_no_object_appears_that_is_not_whole(server: Server, place: Place, name: str) -> None:
    server.pages["/song"] = FAULTS[name]
    with pytest.raises(AssetNotReady) as caught:
        place.store()
    assert no_asset_is_there(place)
    track = place.track()
    assert (track.state, track.assets) == (TrackState.READY, ())
    assert track.fault == caught.value.fault
    assert "secret" not in str(track.fault)
    server.pages["/song"] = whole(body=SONG)
    assert place.store() is TrackState.STORED, "the next run finds nothing in its way"


@pytest.mark.parametrize("prepare", [unfinished(10, b""), unfinished(0.01, b"x")], ids=["stall", "drip"])
def test_a_server_that_never_ends_leaves_no_object(server: Server, place: Place, prepare: Callable[[Server], Page]) -> None:
    server.pages["/song"] = prepare(server)
    with pytest.raises(AssetNotReady) as caught:
        place.store(seconds=0.4)
    assert caught.value.fault.code is ErrorCode.ASSET_UNAVAILABLE
    assert no_asset_is_there(place)


def test_a_song_that_was_resumed_is_whole(server: Server, place: Place) -> None:
    server.pages["/song"] = ranged(lambda head, body: (head, body))
    assert place.store() is TrackState.STORED
    assert place.s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read() == SONG
    assert len(server.requests) == 2
