"""Whether M4A audio is complete (ISO 14496-12): with one index of all samples (``moov``), or in fragments (``moof``)."""

from __future__ import annotations

from suno_jobs.media import silence
from suno_jobs.media.content import Sound, Source, raise_damaged, raise_other_format, raise_wrong_type, read_duration
from suno_jobs.media.elements import check_elements
from suno_jobs.media.fragments import check_fragments
from suno_jobs.media.mp4 import inside, sample_sizes, top_boxes, track_handlers


def check_m4a(source: Source, start: int) -> Sound:
    """The index of an unfragmented file counts from its first byte, so nothing may precede its boxes."""
    handlers = track_handlers(source, start, fragments=True)
    if b"vide" in handlers:
        raise_other_format("an MP4 video", "audio")
    if b"soun" not in handlers:
        raise_wrong_type("the file has no audio track")
    top = list(top_boxes(source, start))
    if any(box.name == b"moof" for box in top):
        return check_fragments(source, top, start)
    if start:
        raise_damaged("a tag precedes its boxes")
    moov = next(box for box in top if box.name == b"moov")
    for trak in inside(source, moov, b"trak"):
        check_elements(source, trak)
    return Sound(read_duration(source), silence.tiny_packets(sample_sizes(source)))
