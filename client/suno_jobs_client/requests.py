"""What a client sends. Generated from docs/openapi.json by `make docs`."""

from __future__ import annotations

from typing import Literal, NotRequired, TypeAlias, TypedDict


class Adopt(TypedDict):
    """
    The task that was created elsewhere.
    """

    task_id: str


class InspoInput(TypedDict):
    """
    The input of the kind `inspo`: a song inspired by external audio.
    """

    prompt: NotRequired[str | None]
    lyrics: NotRequired[str | None]
    style: NotRequired[str | None]
    title: NotRequired[str | None]
    model: NotRequired[str | None]
    instrumental: NotRequired[bool | None]
    negative_style: NotRequired[str | None]
    vocal_gender: NotRequired[Literal['male', 'female'] | None]
    style_weight: NotRequired[float | None]
    weirdness: NotRequired[float | None]
    audio_weight: NotRequired[float | None]
    persona_id: NotRequired[str | None]
    duration: NotRequired[int | None]
    variety: NotRequired[int | None]
    max_mode: NotRequired[bool | None]
    audio_urls: list[str]


class KeyRequest(TypedDict):
    """
    `days` is how long the key works; None means for ever. `mode`: None means that of the key that creates it.
    """

    name: NotRequired[str]
    scopes: NotRequired[list[str]]
    days: NotRequired[int | None]
    mode: NotRequired[Literal['live', 'test'] | None]


class LyricsInput(TypedDict):
    """
    The input of the kind `lyrics`: lyrics.
    """

    prompt: str
    model: NotRequired[str | None]


class MusicInput(TypedDict):
    """
    The input of the kind `music`: songs.
    """

    prompt: NotRequired[str | None]
    lyrics: NotRequired[str | None]
    style: NotRequired[str | None]
    title: NotRequired[str | None]
    model: NotRequired[str | None]
    instrumental: NotRequired[bool | None]
    negative_style: NotRequired[str | None]
    vocal_gender: NotRequired[Literal['male', 'female'] | None]
    style_weight: NotRequired[float | None]
    weirdness: NotRequired[float | None]
    audio_weight: NotRequired[float | None]
    persona_id: NotRequired[str | None]
    duration: NotRequired[int | None]
    variety: NotRequired[int | None]
    max_mode: NotRequired[bool | None]


class ReplayRequest(TypedDict):
    """
    `delivered`: also what was delivered. `cursor`: continue after an earlier request.
    """

    since: str
    until: NotRequired[str | None]
    delivered: NotRequired[bool]
    cursor: NotRequired[str | None]


class RotationRequest(TypedDict):
    """
    `overlap_hours` is how long the old key still works.
    """

    overlap_hours: NotRequired[int]


class SecretRotation(TypedDict):
    """
    `overlap_hours` is how long the old secret signs as well.
    """

    overlap_hours: NotRequired[int]


class SoundsInput(TypedDict):
    """
    The input of the kind `sounds`: a sound or a loop.
    """

    prompt: str
    model: NotRequired[str | None]
    loop: NotRequired[bool | None]
    bpm: NotRequired[int | None]
    key: NotRequired[str | None]


class SourceRef(TypedDict):
    """
    A result of an earlier job on the same gateway: one of its tracks, or the `audio_id` of an upload.
    """

    job_id: str
    track_id: str


class StemsInput(TypedDict):
    """
    The input of the kind `stems`: separate stems, such as vocals and instruments.
    """

    source: SourceRef
    split: NotRequired[Literal['vocals', 'all'] | None]


class TimestampedLyricsInput(TypedDict):
    """
    The input of the kind `timestamped_lyrics`: the lyrics with the time of each word.
    """

    source: SourceRef


