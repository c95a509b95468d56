"""Brings songs home with the client of this project: ``home.py API_URL API_KEY FOLDER``."""

import asyncio
import sys
import zipfile
from pathlib import Path

from suno_jobs_client import AsyncSunoJobs, SunoJobs
from suno_jobs_client.errors import InvalidRequest, JobNotSucceeded, WrongState


def blocking(api_url: str, api_key: str, folder: Path) -> None:
    states: list[str] = []
    with SunoJobs(api_url, api_key) as suno:
        job = suno.generate("A folk song about harbour lights", timeout=60, on_change=lambda job: states.append(job.state))
        assert states[-1] == job.state == "SUCCEEDED"
        assert next(suno.list()).job_id == job.job_id
        files = suno.download(job, folder)
        with zipfile.ZipFile(suno.download_zip(job, folder / "all.zip")) as archive:
            assert archive.namelist() == [file.name for file in files]
        for file in files:
            print(file.name)
        try:
            suno.generate("A song", gateway="ttapi", duration=1)
        except InvalidRequest as error:
            print(error.errors[0]["pointer"])
        try:
            suno.cancel(job.job_id)
        except WrongState as error:
            print(error.problem.name)


async def asynchronous(api_url: str, api_key: str, folder: Path) -> None:
    async with AsyncSunoJobs(api_url, api_key) as suno:
        job = await suno.generate("Another one", gateway=["kie", "sunoapi"], timeout=60)
        files = await suno.download(job, folder / "asynchronous")
        print(job.state, len(files), [each.state for each in await suno.events(job.job_id)][-1])
        try:
            await suno.generate("A third one [fault:failed_task]", gateway="ttapi", timeout=60)
        except JobNotSucceeded as error:
            print(error.job.state)


blocking(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
asyncio.run(asynchronous(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
