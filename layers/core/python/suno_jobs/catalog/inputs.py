"""The input of each kind. It is the same for every gateway.

``Gateway.check`` decides which fields a gateway supports and requires, and how long texts may be. ``model`` is an open set: our
common names (``v4.5``, ``v6``, ...) are translated per gateway; any other name is passed on unchanged.

Every text also has a maximum of our own, because no gateway documents one for every field. It is well above the largest that
any gateway documents for such a text, in characters: 100 for a title, 3000 for a prompt, 1000 for a style, 5000 for lyrics.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from suno_jobs.catalog.kinds import Kind

TITLE_CHARACTERS = 500
DESCRIPTION_CHARACTERS = 10_000
LYRICS_CHARACTERS = 20_000
CAPTION_CHARACTERS = 50

# A carriage return is allowed only as a part of the line break CR LF.
_CONTROL_CHARACTER = re.compile(r"(?!\r\n)[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class FieldMissing(ValueError):
    """One of several fields is required, and the input has none of them."""


def find_control_character(text: str) -> str | None:
    """The first control character other than a line break or a tab, as in "U+0000"; None when there is none."""
    found = _CONTROL_CHARACTER.search(text)
    return f"U+{ord(found[0]):04X}" if found else None


def check_plain_text(text: str) -> str:
    """Returns the text unchanged. Raises ValueError for a control character: a gateway may refuse it, or cut the text there."""
    if found := find_control_character(text):
        raise ValueError(f"contains the control character {found}; only line breaks and tabs are allowed")
    return text


_PLAIN = AfterValidator(check_plain_text)
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=TITLE_CHARACTERS), _PLAIN]
Description = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=DESCRIPTION_CHARACTERS), _PLAIN]
Lyrics = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LYRICS_CHARACTERS), _PLAIN]
Caption = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=CAPTION_CHARACTERS), _PLAIN]
Model = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,39}$")]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Weight = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]
Duration = Annotated[int, Field(ge=10, le=360)]
Variety = Annotated[int, Field(ge=0, le=4)]
Flag = Annotated[bool | None, AfterValidator(bool)]
"""False by default, also for null: in every optional field, null is the same as no field."""


def _public_https_url(url: str) -> str:
    """The gateway fetches the URL, but under the same rules as our own downloads."""
    # Imported here because few requests have a URL, and the import loads an HTTP client.
    from suno_jobs.network.ssrf_guard import ForbiddenTarget, check_url  # noqa: PLC0415

    try:
        check_url(url)
    except ForbiddenTarget as error:
        raise ValueError(f"must be a public https URL that the gateway can fetch: {error}") from None
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("must be a public https URL in ASCII without spaces")
    return url


AudioUrl = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2048), AfterValidator(_public_https_url)]


class StrictModel(BaseModel):
    """Refuses unknown fields, so that a misspelt field is never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceRef(StrictModel):
    """A result of an earlier job on the same gateway: one of its tracks, or the ``audio_id`` of an upload."""

    job_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    track_id: Id


class KindInput(StrictModel):
    def provided_fields(self) -> dict[str, Any]:
        """Without fields that are None or equal to their default."""
        return self.model_dump(exclude_none=True, exclude_defaults=True)

    def references(self) -> tuple[SourceRef, ...]:
        """The earlier results that this job refers to, in order."""
        source = getattr(self, "source", None)
        return (source,) if source is not None else tuple(getattr(self, "sources", None) or ())


class SongFields(KindInput):
    """The description of a song. Every field is optional.

    ``duration`` is a wish, in seconds. ``variety`` is how different the two songs are, from 0 (least) to 4 (most).
    ``max_mode`` doubles the price.
    """

    prompt: Description | None = None
    lyrics: Lyrics | None = None
    style: Description | None = None
    title: Title | None = None
    model: Model | None = None
    instrumental: Flag = False
    negative_style: Description | None = None
    vocal_gender: Literal["male", "female"] | None = None
    style_weight: Weight | None = None
    weirdness: Weight | None = None
    audio_weight: Weight | None = None
    persona_id: Id | None = None
    duration: Duration | None = None
    variety: Variety | None = None
    max_mode: Flag = False

    @model_validator(mode="after")
    def _prompt_or_lyrics(self) -> Self:
        if self.prompt is not None and self.lyrics is not None:
            raise ValueError("prompt and lyrics cannot be combined")
        if self.lyrics is not None and self.instrumental:
            raise ValueError("an instrumental cannot have lyrics: use prompt instead")
        return self


class MusicInput(SongFields):
    """A song. Either ``prompt`` describes it and the gateway writes the lyrics, or ``lyrics`` are sung unchanged."""

    @model_validator(mode="after")
    def _has_prompt_or_lyrics(self) -> Self:
        if self.prompt is None and self.lyrics is None:
            raise FieldMissing("prompt or lyrics is required")
        return self


def _check_exactly_one(name: str, value: object, other_name: str, other: object) -> None:
    if value is None and other is None:
        raise FieldMissing(f"{name} or {other_name} is required")
    if value is not None and other is not None:
        raise ValueError(f"{name} and {other_name} cannot be combined")


class SourceInput(KindInput):
    source: SourceRef


class SourceOrAudioInput(KindInput):
    """An earlier result or external audio. ``Gateway.check`` decides which of them a gateway supports."""

    source: SourceRef | None = None
    audio_url: AudioUrl | None = None

    @model_validator(mode="after")
    def _source_or_audio_url(self) -> Self:
        _check_exactly_one("source", self.source, "audio_url", self.audio_url)
        return self


