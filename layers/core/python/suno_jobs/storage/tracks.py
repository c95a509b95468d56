"""What a task yielded, in the jobs table: its tracks with their links and assets, and its result besides files."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from suno_jobs.catalog.results import Link
from suno_jobs.errors import Conflict, Fault
from suno_jobs.jobs.record import Asset, Item, QuarantinedFile, Track, TrackState
from suno_jobs.storage.table import Table, key
from suno_jobs.storage.update_expressions import Change

RESULT_BYTES = 350_000
"""After compression, with room for the rest of an item of at most 400 KB."""

RESULT = "JOB#RESULT"
TRACK = "JOB#TRACK#"
LYRICS = "LYRICS#"
QUARANTINE = "JOB#QUARANTINE#"


def track_key(job_id: str, track_id: str) -> Item:
    return key(job_id, f"{TRACK}{track_id}")


def _quarantine_item_key(job_id: str, file: QuarantinedFile) -> Item:
    return key(job_id, f"{QUARANTINE}{file.track_id}#{file.sha256}")


def _known(values: Item) -> Item:
    return {name: value for name, value in values.items() if value is not None}


class TrackStore(Table):
    """Each method may be repeated: it takes effect once."""

    def record_track(self, job_id: str, track: Track) -> None:
        """Writes what the gateway reports about a track.

        A track that is stored, or over a size limit, is not changed (I3), but it gets newer links to files that it still lacks.
        A ready track only gets newer links: a gateway that fails a task may no longer name the track that it had finished.
        """
        item = track.to_item()
        reported: Item = {
            name: item[name]
            for name in ("position", "state", "title", "model", "gateway_model", "duration_seconds", "fault")
            if name in item
        }
        change = Change(
            sets=reported,
            defaults={"track_id": track.track_id, "attempt": track.attempt, "assets": []},
            removes=() if track.fault else ("fault",),
        )
        open_to = "attribute_not_exists(#state) OR (#state = :failed AND attribute_not_exists(#links))"
        if track.state is TrackState.READY:
            change.sets = {**reported, "links": item["links"]}
            change.require(f"{open_to} OR #state = :ready", "state", "links", failed=TrackState.FAILED, ready=TrackState.READY)
        else:
            change.require(open_to, "state", "links", failed=TrackState.FAILED)
        try:
            self._update(track_key(job_id, track.track_id), change, "NONE")
        except Conflict:
            if track.links:
                self.renew_links(job_id, track.track_id, track.links)

    def store_track(
        self,
        job_id: str,
        track_id: str,
        assets: Sequence[Asset],
        missing: Mapping[str, Fault],
        duration_seconds: float | None,
        marks: Mapping[str, float | str | None] = MappingProxyType({}),
    ) -> None:
        """Records assets that passed the checks and are in the bucket.

        The duration was measured in the audio, in seconds. ``marks`` are attributes of the track about where its file and the
        gateway disagree; None says nothing.
        """
        found = {"duration_seconds": duration_seconds, **marks}
        change = Change(
            sets={"state": TrackState.STORED, "assets": list(assets), "missing": missing, **_known(found)}, removes=("fault",)
        )
        change.require_one_of("state", (TrackState.READY, TrackState.FAILED))
        self._unless_conflict_at(track_key(job_id, track_id), change)

    def add_assets(self, job_id: str, track: Track, assets: Sequence[Asset], missing: Mapping[str, Fault]) -> None:
        """Adds assets that the stored ``track`` lacked. Of two concurrent calls only the first takes effect."""
        change = Change(sets={"assets": list(assets), "missing": missing})
        change.require(
            "#state = :stored AND #missing = :seen", "state", "missing", stored=TrackState.STORED, seen=track.missing
        )
        self._unless_conflict_at(track_key(job_id, track.track_id), change)

    def renew_links(self, job_id: str, track_id: str, links: Sequence[Link]) -> None:
        """Records newer links of a track that lacks a file. Any other track is not changed.

        A track over a size limit stays failed: signed links to one file differ each time, and it would be downloaded again
        under the same limit.
        """
        change = Change(sets={"links": list(links)})
        change.require(
            "#state = :ready OR (#state = :stored AND size(#missing) > :none) "
            "OR (#state = :failed AND attribute_exists(#links))",
            "state",
            "missing",
            "links",
            ready=TrackState.READY,
            stored=TrackState.STORED,
            failed=TrackState.FAILED,
            none=0,
        )
        self._unless_conflict_at(track_key(job_id, track_id), change)

    def fail_track(self, job_id: str, track_id: str, fault: Fault, assets: Sequence[Asset] = (), *, final: bool) -> None:
        """Records why a track could not be stored, and its stored files. Unless ``final``, it stays ready and is retried."""
        state = TrackState.FAILED if final else TrackState.READY
        change = Change(sets={"fault": fault, "state": state, "assets": list(assets)})
        change.require_one_of("state", (TrackState.READY, TrackState.FAILED))
        self._unless_conflict_at(track_key(job_id, track_id), change)

    def record_quarantined(self, job_id: str, file: QuarantinedFile) -> None:
        """Lists a file that is in quarantine."""
        item = {name: getattr(file, name) for name in file.__dataclass_fields__}
        change = Change(sets=_known(item)).require_absent("sha256")
        self._unless_conflict_at(_quarantine_item_key(job_id, file), change)

    def release_asset(
        self, job_id: str, track: Track, released: Asset, *, missing: Mapping[str, Fault], complete: bool, lengths: Item
    ) -> None:
        """Adds an asset that an operator released from quarantine. Raises Conflict if ``track`` has changed since it was read.

        ``complete``: it was the last required one. Otherwise the remaining files are fetched again.
        """
        state = TrackState.STORED if complete else TrackState.READY
        change = Change(
            sets={"state": state, "assets": [*track.assets, released], "missing": missing, **_known(lengths)},
            removes=("fault",),
        )
        as_read = {"read": track.state, "count": len(track.assets)}
        change.require("#state = :read AND size(#assets) = :count", "state", "assets", **as_read)
        self._update(track_key(job_id, track.track_id), change, "NONE")

    def mark_released(self, job_id: str, file: QuarantinedFile, *, now: int) -> None:
        self._unless_conflict_at(_quarantine_item_key(job_id, file), Change(defaults={"released_at": now}))

    def record_lyrics(self, job_id: str, track_id: str, lyrics: str) -> None:
        """Stores the lyrics, compressed and apart from the track, which is accessed more often. Later lyrics change nothing."""
        change = Change(sets={"body": zlib.compress(lyrics.encode())}).require_absent("body")
        self._unless_conflict_at(key(job_id, f"{LYRICS}{track_id}"), change)

    def lyrics(self, job_id: str) -> dict[str, str]:
        """The lyrics of each track that has any, by track id."""
        items = self._items(job_id, LYRICS)
        return {item["sk"].removeprefix(LYRICS): zlib.decompress(item["body"]).decode() for item in items}

    def record_result(self, job_id: str, result: Mapping[str, Any]) -> None:
        """Stores what the task yields besides files, compressed: it may be long. A later result changes nothing."""
        body = zlib.compress(json.dumps(result).encode())
        if len(body) > RESULT_BYTES:
            # No gateway returns that much for a song. The complete reply is stored in a receipt.
            body = zlib.compress(json.dumps({"too_large": len(body)}).encode())
        change = Change(sets={"body": body}).require_absent("body")
        self._unless_conflict_at(key(job_id, RESULT), change)
