"""Origins that are exempt from the rules for outgoing requests. Empty, and nothing that runs on AWS can fill it.

No variable and no setting is read. Only the local stack, whose code is in no layer, puts its own loopback origins here before
it starts a function.
"""

from __future__ import annotations

LOCAL_ORIGINS: frozenset[str] = frozenset()
