"""The submissions of sunoapi.org's family (sunoapi, kie, AnyInt): the fields of each operation, checked.

``ORDERS`` is keyed by what this package calls the operation; each gateway maps its paths to these words. A field that
gateways.md marks as required is required here, others are checked when given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from local.simulator.archive import Archive
from local.simulator.parts import FILM, PICTURES, SONG, SONGS, TEXT, TEXTS, TWELVE, WAV, Part, stems
from local.simulator.tasks import Source, Work
from local.simulator.wire import Fields, Json, Reason, Refusal, known

OLD_MODELS = ("V3_5", "V4")
V6_MODELS = ("V6", "V6_WILD", "V6_MINI")
TWO_STEMS = stems("vocal", "instrumental", "origin")
ALL_STEMS = stems("origin", "vocal", *TWELVE[1:])


@dataclass(frozen=True, slots=True)
class Order:
    """One request to one operation; ``models`` are the names that the gateway knows. ``jobs``: by the jobs route of kie.ai,
    where the callback URL is optional."""

    operation: str
    body: Json
    fields: Fields
    archive: Archive
    models: frozenset[str]
    jobs: bool = False

    def work(self, parts: tuple[Part, ...] = SONGS, *, callback_required: bool = True) -> Work:
        callback_url = self.fields.url("callBackUrl", required=callback_required and not self.jobs)
        return Work(self.operation, self.body, parts, callback_url=callback_url)

    def instant(self, parts: tuple[Part, ...]) -> Work:
        return Work(self.operation, self.body, parts, waits=True, instant=True)

    def track(self) -> Source:
        task_id, audio_id = self.fields.text("taskId", required=True), self.fields.text("audioId", required=True)
        return known(self.archive.of_track(audio_id, task_id), "the audio of that task was")

    def model(self, *, required: bool = False) -> str:
        return self.fields.word("model", self.models, required=required)


def parse(order: Order) -> Work:
    """Raises Refusal."""
    work = ORDERS[order.operation](order)
    return replace(work, undocumented=order.fields.others())


def _tuning(fields: Fields) -> None:
    fields.shares("styleWeight", "weirdnessConstraint", "audioWeight")
    fields.word("vocalGender", {"m", "f"})
    fields.word("personaModel", {"style_persona", "voice_persona"})
    fields.texts("negativeTags", "personaId")


def _music(order: Order) -> Work:
    fields = order.fields
    custom, instrumental = fields.flag("customMode", required=True), fields.flag("instrumental", required=True)
    model = order.model(required=True)
    _tuning(fields)
    _wishes(fields, model, custom=custom)
    old, v6 = model in OLD_MODELS, model in V6_MODELS
    longest = (3000 if old else 5000) if custom else 3000 if v6 else 500
    described = fields.text("prompt", required=not custom or not (v6 or instrumental), longest=longest)
    sung = fields.text("lyrics", longest=5000) if v6 else ""
    work = replace(
        order.work(),
        words=sung if custom and v6 else described,
        title=fields.text("title", required=custom and not v6, longest=80 if old or v6 or model == "V4_5ALL" else 100),
        style=fields.text("style", required=custom and not v6, longest=200 if old else 1000),
        model=model,
    )
    if custom and v6 and not (sung or work.style or fields.values.get("negativeTags")):
        raise Refusal(Reason.INVALID, "one of style, lyrics and negativeTags is required")
    return work


def _wishes(fields: Fields, model: str, *, custom: bool) -> None:
    """The fields of V6; the first one is also one of V5_5."""
    for name, models, lowest, highest in (
        ("duration", ("V5_5", *V6_MODELS), 10, 360),
        ("variety", V6_MODELS, 0, 4),
    ):
        if fields.number(name, lowest, highest) is not None and (not custom or model not in models):
            raise Refusal(Reason.INVALID, f"{name} requires custom mode and one of {', '.join(models)}")


def _variation(order: Order, *, source: Source | None = None) -> Work:
    """What the operations upon earlier or uploaded audio have in common."""
    fields = order.fields
    _tuning(fields)
    model, described = order.model(), fields.text("prompt", longest=5000)
    return replace(
        order.work(),
        words=(fields.text("lyrics", longest=5000) if model in V6_MODELS else "") or described,
        title=fields.text("title", longest=100),
        style=fields.text("style", longest=1000) or fields.text("tags", longest=1000),
        model=model,
        source=source,
    )


def _extend(order: Order) -> Work:
    fields = order.fields
    fields.flag("defaultParamFlag", required=not order.jobs)
    fields.number("continueAt")
    order.model(required=True)
    source = known(order.archive.of_track(fields.text("audioId", required=True)), "audioId was")
    return _variation(order, source=source)


def _upload_cover(order: Order) -> Work:
    order.fields.media_url("uploadUrl")
    return _with_modes(order)


def _with_modes(order: Order) -> Work:
    custom = order.fields.flag("customMode")
    order.fields.flag("instrumental")
    # kie.ai's cover has no modes.
    _wishes(order.fields, order.model(), custom=custom or (order.jobs and order.operation == "upload-cover"))
    return _variation(order)


def _upload_extend(order: Order) -> Work:
    order.fields.media_url("uploadUrl")
    order.fields.flag("defaultParamFlag")
    order.fields.flag("instrumental")
    order.fields.number("continueAt")
    return _variation(order)


def _upload_painted(order: Order) -> Work:
    order.fields.media_url("uploadUrl")
    return _variation(order)


def _mashup(order: Order) -> Work:
    order.fields.media_urls("uploadUrlList", 2, 2)
    return _with_modes(order)


def _replace_section(order: Order) -> Work:
    source = order.track()
    order.fields.span("infillStartS", "infillEndS", required=True)
    order.fields.text("fullLyrics")
    return _variation(order, source=source)


def _sounds(order: Order) -> Work:
    fields = order.fields
    fields.flag("soundLoop")
    fields.flag("grabLyrics")
    fields.number("soundTempo", 1, 300)
    fields.text("soundKey")
    return replace(order.work(), words=fields.text("prompt", required=True), model=order.model())


def _lyrics(order: Order) -> Work:
    return replace(order.work(TEXTS), words=order.fields.text("prompt", required=True))


def _vocal_removal(order: Order) -> Work:
    split = order.fields.word("type", {"separate_vocal", "split_stem"}) == "split_stem"
    return replace(order.work(ALL_STEMS if split else TWO_STEMS), source=order.track())


def _split_stem(order: Order) -> Work:
    order.fields.word("type", {"split_stem"})
    return replace(order.work(ALL_STEMS), source=order.track())


def _wav(order: Order) -> Work:
    """A second order for the same track is refused with the first one's task id; what the reply holds is not published."""
    source = order.track()
    if existing := order.archive.made(order.operation, source):
        raise Refusal(Reason.EXISTS, "WAV record already exists", existing=existing)
    return replace(order.work(WAV), source=source)


