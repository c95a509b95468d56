"""A hook of schemathesis, which leaves out cases.

Those of its coverage phase depend on the document only, and most concern one operation: SAMPLE_EVERY is the number of these of
which one is sent. A sequence of calls may find the keys that were there before the run (OWN_KEYS) in the list of keys, and end
the one that it uses itself.
"""

from __future__ import annotations

import os
import zlib
from typing import Any

import schemathesis

EVERY = int(os.environ["SAMPLE_EVERY"])
OWN_KEYS = frozenset(os.environ["OWN_KEYS"].split())
SAMPLED = "POST /v1/jobs"
ENDING = {"DELETE /v1/keys/{key_id}", "POST /v1/keys/{key_id}/rotate"}


@schemathesis.hook
def filter_case(_: schemathesis.HookContext, case: schemathesis.Case[Any]) -> bool:
    if case.operation.label in ENDING and case.path_parameters.get("key_id") in OWN_KEYS:
        return False
    if case.operation.label != SAMPLED or case.meta is None or case.meta.phase.name.value != "coverage":
        return True
    return zlib.crc32(repr((case.query, case.headers, case.body, case.method)).encode()) % EVERY == 0
