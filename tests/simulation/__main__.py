"""``python -m tests.simulation``: runs any number of seeds on all cores. Exits with 1 if an invariant was broken."""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from pytest_socket import disable_socket

from tests.simulation.report import run_seed, tune_garbage_collector


def _prepare() -> None:
    """As strict as the tests: a warning is an error, and sockets are disabled."""
    tune_garbage_collector()
    warnings.simplefilter("error")
    disable_socket()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many (default: %(default)s)")
    parser.add_argument("--start", type=int, default=0, help="the first one (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=20, help="jobs in each (default: %(default)s)")
    arguments = parser.parse_args()
    seeds = range(arguments.start, arguments.start + arguments.seeds)
    started = time.perf_counter()
    if len(seeds) == 1:
        _prepare()
        reports = [run_seed(seeds[0], arguments.jobs)]
    else:
        with ProcessPoolExecutor(initializer=_prepare) as pool:
            reports = list(pool.map(partial(run_seed, jobs=arguments.jobs), seeds, chunksize=2))
    failed = [report for report in reports if report]
    print(*failed, sep="\n\n")
    seconds = time.perf_counter() - started
    print(f"{len(seeds)} seeds of {arguments.jobs} jobs in {seconds:.0f} s: {len(failed)} broke an invariant")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
