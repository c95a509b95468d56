"""Files of a job come home complete and checked, whatever happens on the way."""

from __future__ import annotations

import asyncio
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suno_jobs_client import AsyncSunoJobs, SunoJobs
from suno_jobs_client.calls import Calls
from suno_jobs_client.errors import DownloadFailed
from suno_jobs_client.files import Progress, download, download_zip, files_of
from suno_jobs_client.models import Asset, Job
from suno_jobs_client.wire import AsyncWire, BlockingWire, finish
from tests.unit.client.service import AUDIO, KEY, URL, HeldWire, a_job, an_asset

CONTENTS = {"t1": AUDIO, "t2": AUDIO[1:]}
JOB = Job.model_validate(a_job("SUCCEEDED"))
NAMES = ["Harbour Lights 1.mp3", "Harbour Lights 2.mp3"]

Serve = Callable[[httpx.Request], httpx.Response]


class Bucket:
    """Redirects to a fresh link each time, and serves ranges. ``disturb`` may change an answer."""

    def __init__(self) -> None:
        self.links = 0
        self.ranges: list[str] = []
        self.disturb: list[Callable[[bytes], httpx.Response]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "api.example":
            assert request.headers["Authorization"] == f"Bearer {KEY}"
            self.links += 1
            track = request.url.path.split("/")[5]
            return httpx.Response(307, headers={"Location": f"https://bucket.example/{track}?link={self.links}"})
        assert "Authorization" not in request.headers
        content = CONTENTS[request.url.path[1:]]
        self.ranges.append(request.headers["Range"])
        first = int(re.fullmatch(r"bytes=(\d+)-", self.ranges[-1])[1])  # type: ignore[index]
        if self.disturb:
            return self.disturb.pop(0)(content[first:])
        return httpx.Response(206, content=content[first:])


def broken_off(content: bytes) -> httpx.Response:
    def body() -> object:
        yield content[:1000]
        raise httpx.ReadError("connection lost")

    return httpx.Response(206, content=body())  # type: ignore[arg-type]


def calls(serve: Serve) -> tuple[Calls, HeldWire]:
    wire = HeldWire(serve)
    return Calls(wire, URL, KEY), wire


def test_every_file_comes_home_and_is_not_fetched_twice(tmp_path: Path) -> None:
    bucket = Bucket()
    api, _ = calls(bucket)
    seen: list[Progress] = []
    paths = finish(download(api, JOB, tmp_path / "songs", seen.append))
    assert [path.name for path in paths] == NAMES
    assert [path.read_bytes() for path in paths] == list(CONTENTS.values())
    assert sorted(path.name for path in (tmp_path / "songs").iterdir()) == NAMES
    assert [each.done for each in seen if each.file.track_id == "t1"][-2:] == [102_000, 102_400]
    assert finish(download(api, JOB, tmp_path / "songs", None)) == paths
    assert bucket.links == 2


def test_a_broken_connection_is_resumed_with_a_new_link(tmp_path: Path) -> None:
    bucket = Bucket()
    bucket.disturb = [broken_off, lambda _: httpx.Response(503)]
    api, wire = calls(bucket)
    assert [path.read_bytes() for path in finish(download(api, JOB, tmp_path, None))] == list(CONTENTS.values())
    assert bucket.ranges == ["bytes=0-", "bytes=1000-", "bytes=1000-", "bytes=0-"]
    assert (bucket.links, wire.slept) == (4, [2.0, 4.0])


def test_an_interrupted_download_is_resumed_by_the_next_one(tmp_path: Path) -> None:
    (tmp_path / f"{NAMES[0]}.part").write_bytes(AUDIO[:5000])
    (tmp_path / f"{NAMES[1]}.part").write_bytes(AUDIO[1:])
    bucket = Bucket()
    api, _ = calls(bucket)
    assert [path.read_bytes() for path in finish(download(api, JOB, tmp_path, None))] == list(CONTENTS.values())
    assert bucket.ranges == ["bytes=5000-"]


def test_a_server_that_ignores_the_range_sends_the_whole_file(tmp_path: Path) -> None:
    (tmp_path / f"{NAMES[0]}.part").write_bytes(AUDIO[:5000])
    bucket = Bucket()
    bucket.disturb = [lambda _: httpx.Response(200, content=AUDIO)]
    api, _ = calls(bucket)
    assert finish(download(api, JOB, tmp_path, None))[0].read_bytes() == AUDIO


@pytest.mark.parametrize("there", [b"x" * 5000, b"x" * len(AUDIO), b"x" * 200_000])
def test_wrong_bytes_are_never_taken_for_the_file(tmp_path: Path, there: bytes) -> None:
    (tmp_path / NAMES[0]).write_bytes(b"x" * len(AUDIO))
    (tmp_path / f"{NAMES[0]}.part").write_bytes(there)
    api, _ = calls(Bucket())
    assert finish(download(api, JOB, tmp_path, None))[0].read_bytes() == AUDIO


def test_a_file_that_never_fits_is_not_kept(tmp_path: Path) -> None:
    bucket = Bucket()
    bucket.disturb = [lambda content: httpx.Response(206, content=b"x" * len(content))] * 5
    api, _ = calls(bucket)
    with pytest.raises(DownloadFailed, match=r"Harbour Lights 1\.mp3: its SHA-256 is not that of the job"):
        finish(download(api, JOB, tmp_path, None))
    assert list(tmp_path.iterdir()) == []


def test_a_zip_has_every_file(tmp_path: Path) -> None:
    api, _ = calls(Bucket())
    path = finish(download_zip(api, JOB, tmp_path / "new" / "songs.zip", None))
    with zipfile.ZipFile(path) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == dict(zip(NAMES, CONTENTS.values(), strict=True))
    assert list(path.parent.iterdir()) == [path]


def test_both_clients_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BlockingWire, "spread", lambda _, seconds: seconds * 0.0)
    monkeypatch.setattr(AsyncWire, "spread", lambda _, seconds: seconds * 0.0)
    with SunoJobs(URL, KEY, http=httpx.Client(transport=httpx.MockTransport(Bucket()))) as suno:
        assert [path.name for path in suno.download(JOB, tmp_path / "blocking")] == NAMES
        assert suno.download_zip(JOB, str(tmp_path / "blocking.zip")).is_file()

    async def use(bucket: Bucket) -> None:
        async with AsyncSunoJobs(URL, KEY, http=httpx.AsyncClient(transport=httpx.MockTransport(bucket))) as again:
            assert [path.name for path in await again.download(JOB, tmp_path / "asynchronous")] == NAMES
            await again.download_zip(JOB, tmp_path / "asynchronous.zip")
            assert (tmp_path / "asynchronous.zip").is_file()
            (tmp_path / "asynchronous" / NAMES[0]).unlink()
            bucket.disturb = [lambda _: httpx.Response(404)]
            await again.download(JOB, tmp_path / "asynchronous")

    asyncio.run(use(Bucket()))
    bucket = Bucket()
    bucket.disturb = [lambda _: httpx.Response(404)] * 5
    suno = SunoJobs(URL, KEY, http=httpx.Client(transport=httpx.MockTransport(bucket)))
    with suno, pytest.raises(DownloadFailed, match="the bucket answered 404"):
        suno.download(JOB, tmp_path / "missing")


@given(title=st.one_of(st.none(), st.text(max_size=200)), stems=st.booleans())
def test_every_title_makes_names_that_are_safe_and_differ(title: str | None, stems: bool) -> None:
    job = Job.model_validate(a_job("SUCCEEDED", title=title))
    if stems:
        kinds = ("vocals", "drums", "image")
        job.tracks[0].assets = [Asset.model_validate(an_asset(f"a/{kind}.mp3", kind, b"x")) for kind in kinds]
        job.tracks[1].title = f"{title} 1 (vocals)"
    names = [file.name for file in files_of(job)]
    assert len({name.casefold() for name in names}) == len(names)
    assert all(Path(name).name == name and not name.startswith(".") and len(name.encode()) < 500 for name in names)


def test_two_files_of_one_name_get_numbers() -> None:
    job = Job.model_validate(a_job("SUCCEEDED", title="../A/B: C", contents=(AUDIO,)))
    assert [file.name for file in files_of(job)] == ["A B C.mp3"]
    job.tracks[0].assets *= 2
    assert [file.name for file in files_of(job)] == ["A B C.mp3", "A B C (1).mp3"]
