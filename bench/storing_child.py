"""One run of one method to store a file from a URL in the bucket: `python -m bench.storing_child WAY TASKS`.

The first task warms up, the second is measured. Prints its seconds and the growth of peak memory in bytes. For Linux.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import httpx
from botocore.config import Config

from bench.shipped import ROOT
from bench.storing import BUCKET, FLOOR, STORE_TRACK
from suno_jobs.network import local_origins

Task = dict[str, str]
KILOBYTE = 1024


def store_track(task: Task) -> Callable[[], None]:
    """The deployed function itself. Only a local stack may fetch from loopback, so this run acts as one."""
    parts = urlsplit(task["url"])
    vars(local_origins)["LOCAL_ORIGINS"] = frozenset({f"{parts.scheme}://{parts.netloc}"})
    handler = _app().lambda_handler

    def run() -> None:
        answer = handler({"job_id": task["job_id"]}, None)
        if answer["states"] != {"m-1": "stored"}:
            raise SystemExit(f"not stored: {answer}")

    return run


_LOADED: list[Any] = []


def _app() -> Any:
    if not _LOADED:
        spec = importlib.util.spec_from_file_location("app", ROOT / "functions/store_track/app.py")
        if spec is None or spec.loader is None:
            raise SystemExit("functions/store_track/app.py cannot be loaded")
        app = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(app)
        _LOADED.append(app)
    return _LOADED[0]


def floor(task: Task) -> Callable[[], None]:
    """What the network and S3 take by themselves: the download is discarded, and the upload comes from memory.

    boto3 does not sign content over TLS. Without TLS it would, which would make the floor slower than it really is.
    """
    content = Path(task["file"]).read_bytes()
    s3 = boto3.client("s3", config=Config(s3={"payload_signing_enabled": False}))

    def run() -> None:
        with httpx.Client(trust_env=False) as client, client.stream("GET", task["url"]) as response:
            for _ in response.iter_raw():
                pass
        s3.upload_fileobj(io.BytesIO(content), BUCKET, f"floor/{os.getpid()}")

    return run


WAYS = {STORE_TRACK: store_track, FLOOR: floor}


def peak() -> int:
    """The peak memory of this process in bytes. (getrusage would include the peak of its parent.)"""
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)[0]) * KILOBYTE


def main() -> None:
    way, tasks = WAYS[sys.argv[1]], json.loads(sys.argv[2])
    way(tasks[0])()
    run = way(tasks[1])
    before, begin = peak(), time.perf_counter()
    run()
    seconds = time.perf_counter() - begin
    print(json.dumps({"seconds": seconds, "growth_bytes": peak() - before}))


if __name__ == "__main__":
    main()
