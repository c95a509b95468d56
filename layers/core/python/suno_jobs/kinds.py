"""What a client may ask for, per kind: the same input for every gateway.

Which fields a gateway has a place for, and which it cannot do without, is for ``Gateway.check`` to say. Texts are measured
against the chosen gateway's own limits there. ``model`` is an open set: our common names (``v4``, ``v4.5``, ``v5``, ...) are
translated per gateway, any other name is passed on as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from suno_jobs.gateways.base import Kind

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Model = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,39}$")]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]


def _https(url: str) -> str:
    """The gateway fetches it, not we; but what we would not fetch from, we do not let anybody else fetch from either."""
    # Few requests have a URL, and all others are spared the import of an HTTP client.
    from suno_jobs.guard import ForbiddenTarget, check_url  # noqa: PLC0415

    try:
        check_url(url)
    except ForbiddenTarget as error:
        raise ValueError(f"give a public https URL that the gateway can fetch: {error}") from None
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("give a public https URL in ASCII, without spaces")
    return url


AudioUrl = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2048), AfterValidator(_https)]


class Strict(BaseModel):
    """Unknown fields are refused, so that a misspelt one is never silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceRef(Strict):
    """A result of an earlier job of ours on the same gateway: one of its tracks, or the ``audio_id`` of an upload."""

    job_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    track_id: Id


class KindInput(Strict):
    """What the inputs of all kinds have in common."""

    def given(self) -> dict[str, Any]:
        """What was really said: without the fields that were left out, and without defaults."""
        return self.model_dump(exclude_none=True, exclude_defaults=True)

    def references(self) -> tuple[SourceRef, ...]:
        """The earlier results that this job needs, in order."""
        source = getattr(self, "source", None)
        return (source,) if source is not None else tuple(getattr(self, "sources", None) or ())


class Words(KindInput):
    """What a song shall be like, where it may also be left to the gateway."""

    prompt: Text | None = None
    lyrics: Text | None = None
    style: Text | None = None
    title: Text | None = None
    model: Model | None = None
    instrumental: bool = False
    negative_style: Text | None = None
    vocal_gender: Literal["male", "female"] | None = None
    style_weight: Share | None = None
    weirdness: Share | None = None
    audio_weight: Share | None = None
    persona_id: Id | None = None

    @model_validator(mode="after")
    def _one_source_of_words(self) -> Self:
        if self.prompt is not None and self.lyrics is not None:
            raise ValueError("give either prompt or lyrics")
        if self.lyrics is not None and self.instrumental:
            raise ValueError("an instrumental has no lyrics: give a prompt instead")
        return self


class MusicInput(Words):
    """A song. Either ``prompt`` describes it and the gateway writes the words, or ``lyrics`` are sung as they stand."""

    @model_validator(mode="after")
    def _some_words(self) -> Self:
        if self.prompt is None and self.lyrics is None:
            raise ValueError("give either prompt or lyrics")
        return self


class FromSource(KindInput):
    source: SourceRef


class FromAudio(KindInput):
    """Works on an earlier result of ours or on audio from outside; the gateway's check says which of them it takes."""

    source: SourceRef | None = None
    audio_url: AudioUrl | None = None

    @model_validator(mode="after")
    def _one_audio(self) -> Self:
        if (self.source is None) == (self.audio_url is None):
            raise ValueError("give either source or audio_url")
        return self


class ExtendInput(Words, FromSource):
    """``continue_at``: where the continuation begins, in seconds. Without words the song goes on as it was."""

    continue_at: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] | None = None


class CoverInput(Words, FromSource):
    pass


class UploadInput(KindInput):
    """Makes audio from outside known to the gateway; the job's result is an ``audio_id`` that later jobs refer to."""

    audio_url: AudioUrl


class UploadExtendInput(Words, FromAudio):
    continue_at: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] | None = None


class UploadCoverInput(Words, FromAudio):
    pass


class LyricsInput(KindInput):
    prompt: Text
    model: Model | None = None


class StemsInput(FromSource):
    """``vocals`` parts voice and accompaniment, ``all`` every instrument. Left out: as the gateway does it by itself."""

    split: Literal["vocals", "all"] | None = None


class WavInput(FromSource):
    pass


class Mp4Input(FromSource):
    """``author`` and ``brand`` are written into the picture."""

    author: Annotated[Text, StringConstraints(max_length=50)] | None = None
    brand: Annotated[Text, StringConstraints(max_length=50)] | None = None


class CoverArtInput(FromSource):
    pass


class _Section(KindInput):
    start_s: Seconds | None = None
    end_s: Seconds | None = None

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.start_s is not None and self.end_s is not None and self.end_s <= self.start_s:
            raise ValueError("end_s must be later than start_s")
        return self


class AddVocalsInput(Words, FromAudio, _Section):
    pass


class AddInstrumentalInput(Words, FromAudio, _Section):
    pass


class ReplaceSectionInput(FromSource, _Section):
    """Sings ``lyrics`` between ``start_s`` and ``end_s``; ``full_lyrics`` are those of the whole song after the change."""

    lyrics: Text
    full_lyrics: Text
    start_s: Seconds
    end_s: Seconds
    style: Text | None = None
    title: Text | None = None
    negative_style: Text | None = None
    model: Model | None = None


class ConcatInput(FromSource):
    """Joins an extended part, the source, with all that comes before it."""


class MashupInput(Words):
    """Two songs in one: both of ours, or both from outside."""

    sources: Annotated[list[SourceRef], Field(min_length=2, max_length=2)] | None = None
    audio_urls: Annotated[list[AudioUrl], Field(min_length=2, max_length=2)] | None = None

    @model_validator(mode="after")
    def _one_pair(self) -> Self:
        if (self.sources is None) == (self.audio_urls is None):
            raise ValueError("give either sources or audio_urls")
        return self


class PersonaInput(FromSource, _Section):
    """A singer to be used again: the job's result is a ``persona_id``. The section is what is listened to."""

    name: Text
    description: Text
    style: Text | None = None


class TimestampedLyricsInput(FromSource):
    pass


class SoundsInput(KindInput):
    prompt: Text
    model: Model | None = None
    loop: bool | None = None
    bpm: Annotated[int, Field(ge=1, le=300)] | None = None
    key: Annotated[str, StringConstraints(pattern=r"^(Any|[A-G]#?m?)$")] | None = None


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
    }
)
