"""Jobs as the API would answer them, and files that a browser can play, for tests without a stack."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Route

from suno_jobs.media.sandbox_files import SOUND_SECONDS, file_url, make_file
from tests.browser.canned import ASSETS, Canned, example

Json = dict[str, Any]

SOUND, _ = make_file(file_url("song", "wav"))
PICTURE, _ = make_file(file_url("cover", "png"))
JOB_ID = "job_0123456789abcdefghijklmnop"
TRACK_ID = "78af5f94-7fa4-4c6d-880f-d177be5b0f63"
LONG_AFTER = "20990101T000000Z"


def asset(kind: str, content_type: str, content: bytes) -> Json:
    url = f"{ASSETS}/{kind}?X-Amz-Date={LONG_AFTER}&X-Amz-Expires=900"
    made = {"kind": kind, "key": kind, "content_type": content_type, "bytes": len(content), "url": url}
    return {**job()["tracks"][0]["assets"][0], **made}


def job(**changes: Any) -> Json:
    """The example of the document, with these changes."""
    _, found = example("get", f"/v1/jobs/{JOB_ID}")
    made: Json = copy.deepcopy(found) | changes
    return made


def playable(**changes: Any) -> Json:
    """A job with one song that a browser can play, and its cover."""
    shown = job()
    assets = [asset("audio", "audio/wav", SOUND), asset("image", "image/png", PICTURE)]
    shown["tracks"][0] |= {"assets": assets, "duration_seconds": SOUND_SECONDS}
    shown["manifest"]["url"] = f"{ASSETS}/manifest.json"
    return shown | changes


@dataclass
class Bucket:
    """Answers presigned URLs. ``expired`` are those that get a 403, by their query."""

    canned: Canned
    lyrics: str = "[Verse]\nThe harbour lights are swinging low\n\n[Chorus]\nHome"
    expired: set[str] = field(default_factory=set)
    refused: int = 0

    def __post_init__(self) -> None:
        manifest = {"tracks": [{"track_id": TRACK_ID, "lyrics": self.lyrics}]}
        files = {"audio": (SOUND, "audio/wav"), "image": (PICTURE, "image/png")}
        for name, (content, kind) in files.items():
            self.canned.answers[f"GET /{name}"] = self._answering(content, kind)
        self.canned.answers["GET /manifest.json"] = self._answering(json.dumps(manifest).encode(), "application/json")

    def _answering(self, content: bytes, kind: str) -> Any:
        def answer(route: Route) -> None:
            if any(query in route.request.url for query in self.expired):
                self.refused += 1
                route.fulfill(status=403, headers=ALLOWED)
            else:
                _send(route, content, kind)

        return answer


ALLOWED = {"Access-Control-Allow-Origin": "*"}


def _send(route: Route, content: bytes, kind: str) -> None:
    """As S3 does: a player can seek only where it can ask for a part of the file."""
    headers = ALLOWED | {"Content-Type": kind, "Accept-Ranges": "bytes"}
    part = re.fullmatch(r"bytes=(\d+)-(\d*)", route.request.headers.get("range", ""))
    if not part:
        route.fulfill(status=200, headers=headers, body=content)
        return
    first, last = int(part[1]), int(part[2] or len(content) - 1)
    route.fulfill(
        status=206,
        headers=headers | {"Content-Range": f"bytes {first}-{last}/{len(content)}"},
        body=content[first : last + 1],
    )
