"""Store Track: one track's audio from the gateway's link into the assets bucket."""

import os
import time
from functools import cache
from typing import Any

import boto3

from suno_jobs import origins
from suno_jobs.assets import TrackStorer
from suno_jobs.aws import CONFIG, UPLOAD_CONFIG
from suno_jobs.download import Downloader
from suno_jobs.gateways.base import Media
from suno_jobs.settings import StoreTrackSettings
from suno_jobs.store import JobStore


@cache
def storer() -> TrackStorer:
    settings = StoreTrackSettings.load(os.environ)
    return TrackStorer(
        jobs=JobStore(boto3.client("dynamodb", config=CONFIG), settings.jobs_table),
        s3=boto3.client("s3", config=UPLOAD_CONFIG),
        bucket=settings.assets_bucket,
        downloader=Downloader(trusted_origins=origins.LOCAL_ORIGINS),
        max_bytes={
            Media.AUDIO: settings.max_audio_bytes,
            Media.IMAGE: settings.max_image_bytes,
            Media.VIDEO: settings.max_video_bytes,
        },
        storage_class=settings.assets_storage_class,
        clock=time.time,
        stopwatch=time.monotonic,
    )


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return {"track_id": event["track_id"], "state": storer()(event["job_id"], event["track_id"])}
