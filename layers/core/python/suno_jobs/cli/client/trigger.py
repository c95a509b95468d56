"""``suno-jobs trigger``: an event or a fault of a gateway on request, without anything being paid for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, cast

from cyclopts import Parameter

from suno_jobs.cli.checkout import NeedsCheckout, find_local
from suno_jobs.cli.client import screen
from suno_jobs.cli.client.access import connect, find_access
from suno_jobs.cli.client.options import AsJson
from suno_jobs.cli.problems import CommandError, WrongArgument
from suno_jobs.gateways.sandbox import Marker
from suno_jobs.jobs.identifiers import Mode
from suno_jobs.network.http import httpx
from suno_jobs.tenants.api_keys import mode_of_key
from suno_jobs_client.requests import JobRequest


@dataclass(frozen=True, slots=True)
class Play:
    """What is written into a prompt: with a test key, and on a local stack. None: it cannot be played there."""

    in_test_mode: str | None
    at_simulator: str | None
    meaning: str


EVENTS: Mapping[str, Play] = {
    "job.succeeded": Play("", "", "a job that succeeds"),
    "job.progress": Play("", "", "a job whose task reports its stages, then succeeds"),
    "job.failed": Play("[test:failed]", "[fault:failed_task]", "a job whose task fails"),
    "job.timed_out": Play("[test:ambiguous]", "[fault:slow_task=86400]", "a job that is not ready at its deadline"),
    "job.cancelled": Play("[test:slow]", "[fault:slow_task=60]", "a job that is cancelled at once"),
}
GATEWAY = Annotated[str | None, Parameter(help="the gateway; without it, auto with a test key, else a simulated one")]
LOCAL_PATH = "/_local"
"""The path at which a local stack lists its simulated gateways."""


def trigger(
    name: Annotated[
        str | None, Parameter(help="an event, a marker of the test mode, or a fault of a simulated gateway")
    ] = None,
    /,
    *,
    gateway: GATEWAY = None,
    show_list: Annotated[
        bool, Parameter(name="--list", negative="", show_default=False, help="show all names, and create nothing")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Create a job that plays an event or a fault, and print its id. It never costs money.

    With a test key it works on any stack, and with a live key on the local stack only.

    ```
    suno-jobs trigger job.failed
    suno-jobs trigger lost_callback --gateway crun
    ```
    """
    if show_list:
        _show_list(as_json=as_json)
        return
    if name is None:
        raise WrongArgument("name an event or a fault; suno-jobs trigger --list shows them")
    url, key = find_access()
    in_test_mode = mode_of_key(key) is Mode.TEST
    text = _text(name, in_test_mode=in_test_mode)
    chosen = (gateway or "auto") if in_test_mode else _simulated(url, gateway)
    request = {"gateway": chosen, "kind": "music", "input": {"prompt": f"A song for {name.partition('=')[0]} {text}".rstrip()}}
    with connect() as suno:
        job = suno.submit(cast("JobRequest", request))
        if name == "job.cancelled":
            job = suno.cancel(job.job_id)
    if as_json:
        screen.print_json(job)
    else:
        print(job.job_id)


def _text(name: str, *, in_test_mode: bool) -> str:
    """What the prompt has to contain. Raises WrongArgument."""
    plays = _events_and_markers()
    play = plays[name] if name in plays else _faults(name).get(name.partition("=")[0])
    if play is None:
        raise WrongArgument(f"there is no event or fault {name}; suno-jobs trigger --list shows them")
    text = play.in_test_mode if in_test_mode else play.at_simulator
    if text is None:
        needed = "a live key of the local stack" if in_test_mode else "a test key"
        raise WrongArgument(f"{name} needs {needed}; suno-jobs trigger --list shows which name needs which key")
    return text


def _events_and_markers() -> dict[str, Play]:
    plays = dict(EVENTS)
    for marker in Marker:
        if marker is not Marker.NONE:
            plays[str(marker)] = Play(f"[test:{marker}]", None, f"a job in test mode that ends as [test:{marker}] says")
    return plays


def _faults(wanted: str = "") -> dict[str, Play]:
    """``wanted`` may have a number, as ``slow_task=3``. Raises NeedsCheckout."""
    texts = {wanted.partition("=")[0]: wanted}
    faults = find_local("local.simulator.faults").FAULTS
    if "=" in wanted and not re.fullmatch(r"\w+=\d{1,9}(\.\d{1,9})?", wanted):
        return {}
    return {name: Play(None, f"[fault:{texts.get(name, name)}]", kind.meaning) for name, kind in faults.items()}


def _simulated(url: str, gateway: str | None) -> str:
    """A gateway that costs nothing, for a live key. Raises CommandError if there is none: a real one would be paid."""
    free = _simulated_gateways(url)
    if not free:
        raise CommandError("A live key pays for its jobs on this stack. Use a test key, or the local stack.")
    if gateway is not None and gateway not in free:
        raise CommandError(f"{gateway} is not simulated on this stack. Simulated are {', '.join(free)}.")
    return gateway or free[0]


def _simulated_gateways(url: str) -> list[str]:
    try:
        with httpx.Client(timeout=10, trust_env=False) as http:
            answer = http.get(f"{url.rstrip('/')}{LOCAL_PATH}")
        found: Any = answer.json() if answer.status_code == 200 else {}
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return []
    return list(found["simulated"]) if isinstance(found, dict) and "simulated" in found else []


def _show_list(*, as_json: bool) -> None:
    plays = _events_and_markers()
    with suppress(NeedsCheckout):
        plays |= _faults()
    rows = [*_rows(plays)]
    if as_json:
        print(json.dumps([dict(zip(("name", "key", "meaning"), row, strict=True)) for row in rows], indent=2))
    else:
        screen.print_table(("NAME", "KEY", "WHAT HAPPENS"), rows)


def _rows(plays: Mapping[str, Play]) -> Iterator[tuple[str, str, str]]:
    for name, play in plays.items():
        keys = [key for key, text in (("test", play.in_test_mode), ("live", play.at_simulator)) if text is not None]
        yield name, ", ".join(keys), play.meaning
