"""The kinds of job. This module is cheap to import."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    MUSIC = "music"
    EXTEND = "extend"
    COVER = "cover"
    UPLOAD = "upload"
    UPLOAD_EXTEND = "upload_extend"
    UPLOAD_COVER = "upload_cover"
    LYRICS = "lyrics"
    STEMS = "stems"
    WAV = "wav"
    MP4 = "mp4"
    COVER_ART = "cover_art"
    ADD_VOCALS = "add_vocals"
    ADD_INSTRUMENTAL = "add_instrumental"
    REPLACE_SECTION = "replace_section"
    CONCAT = "concat"
    MASHUP = "mashup"
    PERSONA = "persona"
    TIMESTAMPED_LYRICS = "timestamped_lyrics"
    SOUNDS = "sounds"
    REMASTER = "remaster"
    INSPO = "inspo"
    ADJUST_SPEED = "adjust_speed"
    ADD_STEM = "add_stem"
    EXTRACT_STEM = "extract_stem"
