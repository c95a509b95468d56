"""Brings a song home with the client that openapi-python-client makes: ``song.py API_URL API_KEY``."""

import hashlib
import sys
import time

import httpx
from generated_client import AuthenticatedClient
from generated_client.api.jobs import read_job, submit_job
from generated_client.models import GatewayName, Job, JobState, MusicInput, MusicRequest


def main(api_url: str, api_key: str) -> None:
    client = AuthenticatedClient(base_url=api_url, token=api_key)
    music = MusicInput(prompt="A folk song about harbour lights")
    request = MusicRequest(gateway=GatewayName.TTAPI, kind="music", input_=music)
    created = submit_job.sync(client=client, body=request, idempotency_key="python-client-1")
    assert isinstance(created, Job), created
    job = created
    while job.state not in (JobState.SUCCEEDED, JobState.FAILED, JobState.TIMED_OUT, JobState.CANCELLED):
        time.sleep(0.5)
        found = read_job.sync(created.job_id, client=client)
        assert isinstance(found, Job), found
        job = found
    for track in job.tracks:
        for asset in track.assets:
            assert isinstance(asset.url, str), asset
            content = httpx.get(asset.url).raise_for_status().content
            assert hashlib.sha256(content).hexdigest() == asset.sha256
            print(job.state.value, asset.kind, len(content), asset.sha256)


main(*sys.argv[1:])
