"""Store Track: downloads the files of a job's tracks, checks them and stores them in the assets bucket."""

import os
import time
from dataclasses import replace
from functools import cache
from typing import Any

from suno_jobs.catalog.results import Media
from suno_jobs.jobs.identifiers import Mode, mode_of_job
from suno_jobs.lifecycle.sandbox_files import SandboxFiles
from suno_jobs.network import local_origins
from suno_jobs.network.download import Downloader
from suno_jobs.runtime.aws import UPLOAD, WORK, client, prepare
from suno_jobs.runtime.log_context import logged
from suno_jobs.runtime.settings import StoreTrackSettings
from suno_jobs.steps.store_track import TrackStorer
from suno_jobs.storage.jobs import JobStore


@cache
def track_storer() -> TrackStorer:
    settings = StoreTrackSettings(os.environ)
    return TrackStorer(
        jobs=JobStore(client("dynamodb", WORK), settings.jobs_table),
        s3=client("s3", UPLOAD),
        bucket=settings.assets_bucket,
        downloader=Downloader(trusted_origins=local_origins.LOCAL_ORIGINS),
        max_bytes={
            Media.AUDIO: settings.max_audio_bytes,
            Media.IMAGE: settings.max_image_bytes,
            Media.VIDEO: settings.max_video_bytes,
        },
        storage_class=settings.assets_storage_class,
        clock=time.time,
        stopwatch=time.monotonic,
    )


def storer_for(job_id: str) -> TrackStorer:
    return replace(track_storer(), downloader=SandboxFiles()) if mode_of_job(job_id) is Mode.TEST else track_storer()


@logged
def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return {"job_id": event["job_id"], "states": storer_for(event["job_id"]).store_tracks(event["job_id"])}


prepare(track_storer)
