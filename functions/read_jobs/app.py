"""What a tenant reads: a job with links to what is stored, its files one by one, and what the gateways can do."""

import os
import time
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools.event_handler import Response

from suno_jobs import api
from suno_jobs.aws import CONFIG, SIGNING_CONFIG
from suno_jobs.capabilities import capabilities
from suno_jobs.health import NEVER_CALLED, Health
from suno_jobs.reading import JobReader
from suno_jobs.settings import ReadJobsSettings
from suno_jobs.store import JobStore

app = api.resolver()


@cache
def reader() -> JobReader:
    settings = ReadJobsSettings.load(os.environ)
    return JobReader(
        jobs=JobStore(boto3.client("dynamodb", config=CONFIG), settings.jobs_table),
        s3=boto3.client("s3", config=SIGNING_CONFIG),
        bucket=settings.assets_bucket,
        url_seconds=settings.url_lifetime_seconds,
        interval_seconds=settings.check_interval_seconds,
    )


@cache
def health() -> Health:
    return Health(boto3.client("dynamodb", config=CONFIG), ReadJobsSettings.load(os.environ).jobs_table, time.time)


@app.get("/v1/gateways")
def read_gateways() -> Response[str]:
    known = health().read()
    return api.answer(
        200, {"gateways": [{**each, "health": known.get(each["name"], NEVER_CALLED)} for each in capabilities()]}, {}
    )


@app.get("/v1/jobs/<job_id>")
def read_job(job_id: str) -> Response[str]:
    status, view, headers = reader()(api.tenant(app), job_id, app.current_event.headers.get("if-none-match"))
    return api.answer(status, view, headers)


@app.get("/v1/jobs/<job_id>/events")
def read_events(job_id: str) -> Response[str]:
    return api.answer(200, reader().events(api.tenant(app), job_id), {})


@app.get("/v1/jobs/<job_id>/manifest")
def read_manifest(job_id: str) -> Response[str]:
    return api.redirect(reader().manifest_url(api.tenant(app), job_id))


@app.get("/v1/jobs/<job_id>/tracks/<track_id>/<kind>")
def read_asset(job_id: str, track_id: str, kind: str) -> Response[str]:
    return api.redirect(reader().asset_url(api.tenant(app), job_id, track_id, kind))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)
