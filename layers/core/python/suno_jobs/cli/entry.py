"""The entry point of ``suno-jobs``. It imports the commands, which takes a second in which Ctrl-C may come."""

from __future__ import annotations

import signal
from importlib import import_module


def start() -> int:
    """Returns the exit code."""
    try:
        code: int = import_module("suno_jobs.cli.main").main()
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return code