class UploadCoverInput(TypedDict):
    """
    The input of the kind `upload_cover`: external audio in another style.
    """

    source: NotRequired[SourceRef | None]
    audio_url: NotRequired[str | None]
    prompt: NotRequired[str | None]
    lyrics: NotRequired[str | None]
    style: NotRequired[str | None]
    title: NotRequired[str | None]
    model: NotRequired[str | None]
    instrumental: NotRequired[bool | None]
    negative_style: NotRequired[str | None]
    vocal_gender: NotRequired[Literal['male', 'female'] | None]
    style_weight: NotRequired[float | None]
    weirdness: NotRequired[float | None]
    audio_weight: NotRequired[float | None]
    persona_id: NotRequired[str | None]
    duration: NotRequired[int | None]
    variety: NotRequired[int | None]
    max_mode: NotRequired[bool | None]


class UploadExtendInput(TypedDict):
    """
    The input of the kind `upload_extend`: the continuation of external audio.
    """

    source: NotRequired[SourceRef | None]
    audio_url: NotRequired[str | None]
    prompt: NotRequired[str | None]
    lyrics: NotRequired[str | None]
    style: NotRequired[str | None]
    title: NotRequired[str | None]
    model: NotRequired[str | None]
    instrumental: NotRequired[bool | None]
    negative_style: NotRequired[str | None]
    vocal_gender: NotRequired[Literal['male', 'female'] | None]
    style_weight: NotRequired[float | None]
    weirdness: NotRequired[float | None]
    audio_weight: NotRequired[float | None]
    persona_id: NotRequired[str | None]
    duration: NotRequired[int | None]
    variety: NotRequired[int | None]
    max_mode: NotRequired[bool | None]
    continue_at: NotRequired[float | None]


class UploadInput(TypedDict):
    """
    The input of the kind `upload`: external audio, registered at the gateway.
    """

    audio_url: str


class WavInput(TypedDict):
    """
    The input of the kind `wav`: a song as a WAV file.
    """

    source: SourceRef


class WebhookChange(TypedDict):
    """
    What changes of an endpoint; other fields stay as they are.
    """

    url: NotRequired[str | None]
    description: NotRequired[str | None]
    events: NotRequired[list[str] | None]
    disabled: NotRequired[bool | None]


class WebhookRequest(TypedDict):
    """
    An endpoint to create. Without `events` it gets the end of every job, and learns that another endpoint is disabled.
    """

    url: str
    description: NotRequired[str]
    events: NotRequired[list[str]]


class AddInstrumentalInput(TypedDict):
    """
    The input of the kind `add_instrumental`: music added to vocals.
    """

    start_s: NotRequired[float | None]
    end_s: NotRequired[float | None]
    source: NotRequired[SourceRef | None]
    audio_url: NotRequired[str | None]
    prompt: NotRequired[str | None]
    lyrics: NotRequired[str | None]
    style: NotRequired[str | None]
    title: NotRequired[str | None]
    model: NotRequired[str | None]
    instrumental: NotRequired[bool | None]
    negative_style: NotRequired[str | None]
    vocal_gender: NotRequired[Literal['male', 'female'] | None]
    style_weight: NotRequired[float | None]
    weirdness: NotRequired[float | None]
    audio_weight: NotRequired[float | None]
    persona_id: NotRequired[str | None]
    duration: NotRequired[int | None]
    variety: NotRequired[int | None]
    max_mode: NotRequired[bool | None]


class AddStemInput(TypedDict):
    """
    The input of the kind `add_stem`: a song with an added instrument or added vocals.
    """

    source: SourceRef
    stem: str
    prompt: NotRequired[str | None]
    style: NotRequired[str | None]
    title: NotRequired[str | None]
    style_weight: NotRequired[float | None]
    weirdness: NotRequired[float | None]
    audio_weight: NotRequired[float | None]
    variety: NotRequired[int | None]
    max_mode: NotRequired[bool | None]


class AddVocalsInput(TypedDict):
    """
    The input of the kind `add_vocals`: vocals added to music.
    """

    start_s: NotRequired[float | None]
    end_s: NotRequired[float | None]
    source: NotRequired[SourceRef | None]
    audio_url: NotRequired[str | None]
    prompt: NotRequired[str | None]
    lyrics: NotRequired[str | None]
    style: NotRequired[str | None]
    title: NotRequired[str | None]
    model: NotRequired[str | None]
    instrumental: NotRequired[bool | None]
    negative_style: NotRequired[str | None]
    vocal_gender: NotRequired[Literal['male', 'female'] | None]
    style_weight: NotRequired[float | None]
    weirdness: NotRequired[float | None]
    audio_weight: NotRequired[float | None]
    persona_id: NotRequired[str | None]
    duration: NotRequired[int | None]
    variety: NotRequired[int | None]
    max_mode: NotRequired[bool | None]


