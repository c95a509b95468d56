"""How fast a file gets from a gateway's link into the bucket: Store Track beside the floor, and beside curl and the AWS CLI.

Each run is a separate process, warmed up by a small file, against the S3 of the local stack and a file server on loopback.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import wave
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import boto3

from bench.files import FileServer
from bench.shipped import ROOT
from local import aws
from local.processes import Emulator
from local.source import read_template
from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.results import Link, Result
from suno_jobs.jobs.record import Job, Track, TrackState
from suno_jobs.jobs.states import JobState
from suno_jobs.storage.jobs import JobStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_s3.client import S3Client

MEGABYTE = 1_000_000
SIZES = (5, 50, 500)
RUNS = {5: 9, 50: 5, 500: 3}
WARM_UP = 1
BUCKET = "bench-assets"
TABLE = "jobs"
JOB_ID = "job_0123456789abcdefghijklmnop"
STORE_TRACK = "store_track"
FLOOR = "httpx and upload_fileobj"
CLI = "curl and the AWS CLI"


class StoringFailed(Exception):
    """A run did not store its file; the message contains its output."""


@dataclass(frozen=True)
class Run:
    seconds: float
    growth_bytes: int = 0


@dataclass
class Stored:
    """The runs for one size, by method (``way``)."""

    megabytes: int
    runs: dict[str, list[Run]] = field(default_factory=dict)

    def rate(self, way: str) -> float:
        """MB per second in the median run."""
        return self.megabytes / statistics.median(run.seconds for run in self.runs[way])

    def growth(self, way: str) -> float:
        """The largest growth of the process in MB, in the worst run."""
        return max(run.growth_bytes for run in self.runs[way]) / MEGABYTE


def measure(sizes: Sequence[int] = SIZES, runs: Mapping[int, int] = RUNS) -> dict[int, Stored]:
    """By size in MB. The methods take turns; that of curl and the AWS CLI is optional. Raises StoringFailed."""
    with TemporaryDirectory(prefix="suno-jobs-bench-") as folder, _place(Path(folder), (WARM_UP, *sizes)) as place:
        return {size: _measure(place, size, runs[size]) for size in sizes}


def _measure(place: _Place, megabytes: int, runs: int) -> Stored:
    stored = Stored(megabytes)
    for number in range(runs):
        for way in (STORE_TRACK, FLOOR):
            stored.runs.setdefault(way, []).append(place.child(way, megabytes))
            place.clean()
        if place.cli:
            stored.runs.setdefault(CLI, []).append(place.by_cli(megabytes, number))
            place.clean()
    return stored


class _Place:
    """The server of the files and the bucket that receives them."""

    def __init__(self, home: Path, files: FileServer, endpoint: str) -> None:
        self._home = home
        self._files = files
        self._endpoint = endpoint
        self._tasks = 0
        self.cli = all(shutil.which(name) for name in ("curl", "aws"))
        session = aws.isolated_session()
        self._s3: S3Client = aws.make_client(session, "s3", endpoint)
        self._s3.create_bucket(Bucket=BUCKET)
        self._jobs = JobStore(_with_table(session, endpoint), TABLE)

    def child(self, way: str, megabytes: int) -> Run:
        tasks = [self._task(size) for size in (WARM_UP, megabytes)]
        command = [sys.executable, "-m", "bench.storing_child", way, json.dumps(tasks)]
        done = subprocess.run(command, cwd=ROOT, env=self._environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise StoringFailed(f"{way}, {megabytes} MB: {done.stderr}")
        return Run(**json.loads(done.stdout.splitlines()[-1]))

    def clean(self) -> None:
        """The emulator gets slower the more it stores."""
        for each in self._s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
            self._s3.delete_object(Bucket=BUCKET, Key=each["Key"])

    def by_cli(self, megabytes: int, number: int) -> Run:
        url, target = self._files.url(megabytes), f"s3://{BUCKET}/cli/{megabytes}-{number}"
        begin = time.perf_counter()
        with subprocess.Popen(["curl", "--silent", "--fail", url], stdout=subprocess.PIPE) as curl:  # noqa: S607
            command = ["aws", "s3", "cp", "-", target, "--endpoint-url", self._endpoint]
            done = subprocess.run(command, stdin=curl.stdout, env=self._environment(), capture_output=True, check=False)
        seconds = time.perf_counter() - begin
        if curl.returncode or done.returncode:
            raise StoringFailed(f"{CLI}, {megabytes} MB: {done.stderr.decode()}")
        return Run(seconds)

    def _task(self, megabytes: int) -> dict[str, str]:
        """A job with a track to store, and the file itself for the floor."""
        self._tasks += 1
        job_id, url = f"job_{self._tasks:026}", self._files.url(megabytes)
        self._jobs.submissions.create(replace(_JOB, job_id=job_id), {}, due_at=0)
        track = Track(track_id="m-1", position=0, state=TrackState.READY, links=(Link("audio", url),))
        self._jobs.tracks.record_track(job_id, track)
        return {"job_id": job_id, "url": url, "file": str(self._files.paths[megabytes])}

    def _environment(self) -> dict[str, str]:
        """That of a deployed function, and the caller's HOME and PYTHONPATH, which the AWS CLI may need."""
        parameters = read_template(ROOT)["Parameters"]
        limits = {
            f"MAX_{name.upper()}_BYTES": str(parameters[f"Max{name}Bytes"]["Default"]) for name in ("Audio", "Image", "Video")
        }
        return {
            **aws.clean_environment(self._home),
            **{name: os.environ[name] for name in ("HOME", "PYTHONPATH") if name in os.environ},
            "AWS_ENDPOINT_URL": self._endpoint,
            "JOBS_TABLE": TABLE,
            "ASSETS_BUCKET": BUCKET,
            "ASSETS_STORAGE_CLASS": parameters["AssetsStorageClass"]["Default"],
            **limits,
        }


_JOB = Job(
    job_id=JOB_ID,
    tenant="bench",
    gateway="ttapi",
    kind=Kind.MUSIC,
    expects=Result.TRACKS,
    state=JobState.STORING,
    created_at=0,
    updated_at=0,
    deadline_at=2**40,
    fingerprint="",
)


def _with_table(session: boto3.Session, endpoint: str) -> DynamoDBClient:
    dynamodb: DynamoDBClient = aws.make_client(session, "dynamodb", endpoint)
    properties = read_template(ROOT)["Resources"]["JobsTable"]["Properties"]
    names = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    wanted: Any = {name: properties[name] for name in names}
    dynamodb.create_table(TableName=TABLE, **wanted)
    return dynamodb


@contextmanager
def _place(home: Path, sizes: Sequence[int]) -> Iterator[_Place]:
    paths = {size: write_wav(home / f"{size}.wav", size * MEGABYTE) for size in sizes}
    with Emulator("ministack", home / "ministack.log") as emulator, FileServer(paths) as files:
        settings = {"GATEWAY_PORT": str(emulator.port), "S3_DATA_DIR": str(home / "s3"), "STATE_DIR": str(home / "state")}
        account = {"MINISTACK_ACCOUNT_ID": aws.ACCOUNT_ID, "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0"}
        emulator.start(aws.clean_environment(home) | settings | account)
        emulator.wait_until_ready("/_ministack/ready")
        yield _Place(home, files, emulator.url)


def write_wav(path: Path, size: int) -> Path:
    """A WAV of about ``size`` bytes of noise, which passes the checks."""
    noise = Random(1).randbytes(MEGABYTE)  # noqa: S311
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 44100, 0, "NONE", ""))
        for _ in range(size // MEGABYTE):
            file.writeframesraw(noise)
    return path
