"""The Python client of suno-jobs.

    from suno_jobs_client import SunoJobs

    with SunoJobs() as suno:
        job = suno.generate("a folk song about harbour lights")
        suno.download(job, "songs")

``SunoJobs`` blocks, ``AsyncSunoJobs`` is for asyncio and trio; both have the same methods.
"""

from suno_jobs_client import webhooks
from suno_jobs_client.asynchronous import AsyncSunoJobs
from suno_jobs_client.blocking import SunoJobs

__all__ = ["AsyncSunoJobs", "SunoJobs", "webhooks"]