class AdjustSpeedInput(TypedDict):
    """
    The input of the kind `adjust_speed`: a song at another speed.
    """

    source: SourceRef
    speed: float
    title: str
    keep_pitch: NotRequired[bool | None]


class AdoptionRequest(TypedDict):
    """
    A task to take over that was created elsewhere. Nothing is submitted and nothing is charged.
    """

    gateway: Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']
    kind: Literal['music', 'extend', 'cover', 'upload', 'upload_extend', 'upload_cover', 'lyrics', 'stems', 'wav', 'mp4', 'cover_art', 'add_vocals', 'add_instrumental', 'replace_section', 'concat', 'mashup', 'persona', 'timestamped_lyrics', 'sounds', 'remaster', 'inspo', 'adjust_speed', 'add_stem', 'extract_stem']
    adopt: Adopt
    metadata: NotRequired[dict[str, str] | None]
    callback_url: NotRequired[str | None]


class ConcatInput(TypedDict):
    """
    The input of the kind `concat`: the complete song of an extended part.
    """

    source: SourceRef


class CoverArtInput(TypedDict):
    """
    The input of the kind `cover_art`: images for a song.
    """

    source: SourceRef


class CoverInput(TypedDict):
    """
    The input of the kind `cover`: an earlier song in another style.
    """

    source: SourceRef
    prompt: NotRequired[str | None]
    lyrics: NotRequired[str | None]
    style: NotRequired[str | None]
    title: NotRequired[str | None]
    model: NotRequired[str | None]
    instrumental: NotRequired[bool | None]
    negative_style: NotRequired[str | None]
    vocal_gender: NotRequired[Literal['male', 'female'] | None]
    style_weight: NotRequired[float | None]
    weirdness: NotRequired[float | None]
    audio_weight: NotRequired[float | None]
    persona_id: NotRequired[str | None]
    duration: NotRequired[int | None]
    variety: NotRequired[int | None]
    max_mode: NotRequired[bool | None]


class ExtendInput(TypedDict):
    """
    The input of the kind `extend`: the continuation of a song. Some gateways return only the new part, which `concat` can join.
    """

    source: SourceRef
    prompt: NotRequired[str | None]
    lyrics: NotRequired[str | None]
    style: NotRequired[str | None]
    title: NotRequired[str | None]
    model: NotRequired[str | None]
    instrumental: NotRequired[bool | None]
    negative_style: NotRequired[str | None]
    vocal_gender: NotRequired[Literal['male', 'female'] | None]
    style_weight: NotRequired[float | None]
    weirdness: NotRequired[float | None]
    audio_weight: NotRequired[float | None]
    persona_id: NotRequired[str | None]
    duration: NotRequired[int | None]
    variety: NotRequired[int | None]
    max_mode: NotRequired[bool | None]
    continue_at: NotRequired[float | None]


class ExtractStemInput(TypedDict):
    """
    The input of the kind `extract_stem`: two versions of one stem, each with the rest of the song. The titles tell them apart.
    """

    source: SourceRef
    stem: str


class InspoRequest(TypedDict):
    """
    A job of the kind `inspo`: a song inspired by external audio.
    """

    gateway: Literal['auto'] | list[Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']] | Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']
    kind: Literal['inspo']
    input: InspoInput
    metadata: NotRequired[dict[str, str] | None]
    ambiguous_submit: NotRequired[Literal['fail', 'resubmit'] | None]
    callback_url: NotRequired[str | None]


class LyricsRequest(TypedDict):
    """
    A job of the kind `lyrics`: lyrics.
    """

    gateway: Literal['auto'] | list[Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']] | Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']
    kind: Literal['lyrics']
    input: LyricsInput
    metadata: NotRequired[dict[str, str] | None]
    ambiguous_submit: NotRequired[Literal['fail', 'resubmit'] | None]
    callback_url: NotRequired[str | None]


