"""Child process of the local stack: one emulator, serving on a listening socket that it inherits.

Started as `python -m local.services NAME FD`, as the leader of its own process group. It reads its standard input, which the
parent holds open: when the parent is gone, however it died, the whole group (the emulated Lambda environments too) is killed.

Each emulator is imported where it is served: the other one's process should not carry it.
"""

import os
import resource
import signal
import sys
import threading


def die_with_parent() -> None:
    sys.stdin.buffer.read()
    os.killpg(os.getpgrp(), signal.SIGKILL)


def serve_ministack(fd: int) -> None:
    from local import lambda_service  # noqa: PLC0415

    lambda_service.serve(fd)


def serve_step_functions(fd: int) -> None:
    from local import interpreter  # noqa: PLC0415

    interpreter.serve(fd)


SERVERS = {"ministack": serve_ministack, "stepfunctions": serve_step_functions}


def main() -> None:
    threading.Thread(target=die_with_parent, daemon=True).start()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536) if hard != resource.RLIM_INFINITY else max(soft, 4096), hard))
    SERVERS[sys.argv[1]](int(sys.argv[2]))


if __name__ == "__main__":
    main()
