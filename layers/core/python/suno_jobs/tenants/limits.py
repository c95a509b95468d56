"""What a tenant may use. None is no limit."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Days and months are those of UTC. ``requests_per_second`` concerns requests that create a job, and is approximate."""

    requests_per_second: int | None = None
    jobs_in_progress: int | None = None
    jobs_per_day: int | None = None
    jobs_per_month: int | None = None
    usd_per_month: float | None = None

    def to_item(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_item(cls, item: dict[str, Any]) -> Self:
        """Ignores limits that this version does not know."""
        return cls(**{name: value for name, value in item.items() if name in cls.__dataclass_fields__})


UNLIMITED = Limits()