def _mp4(order: Order) -> Work:
    """A second order for the same track is refused, here without the first one's task id."""
    source = order.track()
    order.fields.text("author", longest=50)
    order.fields.text("domainName", longest=50)
    if order.archive.made(order.operation, source):
        raise Refusal(Reason.EXISTS, "MP4 record already exists")
    return replace(order.work(FILM), source=source)


def _cover_art(order: Order) -> Work:
    source = known(order.archive.of_task(order.fields.text("taskId", required=True)), "taskId was")
    if existing := order.archive.made(order.operation, source):
        raise Refusal(Reason.COVER_EXISTS, "Music cover has already been generated for this task", existing=existing)
    return replace(order.work(PICTURES), source=source)


def _recovery(order: Order) -> Work:
    source = known(order.archive.of_task(order.fields.text("sunoTaskId", required=True)), "sunoTaskId was")
    return replace(order.work(callback_required=False), source=source, recovers=True)


def _timestamped_lyrics(order: Order) -> Work:
    return replace(order.instant(TEXT), source=order.track())


def _style(order: Order) -> Work:
    return replace(order.instant(TEXT), words=order.fields.text("content", required=True))


def _persona(order: Order) -> Work:
    """The fields as suno-easy sends them."""
    order.fields.text("name", required=True)
    order.fields.text("description", required=True)
    order.fields.text("style")
    order.fields.span("vocalStart", "vocalEnd")
    return replace(order.instant(TEXT), source=order.track())


def _upload_url(order: Order) -> Work:
    order.fields.media_url("fileUrl")
    order.fields.text("uploadPath", required=True)
    order.fields.text("fileName")
    return order.instant(SONG)


def _upload_base64(order: Order) -> Work:
    order.fields.text("base64Data", required=True)
    order.fields.text("uploadPath", required=True)
    order.fields.text("fileName")
    return order.instant(SONG)


ORDERS: Mapping[str, Callable[[Order], Work]] = {
    "generate": _music,
    "extend": _extend,
    "upload-cover": _upload_cover,
    "upload-extend": _upload_extend,
    "add-vocals": _upload_painted,
    "add-instrumental": _upload_painted,
    "mashup": _mashup,
    "replace-section": _replace_section,
    "sounds": _sounds,
    "lyrics": _lyrics,
    "vocal-removal": _vocal_removal,
    "split-stem": _split_stem,
    "wav": _wav,
    "mp4": _mp4,
    "cover-art": _cover_art,
    "recovery": _recovery,
    "timestamped-lyrics": _timestamped_lyrics,
    "style": _style,
    "persona": _persona,
    "upload-url": _upload_url,
    "upload-base64": _upload_base64,
}