class ExtendInput(SongFields, SourceInput):
    """``continue_at``: where the continuation begins, in seconds. Without song fields it is like the source."""

    continue_at: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] | None = None


class CoverInput(SongFields, SourceInput):
    pass


class UploadInput(KindInput):
    """Uploads external audio to the gateway. The result is an ``audio_id`` that later jobs can refer to."""

    audio_url: AudioUrl


class UploadExtendInput(SongFields, SourceOrAudioInput):
    continue_at: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] | None = None


class UploadCoverInput(SongFields, SourceOrAudioInput):
    pass


class LyricsInput(KindInput):
    prompt: Description
    model: Model | None = None


class StemsInput(SourceInput):
    """``vocals`` separates voice and accompaniment, ``all`` every instrument. The default is the gateway's."""

    split: Literal["vocals", "all"] | None = None


class WavInput(SourceInput):
    pass


class Mp4Input(SourceInput):
    """``author`` and ``brand`` are shown in the video."""

    author: Caption | None = None
    brand: Caption | None = None


class CoverArtInput(SourceInput):
    pass


class _SectionInput(KindInput):
    start_s: Seconds | None = None
    end_s: Seconds | None = None

    @model_validator(mode="after")
    def _end_after_start(self) -> Self:
        if self.start_s is not None and self.end_s is not None and self.end_s <= self.start_s:
            raise ValueError("end_s must be greater than start_s")
        return self


class AddVocalsInput(SongFields, SourceOrAudioInput, _SectionInput):
    pass


class AddInstrumentalInput(SongFields, SourceOrAudioInput, _SectionInput):
    pass


class ReplaceSectionInput(SourceInput, _SectionInput):
    """``lyrics`` are sung from ``start_s`` to ``end_s``. ``full_lyrics`` are those of the complete song after the change."""

    lyrics: Lyrics
    full_lyrics: Lyrics
    start_s: Seconds
    end_s: Seconds
    style: Description | None = None
    title: Title | None = None
    negative_style: Description | None = None
    model: Model | None = None


class ConcatInput(SourceInput):
    """Joins an extension, the source, with everything before it."""


class MashupInput(SongFields):
    """Combines two songs: two earlier results, or two external files."""

    sources: Annotated[list[SourceRef], Field(min_length=2, max_length=2)] | None = None
    audio_urls: Annotated[list[AudioUrl], Field(min_length=2, max_length=2)] | None = None

    @model_validator(mode="after")
    def _sources_or_audio_urls(self) -> Self:
        _check_exactly_one("sources", self.sources, "audio_urls", self.audio_urls)
        return self


class PersonaInput(SourceInput, _SectionInput):
    """A reusable singer. The result is a ``persona_id``. The section is the part of the source to analyse."""

    name: Title
    description: Description
    style: Description | None = None


class TimestampedLyricsInput(SourceInput):
    pass


class SoundsInput(KindInput):
    prompt: Description
    model: Model | None = None
    loop: bool | None = None
    bpm: Annotated[int, Field(ge=1, le=300)] | None = None
    key: Annotated[str, StringConstraints(pattern=r"^(Any|[A-G]#?m?)$")] | None = None


class RemasterInput(SourceInput):
    """``variation``: how far the result may be from the source."""

    model: Model | None = None
    variation: Literal["subtle", "normal", "high"] | None = None


class InspoInput(SongFields):
    """A song that is inspired by one to four external files."""

    audio_urls: Annotated[list[AudioUrl], Field(min_length=1, max_length=4)]


class AdjustSpeedInput(SourceInput):
    """``speed``: 2 is twice as fast. ``keep_pitch``: the default is the gateway's."""

    speed: Annotated[float, Field(ge=0.25, le=4, allow_inf_nan=False)]
    title: Title
    keep_pitch: bool | None = None


class ExtractStemInput(SourceInput):
    """``stem`` names an instrument or the vocals, as the gateway does."""

    stem: Caption


class AddStemInput(ExtractStemInput):
    """Adds one instrument, or vocals, to the source."""

    prompt: Description | None = None
    style: Description | None = None
    title: Title | None = None
    style_weight: Weight | None = None
    weirdness: Weight | None = None
    audio_weight: Weight | None = None
    variety: Variety | None = None
    max_mode: Flag = False


INPUTS: Mapping[Kind, type[KindInput]] = MappingProxyType(
    {
        Kind.MUSIC: MusicInput,
        Kind.EXTEND: ExtendInput,
        Kind.COVER: CoverInput,
        Kind.UPLOAD: UploadInput,
        Kind.UPLOAD_EXTEND: UploadExtendInput,
        Kind.UPLOAD_COVER: UploadCoverInput,
        Kind.LYRICS: LyricsInput,
        Kind.STEMS: StemsInput,
        Kind.WAV: WavInput,
        Kind.MP4: Mp4Input,
        Kind.COVER_ART: CoverArtInput,
        Kind.ADD_VOCALS: AddVocalsInput,
        Kind.ADD_INSTRUMENTAL: AddInstrumentalInput,
        Kind.REPLACE_SECTION: ReplaceSectionInput,
        Kind.CONCAT: ConcatInput,
        Kind.MASHUP: MashupInput,
        Kind.PERSONA: PersonaInput,
        Kind.TIMESTAMPED_LYRICS: TimestampedLyricsInput,
        Kind.SOUNDS: SoundsInput,
        Kind.REMASTER: RemasterInput,
        Kind.INSPO: InspoInput,
        Kind.ADJUST_SPEED: AdjustSpeedInput,
        Kind.ADD_STEM: AddStemInput,
        Kind.EXTRACT_STEM: ExtractStemInput,
    }
)
