"""The one error of AWS that a client is told about: it can do something about it, and nothing was written."""

from __future__ import annotations

from botocore.exceptions import ClientError as AwsError


class Contended(AwsError):
    """Each attempt at a write met a transaction on the same item. Nothing was written, and the call may be repeated.

    An error of AWS, which functions that no client waits for repeat like any other.
    """
