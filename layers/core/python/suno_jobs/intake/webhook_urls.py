"""A URL that a client chose for events: that of a webhook, or the ``callback_url`` of one job."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from suno_jobs.network import local_origins


def _check_public(url: str) -> str:
    # Imported here because few requests have a URL, and the import loads an HTTP client.
    from suno_jobs.network.ssrf_guard import ForbiddenTarget, check_url  # noqa: PLC0415

    try:
        check_url(url, local_origins.LOCAL_ORIGINS)
    except ForbiddenTarget as error:
        raise ValueError(f"must be a public https URL: {error}") from None
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("must be a public https URL in ASCII without spaces")
    return url


WebhookUrl = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), AfterValidator(_check_public)]
"""Checked as far as that needs no name server. Every delivery checks the addresses of the host."""
