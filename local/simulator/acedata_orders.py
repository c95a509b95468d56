"""The submissions of Ace Data Cloud: one path with many actions, and one for each other operation whose reply is published."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from local.simulator.archive import Archive
from local.simulator.parts import FILM, SONG, SONGS, TEXT, TEXTS, TWELVE, WAV, Part, stems
from local.simulator.tasks import Source, Work
from local.simulator.wire import Fields, Reason, Refusal, known

MODELS = frozenset(
    (
        "chirp-v3-0",
        "chirp-v3-5",
        "chirp-v4",
        "chirp-v4-5",
        "chirp-v4-5+",
        "chirp-v4-5-plus",
        "chirp-v4-5-all",
        "chirp-v5",
        "chirp-v5-5",
        "chirp-v6",
        "chirp-v6-wild",
        "chirp-v6-mini",
    )
)


@dataclass(frozen=True, slots=True)
class Action:
    """``track``: it needs an ``audio_id``; ``span``: the section it works on has a start and an end under that name."""

    parts: tuple[Part, ...] = SONGS
    track: bool = True
    span: str = ""


TWO_STEMS = stems("vocals", "instrumental")
TWO_SETS = stems(*TWELVE, *TWELVE)
ACTIONS = {
    "generate": Action(track=False),
    "extend": Action(),
    "upload_extend": Action(),
    "upload_cover": Action(),
    "concat": Action(SONG),
    "cover": Action(),
    "artist_consistency": Action(track=False),
    "artist_consistency_vox": Action(track=False),
    "stems": Action(TWO_STEMS),
    "all_stems": Action(TWO_SETS),
    "replace_section": Action(span="replace_section"),
    "underpainting": Action(span="underpainting"),
    "overpainting": Action(span="overpainting"),
    "remaster": Action(),
    "mashup": Action(track=False),
    "samples": Action(span="samples"),
    "inspo": Action(track=False),
    "sounds": Action(track=False),
    "adjust_speed": Action(SONG),
    "add_stem": Action(),
    "extract_stem": Action(),
}
STEM_ACTIONS = frozenset(("add_stem", "extract_stem"))
VARIETIES = frozenset(("off", "normal", "high", "extra", "max"))


def _audios(work: Work, fields: Fields, archive: Archive) -> Work:
    if (name := fields.text("action") or "generate") not in ACTIONS:
        raise Refusal(Reason.NOT_SIMULATED, f"there are the actions {', '.join(ACTIONS)}")
    action = ACTIONS[name]
    _check_references(name, action, fields, archive)
    fields.shares("weirdness", "style_influence", "audio_weight")
    _check_generation(name, fields)
    _check_change(name, fields)
    fields.number("duration", 10, 360)
    fields.number("continue_at", required=name == "extend")
    fields.word("variation_category", {"high", "normal", "subtle"})
    fields.texts("vocal_gender", "negative_tags", "style_negative", "persona_id")
    audio_id = fields.text("audio_id", required=action.track)
    return replace(
        _asynchronous(work, fields),
        operation=name,
        parts=_extracted(fields.text("stem_type")) if name == "extract_stem" else action.parts,
        words=_words(name, fields),
        title=fields.text("title"),
        style=fields.text("style"),
        model=fields.word("model", MODELS) or "chirp-v5",
        source=known(archive.of_track(audio_id), "audio_id was") if audio_id else None,
    )


def _check_change(name: str, fields: Fields) -> None:
    if name == "adjust_speed":
        fields.number("speed_multiplier", 0.25, 4, required=True)
        fields.text("title", required=True)
        fields.flag("keep_pitch")
    if name in STEM_ACTIONS:
        fields.text("stem_type", required=True)
        fields.word("audio_format", {"mp3"})


def _extracted(stem: str) -> tuple[Part, ...]:
    """Two sets of the stem and the rest."""
    return stems(stem, f"without_{stem}") * 2


def _check_generation(name: str, fields: Fields) -> None:
    """Of these fields Ace documents that the wrong action refuses them; it ignores others."""
    variety, max_mode = fields.word("variety", VARIETIES), fields.flag("max_mode")
    if (variety or max_mode) and name not in ("generate", "add_stem"):
        raise Refusal(Reason.INVALID, "variety and max_mode are for generate and add_stem")
    if max_mode and name == "generate" and not fields.flag("custom"):
        raise Refusal(Reason.INVALID, "max_mode requires custom")


def _check_references(name: str, action: Action, fields: Fields, archive: Archive) -> None:
    if action.span:
        fields.span(action.span + "_start", action.span + "_end", required=action.span == "replace_section")
    if name == "mashup":
        for audio_id in fields.ids("mashup_audio_ids", 2, 2):
            known(archive.of_track(audio_id), "mashup_audio_ids was")
    if name == "inspo":
        fields.media_urls("audio_urls", 1, 4)
    if name == "sounds":
        fields.word("sound_type", {"one-shot", "loop"}, required=True)
        fields.number("bpm", 1, 300)
        fields.text("key")
    if name.startswith("artist_consistency"):
        fields.text("persona_id", required=True)


def _words(action: str, fields: Fields) -> str:
    if action == "sounds":
        return fields.text("sound", required=True)
    custom, instrumental = fields.flag("custom"), fields.flag("instrumental")
    lyric_prompt, generates = fields.text("lyric_prompt"), action == "generate"
    lyric = fields.text("lyric", required=generates and custom and not instrumental and not lyric_prompt)
    prompt = fields.text("prompt", required=generates and not custom, longest=500)
    return lyric if custom else prompt or lyric


def _asynchronous(work: Work, fields: Fields) -> Work:
    callback_url = fields.url("callback_url")
    return replace(work, callback_url=callback_url, waits=not fields.flag("async") and callback_url is None)


def _lyrics(work: Work, fields: Fields, _: Archive) -> Work:
    fields.word("model", {"default", "remi-v1"}, required=True)
    words = fields.text("prompt", required=True)
    return replace(work, operation="lyrics", parts=TEXTS, words=words, waits=True, instant=True)


def _source(fields: Fields, archive: Archive) -> Source:
    return known(archive.of_track(fields.text("audio_id", required=True)), "audio_id was")


def _wav(work: Work, fields: Fields, archive: Archive) -> Work:
    return replace(_asynchronous(work, fields), operation="wav", parts=WAV, source=_source(fields, archive))


def _mp4(work: Work, fields: Fields, archive: Archive) -> Work:
    return replace(work, operation="mp4", parts=FILM, source=_source(fields, archive), waits=True, instant=True)


def _timing(work: Work, fields: Fields, archive: Archive) -> Work:
    return replace(work, operation="timing", parts=TEXT, source=_source(fields, archive), waits=True, instant=True)


def _persona(work: Work, fields: Fields, archive: Archive) -> Work:
    """The description may be left out, as in the vendor's own client."""
    fields.text("name", required=True)
    fields.text("description")
    return replace(work, operation="persona", parts=TEXT, source=_source(fields, archive), waits=True, instant=True)


def _upload(work: Work, fields: Fields, _: Archive) -> Work:
    fields.media_url("audio_url")
    return replace(work, operation="upload", parts=SONG, waits=True, instant=True)


PATHS: Mapping[str, Callable[[Work, Fields, Archive], Work]] = {
    "/suno/audios": _audios,
    "/suno/lyrics": _lyrics,
    "/suno/wav": _wav,
    "/suno/mp4": _mp4,
    "/suno/upload": _upload,
    "/suno/timing": _timing,
    "/suno/persona": _persona,
}