class MashupInput(TypedDict):
    """
    The input of the kind `mashup`: one song made of two.
    """

    prompt: NotRequired[str | None]
    lyrics: NotRequired[str | None]
    style: NotRequired[str | None]
    title: NotRequired[str | None]
    model: NotRequired[str | None]
    instrumental: NotRequired[bool | None]
    negative_style: NotRequired[str | None]
    vocal_gender: NotRequired[Literal['male', 'female'] | None]
    style_weight: NotRequired[float | None]
    weirdness: NotRequired[float | None]
    audio_weight: NotRequired[float | None]
    persona_id: NotRequired[str | None]
    duration: NotRequired[int | None]
    variety: NotRequired[int | None]
    max_mode: NotRequired[bool | None]
    sources: NotRequired[list[SourceRef] | None]
    audio_urls: NotRequired[list[str] | None]


class MashupRequest(TypedDict):
    """
    A job of the kind `mashup`: one song made of two.
    """

    gateway: Literal['auto'] | list[Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']] | Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']
    kind: Literal['mashup']
    input: MashupInput
    metadata: NotRequired[dict[str, str] | None]
    ambiguous_submit: NotRequired[Literal['fail', 'resubmit'] | None]
    callback_url: NotRequired[str | None]


class Mp4Input(TypedDict):
    """
    The input of the kind `mp4`: a video of a song.
    """

    source: SourceRef
    author: NotRequired[str | None]
    brand: NotRequired[str | None]


class Mp4Request(TypedDict):
    """
    A job of the kind `mp4`: a video of a song.
    """

    gateway: Literal['auto'] | list[Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']] | Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']
    kind: Literal['mp4']
    input: Mp4Input
    metadata: NotRequired[dict[str, str] | None]
    ambiguous_submit: NotRequired[Literal['fail', 'resubmit'] | None]
    callback_url: NotRequired[str | None]


class MusicRequest(TypedDict):
    """
    A job of the kind `music`: songs.
    """

    gateway: Literal['auto'] | list[Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']] | Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']
    kind: Literal['music']
    input: MusicInput
    metadata: NotRequired[dict[str, str] | None]
    ambiguous_submit: NotRequired[Literal['fail', 'resubmit'] | None]
    callback_url: NotRequired[str | None]


class PersonaInput(TypedDict):
    """
    The input of the kind `persona`: a persona: a voice that later jobs can use.
    """

    start_s: NotRequired[float | None]
    end_s: NotRequired[float | None]
    source: SourceRef
    name: str
    description: str
    style: NotRequired[str | None]


class PersonaRequest(TypedDict):
    """
    A job of the kind `persona`: a persona: a voice that later jobs can use.
    """

    gateway: Literal['auto'] | list[Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']] | Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']
    kind: Literal['persona']
    input: PersonaInput
    metadata: NotRequired[dict[str, str] | None]
    ambiguous_submit: NotRequired[Literal['fail', 'resubmit'] | None]
    callback_url: NotRequired[str | None]


class RemasterInput(TypedDict):
    """
    The input of the kind `remaster`: the same song, produced again.
    """

    source: SourceRef
    model: NotRequired[str | None]
    variation: NotRequired[Literal['subtle', 'normal', 'high'] | None]


class RemasterRequest(TypedDict):
    """
    A job of the kind `remaster`: the same song, produced again.
    """

    gateway: Literal['auto'] | list[Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']] | Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']
    kind: Literal['remaster']
    input: RemasterInput
    metadata: NotRequired[dict[str, str] | None]
    ambiguous_submit: NotRequired[Literal['fail', 'resubmit'] | None]
    callback_url: NotRequired[str | None]


class ReplaceSectionInput(TypedDict):
    """
    The input of the kind `replace_section`: a song with one section replaced.
    """

    start_s: float
    end_s: float
    source: SourceRef
    lyrics: str
    full_lyrics: str
    style: NotRequired[str | None]
    title: NotRequired[str | None]
    negative_style: NotRequired[str | None]
    model: NotRequired[str | None]


