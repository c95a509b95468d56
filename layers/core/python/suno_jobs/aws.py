"""How every client for AWS is configured."""

from __future__ import annotations

from botocore.config import Config

CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 4},
    connect_timeout=3,
    read_timeout=20,
    # One connection per function instance serves one request at a time.
    max_pool_connections=4,
)

# Links are by default signed the old way (version 2) and name the global host, which all newer regions refuse.
SIGNING_CONFIG = CONFIG.merge(Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))

# The digest of a file is known before it is put, is part of what is signed, and S3 checks it. Signing the content itself would
# only read the whole file once more. S3 answers when it has taken the last byte in, which for a large file takes a while.
UPLOAD_CONFIG = CONFIG.merge(Config(s3={"payload_signing_enabled": False}, read_timeout=60))
