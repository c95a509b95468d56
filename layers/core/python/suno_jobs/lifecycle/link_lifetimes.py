"""How long a gateway keeps files, recorded with the job and its links so that later steps need no adapter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import urlsplit

from suno_jobs.catalog.results import Link
from suno_jobs.gateways.protocol import Gateway, LinkRenewal
from suno_jobs.gateways.registry import gateway_of
from suno_jobs.jobs.record import DAY_SECONDS, DEFAULT_LINK_DAYS, FileTerms, Job


def file_terms(gateway: Gateway) -> FileTerms:
    """What the gateway promises about the files of any task."""
    kept_days = gateway.link_days["*"] or DEFAULT_LINK_DAYS
    return FileTerms(int(kept_days * DAY_SECONDS), isinstance(gateway, LinkRenewal))


def with_expiry(job: Job, links: Iterable[Link], *, renewed_at: int | None = None) -> tuple[Link, ...]:
    """The links with their time of expiry, where the gateway documents one.

    It counts from the renewal of the links, otherwise from the submission. The files were made later, so the recorded time is
    early rather than late.
    """
    days_by_host = gateway_of(job).link_days
    began_at = renewed_at or job.submitted_at or job.created_at
    dated = []
    for link in links:
        days = days_by_host.get(urlsplit(link.url).hostname or "", days_by_host["*"])
        dated.append(link if days is None else replace(link, expires_at=int(began_at + days * DAY_SECONDS)))
    return tuple(dated)
