"""`make bench`: measures the project beside floors and a rival, in about six minutes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Console

from bench import api, functions, jobs, results, start, storing
from bench.api import Answers
from bench.counted import Cost
from bench.results import Figure
from bench.storing import Stored

RESULTS = Path(__file__).with_name("results.json")
MAX_START_RATIO = 1.25
MAX_TRANSITIONS = 7
MIN_STORING_RATIO = 0.8
MAX_GROWTH_MEGABYTES = 32


def start_figures(seconds: Mapping[str, float]) -> Iterator[Figure]:
    ms = {name: value * 1000 for name, value in seconds.items()}
    for function in sorted(ms.keys() - {functions.CLIENT.name}, key=ms.__getitem__):
        target = MAX_START_RATIO if function == "receive_callback" else None
        yield Figure(f"start of {function} / bare client", ms[function], "ms", ms[functions.CLIENT.name], max_ratio=target)


def api_figures(found: Mapping[str, Answers]) -> Iterator[Figure]:
    for route, answers in found.items():
        for percent in (50, 99):
            milliseconds, floor = answers.percentile(percent)
            yield Figure(f"{route}, p{percent} / bare function", milliseconds, "ms", floor)


def limit_figures(answers: Answers) -> Iterator[Figure]:
    for percent in (50, 99):
        milliseconds, floor = answers.percentile(percent)
        yield Figure(f"POST /v1/jobs with every limit, p{percent} / without limits", milliseconds, "ms", floor)


def job_figures(costs: Mapping[str, Cost]) -> Iterator[Figure]:
    loop = costs[jobs.LOOP]
    for way in (jobs.CALLBACK, jobs.POLLING, jobs.THREE_CALLBACKS):
        cost, target = costs[way], MAX_TRANSITIONS if way == jobs.CALLBACK else None
        yield Figure(f"states, {way} / plain loop", cost.transitions, "transitions", loop.transitions, max_value=target)
        yield Figure(f"Lambda, {way} / plain loop", cost.lambda_calls, "calls", loop.lambda_calls)
        yield Figure(f"DynamoDB, {way} / plain loop", cost.write_units, "write units", loop.write_units)


def storing_figures(found: Mapping[int, Stored]) -> Iterator[Figure]:
    for size, stored in found.items():
        rate = stored.rate(storing.STORE_TRACK)
        name = f"store_track, {size} MB"
        yield Figure(f"{name} / {storing.FLOOR}", rate, "MB/s", stored.rate(storing.FLOOR), min_ratio=MIN_STORING_RATIO)
        if storing.CLI in stored.runs:
            yield Figure(f"{name} / {storing.CLI}", rate, "MB/s", stored.rate(storing.CLI))
        growth = stored.growth(storing.STORE_TRACK)
        yield Figure(f"growth of {name} / the file", growth, "MB", size, max_value=MAX_GROWTH_MEGABYTES)


def main() -> None:
    console = Console()
    results.warn_if_busy(console)
    with console.status("Measuring the start of functions ..."):
        seconds = start.measure([functions.CLIENT, functions.CALL, *functions.started()])
    with console.status("Asking the API of the local stack ..."):
        answers, limited = api.measure()
    with console.status("Running jobs on the local stack ..."):
        costs = jobs.measure()
    with console.status("Storing files of 5, 50 and 500 MB ..."):
        stored = storing.measure()
    figures = [
        *start_figures(seconds),
        *api_figures(answers),
        *limit_figures(limited),
        *job_figures(costs),
        *storing_figures(stored),
    ]
    results.show(figures, console)
    results.write(figures, RESULTS)
    console.print(f"Written to {RESULTS.parent.name}/{RESULTS.name}; {RESULTS.parent.name}/README.md explains the figures.")


if __name__ == "__main__":
    main()
