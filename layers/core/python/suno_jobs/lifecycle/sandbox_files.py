"""Files of the sandbox, in place of a download."""

from __future__ import annotations

import hashlib
from typing import BinaryIO

from suno_jobs.media.sandbox_files import HOST, make_file
from suno_jobs.network.download import Downloaded, Downloader


class SandboxFiles(Downloader):
    """Fetches nothing: it makes the file behind a link of the sandbox."""

    def __init__(self) -> None:
        """Without anything that a download needs."""

    def fetch(self, url: str, into: BinaryIO, *, max_bytes: int, seconds: float, past_expiry: bool = False) -> Downloaded:  # noqa: ARG002
        """The files are small and made at once, so no limit applies."""
        content, content_type = make_file(url)
        into.write(content)
        return Downloaded(len(content), hashlib.sha256(content).hexdigest(), content_type, HOST)
