"""Every kind on every gateway that offers it, from request to result over real HTTP, by callback and by polling."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from local.stack import LocalStack
from suno_jobs.catalog.inputs import INPUTS
from suno_jobs.catalog.kinds import Kind
from suno_jobs.gateways.registry import GATEWAYS
from tests.integration.waiting import RARELY_SECONDS, wait_for_end

Json = dict[str, Any]
Case = tuple[str, Kind, str]

CASES: list[Case] = [
    (name, kind, way) for name, gateway in GATEWAYS.items() for kind in gateway.kinds for way in ("callback", "polling")
]
VALUES: Json = {
    "prompt": "a song about rain",
    "lyrics": "[Verse]\nRain on the roof",
    "full_lyrics": "[Verse]\nRain on the roof\n[Chorus]\nAll night",
    "style": "lo-fi",
    "title": "Rain",
    "continue_at": 3.0,
    "name": "Ann",
    "description": "a warm voice",
    "start_s": 1.0,
    "end_s": 4.0,
    "split": "vocals",
    "negative_style": "metal",
    "instrumental": True,
    "loop": True,
    "speed": 1.5,
    "stem": "vocals",
    "model": "chirp-v6",
}


AT_ONCE = 3
"""Jobs of each gateway."""


class Teller:
    """Runs the cases of one gateway. All by polling come last, since a fault is asked for ahead of the next request there."""

    def __init__(self, stack: LocalStack, api: httpx.Client, gateway: str) -> None:
        self.stack = stack
        self.api = api
        self.gateway = gateway

    def run(self) -> dict[Case, Json]:
        song = self.job(Kind.MUSIC, self.given(Kind.MUSIC, []))
        tracks = [{"job_id": song["job_id"], "track_id": track["track_id"]} for track in song["tracks"]]
        # A track of its own for each way: some gateways make a file of a track only once.
        ended = self.ends("callback", tracks)
        for _ in GATEWAYS[self.gateway].kinds:
            self.stack.simulator.fail_next(self.gateway, "lost_callback")
        polled = self.ends("polling", tracks[::-1])
        # A synchronous operation is no order.
        self.stack.simulator.forget_next(self.gateway)
        return ended | polled

    def ends(self, way: str, tracks: list[Json]) -> dict[Case, Json]:
        cases = [case for case in CASES if (case[0], case[2]) == (self.gateway, way)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(cases, pool.map(lambda case: self.end(case[1], tracks), cases), strict=True))

    def end(self, kind: Kind, tracks: list[Json]) -> Json:
        try:
            return self.job(kind, self.given(kind, tracks))
        except (AssertionError, TimeoutError) as error:
            return {"state": str(error), "partial": False, "error": None}

    def given(self, kind: Kind, tracks: list[Json]) -> Json:
        offer = GATEWAYS[self.gateway].kinds[kind]
        given: Json = {}
        needed = [name for name, field in INPUTS[kind].model_fields.items() if field.is_required()]
        for alternatives in dict.fromkeys((*needed, *offer.required)):
            name = alternatives.split("/")[0]
            if name == "source":
                given[name] = tracks[0]
            elif name == "sources":
                given[name] = tracks
            elif name in ("audio_url", "audio_urls"):
                url = "https://files.example.com/a.mp3"
                given[name] = url if name == "audio_url" else [url, url + "?2"]
            else:
                given[name] = VALUES[name]
        return given

    def job(self, kind: Kind, given: Json) -> Json:
        answer = self.api.post("/v1/jobs", json={"gateway": self.gateway, "kind": kind, "input": given})
        assert answer.status_code == 202, answer.text
        return wait_for_end(self.api, answer.json()["job_id"], self.stack.logs, every=RARELY_SECONDS)


@pytest.fixture(scope="session")
def ended(stack: LocalStack) -> Iterator[Callable[[Case], Json]]:
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with (
        httpx.Client(base_url=stack.api_url, headers=headers, timeout=60, trust_env=False) as api,
        ThreadPoolExecutor(len(GATEWAYS)) as pool,
    ):
        running = {name: pool.submit(Teller(stack, api, name).run) for name in GATEWAYS}
        yield lambda case: running[case[0]].result(timeout=400)[case]


@pytest.mark.parametrize("case", CASES, ids=["-".join(case) for case in CASES])
def test_a_job_of_every_kind_ends_with_its_result(stack: LocalStack, ended: Callable[[Case], Json], case: Case) -> None:
    job = ended(case)
    offer = GATEWAYS[case[0]].kinds[case[1]]
    assert (job["state"], job["partial"], job["error"]) == ("SUCCEEDED", False, None)
    if not offer.result.is_files:
        assert job["result"]
        assert job["tracks"] == []
        return
    assert job["tracks"]
    for track in job["tracks"]:
        assert track["state"] == "stored"
        assert track["missing"] == {}
        for asset in track["assets"]:
            content = httpx.get(asset["url"], trust_env=False).raise_for_status().content
            assert (len(content), hashlib.sha256(content).hexdigest()) == (asset["bytes"], asset["sha256"])


def test_the_adapters_send_nothing_that_is_not_documented(stack: LocalStack, ended: Callable[[Case], Json]) -> None:
    for name in GATEWAYS:
        ended((name, Kind.MUSIC, "callback"))
    odd = {task["task_id"]: task["undocumented_fields"] for task in stack.simulator.tasks() if task["undocumented_fields"]}
    assert odd == {}


def test_the_cost_and_the_models_of_a_song_are_shown(ended: Callable[[Case], Json]) -> None:
    songs = {name: ended((name, Kind.MUSIC, "callback")) for name in GATEWAYS}
    reported = {
        name: song["cost"]["amount"] for name, song in songs.items() if song["cost"] and song["cost"]["source"] == "reported"
    }
    assert reported == {"ttapi": 6, "crun": 12, "acedata": 0.56, "kie": 12, "evolink": 10}
    assert (songs["sunoapi"]["cost"]["source"], songs["anyint"]["cost"], songs["newapi"]["cost"]) == ("listed", None, None)
    requested = {name: song["requested_model"] for name, song in songs.items()}
    assert requested == {**dict.fromkeys(GATEWAYS, "v6"), "anyint": "v5", "crun": "v5.5", "newapi": "chirp-v6"}
    delivered = {name: song["tracks"][0]["model"] for name, song in songs.items()}
    assert delivered == {**requested, "ttapi": None, "evolink": None, "newapi": "v6"}


def test_a_dry_run_creates_nothing(stack: LocalStack) -> None:
    before = len(stack.simulator.tasks())
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    body = {"gateway": ["kie", "evolink"], "kind": "music", "input": {"prompt": "rain"}}
    answer = httpx.post(f"{stack.api_url}/v1/jobs?dry_run=true", json=body, headers=headers, timeout=60, trust_env=False)
    assert answer.status_code == 200, answer.text
    assert [each["estimate"] for each in answer.json()["gateways"]] == [
        {"amount": 12, "unit": "credits", "source": "listed"},
        None,
    ]
    assert len(stack.simulator.tasks()) == before


def test_no_task_was_paid_for_twice(stack: LocalStack, ended: Callable[[Case], Json]) -> None:
    for name in GATEWAYS:
        ended((name, Kind.MUSIC, "callback"))
    assert [order for order in stack.simulator.orders() if order["paid"] > 1] == []
