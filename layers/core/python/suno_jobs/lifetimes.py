"""How long a gateway promises to keep a file."""

from __future__ import annotations

from urllib.parse import urlsplit

from suno_jobs.gateways import GATEWAYS
from suno_jobs.models import Job
from suno_jobs.vocabulary import Link

DAY_SECONDS = 86_400


def dies_at(job: Job, link: Link) -> float | None:
    """When the file behind ``link`` may be gone, by its gateway's documents; None where nothing is promised.

    Counted from the submission: the file was made later, so that this is rather too early than too late.
    """
    days = GATEWAYS[job.gateway].link_days
    life = days.get(urlsplit(link.url).hostname or "", days["*"])
    return None if life is None else (job.submitted_at or job.created_at) + life * DAY_SECONDS
