"""Downloads the files of a job: resumed, checked by SHA-256, and under names that a person recognises."""

from __future__ import annotations

import hashlib
import itertools
import re
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import httpx

from suno_jobs_client.calls import Calls, path_of
from suno_jobs_client.errors import DownloadFailed
from suno_jobs_client.models import Asset, Job, Track

ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class File:
    """One file of a job. ``name`` is its name in the folder of the download."""

    job_id: str
    track_id: str
    kind: str
    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Progress:
    """``done`` of ``file.bytes`` bytes are there."""

    file: File
    done: int


OnProgress = Callable[[Progress], None]


def files_of(job: Job) -> list[File]:
    """Every stored file: ``Harbour Lights 1.mp3``, ``Harbour Lights 1 (vocals).mp3``. All names differ."""
    names: set[str] = set()
    return [
        File(
            job.job_id, track.track_id, asset.kind, _unused(_name(job, number, track, asset), names), asset.bytes, asset.sha256
        )
        for number, track in enumerate(job.tracks, 1)
        for asset in track.assets
    ]


async def download(calls: Calls, job: Job, folder: Path, on_progress: OnProgress | None) -> list[Path]:
    """Brings every stored file of the job into the folder, and returns their paths.

    It may be repeated: a file that is there and has the right SHA-256 is not fetched again, and one that was interrupted
    (``NAME.part``) is resumed. A file has its name only once it is complete and checked. Raises ``DownloadFailed``.
    """
    await calls.wire.work(partial(folder.mkdir, parents=True, exist_ok=True))
    return [await _download(calls, file, folder / file.name, on_progress) for file in files_of(job)]


async def download_zip(calls: Calls, job: Job, path: Path, on_progress: OnProgress | None) -> Path:
    """The same as one zip. The path has the zip only once it is complete."""
    await calls.wire.work(partial(path.parent.mkdir, parents=True, exist_ok=True))
    with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
        stored = await download(calls, job, Path(folder), on_progress)
        await calls.wire.work(partial(_zip, stored, path))
    return path


def _zip(stored: Sequence[Path], path: Path) -> None:
    part = path.with_name(f"{path.name}.part")
    # Audio and images do not get smaller.
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for file in stored:
            archive.write(file, file.name)
    part.replace(path)


async def _download(calls: Calls, file: File, path: Path, on_progress: OnProgress | None) -> Path:
    report = partial(_report, on_progress, file)
    part = path.with_name(f"{path.name}.part")
    if await calls.wire.work(partial(_is_there, file, part, path)):
        report(file.bytes)
        return path
    reason = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            await calls.wire.sleep(calls.wire.spread(2.0**attempt))
        try:
            response = await _fetch(calls, file, part, report)
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            continue
        if response.is_error:
            reason = f"the bucket answered {response.status_code}"
        elif await calls.wire.work(partial(_accept, file, part, path)):
            return path
        else:
            reason = "its SHA-256 is not that of the job"
    raise DownloadFailed(f"{file.name}: {reason}")


async def _fetch(calls: Calls, file: File, part: Path, report: Callable[[int], None]) -> httpx.Response:
    """Adds what is missing of the file to the part. The service gives a new link each time, since links expire."""
    redirect = await calls.send("GET", path_of("jobs", file.job_id, "tracks", file.track_id, file.kind))
    with await calls.wire.work(partial(_append, part)) as opened:
        headers = {"Accept-Encoding": "identity", "Range": f"bytes={opened.tell()}-"}
        request = httpx.Request("GET", redirect.headers["Location"], headers=headers)
        return await calls.wire.read(request, partial(_begin, opened, report))


def _append(part: Path) -> BinaryIO:
    return part.open("ab")


def _accept(file: File, part: Path, path: Path) -> bool:
    """A part with other bytes is deleted, so that the next attempt begins anew."""
    if _digest(part) != file.sha256:
        part.unlink()
        return False
    part.replace(path)
    return True


def _is_there(file: File, part: Path, path: Path) -> bool:
    if path.is_file() and path.stat().st_size == file.bytes and _digest(path) == file.sha256:
        return True
    return part.is_file() and part.stat().st_size >= file.bytes and _accept(file, part, path)


def _begin(opened: BinaryIO, report: Callable[[int], None], response: httpx.Response) -> Callable[[bytes], None]:
    if response.status_code != 206:
        opened.truncate(0)

    def write(chunk: bytes) -> None:
        opened.write(chunk)
        report(opened.tell())

    return write


def _report(on_progress: OnProgress | None, file: File, done: int) -> None:
    if on_progress:
        on_progress(Progress(file, done))


def _digest(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _name(job: Job, number: int, track: Track, asset: Asset) -> str:
    title = re.sub(r'[\s\x00-\x1f\x7f<>:"/\\|?*]+', " ", track.title or job.job_id).strip(" .")[:100] or job.job_id
    counted = f" {number}" if len(job.tracks) > 1 else ""
    stem = "" if asset.kind in ("audio", "image", "video", "wav") else f" ({asset.kind})"
    return f"{title}{counted}{stem}{Path(asset.key).suffix}"


def _unused(name: str, names: set[str]) -> str:
    """The name, with a number if another file has it. Some file systems ignore case."""
    candidates = (f"{Path(name).stem} ({count}){Path(name).suffix}" if count else name for count in itertools.count())
    unused = next(candidate for candidate in candidates if candidate.casefold() not in names)
    names.add(unused.casefold())
    return unused
