"""GET /v1/jobs and everything below it: jobs as their tenant sees them."""

import os
from functools import cache, partial
from typing import Any

from aws_lambda_powertools.event_handler import Response

from suno_jobs.runtime import http_api
from suno_jobs.runtime.aws import REQUEST, SIGNING, WAIT, client, prepare
from suno_jobs.runtime.log_context import logged
from suno_jobs.runtime.settings import ReadJobsSettings
from suno_jobs.runtime.waiting import WaitFunction, preferred_wait
from suno_jobs.steps.read_jobs import JobReader
from suno_jobs.storage.job_list import JobList
from suno_jobs.storage.jobs import JobStore
from suno_jobs.tenants.api_keys import Scope

app = http_api.resolver()
tenant = partial(http_api.tenant, app, Scope.READ_JOBS)


@cache
def job_reader() -> JobReader:
    settings, dynamodb = ReadJobsSettings(os.environ), client("dynamodb", REQUEST)
    return JobReader(
        jobs=JobStore(dynamodb, settings.jobs_table),
        job_list=JobList(dynamodb, settings.jobs_table),
        s3=client("s3", SIGNING),
        bucket=settings.assets_bucket,
        url_seconds=settings.url_lifetime_seconds,
        interval_seconds=settings.check_interval_seconds,
        wait_function=WaitFunction(partial(client, "lambda", WAIT), settings.wait_function),
    )


@http_api.get(app, "/v1/jobs")
def list_jobs() -> Response[str]:
    return http_api.answer(200, *job_reader().list_jobs(tenant(), app.current_event.get("rawQueryString") or ""))


@http_api.get(app, "/v1/jobs/<job_id>")
def read_job(job_id: str) -> Response[str]:
    headers = app.current_event.headers
    known, wait = headers.get("if-none-match"), preferred_wait(headers.get("prefer"))
    return http_api.answer(*job_reader().read_job(tenant(), job_id, known, wait))


@http_api.get(app, "/v1/jobs/<job_id>/events")
def read_events(job_id: str) -> Response[str]:
    return http_api.answer(200, job_reader().read_events(tenant(), job_id), {})


@http_api.get(app, "/v1/jobs/<job_id>/manifest")
def read_manifest(job_id: str) -> Response[str]:
    return http_api.redirect(job_reader().manifest_url(tenant(), job_id, head=http_api.is_head(app)))


@http_api.get(app, "/v1/jobs/<job_id>/tracks/<track_id>/<kind>")
def read_asset(job_id: str, track_id: str, kind: str) -> Response[str]:
    return http_api.redirect(job_reader().asset_url(tenant(), job_id, track_id, kind, head=http_api.is_head(app)))


@logged
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)


prepare(job_reader)