class ReplaceSectionRequest(TypedDict):
    """
    A job of the kind `replace_section`: a song with one section replaced.
    """

    gateway: Literal['auto'] | list[Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']] | Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']
    kind: Literal['replace_section']
    input: ReplaceSectionInput
    metadata: NotRequired[dict[str, str] | None]
    ambiguous_submit: NotRequired[Literal['fail', 'resubmit'] | None]
    callback_url: NotRequired[str | None]


class SoundsRequest(TypedDict):
    """
    A job of the kind `sounds`: a sound or a loop.
    """

    gateway: Literal['auto'] | list[Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']] | Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']
    kind: Literal['sounds']
    input: SoundsInput
    metadata: NotRequired[dict[str, str] | None]
    ambiguous_submit: NotRequired[Literal['fail', 'resubmit'] | None]
    callback_url: NotRequired[str | None]


class StemsRequest(TypedDict):
    """
    A job of the kind `stems`: separate stems, such as vocals and instruments.
    """

    gateway: Literal['auto'] | list[Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']] | Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']
    kind: Literal['stems']
    input: StemsInput
    metadata: NotRequired[dict[str, str] | None]
    ambiguous_submit: NotRequired[Literal['fail', 'resubmit'] | None]
    callback_url: NotRequired[str | None]


class TimestampedLyricsRequest(TypedDict):
    """
    A job of the kind `timestamped_lyrics`: the lyrics with the time of each word.
    """

    gateway: Literal['auto'] | list[Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']] | Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']
    kind: Literal['timestamped_lyrics']
    input: TimestampedLyricsInput
    metadata: NotRequired[dict[str, str] | None]
    ambiguous_submit: NotRequired[Literal['fail', 'resubmit'] | None]
    callback_url: NotRequired[str | None]


class UploadCoverRequest(TypedDict):
    """
    A job of the kind `upload_cover`: external audio in another style.
    """

    gateway: Literal['auto'] | list[Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']] | Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']
    kind: Literal['upload_cover']
    input: UploadCoverInput
    metadata: NotRequired[dict[str, str] | None]
    ambiguous_submit: NotRequired[Literal['fail', 'resubmit'] | None]
    callback_url: NotRequired[str | None]


class UploadExtendRequest(TypedDict):
    """
    A job of the kind `upload_extend`: the continuation of external audio.
    """

    gateway: Literal['auto'] | list[Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']] | Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']
    kind: Literal['upload_extend']
    input: UploadExtendInput
    metadata: NotRequired[dict[str, str] | None]
    ambiguous_submit: NotRequired[Literal['fail', 'resubmit'] | None]
    callback_url: NotRequired[str | None]


class UploadRequest(TypedDict):
    """
    A job of the kind `upload`: external audio, registered at the gateway.
    """

    gateway: Literal['auto'] | list[Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']] | Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']
    kind: Literal['upload']
    input: UploadInput
    metadata: NotRequired[dict[str, str] | None]
    ambiguous_submit: NotRequired[Literal['fail', 'resubmit'] | None]
    callback_url: NotRequired[str | None]


class WavRequest(TypedDict):
    """
    A job of the kind `wav`: a song as a WAV file.
    """

    gateway: Literal['auto'] | list[Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']] | Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']
    kind: Literal['wav']
    input: WavInput
    metadata: NotRequired[dict[str, str] | None]
    ambiguous_submit: NotRequired[Literal['fail', 'resubmit'] | None]
    callback_url: NotRequired[str | None]


class AddInstrumentalRequest(TypedDict):
    """
    A job of the kind `add_instrumental`: music added to vocals.
    """

    gateway: Literal['auto'] | list[Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']] | Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']
    kind: Literal['add_instrumental']
    input: AddInstrumentalInput
    metadata: NotRequired[dict[str, str] | None]
    ambiguous_submit: NotRequired[Literal['fail', 'resubmit'] | None]
    callback_url: NotRequired[str | None]


