"""Finish Job: sets the terminal state and announces it on the bundle's event bus."""

import os
import time
from functools import cache
from typing import Any

import boto3

from suno_jobs.aws import CONFIG
from suno_jobs.finishing import Finisher
from suno_jobs.settings import FinishJobSettings
from suno_jobs.store import JobStore


@cache
def finisher() -> Finisher:
    settings = FinishJobSettings.load(os.environ)
    return Finisher(
        jobs=JobStore(boto3.client("dynamodb", config=CONFIG), settings.jobs_table),
        events=boto3.client("events", config=CONFIG),
        event_bus=settings.event_bus_name,
        clock=time.time,
    )


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return {"job_id": event["job_id"], "state": finisher()(event["job_id"])}
