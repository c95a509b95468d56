"""`python -m local up | run | simulate | faults`: the commands of `suno-jobs` that need a checkout."""

import sys

from suno_jobs.cli.main import main

if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.exit(main(arguments if arguments[:1] in (["simulate"], ["faults"]) else ["local", *arguments]))