class AddStemRequest(TypedDict):
    """
    A job of the kind `add_stem`: a song with an added instrument or added vocals.
    """

    gateway: Literal['auto'] | list[Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']] | Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']
    kind: Literal['add_stem']
    input: AddStemInput
    metadata: NotRequired[dict[str, str] | None]
    ambiguous_submit: NotRequired[Literal['fail', 'resubmit'] | None]
    callback_url: NotRequired[str | None]


class AddVocalsRequest(TypedDict):
    """
    A job of the kind `add_vocals`: vocals added to music.
    """

    gateway: Literal['auto'] | list[Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']] | Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']
    kind: Literal['add_vocals']
    input: AddVocalsInput
    metadata: NotRequired[dict[str, str] | None]
    ambiguous_submit: NotRequired[Literal['fail', 'resubmit'] | None]
    callback_url: NotRequired[str | None]


class AdjustSpeedRequest(TypedDict):
    """
    A job of the kind `adjust_speed`: a song at another speed.
    """

    gateway: Literal['auto'] | list[Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']] | Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']
    kind: Literal['adjust_speed']
    input: AdjustSpeedInput
    metadata: NotRequired[dict[str, str] | None]
    ambiguous_submit: NotRequired[Literal['fail', 'resubmit'] | None]
    callback_url: NotRequired[str | None]


class ConcatRequest(TypedDict):
    """
    A job of the kind `concat`: the complete song of an extended part.
    """

    gateway: Literal['auto'] | list[Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']] | Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']
    kind: Literal['concat']
    input: ConcatInput
    metadata: NotRequired[dict[str, str] | None]
    ambiguous_submit: NotRequired[Literal['fail', 'resubmit'] | None]
    callback_url: NotRequired[str | None]


class CoverArtRequest(TypedDict):
    """
    A job of the kind `cover_art`: images for a song.
    """

    gateway: Literal['auto'] | list[Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']] | Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']
    kind: Literal['cover_art']
    input: CoverArtInput
    metadata: NotRequired[dict[str, str] | None]
    ambiguous_submit: NotRequired[Literal['fail', 'resubmit'] | None]
    callback_url: NotRequired[str | None]


class CoverRequest(TypedDict):
    """
    A job of the kind `cover`: an earlier song in another style.
    """

    gateway: Literal['auto'] | list[Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']] | Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']
    kind: Literal['cover']
    input: CoverInput
    metadata: NotRequired[dict[str, str] | None]
    ambiguous_submit: NotRequired[Literal['fail', 'resubmit'] | None]
    callback_url: NotRequired[str | None]


class ExtendRequest(TypedDict):
    """
    A job of the kind `extend`: the continuation of a song. Some gateways return only the new part, which `concat` can join.
    """

    gateway: Literal['auto'] | list[Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']] | Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']
    kind: Literal['extend']
    input: ExtendInput
    metadata: NotRequired[dict[str, str] | None]
    ambiguous_submit: NotRequired[Literal['fail', 'resubmit'] | None]
    callback_url: NotRequired[str | None]


class ExtractStemRequest(TypedDict):
    """
    A job of the kind `extract_stem`: two versions of one stem, each with the rest of the song. The titles tell them apart.
    """

    gateway: Literal['auto'] | list[Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']] | Literal['ttapi', 'anyint', 'crun', 'acedata', 'sunoapi', 'kie', 'evolink', 'newapi']
    kind: Literal['extract_stem']
    input: ExtractStemInput
    metadata: NotRequired[dict[str, str] | None]
    ambiguous_submit: NotRequired[Literal['fail', 'resubmit'] | None]
    callback_url: NotRequired[str | None]


JobRequest: TypeAlias = MusicRequest | ExtendRequest | CoverRequest | UploadRequest | UploadExtendRequest | UploadCoverRequest | LyricsRequest | StemsRequest | WavRequest | Mp4Request | CoverArtRequest | AddVocalsRequest | AddInstrumentalRequest | ReplaceSectionRequest | ConcatRequest | MashupRequest | PersonaRequest | TimestampedLyricsRequest | SoundsRequest | RemasterRequest | InspoRequest | AdjustSpeedRequest | AddStemRequest | ExtractStemRequest
