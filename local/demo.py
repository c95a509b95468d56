"""`suno-jobs local run`: one song through each gateway, from request to a file on this machine."""

import hashlib
import re
import time
import uuid
from collections.abc import Iterable
from pathlib import Path

import httpx
from rich.console import Console

from local.screen import Json, Row, Saved, Screen
from local.stack import LocalStack

PARAMETERS = {
    "FirstCheckSeconds": "12",
    "CheckIntervalSeconds": "2",
    "MaxCheckIntervalSeconds": "5",
    "JobDeadlineSeconds": "120",
    "AmbiguousSubmitGraceSeconds": "15",
}
PATIENCE_SECONDS = 200
POLL_SECONDS = 0.4
WITHOUT_CALLBACK = "crun"

SONGS: dict[str, Json] = {
    "ttapi": {
        "title": "Harbour Lights",
        "style": "folk, acoustic guitar",
        "lyrics": "[Verse]\nThe harbour lights are swinging low\nThe tide has turned, it's time to go\n"
        "[Chorus]\nHome, the water carries me home",
    },
    "anyint": {"prompt": "A dream pop song about a child who folds the planets out of paper"},
    "crun": {"prompt": "A synthwave song about the last tram through an empty city"},
    "acedata": {
        "title": "Rain on the Roof",
        "style": "piano ballad",
        "lyrics": "[Verse]\nRain on the roof and nobody calling\nTea going cold and the evening falling",
    },
    "sunoapi": {"prompt": "A bossa nova song about a lighthouse keeper's day off"},
    "kie": {"prompt": "A country song about the long road between two radio stations"},
    "evolink": {"prompt": "A waltz about two moons that share one sea"},
    "newapi": {"prompt": "A marching song for a parade of umbrellas", "model": "chirp-v6"},
}


class RequestRefused(Exception):
    """The API did not take a request; the message holds its answer."""


def run(stack: LocalStack, folder: Path, console: Console) -> int:
    """Exit code 0 only if every job SUCCEEDED with two tracks whose bytes are what the API says."""
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    screen = Screen(console, time.monotonic)
    with httpx.Client(base_url=stack.api_url, headers=headers, timeout=40, trust_env=False) as http:
        with screen.watching():
            rows = [submit(http, gateway) for gateway in SONGS]
            watch(http, rows, screen)
        saved = [track for row in rows for track in save(row, folder)]
    screen.summary(rows, saved, stack.bucket)
    return conclude(rows, saved, stack.logs, console)


def show_where_to_look(stack: LocalStack, console: Console) -> None:
    """Where the songs can be seen and heard, for as long as the stack is up."""
    lines = [
        "",
        f"The console, with the jobs and a player for their songs: {stack.console_url}",
        f"API key: {stack.api_key}",
        "",
        "The same in another terminal:",
        f"    export SUNO_JOBS_API_URL={stack.api_url} SUNO_JOBS_API_KEY={stack.api_key}",
        "    .venv/bin/suno-jobs list",
        "",
        "Ctrl-C ends it.",
    ]
    console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)
    console.file.flush()


def submit(http: httpx.Client, gateway: str) -> Row:
    song = SONGS[gateway]
    note = ""
    if gateway == WITHOUT_CALLBACK:
        song = song | {"prompt": f"{song['prompt']} [fault:lost_callback]"}
        note = "its callback gets lost: found by polling"
    row = Row(gateway, note, time.monotonic())
    body = {"gateway": gateway, "kind": "music", "input": song}
    answer = http.post("/v1/jobs", json=body, headers={"Idempotency-Key": str(uuid.uuid4())})
    row.job = expect(answer, 202)
    return row


def expect(answer: httpx.Response, status: int) -> Json:
    """Raises RequestRefused for another status."""
    if answer.status_code != status:
        raise RequestRefused(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}")
    body: Json = answer.json()
    return body


def watch(http: httpx.Client, rows: list[Row], screen: Screen) -> None:
    """Returns when every job has ended, or after PATIENCE_SECONDS."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    screen.show(rows)
    while not all(row.done for row in rows) and time.monotonic() < give_up:
        time.sleep(POLL_SECONDS)
        for row in rows:
            if not row.done:
                row.update(expect(http.get(f"/v1/jobs/{row.job['job_id']}"), 200), time.monotonic())
                screen.show(rows)


def save(row: Row, folder: Path) -> Iterable[Saved]:
    """Brings each stored track's audio here. Raises RequestRefused when its bytes are not what the job says."""
    for number, track in enumerate(row.job.get("tracks", []), start=1):
        for asset in track["assets"]:
            if asset["kind"] != "audio":
                continue
            answer = httpx.get(asset["url"], timeout=40, trust_env=False)
            if answer.status_code != 200 or hashlib.sha256(answer.content).hexdigest() != asset["sha256"]:
                raise RequestRefused(f"{asset['key']}: {answer.status_code}, not the bytes that the job names")
            title = track.get("title") or "untitled"
            path = folder / f"{row.gateway}-{safe_name(title)}-{number}{Path(asset['key']).suffix}"
            folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(answer.content)
            yield Saved(row, title, track["duration_seconds"], len(answer.content), asset["key"], path)


def safe_name(title: str) -> str:
    """Letters and digits of any script, everything else a hyphen: never a path."""
    return re.sub(r"[\W_]+", "-", title).strip("-").lower()[:60] or "untitled"


def conclude(rows: list[Row], saved: list[Saved], logs: Path, console: Console) -> int:
    bad = 0
    for row in rows:
        tracks = sum(track.row is row for track in saved)
        if row.state == "SUCCEEDED" and tracks == 2:
            continue
        bad += 1
        error = row.job.get("error") or {}
        reason = f"{error.get('code')}: {error.get('message')}" if error else f"{tracks} tracks stored"
        console.print(f"{row.gateway}: {row.state}, {reason}", style="red", highlight=False)
    if bad:
        console.print(f"What the functions wrote: {logs}", highlight=False)
        return 1
    console.print(f"{len(saved)} songs in {saved[0].path.parent}/", style="green", highlight=False)
    return 0
