"""The clients of AWS: how long each call may take, and where the clients are made."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

# What is loaded stays for the life of the process, so the garbage collector need not walk through it: while the first client is
# made, that would take a tenth of the start.
gc.freeze()


def _config(attempts: int, connect_seconds: float, read_seconds: float) -> Config:
    """Between attempts botocore waits at most 1, 2, 4 ... seconds."""
    return Config(
        retries={"mode": "standard", "total_max_attempts": attempts},
        connect_timeout=connect_seconds,
        read_timeout=read_seconds,
        # One connection per function instance serves one request at a time.
        max_pool_connections=4,
    )


# A call must end, with all its attempts, before Lambda stops its function: otherwise no attempt but the first is ever made.
AUTHORIZER = _config(2, 1, 1.5)
"""A call takes at most 6 seconds."""
NOTE = _config(1, 1, 1.5)
"""For calls whose loss costs nothing. A call takes at most 2.5 seconds."""
REQUEST = _config(3, 1, 1.5)
"""For functions that a client waits for. A call takes at most 10.5 seconds."""
WAIT = _config(1, 1, 27)
"""For the one call that takes long on purpose: wait_for_job answers within 25 seconds."""
WORK = _config(3, 2, 6)
"""For all other functions. A call takes at most 27 seconds."""

# By default boto3 presigns URLs with signature version 2 and for the global host, which all newer regions reject.
SIGNING = REQUEST.merge(Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))

# The digest of a file is known before its upload, is part of what is signed, and S3 checks it. Signing the content itself would
# only read the file a second time. S3 answers after it has processed the last byte, which takes a while for a large file.
UPLOAD = WORK.merge(Config(s3={"payload_signing_enabled": False}, read_timeout=60))


@cache
def client(service: Any, config: Config) -> Any:
    """One client per service and configuration for the life of the process."""
    return boto3.client(service, config=config)


def prepare(dependencies: Callable[[], object]) -> None:
    """Makes a function's clients while Lambda initialises its environment, with a full CPU and before the first request."""
    if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
        dependencies()
