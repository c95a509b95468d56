"""How every client for AWS is configured."""

from __future__ import annotations

import gc

from botocore.config import Config

# Every handler loads boto3 before this module. What is loaded stays for the life of the process, so the garbage collector need
# not walk through it: while the first client is made, that would take a tenth of the start.
gc.freeze()

CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 4},
    connect_timeout=3,
    read_timeout=20,
    # One connection per function instance serves one request at a time.
    max_pool_connections=4,
)

# By default boto3 presigns URLs with signature version 2 and for the global host, which all newer regions reject.
SIGNING_CONFIG = CONFIG.merge(Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))

# The digest of a file is known before its upload, is part of what is signed, and S3 checks it. Signing the content itself would
# only read the file a second time. S3 answers after it has processed the last byte, which takes a while for a large file.
UPLOAD_CONFIG = CONFIG.merge(Config(s3={"payload_signing_enabled": False}, read_timeout=60))
