"""Serve Console: the files of the console, which a browser runs with the API key of its user. Serving them needs no key."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from suno_jobs.errors import RouteNotFound
from suno_jobs.runtime.conditional_requests import is_unchanged

PAGE = "index.html"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class File:
    media_type: str
    text: str
    etag: str


class Console:
    """All files are in memory, by name: no path of a request can lead out of their folder."""

    def __init__(self, folder: Path, assets_origins: str) -> None:
        """``assets_origins`` are separated by spaces."""
        self._files = {path.name: _read(path) for path in folder.iterdir()}
        self._headers = _headers(assets_origins)

    def page(self, if_none_match: str | None) -> tuple[int, File, Mapping[str, str]]:
        return self._answer(self._files[PAGE], if_none_match)

    def module(self, name: str, if_none_match: str | None) -> tuple[int, File, Mapping[str, str]]:
        """Status, file and headers; 304 if the browser has the file already. Raises RouteNotFound."""
        # The page works at /console only: its links are relative.
        if name not in self._files or name == PAGE:
            raise RouteNotFound("The console has no file with this name.")
        return self._answer(self._files[name], if_none_match)

    def _answer(self, file: File, if_none_match: str | None) -> tuple[int, File, Mapping[str, str]]:
        status = 304 if is_unchanged(if_none_match, file.etag) else 200
        return status, file, {**self._headers, "ETag": file.etag}


def _read(path: Path) -> File:
    content = path.read_bytes()
    return File(MEDIA_TYPES[path.suffix], content.decode(), f'"{hashlib.sha256(content).hexdigest()[:32]}"')


def _headers(assets_origins: str) -> dict[str, str]:
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": f"'self' {assets_origins}",
        "img-src": f"'self' {assets_origins}",
        "media-src": assets_origins,
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return {
        # A browser asks each time whether a file is still the same, so a deployment is never half old.
        "Cache-Control": "no-cache",
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Referrer-Policy": "no-referrer",
        "Strict-Transport-Security": "max-age=31536000",
        "X-Content-Type-Options": "nosniff",
    }
