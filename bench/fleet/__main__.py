"""`make fleet`: many songs on one gateway account, in virtual time, against the targets."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from bench.fleet.figures import NAME, row, table, violations
from bench.fleet.measure import measure, runs

README = Path(__file__).parents[1] / "README.md"
DOCS = Path(__file__).parents[2] / "docs"
BEGIN, END = "<!-- The table of `make fleet` -->\n", "<!-- The end of the table -->\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.fleet", description=__doc__)
    parser.add_argument("--songs", type=int, nargs="+", default=[1000], help="how many (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the table to bench/README.md and the plots to docs/")
    parser.add_argument("--keep", type=Path, help="a file of figures: what it contains is not simulated again")
    arguments = parser.parse_args()
    began = time.perf_counter()
    figures = measure([*runs(arguments.songs)], arguments.keep)
    found = table([row(run, each) for run, each in figures.items()])
    print(found, f"{time.perf_counter() - began:.0f} s", sep="\n")
    if arguments.write:
        from bench.fleet.plots import draw  # noqa: PLC0415 - CI draws nothing

        before, _, rest = README.read_text().partition(BEGIN)
        README.write_text(f"{before}{BEGIN}\n{found}\n\n{END}{rest.partition(END)[2]}")
        draw(figures, DOCS)
    missed = [each for run, found in figures.items() if run.way == NAME for each in violations(run.load, found)]
    print(*missed, sep="\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
