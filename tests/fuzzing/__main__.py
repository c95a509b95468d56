"""``make fuzz-api``: starts the local stack and sends it a thousand requests of each operation."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from tempfile import mkdtemp

from local.simulator import Simulator
from local.stack import LocalStack
from tests.fuzzing.running import command, environment
from tests.integration.conftest import PARAMETERS


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.fuzzing", description=__doc__)
    parser.add_argument("--examples", type=int, default=1000, help="cases of each operation (default: 1000)")
    parser.add_argument("--seed", type=int, help="repeats the cases of an earlier run")
    options = parser.parse_args()
    seed = [] if options.seed is None else ["--seed", str(options.seed)]
    with LocalStack(PARAMETERS, simulator=Simulator(task_seconds=1.0), logs=Path(mkdtemp(prefix="fuzz-api-"))) as stack:
        print(f"logs: {stack.logs}", flush=True)
        key = stack.create_api_key("fuzz")
        run = command(stack.api_url, key, options.examples, *seed)
        return subprocess.run(run, env=environment(stack.api_url, key, 1), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
