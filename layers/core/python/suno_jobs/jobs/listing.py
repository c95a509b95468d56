"""The query of ``GET /v1/jobs``: filters, the size of a page, and the cursor to the next one."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import InvalidRequest
from suno_jobs.jobs.identifiers import JOB_ID_PATTERN
from suno_jobs.jobs.record import Job
from suno_jobs.jobs.states import JobState

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
END_OF_TIME = 2**40
"""Later than any job, in seconds since 1970."""

_METADATA = "metadata."
_NAMES = ("state", "kind", "gateway", "created_after", "created_before", "limit", "cursor")


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the list, which is sorted by these two: directly after this job."""

    created_at: int
    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a client wants to see. ``earliest`` and ``latest`` are whole seconds since 1970, both included."""

    states: frozenset[JobState] = frozenset()
    kind: Kind | None = None
    gateway: str | None = None
    earliest: int = 0
    latest: int = END_OF_TIME
    metadata: Mapping[str, str] = field(default_factory=dict)
    limit: int = DEFAULT_LIMIT
    after: Position | None = None
    parameters: tuple[tuple[str, str], ...] = ()

    @property
    def filtered(self) -> bool:
        """Whether the table is read for jobs that are not shown."""
        return bool(self.states or self.kind or self.gateway or self.metadata)

    def shows(self, job: Job) -> bool:
        known = job.metadata or {}
        return (
            (not self.states or job.state in self.states)
            and self.kind in (None, job.kind)
            and self.gateway in (None, job.gateway)
            and all(known.get(name) == value for name, value in self.metadata.items())
        )

    def cursor(self, tenant: str, position: Position) -> str:
        """Opaque to clients, and only for the same tenant and the same filters."""
        content = [position.created_at, position.job_id, self._owner(tenant)]
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

    def next_query(self, cursor: str) -> str:
        """The query string of the next page."""
        return urlencode([*self.parameters, ("cursor", cursor)])

    def _owner(self, tenant: str) -> str:
        filters = [each for each in self.parameters if each[0] != "limit"]
        return hashlib.sha256(json.dumps([tenant, filters]).encode()).hexdigest()[:16]

    def starting_at(self, cursor: str, tenant: str) -> Position:
        """Raises ValueError unless the cursor is one of this tenant's and of the same filters."""
        created_at, job_id, owner = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if owner != self._owner(tenant) or not isinstance(created_at, int) or not re.fullmatch(JOB_ID_PATTERN, job_id):
            raise ValueError("the cursor of another list")
        return Position(created_at, job_id)


class _Reader:
    """Reads the parameters one by one and collects what is wrong with them."""

    def __init__(self, query: str) -> None:
        self.pairs = parse_qsl(query, keep_blank_values=True)
        self.errors: list[dict[str, str]] = []
        counts = Counter(name for name, _ in self.pairs)
        for name, count in counts.items():
            if name not in _NAMES and not name.startswith(_METADATA):
                self.refuse(name, f"is unknown; this route has {', '.join(_NAMES)} and metadata.NAME")
            elif count > 1 and name != "state":
                self.refuse(name, "must not be repeated")

    def refuse(self, name: str, detail: str) -> None:
        self.errors.append({"parameter": name, "detail": detail})

    def one(self, name: str) -> str | None:
        return next((value for key, value in self.pairs if key == name), None)

    def states(self) -> frozenset[JobState]:
        """Repeated, or separated by commas."""
        names = {name for key, value in self.pairs if key == "state" for name in value.split(",")}
        if names - set(JobState):
            self.refuse("state", f"must be one or more of {', '.join(JobState)}")
        return frozenset(map(JobState, names & set(JobState)))

    def kind(self) -> Kind | None:
        name = self.one("kind")
        if name is not None and name not in set(Kind):
            self.refuse("kind", f"must be one of {', '.join(Kind)}")
            return None
        return None if name is None else Kind(name)

    def seconds(self, name: str) -> float | None:
        text = self.one(name)
        if text is None:
            return None
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            time = None
        if time is None or time.tzinfo is None:
            self.refuse(name, "must be a time with its zone, such as 2026-11-22T02:00:00Z")
            return None
        return time.timestamp()

    def limit(self) -> int:
        text = self.one("limit")
        if text is None:
            return DEFAULT_LIMIT
        if text not in map(str, range(1, MAX_LIMIT + 1)):
            self.refuse("limit", f"must be a whole number from 1 to {MAX_LIMIT}")
            return DEFAULT_LIMIT
        return int(text)


def read_listing(query: str, tenant: str) -> Listing:
    """The query string of a request. Raises InvalidRequest, which lists every wrong parameter."""
    reader = _Reader(query)
    after, before = reader.seconds("created_after"), reader.seconds("created_before")
    listing = Listing(
        states=reader.states(),
        kind=reader.kind(),
        gateway=reader.one("gateway"),
        earliest=0 if after is None else math.floor(after) + 1,
        latest=END_OF_TIME if before is None else math.ceil(before) - 1,
        metadata={name.removeprefix(_METADATA): value for name, value in reader.pairs if name.startswith(_METADATA)},
        limit=reader.limit(),
        parameters=tuple(sorted(pair for pair in reader.pairs if pair[0] != "cursor")),
    )
    cursor, position = reader.one("cursor"), None
    if cursor is not None:
        try:
            position = listing.starting_at(cursor, tenant)
        except (ValueError, TypeError):
            reader.refuse("cursor", "must be the cursor of the previous page, with the same filters")
    if reader.errors:
        raise InvalidRequest(reader.errors)
    return Listing(**{name: getattr(listing, name) for name in listing.__dataclass_fields__} | {"after": position})
