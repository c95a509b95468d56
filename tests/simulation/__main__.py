"""``python -m tests.simulation``: runs any number of seeds on all cores. Exits with 1 if an invariant was broken."""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from pytest_socket import disable_socket

from tests.garbage import collect_garbage_less_often
from tests.simulation.report import allow_deep_stacks, run_seed


def _prepare() -> None:
    """As strict as the tests: a warning is an error, and sockets are disabled."""
    collect_garbage_less_often()
    allow_deep_stacks()
    warnings.simplefilter("error")
    disable_socket()


def _show(reports: Iterable[str]) -> int:
    """Prints each report of a seed that broke an invariant as soon as it is there. Returns how many did."""
    failed = 0
    for report in filter(None, reports):
        failed += 1
        print(report, end="\n\n", flush=True)
    return failed


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
        failed = _show([run_seed(seeds[0], arguments.jobs)])
    else:
        with ProcessPoolExecutor(initializer=_prepare) as pool:
            failed = _show(pool.map(partial(run_seed, jobs=arguments.jobs), seeds, chunksize=2))
    seconds = time.perf_counter() - started
    print(f"{len(seeds)} seeds of {arguments.jobs} jobs in {seconds:.0f} s: {failed} broke an invariant")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
